"""Kernels that a GPU starts, and milliseconds of each part: by PyTorch as the authors run it, and by the worker's engine.

    python bench/gpu/kernels.py WEIGHTS MODEL_FOLDER PIXELS.onnx OUT.json

"apart" is the worker's graph with its attention, layer normalisation, QuickGelu and biases taken apart into plain
operators: what the same files cost without these fused ones. Milliseconds are between two events of the GPU.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

REPO = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPO / "models"))
sys.path.insert(0, str(REPO / "bench/gpu"))

from export import random_weights  # noqa: E402
from export.clip import VIT_B16  # noqa: E402
from export.hifics import DecoderConfig  # noqa: E402
from peer import captured, measure  # noqa: E402
from worker import torch_operators  # noqa: E402
from worker.torch_graph import Graph  # noqa: E402

DEVICE = torch.device("cuda")


def kernels(work) -> int:
    """Kernels and copies that one call starts."""
    for _ in range(3):
        work()
    torch.cuda.synchronize()
    with profile(activities=[ProfilerActivity.CUDA, ProfilerActivity.CPU]) as profiled:
        work()
        torch.cuda.synchronize()
    return sum(event.device_type == DeviceType.CUDA for event in profiled.events())


def recorded(works: dict, graphs: dict[str, Graph]) -> dict:
    """Milliseconds of each as a CUDA graph, or why it cannot be recorded: the first error, which the end of a recording
    only follows."""
    result = {}
    for part, work in works.items():
        # As the worker does: what the kernels read must not be freed while the recording is replayed.
        held: list[torch.Tensor] = []
        for graph in graphs.values():
            graph.held = held
        try:
            result[part] = measure(captured(work))
        except RuntimeError as error:
            first: BaseException = error
            while first.__context__ is not None:
                first = first.__context__
            result[part] = {"error": " ".join(str(first).split())[:300]}
        finally:
            for graph in graphs.values():
                graph.held = None
    return result


def layer_norm(node, inputs):
    value, weight, bias = inputs
    centred = value - value.mean(-1, keepdim=True)
    return centred / ((centred * centred).mean(-1, keepdim=True) + node.get("epsilon")).sqrt() * weight + bias


def attention(node, inputs):
    q, k, v = (value.unflatten(-1, (node.get("num_heads"), -1)).transpose(1, 2) for value in inputs[:3])
    scores = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5
    if node.get("unidirectional", 0):
        n = scores.shape[-1]
        scores = scores + torch.full((n, n), float("-inf"), device=scores.device, dtype=scores.dtype).triu(1)
    return (scores.softmax(-1) @ v).transpose(1, 2).flatten(-2)


APART = {
    "LayerNormalization": layer_norm,
    "MultiHeadAttention": attention,
    "QuickGelu": lambda node, inputs: inputs[0] * torch.sigmoid(node.get("alpha") * inputs[0]),
    "Silu": lambda _node, inputs: inputs[0] * torch.sigmoid(1.702 * inputs[0]),
    "Gemm": lambda _node, inputs: inputs[0] @ inputs[1] + inputs[2] if len(inputs) > 2 else inputs[0] @ inputs[1],
}


@torch.inference_mode()
def main() -> None:
    weights, folder, pixels_file, out = (Path(argument) for argument in sys.argv[1:5])
    manifest = json.loads((folder / "manifest.json").read_text())
    files = {part: str(folder / manifest[part]["file"]) for part in ("encoder", "text", "decoder")}
    model = random_weights.random_hifics(VIT_B16, DecoderConfig.over(VIT_B16))
    stored = torch.load(weights, map_location="cpu")
    model.decoder.load_state_dict({k: v for k, v in stored.items() if k in model.decoder.state_dict()})
    model = model.to(DEVICE).eval()
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(1, 3, 352, 352, generator=generator).to(DEVICE)
    padded = torch.zeros(1, 77, dtype=torch.int64)
    padded[0, :9] = torch.tensor([49406, 518, 736, 12125, 525, 518, 1823, 269, 49407])
    padded = padded.to(DEVICE)
    result: dict = {"device": torch.cuda.get_device_name()}

    graphs = {name: Graph(file, DEVICE) for name, file in {"pixels": str(pixels_file), **files}.items()}
    raw = {n: torch.randint(0, 256, (n, 720, 1280, 3), dtype=torch.uint8, device=DEVICE) for n in (1, 8, 16)}
    name = next(iter(graphs["encoder"].inputs))
    small = {n: graphs["pixels"].run({"pixels": value})[name] for n, value in raw.items()}
    features = {n: graphs["encoder"].run({name: value}) for n, value in small.items()}
    ids = {n: padded[:, :9].repeat(n, 1) for n in (1, 8)}
    sentences = {n: graphs["text"].run({"input_ids": value}) for n, value in ids.items()}
    sentences[16] = {key: value[:1].repeat(16, 1) for key, value in sentences[8].items()}
    works = {
        "resize": lambda: graphs["pixels"].run({"pixels": raw[1]}),
        "encoder": lambda: graphs["encoder"].run({name: small[1]}),
        "text": lambda: graphs["text"].run({"input_ids": ids[1]}),
        "decoder": lambda: graphs["decoder"].run(features[1] | sentences[1]),
        "resize, 16 images": lambda: graphs["pixels"].run({"pixels": raw[16]}),
        "encoder, 16 images": lambda: graphs["encoder"].run({name: small[16]}),
        "text, 8 queries": lambda: graphs["text"].run({"input_ids": ids[8]}),
        "decoder, 8 queries": lambda: graphs["decoder"].run(features[1] | sentences[8]),
        "decoder, 16 images": lambda: graphs["decoder"].run(features[16] | sentences[16]),
    }
    singles = ("resize", "encoder", "text", "decoder")
    # Everything is recorded before the profiler is used for the first time: after it no recording succeeded.
    result["one_by_one_ms"] = {part: measure(works[part], 50) for part in singles}
    result["cuda_graph_ms"] = recorded(works, graphs)
    host = torch.from_numpy(np.zeros((1, 720, 1280, 3), np.uint8)).pin_memory()
    logits = graphs["decoder"].run(features[1] | sentences[1])["logits"]
    landed = torch.empty(logits.shape, dtype=logits.dtype, pin_memory=True)
    result["copies_ms"] = {
        "image up": measure(lambda: raw[1].copy_(host, non_blocking=True)),
        "logits down": measure(lambda: landed.copy_(logits, non_blocking=True)),
    }
    whole = graphs["decoder"].run(features[1] | sentences[1])["logits"]
    fused = {name: torch_operators.OPERATORS[name] for name in APART}
    torch_operators.OPERATORS |= APART
    result["apart_cuda_graph_ms"] = recorded({part: works[part] for part in singles}, graphs)
    again = graphs["decoder"].run(features[1] | sentences[1])["logits"]
    result["apart_over_fused_largest_difference"] = float((again - whole).abs().max() / whole.abs().max())
    result["apart"] = {part: kernels(works[part]) for part in singles}
    torch_operators.OPERATORS |= fused
    result["fused"] = {part: kernels(works[part]) for part in singles}
    result["eager_as_published"] = kernels(lambda: model(image, padded, as_published=True))
    out.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
