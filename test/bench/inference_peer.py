"""The PyTorch side of `bench inference`: the same weights, eager and compiled, the picture encoded once for all sentences.

Answers one JSON line for each line it reads: {"load": {checkpoint, threads, compile}}, {"queries": [sentences]}.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "models"))

import torch  # noqa: E402
from export.checkpoint import Wishes, load_hifics  # noqa: E402
from export.hifics import INPUT_SIDE  # noqa: E402
from export.measure import padded, token_rows, unit_image  # noqa: E402
from export.scenes import scene  # noqa: E402
from export.vocabulary import ReferenceTokenizer, read_merges  # noqa: E402


class Peer:
    def __init__(self, checkpoint: str, threads: int, compile: bool) -> None:
        torch.set_num_threads(threads)
        self.model = load_hifics(Path(checkpoint), None, Wishes()).model.eval()
        self.compiled = torch.compile(self.model, dynamic=False) if compile else None
        self.tokenizer = ReferenceTokenizer(read_merges())
        self.pictures = [torch.from_numpy(unit_image(scene(seed, INPUT_SIDE))) for seed in range(4)]
        self.turn = 0

    def timed(self, sentences: list[str], how: str) -> float:
        self.turn += 1
        picture = self.pictures[self.turn % len(self.pictures)]
        model = self.compiled if how == "compiled" else self.model
        start = time.perf_counter()
        ids = torch.from_numpy(padded(token_rows(self.tokenizer, tuple(sentences), 77), 77))
        with torch.inference_mode():
            model(picture, ids)
        return 1000 * (time.perf_counter() - start)


def main() -> None:
    peer: Peer | None = None
    for line in sys.stdin:
        request = json.loads(line)
        answer: object = True
        if "load" in request:
            peer = Peer(**request["load"])
        elif peer is None:
            answer = {"error": "load first"}
        else:
            answer = {"ms": peer.timed(request["queries"], request["how"])}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
