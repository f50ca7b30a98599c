"""PyTorch on the same GPU: the authors' way, compiled, and these ONNX graphs' computation as one CUDA graph in fp16.

    python bench/gpu/peer.py WEIGHTS OUT.json

Pictures are ready in the GPU's memory and results stay there: only computation is timed, with CUDA events, so every
figure favours PyTorch over what includes resizing, copies and boxes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

REPO = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPO / "models"))

from export import random_weights  # noqa: E402
from export.clip import VIT_B16  # noqa: E402
from export.hifics import DecoderConfig, HifiCs  # noqa: E402

REPEATS = 100
MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
"""CLIP's."""


def measure(work, repeats: int = REPEATS, warmup: int = 15) -> dict:
    """Milliseconds between two events around each call."""
    samples = []
    for i in range(repeats + warmup):
        a, b = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        a.record()
        work()
        b.record()
        torch.cuda.synchronize()
        if i >= warmup:
            samples.append(a.elapsed_time(b))
    q = np.quantile(samples, [0, 0.5, 0.99])
    return {"n": repeats, "p50": round(float(q[1]), 3), "p99": round(float(q[2]), 3), "min": round(float(q[0]), 3)}


def captured(work):
    """`work` as a replayable CUDA graph."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            work()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    # A profiler's thread may still call CUDA.
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        work()
    return graph.replay


def ceilings() -> dict:
    """This card's own speed limits, measured: a large fp16 and a large tf32 matrix product."""
    out = {}
    for name, kind in (("fp16", torch.float16), ("tf32", torch.float32)):
        torch.backends.cuda.matmul.allow_tf32 = name == "tf32"
        a, b = (torch.randn(8192, 8192, device="cuda", dtype=kind) for _ in range(2))
        ms = measure(lambda: a @ b, 20, 5)["p50"]
        out[f"{name}_matmul_tflops"] = round(2 * 8192**3 / ms / 1e9, 1)
    torch.backends.cuda.matmul.allow_tf32 = False
    return out


@torch.no_grad()
def main() -> None:
    weights, out = Path(sys.argv[1]), Path(sys.argv[2])
    device = torch.device("cuda")
    model: HifiCs = random_weights.random_hifics(VIT_B16, DecoderConfig.over(VIT_B16))
    stored = torch.load(weights, map_location="cpu")
    model.decoder.load_state_dict({k: v for k, v in stored.items() if k in model.decoder.state_dict()})
    model = model.to(device).eval()
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(1, 3, 352, 352, generator=generator).to(device)
    sixteen = torch.rand(16, 3, 352, 352, generator=generator).to(device)

    def sentences(n: int, tokens: int) -> torch.Tensor:
        ids = torch.randint(300, 40000, (n, tokens), generator=generator)
        ids[:, 0], ids[:, 8] = 49406, 49407
        ids[:, 9:] = 0
        return ids.to(device)

    padded = {n: sentences(n, 77) for n in (1, 8, 16)}
    short = {n: ids[:, :9].contiguous() for n, ids in padded.items()}
    result: dict = {"device": torch.cuda.get_device_name(), "torch": torch.__version__, "ceilings": ceilings()}

    counter = FlopCounterMode(display=False)
    with counter:
        model.clip.visual(image, model.decoder.config.taps)
    encoder = counter.get_total_flops()
    with counter:
        model.clip.sentence(short[1])
    text = counter.get_total_flops()
    taps = model.clip.visual(image, model.decoder.config.taps)
    with counter:
        model.decoder(taps, model.clip.sentence(short[1]))
    decoder = counter.get_total_flops() - text
    result["gflop"] = {"encode_frame": round(encoder / 1e9, 2), "encode_sentence": round(text / 1e9, 2), "decode": round(decoder / 1e9, 2)}

    # The authors' way: fp32, eager, every CLIP block, 77 tokens, picture and text encoded again for each query.
    def published(images: torch.Tensor, ids: torch.Tensor):
        return model(images, ids, as_published=True)

    def eight_published():
        for i in range(8):
            published(image, padded[8][i : i + 1])

    # A robot's view of it: an image of the camera's size in the computer's memory, resized on the GPU; logits come back.
    raw = torch.randint(0, 256, (720, 1280, 3), dtype=torch.uint8, generator=generator).pin_memory()
    mean, std = (torch.tensor(values, device=device)[:, None, None] for values in (MEAN, STD))

    def from_raw():
        planes = raw.to(device, non_blocking=True).permute(2, 0, 1)[None].float()
        small = torch.nn.functional.interpolate(planes, (352, 352), mode="bilinear", antialias=True)
        return published((small / 255 - mean) / std, padded[1]).cpu()

    eager = {"one": measure(lambda: published(image, padded[1])), "one_from_raw_1280x720": measure(from_raw),
             "eight_queries": measure(eight_published, 30, 3), "sixteen_frames": measure(lambda: published(sixteen, padded[16]), 30, 3)}  # fmt: skip
    result["eager_as_published"] = eager
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    result["eager_as_published_tf32"] = {"one": measure(lambda: published(image, padded[1])), "sixteen_frames": measure(lambda: published(sixteen, padded[16]), 30, 3)}
    try:
        if "--no-compile" in sys.argv:
            raise RuntimeError("left out (--no-compile)")
        compiled = torch.compile(published, dynamic=False)
        result["compiled_as_published_tf32"] = {"one": measure(lambda: compiled(image, padded[1]), warmup=25)}
    except Exception as error:  # noqa: BLE001 - a compiler that fails on a machine is a result, and said
        result["compiled_as_published_tf32"] = {"error": str(error)[:300]}

    # What the ONNX parts compute, in fp16, each part one CUDA graph: the stand-in for a fully fused runtime.
    half = model.half()
    still = {"image": image.half(), "sixteen": sixteen.half()}
    order = half.decoder.config.taps

    def encode(x: torch.Tensor):
        return half.clip.visual(x, order)

    with torch.autocast("cuda", torch.float16):
        held = encode(still["image"])
        text_one = half.clip.sentence(short[1])
        parts = {
            "encode_one": lambda: encode(still["image"]),
            "encode_sixteen": lambda: encode(still["sixteen"]),
            "new_sentence_same_frame": lambda: half.decoder(held, half.clip.sentence(short[1])),
            "known_sentence_same_frame": lambda: half.decoder(held, text_one),
            "eight_new_sentences_new_frame": lambda: half.decoder(encode(still["image"]), half.clip.sentence(short[8])),
            "one": lambda: half.decoder(encode(still["image"]), half.clip.sentence(short[1])),
            "sixteen_frames": lambda: half.decoder(encode(still["sixteen"]), half.clip.sentence(short[16])),
        }
        graphs = {}
        for name, work in parts.items():
            try:
                graphs[name] = measure(captured(work))
            except Exception as error:  # noqa: BLE001 - said in the result, the others still count
                graphs[name] = {"error": str(error)[:300]}
    result["cuda_graph_fp16"] = graphs
    result["memory_mib"] = round(torch.cuda.max_memory_allocated() / 2**20)
    out.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
