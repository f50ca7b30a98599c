"""The PyTorch side of `bench parity` and `bench inference`: HiFi-CS with the weights of a checkpoint, in fp32.

Answers one JSON line for each line it reads:
{"load": {checkpoint, threads}};
{"compile": {queries}} -> {"seconds"}: torch.compile for this many queries an image;
{"time": {how, queries: [queries]}} -> {"ms"}, the images taking turns. `published` runs as the published code does: every CLIP
block, materialised attention, 77 tokens, one call a query. `eager` and `compiled` encode the image once for all queries;
{"logits": {queries, out}}: pixels.npy of an image and, as published, logits.npy of each query.
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

QUERY = ("a mug",)


class Reference:
    def __init__(self, checkpoint: str, threads: int) -> None:
        torch.set_num_threads(threads)
        self.model: HifiCs = load_hifics(Path(checkpoint), None, Wishes()).model.eval()
        # Two graphs: the image's has one shape and is compiled once, the queries' once for each number of them.
        self.see = torch.compile(self._see, dynamic=False)
        self.answer = torch.compile(self._answer, dynamic=False)
        self.tokenizer = ReferenceTokenizer(read_merges())
        self.images = [scene(seed, INPUT_SIDE) for seed in range(4)]
        self.turn = 0

    def _see(self, image: torch.Tensor) -> list[torch.Tensor]:
        return self.model.clip.visual(image, self.model.decoder.config.taps, False, False)

    def _answer(self, taps: list[torch.Tensor], ids: torch.Tensor) -> torch.Tensor:
        return self.model.decoder(taps, self.model.clip.sentence(ids, False), False)

    def _ids(self, queries: tuple[str, ...]) -> torch.Tensor:
        return torch.from_numpy(padded(token_rows(self.tokenizer, queries, 77), 77))

    def _published(self, image: np.ndarray, query: str) -> torch.Tensor:
        with torch.inference_mode():
            return self.model(torch.from_numpy(unit_image(image)), self._ids((query,)), as_published=True)

    def _run(self, image: np.ndarray, queries: list[str], how: str) -> None:
        if how == "published":
            for query in queries:
                self._published(image, query)
            return
        see, answer = (self.see, self.answer) if how == "compiled" else (self._see, self._answer)
        with torch.inference_mode():
            answer(see(torch.from_numpy(unit_image(image))), self._ids(tuple(queries)))

    def compile(self, queries: int) -> dict:
        start = time.perf_counter()
        self._run(self.images[0], list(QUERY * queries), "compiled")
        return {"seconds": time.perf_counter() - start}

    def time(self, how: str, queries: list[str]) -> dict:
        self.turn += 1
        image = self.images[self.turn % len(self.images)]
        start = time.perf_counter()
        self._run(image, queries, how)
        return {"ms": 1000 * (time.perf_counter() - start)}

    def logits(self, out: str, queries: list[str]) -> bool:
        folder = Path(out)
        folder.mkdir(parents=True, exist_ok=True)
        logits = torch.cat([self._published(self.images[0], query) for query in queries]).numpy()
        np.save(folder / "logits.npy", logits.astype("<f4"))
        np.save(folder / "pixels.npy", self.images[0])
        return True


def main() -> None:
    reference: Reference | None = None
    for line in sys.stdin:
        [(name, arguments)] = json.loads(line).items()
        answer: object = True
        if name == "load":
            reference = Reference(**arguments)
        elif reference is None or name not in ("compile", "time", "logits"):
            answer = {"error": f"no {name} here"}
        else:
            answer = getattr(reference, name)(**arguments)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
