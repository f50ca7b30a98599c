"""Trained weights -> the model folder: encoder.onnx, text.onnx, decoder.onnx, tokenizer.json, manifest.json.

    python models/training/export.py --run DIR [--out models/lite] [--bundled models/lite] [--metrics FILE.json]

Weights are stored small and unfolded when the session loads: 16-bit floats behind a Cast, and MiniLM's matrices as 8-bit
integers with one scale a column behind Cast and Mul. onnxruntime folds both, so speed is that of 32-bit weights.
Every file is checked against PyTorch before the manifest is written. With `--bundled` the sentence model is that folder's,
byte for byte, and so is the encoder where the run did not train it: neither needs the packages they came from.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from torch import Tensor, nn

from bundled import load_bundled
from features import HEIGHT, PIXEL_MEAN, PIXEL_SCALE, PIXEL_STD, WIDTH, EfficientNetLite2, load_encoder
from instance_head import masks_of
from model import Config, FramePart, LiteModel
from text import MAX_TOKENS, MiniLM, load_text, load_tokenizer, tokenizer_json

OPSET = 17
FRAME_OUTPUTS = ["level_0", "level_1", "level_2", "level_3", "level_4", "class_logits", "class_probability"]
INSTANCE_OUTPUTS = ["instance_features", "instance_kernels"]
CANDIDATE_OUTPUTS = ["candidate_logits", "candidate_mass", "candidate_quality"]
CANDIDATES = 10
"""Places of an answer whose instances the decoder draws."""
SMALL = 4096
"""Tensors with fewer elements stay 32-bit."""


class FrameGraph(nn.Module):
    """image [N,3,H,W] -> FRAME_OUTPUTS (and INSTANCE_OUTPUTS): the encoder and all of the decoder that depends on the
    image alone."""

    def __init__(self, encoder: EfficientNetLite2, frame: FramePart, instances: nn.Module | None = None):
        super().__init__()
        self.encoder, self.frame, self.instances = encoder, frame, instances

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        maps = self.encoder(image)
        extra = () if self.instances is None else self.instances(maps)
        return (*self.frame(maps, self.encoder.dense_logits(maps["s32b"])), *extra)


class DecoderGraph(nn.Module):
    """FRAME_OUTPUTS of one picture, tokens and attention_mask of Q queries -> logits [Q,1,h,w], presence [Q]."""

    def __init__(self, model: LiteModel, temperature: float, presence_scale: float, presence_bias: float):
        super().__init__()
        self.decoder = model.decoder
        self.temperature, self.scale, self.bias = temperature, presence_scale, presence_bias

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        *frame, tokens, mask = inputs
        out = self.decoder(list(frame[:7]), tokens, mask)
        plain = out["logits"] / self.temperature, out["presence"] * self.scale + self.bias
        return (*plain, *self.candidates(out, frame[7], frame[8])) if self.decoder.c.instances else plain

    def candidates(self, out: dict[str, Tensor], features: Tensor, kernels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Instances at the highest local maxima of the place map, CANDIDATES of them: mask logits [Q,K,8h,8w], the share
        of the place map's mass that lies in each one's mask [Q,K] and the logit of the mask's quality [Q,K]."""
        d = self.decoder
        h, w = 2 * d.h, 2 * d.w
        spot = out["spot"]
        square = spot.reshape(-1, 1, h, w)
        peak = (square >= F.max_pool2d(square, 3, stride=1, padding=1)).flatten(1).to(spot.dtype)
        _, cells = torch.topk(spot - (1 - peak) * 1000.0, CANDIDATES, dim=1)
        kernel = kernels.transpose(1, 2)[0][cells]  # one image: [Q,K,KERNEL]
        bend = d.bend(torch.gather(out["fused"], 1, cells[:, :, None].expand(-1, -1, out["fused"].shape[2])))
        kernel = kernel + bend
        masks = masks_of(features.expand(spot.shape[0], -1, -1), kernel, d.cells.t()[cells], d.points)
        masks = masks.reshape(-1, CANDIDATES, 4 * h, 4 * w)
        cover = F.avg_pool2d(torch.sigmoid(masks), 4).flatten(2)
        mass = (cover * torch.softmax(spot, dim=1)[:, None]).sum(-1)
        return masks, mass, kernel[:, :, -1]


def export_graph(module: nn.Module, inputs: tuple, path: Path, names: list[str], outputs: list[str], axes: dict) -> None:
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(), inputs, str(path), input_names=names, output_names=outputs, dynamic_axes=axes,
            opset_version=OPSET, dynamo=False, do_constant_folding=True,
        )  # fmt: skip


def constant(graph: onnx.GraphProto, name: str, opsets: list) -> np.ndarray | None:
    """Value of a tensor that the graph computes of constants alone; None where it depends on an input."""
    made = {o: n for n in graph.node for o in n.output}
    stored = {i.name: i for i in graph.initializer}
    nodes: dict[int, onnx.NodeProto] = {}
    initializers: dict[str, TensorProto] = {}

    def follow(value: str) -> bool:
        if value in stored:
            initializers[value] = stored[value]
            return True
        node = made.get(value)
        if node is None:
            return False
        if id(node) in nodes:
            return True
        if not all(follow(i) for i in node.input if i):
            return False
        nodes[id(node)] = node  # after the nodes it needs
        return True

    if not follow(name):
        return None
    if name in stored:
        return numpy_helper.to_array(stored[name])
    output = helper.make_tensor_value_info(name, TensorProto.UNDEFINED, None)
    part = helper.make_graph(list(nodes.values()), "constant", [], [output], list(initializers.values()))
    return ReferenceEvaluator(helper.make_model(part, opset_imports=opsets)).run(None, {})[0]


def fuse_pads(model: onnx.ModelProto) -> None:
    """Zero padding in front of a convolution becomes the convolution's own `pads`. The exporter computes the amounts by
    nodes, so ONNX Runtime does not: it would leave its blocked layout for each Pad, a fifth of the encoder's time."""
    graph = model.graph
    pads = {n.output[0]: n for n in graph.node if n.op_type == "Pad"}
    for node in graph.node:
        if node.op_type != "Conv" or node.input[0] not in pads:
            continue
        pad = pads[node.input[0]]
        amounts = constant(graph, pad.input[1], list(model.opset_import))
        if amounts is None:
            continue
        for a in node.attribute:
            if a.name == "pads":  # n c h w begins, n c h w ends
                a.ints[:] = [int(amounts[k]) for k in (2, 3, 6, 7)]
        node.input[0] = pad.input[0]
    drop_unused(graph)


def drop_unused(graph: onnx.GraphProto) -> None:
    """Removes nodes and initializers that no output needs."""
    while True:
        used = {i for n in graph.node for i in n.input} | {o.name for o in graph.output}
        dead = [n for n in graph.node if used.isdisjoint(n.output)]
        if not dead:
            break
        for n in dead:
            graph.node.remove(n)
    for i in [i for i in graph.initializer if i.name not in used]:
        graph.initializer.remove(i)


def shrink_weights(model: onnx.ModelProto, int8: bool) -> None:
    """Large 32-bit initializers -> 16-bit floats with Cast, or 8-bit integers with Cast and Mul (`int8`)."""
    graph = model.graph
    gathers = {n.input[0]: n for n in graph.node if n.op_type == "Gather"}
    front: list[onnx.NodeProto] = []
    for init in list(graph.initializer):
        if init.data_type != TensorProto.FLOAT:
            continue
        x = numpy_helper.to_array(init)
        if x.size < SMALL:
            continue
        graph.initializer.remove(init)
        name = init.name
        if int8 and x.ndim == 2 and name in gathers:
            # A word table: rows are picked first and unfolded after, so it stays 8-bit in memory.
            scale = (np.abs(x).max(1, keepdims=True) / 127).astype(np.float32) + 1e-12
            graph.initializer.append(numpy_helper.from_array(np.round(x / scale).astype(np.int8), name + "_q"))
            graph.initializer.append(numpy_helper.from_array(scale, name + "_s"))
            node = gathers[name]
            out, index = node.output[0], node.input[1]
            node.input[0], node.output[0] = name + "_q", out + "_q"
            at = list(graph.node).index(node)
            graph.node.insert(at + 1, helper.make_node("Cast", [out + "_q"], [out + "_f"], to=TensorProto.FLOAT))
            graph.node.insert(at + 2, helper.make_node("Gather", [name + "_s", index], [out + "_r"], axis=0))
            graph.node.insert(at + 3, helper.make_node("Mul", [out + "_f", out + "_r"], [out]))
        elif int8 and x.ndim == 2:
            scale = (np.abs(x).max(0, keepdims=True) / 127).astype(np.float32) + 1e-12
            graph.initializer.append(numpy_helper.from_array(np.round(x / scale).astype(np.int8), name + "_q"))
            graph.initializer.append(numpy_helper.from_array(scale, name + "_s"))
            front.append(helper.make_node("Cast", [name + "_q"], [name + "_f"], to=TensorProto.FLOAT))
            front.append(helper.make_node("Mul", [name + "_f", name + "_s"], [name]))
        else:
            graph.initializer.append(numpy_helper.from_array(np.clip(x, -65000, 65000).astype(np.float16), name + "_h"))
            front.append(helper.make_node("Cast", [name + "_h"], [name], to=TensorProto.FLOAT))
    for node in reversed(front):
        graph.node.insert(0, node)


def finish(raw: Path, out: Path, int8: bool = False, description: str = "") -> None:
    model = onnx.load(str(raw))
    fuse_pads(model)
    shrink_weights(model, int8)
    model.producer_name, model.producer_version = "grasp-grounding", "1"
    model.doc_string = description
    for node in model.graph.node:
        node.doc_string = ""
    onnx.checker.check_model(model)
    onnx.save(model, str(out))


def session(path: Path, threads: int = 2) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def export_all(
    model: LiteModel, encoder: EfficientNetLite2, text_net: MiniLM, out: Path, calibration: dict, ready: Path | None = None
) -> dict[str, float]:
    """Writes the three graphs and the tokenizer, returns the largest differences from PyTorch. `ready`: a folder whose
    text.onnx is taken as it is."""
    out.mkdir(parents=True, exist_ok=True)
    model.eval()
    whole = model.config.instances
    outputs = [*FRAME_OUTPUTS, *(INSTANCE_OUTPUTS if whole else [])]
    answers = ["logits", "presence", *(CANDIDATE_OUTPUTS if whole else [])]
    frame_graph = FrameGraph(encoder, model.frame, model.instances if whole else None)
    decoder_graph = DecoderGraph(model, calibration["temperature"], calibration["scale"], calibration["bias"])
    torch.manual_seed(0)
    image = torch.rand(1, 3, HEIGHT, WIDTH) * 2 - 1
    tokenizer = load_tokenizer()
    texts = ["the red mug on the left", "something to cut with"]
    encoded = tokenizer.encode_batch(texts)
    length = max(len(e.ids) for e in encoded)
    ids = torch.tensor([e.ids + [0] * (length - len(e.ids)) for e in encoded])
    mask = torch.tensor([e.attention_mask + [0] * (length - len(e.ids)) for e in encoded])
    with torch.no_grad():
        frame = frame_graph(image)
        tokens, sentence = text_net(ids, mask)
        logits, presence, *_ = decoder_graph(*frame, tokens, mask)
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "raw.onnx"
        export_graph(frame_graph, (image,), raw, ["image"], outputs, {n: {0: "N"} for n in ["image", *outputs]})
        finish(raw, out / "encoder.onnx", description="EfficientNet-Lite2 and the frame part of the decoder")
        axes = {n: {0: "Q", 1: "T"} for n in ("input_ids", "attention_mask", "tokens")} | {"sentence": {0: "Q"}}
        if ready is None:
            export_graph(text_net, (ids, mask), raw, ["input_ids", "attention_mask"], ["tokens", "sentence"], axes)
            finish(raw, out / "text.onnx", int8=True, description="all-MiniLM-L6-v2, 8-bit weights")
        elif ready.resolve() != out.resolve():
            shutil.copy(ready / "text.onnx", out / "text.onnx")
        axes = {"tokens": {0: "Q", 1: "T"}, "attention_mask": {0: "Q", 1: "T"}} | {n: {0: "Q"} for n in answers}
        names = [*outputs, "tokens", "attention_mask"]
        export_graph(decoder_graph, (*frame, tokens, mask), raw, names, answers, axes)
        finish(raw, out / "decoder.onnx", description="HiFi-CS kind decoder of the lite model")
    (out / "tokenizer.json").write_text(tokenizer_json())

    encoder_s, text_s, decoder_s = (session(out / f"{n}.onnx") for n in ("encoder", "text", "decoder"))
    got_frame = encoder_s.run(None, {"image": image.numpy()})
    got_tokens, got_sentence = text_s.run(None, {"input_ids": ids.numpy(), "attention_mask": mask.numpy()})
    feed = dict(zip(outputs, got_frame)) | {"tokens": got_tokens, "attention_mask": mask.numpy()}
    got_logits, got_presence = decoder_s.run(["logits", "presence"], feed)
    one = {k: (v[:1] if k in ("tokens", "attention_mask") else v) for k, v in feed.items()}
    alone, _ = decoder_s.run(["logits", "presence"], one)
    return {
        "frame": max(float(np.abs(a - b.numpy()).max()) for a, b in zip(got_frame[:5], frame[:5])),
        "tokens": float(np.abs(got_tokens - tokens.numpy()).max()),
        "sentence_cosine": float((got_sentence * sentence.numpy()).sum(1).min()),
        "probability": float(np.abs(_sigmoid(got_logits) - _sigmoid(logits.numpy())).max()),
        "presence": float(np.abs(_sigmoid(got_presence) - _sigmoid(presence.numpy())).max()),
        "one_against_many": float(np.abs(_sigmoid(alone) - _sigmoid(got_logits[:1])).max()),
    }


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def manifest(out: Path, calibration: dict, metrics: dict, whole: bool = False) -> dict:
    """The manifest of what lies in `out`."""

    outputs = [*FRAME_OUTPUTS, *(INSTANCE_OUTPUTS if whole else [])]

    def part(name: str) -> dict:
        return {"file": name, "sha256": sha256(out / name)}

    return {
        "format": 1,
        "name": "lite",
        "family": "lite",
        "description": "Bundled model: EfficientNet-Lite2 (ImageNet, tuned from stride 8 on) and MiniLM-L6 under a lean HiFi-CS decoder "
        "with attention to words and places.",
        "licence": "Apache-2.0",
        "source": "models/training; weights and data: models/lite/ATTRIBUTION.md",
        "input": {
            "width": WIDTH,
            "height": HEIGHT,
            "resize": "stretch",
            "scale": PIXEL_SCALE,
            "mean": [PIXEL_MEAN] * 3,
            "std": [PIXEL_STD] * 3,
        },
        "encoder": {**part("encoder.onnx"), "input": "image", "outputs": outputs},
        "text": {
            **part("text.onnx"),
            "tokenizer": {"kind": "huggingface", **part("tokenizer.json"), "config": {"tokenizer_class": "BertTokenizer"}},
            "max_tokens": MAX_TOKENS,
            "outputs": ["tokens", "sentence"],
        },
        "decoder": {
            **part("decoder.onnx"),
            "inputs": [*outputs, "tokens", "attention_mask"],
            "output": "logits",
            "presence": "presence",
            **({"candidates": dict(zip(("logits", "mass", "quality"), CANDIDATE_OUTPUTS))} if whole else {}),
        },
        "mask": {"polarity": "object", "threshold": calibration["mask_threshold"], "min_area": calibration["min_area"]},
        "found": {"threshold": 0.5},
        **({"score": calibration["score"]} if "score" in calibration else {}),
        "metrics": metrics,
    }


NEUTRAL = {"temperature": 1.0, "scale": 1.0, "bias": 0.0, "mask_threshold": 0.5, "min_area": 0.0004}


def main() -> None:
    repo = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, default=repo / ".cache/training/run")
    parser.add_argument("--out", type=Path, default=repo / "models/lite")
    parser.add_argument("--bundled", type=Path, help="model folder whose sentence model (and encoder) to keep")
    parser.add_argument("--calibration", type=Path, help="written by evaluate.py --calibrate")
    parser.add_argument("--metrics", type=Path, help="JSON for the manifest's `metrics`")
    args = parser.parse_args()
    torch.set_num_threads(2)
    saved = torch.load(args.run / "ema.pt", map_location="cpu")
    classes = saved["ema"]["decoder.classes"].float()
    model = LiteModel(Config(**saved["config"]), HEIGHT // 32, WIDTH // 32, classes)
    model.load_state_dict({k: v.float() for k, v in saved["ema"].items()})
    path = args.calibration or args.run / "calibration.json"
    calibration = NEUTRAL | (json.loads(path.read_text()) if path.exists() else {})
    encoder, text_net = load_bundled(args.bundled)[:2] if args.bundled else (load_encoder(), load_text())
    if "encoder" in saved:
        encoder.load_state_dict({k: v.float() for k, v in saved["encoder"].items()})
    differences = export_all(model, encoder, text_net, args.out, calibration, args.bundled)
    print("largest differences from PyTorch:", json.dumps({k: round(v, 5) for k, v in differences.items()}))
    metrics = json.loads(args.metrics.read_text()) if args.metrics else {}
    (args.out / "manifest.json").write_text(json.dumps(manifest(args.out, calibration, metrics, model.config.instances), indent=2) + "\n")
    for f in sorted(args.out.iterdir()):
        print(f"{f.stat().st_size / 1e6:8.2f} MB  {f.name}")


if __name__ == "__main__":
    main()
