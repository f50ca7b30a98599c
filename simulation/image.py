"""Draws docs/images/sim-pick.jpg: what the camera saw, and the cell while the bundled model's answer is picked."""

from __future__ import annotations

import time

import numpy as np
from PIL import Image as PilImage
from sensor_msgs.msg import Image

from client import ROOT, wait_for
from run_scenes import running_cell

QUERY = "pick up the yellow mug"
COLUMNS, SIZE = 2, (480, 360)


def main() -> None:
    sides: list[tuple[float, np.ndarray]] = []
    with running_cell("bundled") as driver:
        driver.record("camera/color/image_raw")
        driver.create_subscription(
            Image,
            "side/image_raw",
            lambda m: sides.append((time.monotonic(), np.frombuffer(m.data, np.uint8).reshape(m.height, m.width, 3))),
            2,
        )
        until = time.monotonic() + 30
        while not driver.grasp(QUERY, execute=False)[0].result.success:
            assert time.monotonic() < until
        before = driver.latest["camera/color/image_raw"]
        at: dict[str, float] = {}
        answer, _ = driver.grasp(QUERY, on_stage=lambda _t, stage: at.setdefault(stage, time.monotonic()))
        if not answer.result.success:
            raise SystemExit(f"it was not picked: {answer.result.message}")
        ended = time.monotonic()
        wait_for("the last images", lambda: sides[-1][0] > ended + 1)
    wanted = [at["approach"] + 0.2, at["grasp"] + 0.3, ended + 1.0]
    shots = [before] + [min(sides, key=lambda each: abs(each[0] - t))[1] for t in wanted]
    tiles = [np.asarray(PilImage.fromarray(shot).resize(SIZE, PilImage.Resampling.LANCZOS)) for shot in shots]
    rows = [np.concatenate(tiles[k : k + COLUMNS], axis=1) for k in range(0, len(tiles), COLUMNS)]
    target = ROOT / "docs" / "images" / "sim-pick.jpg"
    PilImage.fromarray(np.concatenate(rows)).save(target, quality=85)
    print(target)


if __name__ == "__main__":
    main()
