"""Exports CLIPSeg, OWLv2, Grounding DINO and SAM of Hugging Face's transformers to the hub's ONNX layout.

OUT gets config.json, preprocessor_config.json, tokenizer.json and onnx/*.onnx, as repositories for Transformers.js
have them. Names of inputs and outputs are those of Optimum's exports:

    clipseg         input_ids, attention_mask [T, L], pixel_values [1, 3, 352, 352] -> logits [T, 352, 352]
    owlv2           input_ids, attention_mask [Q, L], pixel_values [1, 3, S, S] -> logits [1, P, Q], pred_boxes [1, P, 4]
    grounding-dino  input_ids, token_type_ids, attention_mask [1, T], pixel_values [1, 3, H, W], pixel_mask [1, H, W]
                    -> logits [1, Q, 256], pred_boxes [1, Q, 4]
    sam             vision_encoder: pixel_values [1, 3, S, S] -> image_embeddings, image_positional_embeddings
                    prompt_encoder_mask_decoder: these, input_points [1, P, N, 2], input_labels [1, P, N] and
                    input_boxes [1, P, 4] -> iou_scores [1, P, 3], pred_masks [1, P, 3, S/4, S/4]
"""

from __future__ import annotations

import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from .checkpoint import CheckpointError
from .detector import phrase_masks, single_precision

OPSET = 17
FAMILIES = ("clipseg", "owlv2", "grounding-dino", "sam")
SETTINGS = ("config.json", "preprocessor_config.json", "tokenizer.json", "tokenizer_config.json")
# Grounding DINO is traced at one size; smaller images are padded, as its processor pads a batch.
DINO_SIZE = (800, 1072)
SEPARATORS = (101, 102, 1012, 1029)  # [CLS] [SEP] . ?
MAX_TEXT = 16


@dataclass(frozen=True)
class Part:
    """One ONNX file: `stem`.onnx, its module, and inputs by name."""

    stem: str
    module: nn.Module
    inputs: dict[str, Tensor]
    outputs: tuple[str, ...]
    dynamic: dict[str, dict[int, str]]


class ClipSeg(nn.Module):
    """Texts and one image: the features of the image are computed once, whatever the number of texts."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, pixel_values: Tensor, attention_mask: Tensor) -> Tensor:
        model = self.model
        text = model.clip.get_text_features(input_ids, attention_mask=attention_mask).pooler_output
        vision = model.clip.vision_model(
            pixel_values=pixel_values, output_hidden_states=True, interpolate_pos_encoding=True
        )
        taps = [vision.hidden_states[index + 1] for index in model.extract_layers]
        return model.decoder(taps, text).logits.reshape(-1, pixel_values.shape[2], pixel_values.shape[3])


class Owl(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, pixel_values: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        found = self.model(pixel_values=pixel_values, input_ids=input_ids, attention_mask=attention_mask)
        return found.logits, found.pred_boxes


class Dino(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(
        self,
        pixel_values: Tensor,
        input_ids: Tensor,
        token_type_ids: Tensor,
        attention_mask: Tensor,
        pixel_mask: Tensor,
    ) -> tuple[Tensor, Tensor]:
        found = self.model(
            pixel_values=pixel_values,
            input_ids=input_ids,
            token_type_ids=token_type_ids,
            attention_mask=attention_mask,
            pixel_mask=pixel_mask,
        )
        return found.logits, found.pred_boxes


class SamVision(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixel_values: Tensor) -> tuple[Tensor, Tensor]:
        places = self.model.get_image_wide_positional_embeddings()
        return self.model.vision_encoder(pixel_values)[0], places.repeat(pixel_values.shape[0], 1, 1, 1)


class SamPrompt(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, input_points: Tensor, input_labels: Tensor, input_boxes: Tensor, embeddings: Tensor, places: Tensor
    ) -> tuple[Tensor, Tensor]:
        sparse, dense = self.model.prompt_encoder(
            input_points=input_points, input_labels=input_labels, input_boxes=input_boxes, input_masks=None
        )
        masks, scores = self.model.mask_decoder(
            image_embeddings=embeddings,
            image_positional_embeddings=places,
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
            multimask_output=True,
        )
        return scores, masks


class SamPoints(SamPrompt):
    """Points alone, as the hub's main branch has it."""

    def forward(  # type: ignore[override]
        self, input_points: Tensor, input_labels: Tensor, embeddings: Tensor, places: Tensor
    ) -> tuple[Tensor, Tensor]:
        return super().forward(input_points, input_labels, None, embeddings, places)  # type: ignore[arg-type]


def model_class(kind: str) -> type:
    import transformers

    classes = {
        "clipseg": "CLIPSegForImageSegmentation",
        "owlv2": "Owlv2ForObjectDetection",
        "grounding-dino": "GroundingDinoForObjectDetection",
        "sam": "SamModel",
    }
    if kind not in classes:
        raise CheckpointError(f"config.json names the architecture {kind}; wanted {', '.join(classes)}")
    return getattr(transformers, classes[kind])


def attention_of(kind: str) -> str | None:
    """Attention written out, but for Grounding DINO: written out, its text side adds the mask of the phrases as 0 and 1
    instead of masking with it (transformers 5.23). None lets each of its parts choose."""
    return None if kind == "grounding-dino" else "eager"


def load_family(folder: Path) -> nn.Module:
    """The model of a folder as `save_pretrained` writes it, float32. Raises CheckpointError."""
    from transformers import AutoConfig

    try:
        kind = AutoConfig.from_pretrained(folder, local_files_only=True).model_type
        found, info = model_class(kind).from_pretrained(
            folder,
            local_files_only=True,
            dtype=torch.float32,
            attn_implementation=attention_of(kind),
            output_loading_info=True,
        )
    except CheckpointError:
        raise
    except Exception as error:  # transformers meets damaged folders with errors of almost any kind
        raise CheckpointError(f"{folder}: {first_line(error)}") from error
    missing = [name for name in info["missing_keys"] if not name.endswith("position_ids")]
    if missing:
        raise CheckpointError(f"{folder}: {sorted(missing)[0]} is missing from the weights")
    return found.eval()


def first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def parts_of(model: nn.Module, boxes: bool = True, dino_size: tuple[int, int] = DINO_SIZE) -> list[Part]:
    """What is exported of a model. `boxes`: SAM's decoder takes boxes besides points. `dino_size`: height, width."""
    kind = model.config.model_type
    if kind == "sam":
        return _sam_parts(model, boxes)
    if kind == "grounding-dino":
        return [_dino_part(model, dino_size)]
    side = 352 if kind == "clipseg" else model.config.vision_config.image_size
    length = MAX_TEXT
    ids = torch.full((2, length), 7)
    ids[:, 0], ids[:, -1] = 49406, 49407
    inputs = {
        "input_ids": ids,
        "pixel_values": torch.rand(1, 3, side, side),
        "attention_mask": torch.ones_like(ids),
    }
    if kind == "clipseg":
        texts = {name: {0: "texts", 1: "length"} for name in ("input_ids", "attention_mask")}
        return [Part("model", ClipSeg(model).eval(), inputs, ("logits",), {**texts, "logits": {0: "texts"}})]
    # OWLv2 pads every text to its context, so only the number of texts varies.
    texts = {name: {0: "texts"} for name in ("input_ids", "attention_mask")}
    return [Part("model", Owl(model).eval(), inputs, ("logits", "pred_boxes"), {**texts, "logits": {2: "texts"}})]


def _dino_part(model: nn.Module, size: tuple[int, int]) -> Part:
    from transformers.models.grounding_dino import modeling_grounding_dino as module

    module.generate_masks_with_special_tokens_and_transfer_map = phrase_masks
    height, width = size
    # Separators must be there, or the masks of the phrases would be traced away; so must some padding of the image.
    ids = torch.tensor([[101, 50, 51, 52, 1012, 53, 54, 1012, 102]])
    mask = torch.ones(1, height, width, dtype=torch.int64)
    mask[:, height - height // 8 :] = 0
    inputs = {
        "pixel_values": torch.rand(1, 3, height, width),
        "input_ids": ids,
        "token_type_ids": torch.zeros_like(ids),
        "attention_mask": torch.ones_like(ids),
        "pixel_mask": mask,
    }
    dynamic = {name: {1: "length"} for name in ("input_ids", "token_type_ids", "attention_mask")}
    return Part("model", Dino(model).eval(), inputs, ("logits", "pred_boxes"), dynamic)


def _sam_parts(model: nn.Module, boxes: bool) -> list[Part]:
    config = model.config
    side = config.vision_config.image_size
    grid, width = side // config.vision_config.patch_size, config.vision_config.output_channels
    vision = Part(
        "vision_encoder",
        SamVision(model).eval(),
        {"pixel_values": torch.rand(1, 3, side, side)},
        ("image_embeddings", "image_positional_embeddings"),
        {},
    )
    prompts = {
        "input_points": torch.rand(1, 2, 3, 2) * side,
        "input_labels": torch.ones(1, 2, 3, dtype=torch.int64),
        **({"input_boxes": torch.tensor([[[0.1, 0.1, 0.6, 0.7], [0.2, 0.3, 0.9, 0.8]]]) * side} if boxes else {}),
    }
    dynamic = {
        "input_points": {1: "prompts", 2: "points"},
        "input_labels": {1: "prompts", 2: "points"},
        "input_boxes": {1: "prompts"},
        "iou_scores": {1: "prompts"},
        "pred_masks": {1: "prompts"},
    }
    features = {
        "image_embeddings": torch.rand(1, width, grid, grid),
        "image_positional_embeddings": torch.rand(1, width, grid, grid),
    }
    if not boxes:
        dynamic.pop("input_boxes")
    decoder = Part(
        "prompt_encoder_mask_decoder",
        (SamPrompt if boxes else SamPoints)(model).eval(),
        {**prompts, **features},
        ("iou_scores", "pred_masks"),
        dynamic,
    )
    return [vision, decoder]


def write_part(part: Part, path: Path) -> None:
    """Traces a part into `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            part.module,
            tuple(part.inputs.values()),
            str(path),
            input_names=list(part.inputs),
            output_names=list(part.outputs),
            dynamic_axes=part.dynamic or None,
            opset_version=OPSET,
            dynamo=False,
        )
    single_precision(path)


def copy_settings(folder: Path, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for name in SETTINGS:
        if (folder / name).is_file():
            shutil.copyfile(folder / name, out / name)
