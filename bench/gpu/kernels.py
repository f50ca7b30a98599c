"""Kernels that a GPU starts, and milliseconds of each part: by PyTorch as the authors run it, and by the worker's engine.

    python bench/gpu/kernels.py WEIGHTS MODEL_FOLDER PIXELS.onnx OUT.json [cpu]

"apart" is the worker's graph with its attention, layer normalisation, QuickGelu and biases taken apart into plain
operators: what the same files cost without these fused ones. Milliseconds are between two events of the GPU. CUDA graphs
are recorded by the worker's own code, and before anything is profiled: a profiler that is torn down calls CUDA later.
`cpu` only tries the program: it counts operators in the place of kernels, and records nothing.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

# Read by PyTorch's profiler when it starts: it must not come and go while other work of this process uses CUDA.
os.environ |= {"DISABLE_CUPTI_LAZY_REINIT": "1", "TEARDOWN_CUPTI": "0"}

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch.autograd import DeviceType  # noqa: E402
from torch.profiler import ProfilerActivity, profile  # noqa: E402

REPO = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPO / "models"))
sys.path.insert(0, str(REPO / "bench/gpu"))

from export import random_weights  # noqa: E402
from export.clip import VIT_B16  # noqa: E402
from export.hifics import DecoderConfig  # noqa: E402
from peer import measure as measured_on_gpu  # noqa: E402
from worker import torch_operators  # noqa: E402
from worker.torch_engine import Part  # noqa: E402
from worker.torch_graph import Graph  # noqa: E402

DEVICE = torch.device("cpu" if sys.argv[5:] == ["cpu"] else "cuda")
ON_GPU = DEVICE.type == "cuda"
IMAGES, QUERIES = (16, 8) if ON_GPU else (2, 2)


def wait() -> None:
    if ON_GPU:
        torch.cuda.synchronize()


def measure(work, repeats: int = 100) -> dict:
    if ON_GPU:
        return measured_on_gpu(work, repeats)
    began = time.perf_counter()
    work()
    return {"n": 1, "p50": round(1000 * (time.perf_counter() - began), 3)}


def kernels(work) -> int:
    """Kernels and copies that one call starts."""
    for _ in range(3 if ON_GPU else 0):
        work()
    wait()
    with profile(activities=[ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if ON_GPU else [])]) as profiled:
        work()
        wait()
    return sum(event.device_type == DEVICE_TYPE for event in profiled.events())


DEVICE_TYPE = DeviceType.CUDA if ON_GPU else DeviceType.CPU


def first_error(error: BaseException) -> str:
    """The end of a failed recording raises an error of its own, which hides the one that it comes from."""
    while error.__context__ is not None:
        error = error.__context__
    return (str(error).splitlines() or [type(error).__name__])[0]


def recorded(graphs: dict[str, Graph], works: dict) -> dict:
    """Milliseconds of each (graph, inputs) as the CUDA graph that the worker records, or why it cannot be recorded."""
    result = {}
    for part, (name, feeds) in works.items():
        graph = graphs[name]
        made = Part(part, [graph], graph.run, DEVICE, True, [])
        try:
            graph.run(feeds)  # what a run copies to the device is there when it is recorded
            result[part] = measure(made._captured(feeds).graph.replay)
        except (RuntimeError, AssertionError) as error:
            result[part] = {"error": first_error(error)}
            if ON_GPU:
                torch.cuda.synchronize()
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
    "Silu": lambda _node, inputs: inputs[0] * torch.sigmoid(inputs[0]),
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
    result: dict = {"device": torch.cuda.get_device_name() if ON_GPU else "cpu"}

    graphs = {name: Graph(file, DEVICE) for name, file in {"pixels": str(pixels_file), **files}.items()}
    raw = {n: torch.randint(0, 256, (n, 720, 1280, 3), dtype=torch.uint8, device=DEVICE) for n in (1, IMAGES)}
    name = next(iter(graphs["encoder"].inputs))
    small = {n: graphs["pixels"].run({"pixels": value})[name] for n, value in raw.items()}
    features = {n: graphs["encoder"].run({name: value}) for n, value in small.items()}
    ids = {n: padded[:, :9].repeat(n, 1) for n in (1, QUERIES)}
    sentences = {n: graphs["text"].run({"input_ids": value}) for n, value in ids.items()}
    sentence_of_each = {key: value[:1].repeat(IMAGES, 1) for key, value in sentences[1].items()}
    works = {
        "resize": ("pixels", {"pixels": raw[1]}),
        "encoder": ("encoder", {name: small[1]}),
        "text": ("text", {"input_ids": ids[1]}),
        "decoder": ("decoder", features[1] | sentences[1]),
        f"resize, {IMAGES} images": ("pixels", {"pixels": raw[IMAGES]}),
        f"encoder, {IMAGES} images": ("encoder", {name: small[IMAGES]}),
        f"text, {QUERIES} queries": ("text", {"input_ids": ids[QUERIES]}),
        f"decoder, {QUERIES} queries": ("decoder", features[1] | sentences[QUERIES]),
        f"decoder, {IMAGES} images": ("decoder", features[IMAGES] | sentence_of_each),
    }
    singles = {part: works[part] for part in ("resize", "encoder", "text", "decoder")}

    def run(part: str):
        graph, feeds = works[part]
        return lambda: graphs[graph].run(feeds)

    fused = dict(torch_operators.OPERATORS)
    result["cuda_graph_ms"] = recorded(graphs, works)
    whole = {part: run(part)() for part in singles}
    torch_operators.OPERATORS |= APART
    result["apart_cuda_graph_ms"] = recorded(graphs, singles)
    result["apart_over_fused_largest_difference"] = max(
        float((again[key].float() - value.float()).abs().max() / value.float().abs().max())
        for part, made in whole.items()
        for again in [run(part)()]
        for key, value in made.items()
    )
    torch_operators.OPERATORS |= fused
    result["one_by_one_ms"] = {part: measure(run(part), 50) for part in singles}
    if ON_GPU:
        host = torch.from_numpy(np.zeros((1, 720, 1280, 3), np.uint8)).pin_memory()
        logits = whole["decoder"]["logits"]
        landed = torch.empty(logits.shape, dtype=logits.dtype, pin_memory=True)
        result["copies_ms"] = {
            "image up": measure(lambda: raw[1].copy_(host, non_blocking=True)),
            "logits down": measure(lambda: landed.copy_(logits, non_blocking=True)),
        }
    # Profiled last: nothing is recorded after it.
    result["eager_as_published"] = kernels(lambda: model(image, padded, as_published=True))
    result["fused"] = {part: kernels(run(part)) for part in singles}
    torch_operators.OPERATORS |= APART
    result["apart"] = {part: kernels(run(part)) for part in singles}
    out.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
