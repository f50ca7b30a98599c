"""Figures on a GPU, in one run: PyTorch's and ours, the same model, the same card.

    npm run build && python bench/gpu/run.py [--providers cuda webgpu] [--node node] [--out docs/results/gpu.json]

Needs a Python with torch (CUDA), numpy, onnx and onnxruntime. `webgpu` comes with the npm package onnxruntime-node and
needs a Vulkan driver and loader. `cuda` needs libonnxruntime_providers_cuda.so and _shared.so beside its
libonnxruntime.so.1 (from PyPI's onnxruntime-gpu of the same version, or that package's own install script) and the CUDA
and cuDNN libraries on LD_LIBRARY_PATH. A provider that does not run is an error in the result, never a CPU figure.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
FP16_PEAK_TFLOPS = {"H100 80GB HBM3": 989.4, "H200": 989.4}
"""Dense tensor-core peaks by the maker's data sheets."""


def smi(query: str) -> str:
    return subprocess.run(["nvidia-smi", f"--query-gpu={query}", "--format=csv,noheader,nounits"], capture_output=True, text=True).stdout.strip()


def watched(command: list[str], timeout: float) -> tuple[subprocess.CompletedProcess, int]:
    """The process, and the most memory the card had in use meanwhile, in MiB."""
    most, done = 0, threading.Event()

    def watch() -> None:
        nonlocal most
        while not done.is_set():
            most = max(most, int(smi("memory.used").splitlines()[0] or 0))
            time.sleep(0.2)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=timeout), most
    except subprocess.TimeoutExpired as error:
        return subprocess.CompletedProcess(command, 124, str(error.stdout or ""), f"no end within {timeout:.0f} s"), most
    finally:
        done.set()
        thread.join()


def ours(node: str, provider: str, folder: Path, timeout: float) -> dict:
    idle = int(smi("memory.used").splitlines()[0])
    process, most = watched([node, str(HERE / "ours.mjs"), provider, str(folder)], timeout)
    lines = [t for t in process.stdout.splitlines() if t.startswith("{")]
    if process.returncode != 0 or not lines:
        return {"provider": provider, "error": (process.stderr or process.stdout).strip()[-1500:]}
    result = json.loads(lines[-1]) | {"gpu_memory_mib": most - idle}
    print(provider, folder.name, "on", result["runs_on"], "GPU memory", result["gpu_memory_mib"], "MiB", flush=True)
    return result


def verdict(result: dict) -> dict:
    """The ratios and shares that the goals speak of."""
    eager = result["pytorch"]["eager_as_published"]
    gflop = result["pytorch"]["gflop"]
    name = result["device"]["name"]
    peak = next((v for k, v in FP16_PEAK_TFLOPS.items() if k in name), None)
    measured = result["pytorch"]["ceilings"]["fp16_matmul_tflops"]
    graphs = result["pytorch"]["cuda_graph_fp16"]
    rows = {"stand-in: the parts' computation in PyTorch, fp16, one CUDA graph each": stand_in(eager, graphs, gflop, measured, peak)}
    for key, run in result["ours"].items():
        if "error" in run:
            continue
        encode, batch = run["encode_one"]["p50"], run["encode_sixteen"]["p50"]
        rows[key] = {
            "eager_over_ours_one_query": round(eager["one"]["p50"] / run["frame_to_boxes"]["p50"], 2),
            "eager_over_ours_eight_queries": round(eager["eight_queries"]["p50"] / run["eight_new_sentences_new_frame"]["p50"], 2),
            "eager_over_ours_further_query": round(eager["one"]["p50"] / run["new_sentence_same_frame"]["p50"], 2),
            "frames_per_second": round(1000 / run["frame_to_boxes"]["p50"], 1),
            "encoder_tflops_batch_1": round(gflop["encode_frame"] / encode, 2),
            "encoder_tflops_batch_16": round(16 * gflop["encode_frame"] / batch, 2),
            "share_of_measured_fp16_matmul_batch_16": round(16 * gflop["encode_frame"] / batch / measured, 4),
        } | ({"share_of_peak_batch_16": round(16 * gflop["encode_frame"] / batch / peak, 4)} if peak else {})
    return rows


def stand_in(eager: dict, graphs: dict, gflop: dict, measured: float, peak: float | None) -> dict:
    """The same ratios for what runs when every kernel launch is fused away: computation alone, no resizing, no boxes."""
    batch = graphs["encode_sixteen"]["p50"]
    tflops = 16 * gflop["encode_frame"] / batch
    return {
        "eager_over_stand_in_one_query": round(eager["one"]["p50"] / graphs["one"]["p50"], 2),
        "eager_over_stand_in_eight_queries": round(eager["eight_queries"]["p50"] / graphs["eight_new_sentences_new_frame"]["p50"], 2),
        "eager_over_stand_in_further_query": round(eager["one"]["p50"] / graphs["new_sentence_same_frame"]["p50"], 2),
        "encoder_tflops_batch_1": round(gflop["encode_frame"] / graphs["encode_one"]["p50"], 2),
        "encoder_tflops_batch_16": round(tflops, 2),
        "share_of_measured_fp16_matmul_batch_16": round(tflops / measured, 4),
    } | ({"share_of_peak_batch_16": round(tflops / peak, 4)} if peak else {})


def main() -> None:
    repo = HERE.parents[1]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--providers", nargs="+", default=["cuda", "webgpu"])
    parser.add_argument("--node", default="node")
    parser.add_argument("--folder", type=Path, help="where the model is made (default: a temporary folder)")
    parser.add_argument("--timeout", type=float, default=60, help="seconds for one provider with one model")
    parser.add_argument("--out", type=Path, default=repo / "docs/results/gpu.json")
    args = parser.parse_args()
    folder = args.folder or Path(tempfile.mkdtemp(prefix="bench-gpu-"))
    if not (folder / "fp16/manifest.json").exists():
        subprocess.run([sys.executable, str(HERE / "model.py"), str(folder)], check=True)
    name, driver, memory = smi("name,driver_version,memory.total").splitlines()[0].split(", ")
    result: dict = {
        "what": "HiFi-CS over CLIP ViT-B/16 at 352 px, random weights; 1280x720 RGB pictures in memory",
        "command": "npm run build && python bench/gpu/run.py",
        "device": {"name": name, "driver": driver, "memory_mib": int(memory)},
        "goals": "frame to boxes under 5 ms, a further query on the same frame under 1 ms, three times PyTorch eager as published",
        "ours": {},
    }
    process, _ = watched([sys.executable, str(HERE / "peer.py"), str(folder / "weights.pt"), str(folder / "peer.json")], 300)
    if process.returncode != 0:
        raise SystemExit(f"PyTorch's part failed:\n{process.stderr[-3000:]}")
    result["pytorch"] = json.loads((folder / "peer.json").read_text())
    for provider in args.providers:
        for label, model in (("fp16", folder / "fp16"), ("fp32", folder / "model/fp32")):
            result["ours"][f"{provider} {label}"] = ours(args.node, provider, model, args.timeout)
            args.out.write_text(json.dumps(result, indent=1) + "\n")
    result["verdict"] = verdict(result)
    args.out.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result["verdict"], indent=1))


if __name__ == "__main__":
    main()
