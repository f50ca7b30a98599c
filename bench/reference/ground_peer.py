"""Reference of `bench ground`: JPEG to boxes in Python with Pillow, NumPy, SciPy and onnxruntime on the same model files.

Usage: ground_peer.py MODEL_FOLDER JPEG_FOLDER QUERY THREADS N
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import onnxruntime as ort
from PIL import Image
from scipy import ndimage
from tokenizers import Tokenizer


def session(path: Path, threads: int) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


class Reference:
    def __init__(self, folder: Path, threads: int) -> None:
        self.manifest = json.loads((folder / "manifest.json").read_text())
        m = self.manifest
        self.encoder, self.text, self.decoder = (session(folder / m[part]["file"], threads) for part in ("encoder", "text", "decoder"))
        self.tokenizer = Tokenizer.from_file(str(folder / m["text"]["tokenizer"]["file"]))
        self.tokenizer.no_padding()
        given = m["input"]
        self.size = (given["width"], given["height"])
        self.scale = np.float32(given["scale"])
        self.mean, self.std = (np.array(given[k], np.float32) for k in ("mean", "std"))

    def encode(self, path: Path) -> dict:
        image = Image.open(path).convert("RGB")
        self.original = image.size
        pixels = np.asarray(image.resize(self.size, Image.Resampling.BILINEAR), np.float32)
        tensor = ((pixels * self.scale - self.mean) / self.std).transpose(2, 0, 1)[None]
        names = [o.name for o in self.encoder.get_outputs()]
        return dict(zip(names, self.encoder.run(None, {self.manifest["encoder"]["input"]: np.ascontiguousarray(tensor)})))

    def encode_text(self, query: str) -> dict:
        encoded = self.tokenizer.encode(query)
        feeds = {
            "input_ids": np.array([encoded.ids], np.int64),
            "attention_mask": np.array([encoded.attention_mask], np.int64),
        }
        wanted = {i.name for i in self.text.get_inputs()}
        names = [o.name for o in self.text.get_outputs()]
        return feeds | dict(zip(names, self.text.run(None, {k: v for k, v in feeds.items() if k in wanted})))

    def boxes(self, frame: dict, text: dict) -> list:
        feeds = {i.name: frame.get(i.name, text.get(i.name)) for i in self.decoder.get_inputs()}
        logits = self.decoder.run([self.manifest["decoder"]["output"]], feeds)[0][0, 0]
        probability = 1 / (1 + np.exp(-logits))
        labels, count = ndimage.label(probability >= self.manifest["mask"]["threshold"], np.ones((3, 3)))
        sx, sy = self.original[0] / logits.shape[1], self.original[1] / logits.shape[0]
        scores = ndimage.mean(probability, labels, range(1, count + 1)) if count else []
        slices = ndimage.find_objects(labels)
        return sorted(
            ((float(s), [b[1].start * sx, b[0].start * sy, b[1].stop * sx, b[0].stop * sy]) for s, b in zip(scores, slices)),
            reverse=True,
        )


def main() -> None:
    folder, images, query, threads, n = sys.argv[1:]
    reference = Reference(Path(folder), int(threads))
    files = sorted(Path(images).glob("*.jpg"))
    text = reference.encode_text(query)
    first, further = [], []
    for i in range(int(n) + 4):
        start = time.perf_counter()
        frame = reference.encode(files[i % len(files)])
        reference.boxes(frame, text)
        middle = time.perf_counter()
        reference.boxes(frame, reference.encode_text(f"the number {i} box of round {middle}"))
        if i >= 4:
            first.append((middle - start) * 1000)
            further.append((time.perf_counter() - middle) * 1000)
    print(json.dumps({"first_query_ms": first, "further_query_ms": further}))


if __name__ == "__main__":
    main()
