"""Records docs/images/sim-pick.webp and sim-place.webp: a command, and the cell while the arm carries it out.

python simulation/clips.py [pick] [place], in the environment of scripts/ros/with-env.mjs. Each clip is one command to the node
with the bundled model, over ROS 2, uncut and at the arm's own speed.
"""

from __future__ import annotations

import argparse
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as PilImage
from PIL import ImageDraw, ImageFont
from sensor_msgs.msg import Image

from client import ROOT, wait_for
from run_scenes import RAISED, Driver, running_cell

#: Name of a clip, its scene and its command.
CLIPS = {
    "pick": (0, "give me the red mug"),
    "place": (0, "put the apple next to the soup can"),
}
#: The cell runs at this rate, so that a machine without a GPU renders enough images; the clip plays at the arm's own speed.
SPEED = 0.4
IMAGES_PER_SECOND = 5.0
SIZE, INSET, BAR = (480, 360), (160, 120), 26
QUALITY = 55
LARGEST_FILE = 1_000_000
LAST_SECONDS = 2.0
FONT = ROOT / "node_modules" / "dejavu-fonts-ttf" / "ttf" / "DejaVuSans.ttf"


@dataclass(frozen=True)
class Frame:
    """The cell from its side at a moment in seconds, what the camera showed then, and the stage."""

    at: float
    side: np.ndarray
    inset: np.ndarray | None
    stage: str


class Recorder:
    """Takes every image of the side view, with the latest of the camera."""

    def __init__(self, driver: Driver) -> None:
        self.frames: list[Frame] = []
        self.stage = ""
        self._inset: np.ndarray | None = None
        self._lock = threading.Lock()
        driver.create_subscription(Image, "camera/color/image_raw", self._on_camera, 5)
        driver.create_subscription(Image, "side/image_raw", self._on_side, 5)

    def begin(self) -> None:
        with self._lock:
            self.frames.clear()

    def _on_camera(self, message: Image) -> None:
        with self._lock:
            self._inset = pixels(message)

    def _on_side(self, message: Image) -> None:
        stamp = message.header.stamp
        with self._lock:
            self.frames.append(Frame(stamp.sec + stamp.nanosec * 1e-9, pixels(message), self._inset, self.stage))


def pixels(message: Image) -> np.ndarray:
    return np.frombuffer(message.data, np.uint8).reshape(message.height, message.width, 3)


def drawn(frame: Frame, command: str, font: Any) -> PilImage.Image:
    """The side view, the camera's image in its corner, and below both the command and the stage."""
    shot = PilImage.new("RGB", (SIZE[0], SIZE[1] + BAR), (24, 26, 30))
    shot.paste(PilImage.fromarray(frame.side).resize(SIZE, PilImage.Resampling.LANCZOS))
    draw = ImageDraw.Draw(shot)
    if frame.inset is not None:
        at = (SIZE[0] - INSET[0] - 6, 6)
        draw.rectangle((at[0] - 1, at[1] - 1, at[0] + INSET[0], at[1] + INSET[1]), outline=(240, 240, 240))
        shot.paste(PilImage.fromarray(frame.inset).resize(INSET, PilImage.Resampling.LANCZOS), at)
    draw.text((8, SIZE[1] + 5), f"“{command}”", font=font, fill=(245, 245, 245))
    stage = frame.stage.replace("_", " ")
    draw.text((SIZE[0] - 8 - draw.textlength(stage, font=font), SIZE[1] + 5), stage, font=font, fill=(150, 200, 255))
    return shot


def write(frames: list[Frame], command: str, target: Path) -> None:
    """@raises SystemExit: the file would be too large for a page"""
    font = ImageFont.truetype(str(FONT), 13)
    shots = [drawn(frame, command, font) for frame in frames]
    times = [frame.at for frame in frames]
    durations = [round((b - a) * SPEED * 1000) for a, b in zip(times, times[1:])] + [round(LAST_SECONDS * 1000)]
    shots[0].save(
        target, save_all=True, append_images=shots[1:], duration=durations, loop=0, quality=QUALITY, method=5, allow_mixed=True
    )
    size = target.stat().st_size
    print(f"{target.relative_to(ROOT)}: {len(shots)} images, {sum(durations) / 1000:.1f} s, {size / 1000:.0f} kB", flush=True)
    if size > LARGEST_FILE:
        raise SystemExit(f"larger than {LARGEST_FILE / 1000:.0f} kB: lower QUALITY or IMAGES_PER_SECOND")


def record(driver: Driver, recorder: Recorder, name: str) -> None:
    """One command in its scene. @raises SystemExit: the command failed"""
    number, command = CLIPS[name]
    driver.scene(number)
    until = time.monotonic() + 60
    while not driver.grasp(command, execute=False)[0].result.success:
        if time.monotonic() > until:
            raise SystemExit(f"{command}: no grasp was planned")
    recorder.stage = ""
    recorder.begin()
    wait_for("the cell's side", lambda: len(recorder.frames) > 2)

    def on_stage(_seconds: float, stage: str) -> None:
        recorder.stage = stage

    answer, stages = driver.grasp(command, timeout=60, on_stage=on_stage)
    recorder.stage = "done" if answer.result.success else "failed"
    seen = len(recorder.frames)
    wait_for("the last images", lambda: len(recorder.frames) > seen + 3)
    print(f"{command}: {answer.result.message}; {', '.join(stage for _, stage in stages)}", flush=True)
    if not answer.result.success:
        raise SystemExit(f"{command}: not done")
    if name == "pick" and not any(t["raised"] > RAISED and t["touched_by"] for t in driver.cell["things"]):
        raise SystemExit(f"{command}: nothing is in the gripper")
    write(list(recorder.frames), command, ROOT / "docs" / "images" / f"sim-{name}.webp")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", nargs="*", metavar="CLIP", help=f"of {', '.join(CLIPS)}; default: all")
    names = parser.parse_args().clips or list(CLIPS)
    if unknown := set(names) - set(CLIPS):
        parser.error(f"no clip {', '.join(sorted(unknown))}; there are {', '.join(CLIPS)}")
    with running_cell("bundled", {"speed": SPEED, "camera_rate": IMAGES_PER_SECOND}) as driver:
        recorder = Recorder(driver)
        for name in names:
            record(driver, recorder, name)


if __name__ == "__main__":
    main()
