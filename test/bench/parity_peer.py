"""The PyTorch side of `bench parity`: eager fp32, run as the published code runs it.

Every CLIP block, materialised attention, 77 tokens, and one sentence a call. Answers one JSON line for each line
it reads: {"load": {checkpoint, threads}}, {"single": [sentence]}, {"queries": [sentences]} (one call each),
{"logits": {sentences, picture, out}}.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "models"))

import numpy as np  # noqa: E402
import torch  # noqa: E402
from export.checkpoint import Wishes, load_hifics  # noqa: E402
from export.hifics import INPUT_SIDE, HifiCs  # noqa: E402
from export.measure import padded, token_rows, unit_image  # noqa: E402
from export.scenes import scene  # noqa: E402
from export.vocabulary import ReferenceTokenizer, read_merges  # noqa: E402


class Peer:
    def __init__(self, checkpoint: str, threads: int) -> None:
        torch.set_num_threads(threads)
        self.model: HifiCs = load_hifics(Path(checkpoint), None, Wishes()).model
        self.tokenizer = ReferenceTokenizer(read_merges())
        self.pictures = [scene(seed, INPUT_SIDE) for seed in range(4)]
        self.turn = 0

    def _one(self, picture: np.ndarray, sentence: str) -> torch.Tensor:
        ids = padded(token_rows(self.tokenizer, (sentence,), 77), 77)
        with torch.inference_mode():
            return self.model(torch.from_numpy(unit_image(picture)), torch.from_numpy(ids), as_published=True)

    def timed(self, sentences: list[str]) -> float:
        self.turn += 1
        picture = self.pictures[self.turn % len(self.pictures)]
        start = time.perf_counter()
        for sentence in sentences:
            self._one(picture, sentence)
        return 1000 * (time.perf_counter() - start)

    def logits(self, out: str, sentences: list[str]) -> None:
        folder = Path(out)
        folder.mkdir(parents=True, exist_ok=True)
        logits = torch.cat([self._one(self.pictures[0], sentence) for sentence in sentences]).numpy()
        np.save(folder / "logits.npy", logits.astype("<f4"))
        np.save(folder / "pixels.npy", self.pictures[0])


def main() -> None:
    peer: Peer | None = None
    for line in sys.stdin:
        request = json.loads(line)
        answer: object = True
        if "load" in request:
            peer = Peer(**request["load"])
        elif peer is None:
            answer = {"error": "load first"}
        elif "queries" in request:
            answer = {"ms": peer.timed(request["queries"])}
        else:
            peer.logits(**request["logits"])
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
