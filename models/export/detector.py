"""Exports an open-set detector of Hugging Face's transformers (OWLv2 or Grounding DINO) to one ONNX file.

    python -m export.detector --model FOLDER --out FOLDER [--width 960 --height 960]

`--model` is a folder as `save_pretrained` writes it (config.json, weights, tokenizer.json). OUT gets detector.onnx,
tokenizer.json and detector.json. Inputs: pixel_values float32 [1, 3, H, W], input_ids and attention_mask int64
[1, T] (and token_type_ids for Grounding DINO). Outputs: scores float32 [Q] (after the sigmoid, best over the tokens)
and boxes float32 [Q, 4]: centre x, centre y, width, height as shares of the input.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from .hashes import sha256


CLIP_MEAN, CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Owl(nn.Module):
    inputs = ("pixel_values", "input_ids", "attention_mask")

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixel_values: Tensor, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        found = self.model(pixel_values=pixel_values, input_ids=input_ids, attention_mask=attention_mask)
        return torch.sigmoid(found.logits[0].amax(dim=-1)), found.pred_boxes[0]


class Dino(nn.Module):
    inputs = ("pixel_values", "input_ids", "attention_mask", "token_type_ids")

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, pixel_values: Tensor, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor
    ) -> tuple[Tensor, Tensor]:
        found = self.model(
            pixel_values=pixel_values,
            input_ids=input_ids,
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
        )
        return torch.sigmoid(found.logits[0]).amax(dim=-1), found.pred_boxes[0]


def phrase_masks(input_ids: Tensor, special_tokens: Tensor) -> tuple[Tensor, Tensor]:
    """Which tokens see each other (those between the same two separators), and each one's place in its phrase.

    transformers computes the same with running maxima, which ONNX lacks; here it is comparisons and extrema over a
    T x T table.
    """
    length = input_ids.shape[1]
    special = (input_ids[..., None] == special_tokens.to(input_ids)).any(-1)
    index = torch.arange(length, device=input_ids.device)
    after = index[None, :] >= index[:, None]
    before = index[None, :] < index[:, None]
    nothing = torch.full_like(index, -1)[None, None]
    upcoming = torch.where(after[None] & special[:, None], index[None, None], nothing + 1 + length).amin(-1)
    previous = torch.where(before[None] & special[:, None], index[None, None], nothing).amax(-1)
    closed = (upcoming != 0) & (upcoming != length - 1) & (upcoming != length)
    together = (upcoming[:, :, None] == upcoming[:, None, :]) & closed[:, None, :]
    seen = together | (index[None, :, None] == index[None, None, :])
    places = torch.where(closed, index[None] - previous - 1, torch.zeros_like(upcoming))
    return seen, places


def single_precision(path: Path) -> None:
    """Tracing leaves some positions in double precision, which ONNX Runtime's GridSample does not take."""
    import numpy as np
    import onnx
    from onnx import TensorProto, numpy_helper

    def narrow(tensor: onnx.TensorProto) -> None:
        if tensor.data_type == TensorProto.DOUBLE:
            values = numpy_helper.to_array(tensor).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))

    model = onnx.load(path)
    for tensor in model.graph.initializer:
        narrow(tensor)
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.TENSOR:
                narrow(attribute.t)
            elif node.op_type == "Cast" and attribute.name == "to" and attribute.i == TensorProto.DOUBLE:
                attribute.i = TensorProto.FLOAT
    del model.graph.value_info[:]
    onnx.save(model, path)


def exportable(model: nn.Module) -> nn.Module:
    if model.config.model_type == "owlv2":
        return Owl(model).eval()
    from transformers.models.grounding_dino import modeling_grounding_dino as module

    module.generate_masks_with_special_tokens_and_transfer_map = phrase_masks
    return Dino(model).eval()


def load(folder: Path) -> nn.Module:
    from transformers import AutoConfig, GroundingDinoForObjectDetection, Owlv2ForObjectDetection

    classes = {"owlv2": Owlv2ForObjectDetection, "grounding-dino": GroundingDinoForObjectDetection}
    kind = AutoConfig.from_pretrained(folder, local_files_only=True).model_type
    if kind not in classes:
        raise SystemExit(f"detector: {folder} holds a {kind}; wanted {' or '.join(classes)}")
    return classes[kind].from_pretrained(folder, local_files_only=True).eval()


def export(folder: Path, out: Path, width: int, height: int) -> None:
    tokenizer = folder / "tokenizer.json"
    if not tokenizer.is_file():
        raise SystemExit(f"detector: {tokenizer} is missing; save the processor beside the model")
    model = load(folder)
    kind = model.config.model_type
    owl = kind == "owlv2"
    wrapped = exportable(model)
    if owl:
        width = height = model.config.vision_config.image_size
    tokens = model.config.text_config.max_position_embeddings if owl else 9
    # [CLS] words . [SEP]: Grounding DINO's separators must be there, or its masks would be traced away.
    ids = torch.full((1, tokens), 7) if owl else torch.tensor([[101, 50, 51, 52, 1012, 53, 54, 1012, 102]])
    values = {
        "pixel_values": torch.rand(1, 3, height, width),
        "input_ids": ids,
        "attention_mask": torch.ones_like(ids),
        "token_type_ids": torch.zeros_like(ids),
    }
    args = tuple(values[name] for name in wrapped.inputs)
    out.mkdir(parents=True, exist_ok=True)
    path = out / "detector.onnx"
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            wrapped,
            args,
            str(path),
            input_names=list(wrapped.inputs),
            output_names=["scores", "boxes"],
            dynamic_axes=None if owl else {name: {1: "T"} for name in wrapped.inputs[1:]},
            opset_version=17,
            dynamo=False,
        )
    single_precision(path)
    shutil.copyfile(tokenizer, out / "tokenizer.json")
    description = {
        "format": 1,
        "family": kind,
        "file": "detector.onnx",
        "sha256": sha256(path),
        "inputs": list(wrapped.inputs),
        "input": {
            "width": width,
            "height": height,
            "resize": "pad-square" if owl else "stretch",
            "scale": 1 / 255,
            "mean": CLIP_MEAN if owl else IMAGENET_MEAN,
            "std": CLIP_STD if owl else IMAGENET_STD,
        },
        "text": {
            "tokenizer": "tokenizer.json",
            "sha256": sha256(out / "tokenizer.json"),
            "max_tokens": tokens if owl else min(256, model.config.max_text_len),
            "pad_to_max": owl,
            "pad_id": 0,
            "suffix": "" if owl else ".",
        },
    }
    (out / "detector.json").write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description="Export OWLv2 or Grounding DINO to ONNX.")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--width", type=int, default=800, help="Grounding DINO; OWLv2 has a size of its own")
    parser.add_argument("--height", type=int, default=608)
    args = parser.parse_args()
    export(args.model, args.out, args.width, args.height)
    return 0


if __name__ == "__main__":
    sys.exit(main())
