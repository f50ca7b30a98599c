"""Small randomly initialised open-set detectors of transformers, and what PyTorch finds with them.

    detectors.py FOLDER            writes FOLDER/{owlv2,grounding-dino} as save_pretrained does, with a tokenizer
    detectors.py FOLDER PICTURE    prints {"owlv2": {scores, boxes}, ...}: boxes in pixels, from PIL picture on
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "models"))

import numpy as np  # noqa: E402
import torch  # noqa: E402
from export.vocabulary import read_merges, tokenizer_json  # noqa: E402
from PIL import Image  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402
from transformers import (  # noqa: E402
    BertConfig,
    GroundingDinoConfig,
    GroundingDinoForObjectDetection,
    Owlv2Config,
    Owlv2ForObjectDetection,
    SwinConfig,
)

SENTENCE = "the red mug on the left"
folder = Path(sys.argv[1])


def bert_tokenizer() -> str:
    """Word pieces over letters, in BERT's manner, with its special ids 0, 101, 102 and 1012 for the full stop."""
    vocab = {f"[unused{i}]": i for i in range(1100)}
    for token, index in (("[PAD]", 0), ("[UNK]", 100), ("[CLS]", 101), ("[SEP]", 102), (".", 1012), ("?", 1029)):
        del vocab[f"[unused{index}]"]
        vocab[token] = index
    for index, letter in enumerate("abcdefghijklmnopqrstuvwxyz"):
        for at, token in ((200 + index, letter), (300 + index, f"##{letter}")):
            del vocab[f"[unused{at}]"]
            vocab[token] = at
    special = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    content = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": vocab[t], "content": t, **special} for t in ("[PAD]", "[UNK]", "[CLS]", "[SEP]")],
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": True,
            "strip_accents": None,
            "lowercase": True,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [
                {"SpecialToken": {"id": "[CLS]", "type_id": 0}},
                {"Sequence": {"id": "A", "type_id": 0}},
                {"SpecialToken": {"id": "[SEP]", "type_id": 0}},
            ],
            "pair": [
                {"SpecialToken": {"id": "[CLS]", "type_id": 0}},
                {"Sequence": {"id": "A", "type_id": 0}},
                {"SpecialToken": {"id": "[SEP]", "type_id": 0}},
                {"Sequence": {"id": "B", "type_id": 1}},
                {"SpecialToken": {"id": "[SEP]", "type_id": 1}},
            ],
            "special_tokens": {t: {"id": t, "ids": [vocab[t]], "tokens": [t]} for t in ("[CLS]", "[SEP]")},
        },
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": vocab,
        },
    }
    return json.dumps(content)


def make() -> None:
    torch.manual_seed(4)
    owl = Owlv2ForObjectDetection(
        Owlv2Config(
            text_config={
                "hidden_size": 32,
                "intermediate_size": 64,
                "num_hidden_layers": 2,
                "num_attention_heads": 2,
                "max_position_embeddings": 16,
            },
            vision_config={
                "hidden_size": 32,
                "intermediate_size": 64,
                "num_hidden_layers": 2,
                "num_attention_heads": 2,
                "image_size": 96,
                "patch_size": 16,
            },
            projection_dim=32,
        )
    )
    dino = GroundingDinoForObjectDetection(
        GroundingDinoConfig(
            backbone_config=SwinConfig(
                image_size=64,
                patch_size=4,
                embed_dim=16,
                depths=[1, 1, 1, 1],
                num_heads=[1, 2, 2, 4],
                window_size=4,
                out_features=["stage2", "stage3", "stage4"],
            ),
            text_config=BertConfig(
                hidden_size=32,
                num_hidden_layers=2,
                num_attention_heads=2,
                intermediate_size=64,
                vocab_size=1100,
            ),
            d_model=32,
            encoder_layers=2,
            decoder_layers=2,
            encoder_attention_heads=2,
            decoder_attention_heads=2,
            encoder_ffn_dim=64,
            decoder_ffn_dim=64,
            num_queries=20,
        )
    )
    for name, model, tokenizer in (
        ("owlv2", owl, tokenizer_json(read_merges())),
        ("grounding-dino", dino, bert_tokenizer()),
    ):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter) * 0.05)
        model.save_pretrained(folder / name)
        (folder / name / "tokenizer.json").write_text(tokenizer, encoding="utf-8")


def find(picture: Path) -> None:
    answers = {}
    for name, cls in (("owlv2", Owlv2ForObjectDetection), ("grounding-dino", GroundingDinoForObjectDetection)):
        description = json.loads((folder / f"{name}-onnx" / "detector.json").read_text())
        model = cls.from_pretrained(folder / name).eval()
        shape = description["input"]
        opened = Image.open(picture).convert("RGB")
        full_width, full_height = opened.size
        if name == "owlv2":
            side = max(opened.size)
            square = Image.new("RGB", (side, side), (128, 128, 128))
            square.paste(opened, (0, 0))
            opened, full_width, full_height = square, side, side
        resized = opened.resize((shape["width"], shape["height"]), Image.Resampling.BILINEAR)
        pixels = torch.from_numpy(np.array(resized)).permute(2, 0, 1)[None].float() / 255
        mean, std = (torch.tensor(shape[key])[None, :, None, None] for key in ("mean", "std"))
        encoded = Tokenizer.from_file(str(folder / name / "tokenizer.json")).encode(
            SENTENCE + ("" if name == "owlv2" else ".")
        )
        ids = encoded.ids + [0] * (16 - len(encoded.ids) if name == "owlv2" else 0)
        mask = [1] * len(encoded.ids) + [0] * (len(ids) - len(encoded.ids))
        inputs = {
            "pixel_values": (pixels - mean) / std,
            "input_ids": torch.tensor([ids]),
            "attention_mask": torch.tensor([mask]),
        }
        with torch.inference_mode():
            found = model(**inputs)
        scores = torch.sigmoid(found.logits[0]).amax(-1)
        cx, cy, w, h = found.pred_boxes[0].unbind(-1)
        boxes = torch.stack([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], -1)
        boxes = boxes * torch.tensor([full_width, full_height, full_width, full_height])
        answers[name] = {"scores": scores.tolist(), "boxes": boxes.tolist()}
    print(json.dumps(answers))


if len(sys.argv) == 2:
    make()
else:
    find(Path(sys.argv[2]))
