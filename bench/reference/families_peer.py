"""What PyTorch and the processors of transformers make of a picture: the judge of the hub's families.

    families_peer.py REPOSITORY PICTURE OUT QUERY...

REPOSITORY is what export.random_families writes: settings, and the same weights for transformers in torch/. OUT gets
NumPy files: clipseg logits [Q, h, w]; owlv2 logits [P, Q], boxes [P, 4] in pixels; grounding-dino logits [Q, n, 256] and
boxes [Q, n, 4] in pixels, one caption a query, and ties [Q, n], whether the encoder's scores of a query and of its
neighbour in rank are equal but for rounding; sam masks [prompts, 3, H, W] of the picture's size, logits
[prompts, 3, h, w] and quality [prompts, 3] for the prompts in OUT/prompts.json. Prints {}.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from tokenizers import Tokenizer
from transformers import (
    AutoConfig,
    CLIPSegForImageSegmentation,
    GroundingDinoForObjectDetection,
    Owlv2ForObjectDetection,
    SamModel,
)
from transformers.models.grounding_dino.image_processing_pil_grounding_dino import GroundingDinoImageProcessorPil
from transformers.models.owlv2.image_processing_pil_owlv2 import Owlv2ImageProcessorPil
from transformers.models.sam.image_processing_pil_sam import SamImageProcessorPil
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

repository, picture, out, queries = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), sys.argv[4:]
image = Image.open(picture).convert("RGB")
settings = json.loads((repository / "preprocessor_config.json").read_text())
settings.pop("image_processor_type", None)
torch.set_num_threads(2)
out.mkdir(parents=True, exist_ok=True)


def save(name: str, value: torch.Tensor) -> None:
    np.save(out / f"{name}.npy", value.detach().float().numpy())


def tokens(texts: list[str], length: int | None, pad: int) -> dict[str, torch.Tensor]:
    tokenizer = Tokenizer.from_file(str(repository / "tokenizer.json"))
    rows = [tokenizer.encode(text).ids for text in texts]
    longest = length or max(map(len, rows))
    ids = torch.tensor([row + [pad] * (longest - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    return {"input_ids": ids, "attention_mask": mask}


def corners(boxes: torch.Tensor, width: int, height: int) -> torch.Tensor:
    cx, cy, w, h = boxes.unbind(-1)
    return torch.stack([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], -1) * torch.tensor([width, height] * 2)


def pixels(processor) -> dict[str, torch.Tensor]:
    made = processor(**settings)(image, return_tensors="pt")
    return {name: made[name] for name in ("pixel_values", "pixel_mask") if name in made}


def clipseg() -> None:
    model = CLIPSegForImageSegmentation.from_pretrained(repository / "torch").eval()
    logits = [model(**tokens([query], None, 49407), **pixels(ViTImageProcessorPil)).logits for query in queries]
    save("logits", torch.stack([each.reshape(each.shape[-2:]) for each in logits]))


def owlv2() -> None:
    model = Owlv2ForObjectDetection.from_pretrained(repository / "torch").eval()
    found = model(**tokens(queries, 16, 0), **pixels(Owlv2ImageProcessorPil))
    side = max(image.size)
    save("logits", found.logits[0])
    save("boxes", corners(found.pred_boxes[0], side, side))


def grounding_dino() -> None:
    model = GroundingDinoForObjectDetection.from_pretrained(repository / "torch").eval()
    inputs = pixels(GroundingDinoImageProcessorPil)

    def run(caption: str):
        read = tokens([caption], None, 0)
        return model(**read, **inputs, token_type_ids=torch.zeros_like(read["input_ids"]))

    found = [run(f"{query}.") for query in queries]
    save("logits", torch.cat([each.logits for each in found]))
    save("boxes", torch.cat([corners(each.pred_boxes, *image.size) for each in found]))
    count = found[0].pred_boxes.shape[1]
    save("ties", torch.stack([near_ties(each.enc_outputs_class[0].max(-1)[0], count) for each in found]))


def near_ties(scores: torch.Tensor, n: int) -> torch.Tensor:
    """
    Whether rounding may swap a rank with its neighbour, for the first n of the encoder's scores [positions]. A query's content belongs
    to its rank: two that swap are two other boxes. Positions of the padding have exactly one score and one box, so that theirs do not count.
    """
    ranked = torch.topk(scores, n + 1)[0]
    unit = torch.finfo(torch.float32).eps * ranked.abs()
    gaps = ranked[:-1] - ranked[1:]
    close = (gaps > 0) & (gaps < 16 * unit[:-1])
    return close | torch.cat([torch.tensor([False]), close[:-1]])


def sam() -> None:
    model = SamModel.from_pretrained(repository / "torch").eval()
    processor = SamImageProcessorPil(**settings)
    made = processor(image, return_tensors="pt")
    prompts = json.loads((out / "prompts.json").read_text())
    height, width = made["reshaped_input_sizes"][0].tolist()
    scale = torch.tensor([width / image.width, height / image.height])
    prompt = {
        "input_points": torch.tensor(prompts["points"], dtype=torch.float32)[None] * scale,
        "input_labels": torch.tensor(prompts["labels"])[None],
    }
    if "boxes" in prompts:
        prompt["input_boxes"] = torch.tensor(prompts["boxes"], dtype=torch.float32)[None] * scale.repeat(2)
    found = model(pixel_values=made["pixel_values"], **prompt)
    logits = found.pred_masks[0]
    masks = processor.post_process_masks(
        found.pred_masks, made["original_sizes"], made["reshaped_input_sizes"], binarize=True
    )
    save("logits", logits)
    save("quality", found.iou_scores[0])
    save("masks", masks[0])


with torch.inference_mode():
    family = AutoConfig.from_pretrained(repository / "torch", local_files_only=True).model_type
    {"clipseg": clipseg, "owlv2": owlv2, "grounding-dino": grounding_dino, "sam": sam}[family]()
print(json.dumps({}))
