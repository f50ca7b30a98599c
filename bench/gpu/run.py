"""Figures on a GPU, in one run: PyTorch's and ours, the same model, the same card.

    npm run build && python bench/gpu/run.py [--providers cuda webgpu] [--node node] [--out docs/results/gpu.json]

Needs a Python with torch (CUDA), numpy, onnx, onnxruntime, pillow and pyzmq: it also runs the worker. `webgpu` comes with the npm package onnxruntime-node and
needs a Vulkan driver and loader. `cuda` needs libonnxruntime_providers_cuda.so and _shared.so beside its
libonnxruntime.so.1 (from PyPI's onnxruntime-gpu of the same version, or that package's own install script) and the CUDA
and cuDNN libraries on LD_LIBRARY_PATH. A provider that does not run is an error in the result, never a CPU figure.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPO = HERE.parents[1]
KEPT_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "33554432", "MALLOC_TRIM_THRESHOLD_": "536870912"}
"""For the clients, as docs/inference.md advises: freed megabytes stay with the process. The worker sets them itself."""
FP16_PEAK_TFLOPS = {"H100 80GB HBM3": 989.4, "H200": 989.4}
"""Dense tensor-core peaks by the maker's data sheets."""


def smi(query: str) -> str:
    return subprocess.run(["nvidia-smi", f"--query-gpu={query}", "--format=csv,noheader,nounits"], capture_output=True, text=True).stdout.strip()


def watched(command: list[str], timeout: float, more: dict[str, str] | None = None) -> tuple[subprocess.CompletedProcess, int]:
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
        return subprocess.run(command, capture_output=True, text=True, timeout=timeout, env=os.environ | KEPT_MEMORY | (more or {})), most
    except subprocess.TimeoutExpired as error:
        return subprocess.CompletedProcess(command, 124, str(error.stdout or ""), f"no end within {timeout:.0f} s"), most
    finally:
        done.set()
        thread.join()


def line_of(process: subprocess.CompletedProcess) -> dict:
    lines = [text for text in process.stdout.splitlines() if text.startswith("{")]
    if process.returncode != 0 or not lines:
        return {"error": (process.stderr or process.stdout).strip()[-1500:]}
    return json.loads(lines[-1])


def ours(node: str, where: str, folder: Path, timeout: float, **more: str) -> dict:
    idle = int(smi("memory.used").splitlines()[0])
    process, most = watched([node, str(HERE / "ours.mjs"), where, str(folder)], timeout, more)
    result = {"where": where} | line_of(process)
    print(where, folder.name, result.get("runs_on", result.get("error")), flush=True)
    return result | {"gpu_memory_mib": most - idle}


class Worker:
    """`worker --engine torch` on the GPU, from its start until `with` ends."""

    def __init__(self, node: str, folder: Path, out: Path, provider: str = "cuda") -> None:
        self.endpoint = f"ipc://{tempfile.mkdtemp(prefix='bench-gpu-')}/worker"
        command = [node, str(REPO / "bin/grasp-grounding.mjs"), "worker", "--engine", "torch", "--provider", provider]
        self._log = out.open("w")
        began = time.monotonic()
        environment = os.environ | {"GRASP_GROUNDING_PYTHON": sys.executable}
        self._process = subprocess.Popen(
            [*command, "--bind", self.endpoint, "--model", str(folder), "--json"], stdout=subprocess.PIPE, stderr=self._log, text=True, env=environment
        )
        for text in self._process.stdout or ():
            if '"ready"' in text:
                break
        else:
            raise RuntimeError(f"the worker did not start:\n{out.read_text()[-1500:]}")
        self.ready_s = round(time.monotonic() - began, 1)

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGINT)
        try:
            rest, _ = self._process.communicate(timeout=20)
            last = [json.loads(text) for text in rest.splitlines() if '"stopped"' in text]
            self.report = last[-1]["report"] if last else {}
        except subprocess.TimeoutExpired:
            self._process.kill()
            self.report = {"error": "no end within 20 s"}
        self._log.close()


def streams(node: str, endpoint: str, folder: Path, count: int, processes: int, seconds: float) -> dict:
    """Images a second, and milliseconds, of `count` cameras spread over client processes, all at once."""
    command = [node, str(HERE / "streams.mjs"), endpoint, str(folder), str(count // processes), str(seconds)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    clients = [subprocess.Popen(command, **pipes, text=True, env=os.environ | KEPT_MEMORY) for _ in range(processes)]
    for client in clients:
        if client.stdout.readline().strip() != "ready":
            for each in clients:
                each.kill()
            return {"error": client.stderr.read()[-800:]}
    for client in clients:
        client.stdin.write("go\n")
        client.stdin.flush()
    rows = []
    for client in clients:
        out, error = client.communicate(timeout=seconds + 60)
        row = line_of(subprocess.CompletedProcess(command, client.returncode, out, error))
        if "error" in row:
            return row
        rows.append(row)
    latency = sorted(ms for row in rows for ms in row["latency"])
    return {
        "processes": processes,
        "images_per_second": round(sum(row["images"] / row["seconds"] for row in rows), 1),
        "latency_ms": {"n": len(latency), "p50": round(latency[len(latency) // 2], 3), "p99": round(latency[int(0.99 * len(latency))], 3)},
        "wait_p50_ms": round(sum(row["wait_p50"] for row in rows) / len(rows), 3),
    }


def served(args: argparse.Namespace, folder: Path, reference: Path, loads: tuple[tuple[int, int], ...]) -> dict:
    """One model in a worker: times, streams, and its masks against the CPU's fp32."""
    try:
        with Worker(args.node, folder, args.folder / "worker.log", args.provider) as worker:
            result = ours(args.node, worker.endpoint, folder, args.timeout, RESIZE="graph")
            result["ready_s"] = worker.ready_s
            process, _ = watched([args.node, str(HERE / "masks.mjs"), "cpu", str(reference), worker.endpoint, str(folder)], args.timeout, {"RESIZE": "graph"})
            result["masks_against_cpu_fp32"] = line_of(process)
            print("masks", result["masks_against_cpu_fp32"], flush=True)
            if loads:
                result["streams"] = {}
            for count, processes in loads:
                row = result["streams"][str(count)] = streams(args.node, worker.endpoint, folder, count, processes, args.seconds)
                print(count, "streams", row, flush=True)
        result["worker"] = worker.report
    except (RuntimeError, subprocess.TimeoutExpired, OSError) as error:
        return {"error": str(error)[-1500:]}
    result.pop("where", None)
    return result


def verdict(result: dict) -> dict:
    """The ratios and shares that the goals speak of."""
    eager = result["pytorch"]["eager_as_published"]
    gflop = result["pytorch"]["gflop"]
    peak = next((v for k, v in FP16_PEAK_TFLOPS.items() if k in result["device"]["name"]), None)
    measured = result["pytorch"]["ceilings"]["fp16_matmul_tflops"]
    rows = {}
    for key, run in result["ours"].items():
        if "error" in run or "lite" in key:
            continue
        rows[key] = {
            "eager_over_ours_one_query": round(eager["one"]["p50"] / run["frame_to_boxes"]["p50"], 2),
            "eager_from_raw_over_ours_one_query": round(eager["one_from_raw_1280x720"]["p50"] / run["frame_to_boxes"]["p50"], 2),
            "eager_over_ours_eight_queries": round(eager["eight_queries"]["p50"] / run["eight_new_sentences_new_frame"]["p50"], 2),
            "eager_over_ours_further_query": round(eager["one"]["p50"] / run["new_sentence_same_frame"]["p50"], 2),
        }
    parts = result.get("engine", {}).get("cuda_graph_ms", {})
    if all("p50" in parts.get(name, {}) for name in ("encoder", "encoder, 16 images")):
        batch = 16 * gflop["encode_frame"] / parts["encoder, 16 images"]["p50"]
        rows["the engine's encoder"] = {
            "tflops_batch_1": round(gflop["encode_frame"] / parts["encoder"]["p50"], 2),
            "tflops_batch_16": round(batch, 2),
            "share_of_measured_fp16_matmul_batch_16": round(batch / measured, 4),
        } | ({"share_of_peak_batch_16": round(batch / peak, 4)} if peak else {})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--providers", nargs="*", default=[], help="of onnxruntime-node, measured too")
    parser.add_argument("--provider", default="cuda", choices=["cuda", "cpu"], help="the worker's; cpu only tries the program")
    parser.add_argument("--node", default="node")
    parser.add_argument("--folder", type=Path, help="where the model is made (default: a temporary folder)")
    parser.add_argument("--timeout", type=float, default=90, help="seconds for one model")
    parser.add_argument("--seconds", type=float, default=6, help="seconds for one number of streams")
    parser.add_argument("--no-compile", action="store_true", help="leaves torch.compile out")
    parser.add_argument("--lite", type=Path, default=REPO / "models/lite")
    parser.add_argument("--parts", nargs="+", default=["pytorch", "engine", "worker", "lite"])
    parser.add_argument("--out", type=Path, default=REPO / "docs/results/gpu.json")
    args = parser.parse_args()
    folder = args.folder = args.folder or Path(tempfile.mkdtemp(prefix="bench-gpu-"))
    half, full = folder / "fp16", folder / "model/fp32"
    if not (half / "manifest.json").exists():
        subprocess.run([sys.executable, str(HERE / "model.py"), str(folder)], check=True)
    name, driver, memory = smi("name,driver_version,memory.total").splitlines()[0].split(", ")
    result: dict = {
        "what": "HiFi-CS over CLIP ViT-B/16 at 352 px, random weights; 1280x720 RGB images in memory",
        "command": "npm run build && python bench/gpu/run.py",
        "client_environment": KEPT_MEMORY,
        "device": {"name": name, "driver": driver, "memory_mib": int(memory), "cores": os.cpu_count()},
        "goals": "image to boxes p50 10 ms, p99 15 ms and 1.7 times PyTorch eager. A known query 2 ms, a new one 4 ms, eight new ones "
        "on a new image 16 ms. 100 images a second from one stream, 400 from 16. 99.5 % of mask pixels; lite 8 ms",
    }

    def keep() -> None:
        args.out.write_text(json.dumps(result, indent=1) + "\n")

    if "pytorch" in args.parts:
        more = ["--no-compile"] if args.no_compile else []
        process, _ = watched([sys.executable, str(HERE / "peer.py"), str(folder / "weights.pt"), str(folder / "peer.json"), *more], 300)
        if process.returncode != 0:
            raise SystemExit(f"PyTorch's part failed:\n{process.stderr[-3000:]}")
        result["pytorch"] = json.loads((folder / "peer.json").read_text())
        print("eager", result["pytorch"]["eager_as_published"], flush=True)
        keep()
    result["ours"] = {}
    if "worker" in args.parts:
        result["ours"]["torch worker fp16"] = served(args, half, full, ((1, 1), (4, 4), (16, 8)))
        keep()
    if "lite" in args.parts:
        result["ours"]["torch worker lite"] = served(args, args.lite, args.lite, ((1, 1),))
        result["ours"]["in-process cpu lite"] = ours(args.node, "cpu", args.lite, args.timeout, REPEATS="20", WARMUP="3", RESIZE="threads")
        keep()
    if "engine" in args.parts:
        subprocess.run([args.node, str(HERE / "pixels.mjs"), str(half), str(folder / "pixels.onnx")], check=True)
        kernels = [sys.executable, str(HERE / "kernels.py"), str(folder / "weights.pt"), str(half), str(folder / "pixels.onnx"), str(folder / "kernels.json")]
        process, _ = watched(kernels, 120)
        result["engine"] = json.loads((folder / "kernels.json").read_text()) if process.returncode == 0 else {"error": process.stderr[-1500:]}
        print("engine", result["engine"], flush=True)
        keep()
    for provider in args.providers:
        more = {"RESIZE": "graph", "LOCATE": "1", "PARTS": "1"}
        result["ours"][f"{provider} fp16"] = ours(args.node, provider, half, args.timeout, **more)
        keep()
    if "pytorch" in result and "engine" in result:
        result["verdict"] = verdict(result)
    keep()
    print(json.dumps(result.get("verdict"), indent=1))


if __name__ == "__main__":
    main()
