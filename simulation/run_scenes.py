"""Seeded scenes in the cell, from a query to a lifted object, over ROS 2. Resumable: scenes in --out are not run again."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
from grasp_grounding_interfaces.action import Grasp
from PIL import Image as PilImage
from rclpy.action import ActionClient
from rclpy.context import Context
from sensor_msgs.msg import Image
from std_srvs.srv import Trigger

from client import ROOT, Client, Process, Timeout, start_cell, use_own_domain, wait_for

HERE = Path(__file__).resolve().parent
#: The calibration of the camera on the hand.
HAND_EYE = HERE / "hand_eye.yaml"
MODES = ("oracle", "bundled")
#: An object counts as lifted when it hangs between the fingers this much above where it lay.
RAISED = 0.08
#: Widest object that fits between the fingers with clearance, as in evaluate.py.
FITS = 0.072
WIDTH, HEIGHT = 640, 480
#: Scenes of one mode before those of the other; starting the node takes as long as one scene.
BLOCK = 13


def start_node(mode: str, truth: Path, log: Path | None = None, parameters: dict[str, str] | None = None) -> Process:
    """The node with true masks, or the program as it ships."""
    node = os.environ.get("NODE", "node")
    program = [str(HERE / "oracle-node.mjs"), str(truth)] if mode == "oracle" else [str(ROOT / "bin" / "grasp-grounding.mjs"), "node"]
    more = [a for k, v in (parameters or {}).items() for a in ("-p", f"{k}:={v}")]
    return Process([node, *program, "--ros-args", "--params-file", str(HERE / "node.yaml"), *more], log=log)


class Driver(Client):
    """Sends goals to ~/grasp and checks their results."""

    def __init__(self, truth: Path, context: Context | None = None) -> None:
        super().__init__("scene_driver", context)
        self.truth = truth
        self.grasper = ActionClient(self, Grasp, "/grasp_grounding/grasp")
        self.reset = self.create_client(Trigger, "/grasp_grounding/reset")
        self.latest: dict[str, np.ndarray] = {}
        self.frames: list[np.ndarray] = []

    def record(self, topic: str) -> Any:
        """Records the latest image of a topic, and all of them in `frames`."""

        def on_image(m: Image) -> None:
            self.latest[topic] = np.frombuffer(m.data, np.uint8).reshape(m.height, m.width, 3)
            self.frames.append(self.latest[topic])

        return self.create_subscription(Image, topic, on_image, 2)

    def grasp(
        self, query: str, execute: bool = True, timeout: float = 20, on_stage: Callable[[float, str], None] | None = None
    ) -> tuple[Any, list[tuple[float, str]]]:
        """Result with status, and the stages with their times."""
        stages: list[tuple[float, str]] = []
        began = time.monotonic()

        def on_feedback(m: Any) -> None:
            if not stages or stages[-1][1] != m.feedback.stage:
                stages.append((round(time.monotonic() - began, 3), m.feedback.stage))
                if on_stage:
                    on_stage(*stages[-1])

        running = self.send(self.grasper, Grasp.Goal(query=query, execute=execute, timeout=float(timeout)), on_feedback)
        if running is None:
            raise RuntimeError("the goal was rejected")
        return running.wait(180), stages

    def true_iou(self, result: Any, name: str) -> float | None:
        """Overlap of the first object's mask with the true one, on the image it was found in."""
        grounding = result.grounding
        stamp = grounding.header.stamp.sec * 10**9 + grounding.header.stamp.nanosec
        file = self.truth / f"{stamp}.ids"
        if not grounding.objects or not file.exists():
            return None
        names = [t["name"] for t in self.cell["things"]]
        ids = np.frombuffer(file.read_bytes()[: HEIGHT * WIDTH], np.uint8)
        true = ids.reshape(HEIGHT, WIDTH) == names.index(name)
        found = grounding.objects[0]
        mask = np.zeros_like(true)
        part = np.frombuffer(found.mask.data, np.uint8).reshape(found.mask.height, found.mask.width) > 127
        mask[found.mask_y : found.mask_y + part.shape[0], found.mask_x : found.mask_x + part.shape[1]] = part
        return round(float((mask & true).sum() / max(1, (mask | true).sum())), 3)


def target_of(cell: dict[str, Any], seed: int, wide: bool = False) -> dict[str, Any] | None:
    """The object to ask for: one that the gripper can take and the camera sees well. `wide`: it does not fit between the fingers."""
    fit = [
        t for t in cell["things"]
        if t["holdable"] and t["visible"] >= 0.7 and t["pixels"] >= 250 and not t["border"] and (t["width"] > FITS or not wide)
    ]  # fmt: skip
    return fit[int(np.random.default_rng([seed, cell["scene"], 5]).integers(len(fit)))] if fit else None


def outcome_of(answer: Any, stages: list[tuple[float, str]], iou: float | None, target_state: dict[str, Any]) -> str:
    """Where it ended: grounding, grasp planning, motion planning, moving, holding; or lifted."""
    result = answer.result
    lifted = target_state["raised"] > RAISED and bool(target_state["touched_by"])
    names = [s for _, s in stages]
    if result.success and lifted:
        return "lifted"
    if not result.grounding.objects:
        return "grounding: not found"
    if iou is not None and iou < 0.5:
        return "grounding: wrong mask"
    if not result.grasps:
        return "grasp planning"
    if not set(names) & {"opening", "pre_grasp", "approach", "grasp", "lift", "retreat"}:
        return "motion planning"
    if result.success:
        return "not lifted"
    return f"motion: {names[-1]}"


def run(driver: Driver, mode: str, number: int, seed: int, images: Path | None, wide: bool = False) -> dict[str, Any]:
    """One scene. `wide`: as in target_of."""
    began = time.monotonic()
    cell = driver.scene(number)
    target = target_of(cell, seed, wide)
    row: dict[str, Any] = {"scene": number, "seed": seed, "mode": mode, "things": [t["name"] for t in cell["things"]]}
    if target is None:
        return row | {"outcome": "no target"}
    name = target["name"]
    row |= {"width": target["width"], "container": target["container"]}
    row |= {"target": target["id"], "category": target["category"], "query": f"pick up the {name}", "visible": target["visible"]}
    if images:
        wait_for("an image", lambda: "camera/color/image_raw" in driver.latest)
        before = driver.latest["camera/color/image_raw"]
    answer, stages = driver.grasp(row["query"])
    iou = driver.true_iou(answer.result, name)
    time.sleep(0.6)
    driver.update()
    target_state = driver.object_named(name)
    row["outcome"] = outcome_of(answer, stages, iou, target_state)
    hanging = [t["name"] for t in driver.cell["things"] if t["raised"] > RAISED and t["touched_by"]]
    row |= {
        "message": answer.result.message,
        "wrong": [other for other in hanging if other != name],
        "mask_iou": iou,
        "score": round(answer.result.grounding.objects[0].score, 3) if answer.result.grounding.objects else None,
        "grasps": len(answer.result.grasps),
        "raised": target_state["raised"],
        "stages": stages,
        "keeping_up": driver.cell["keeping_up"],
        "seconds": round(time.monotonic() - began, 1),
    }
    if images:
        side = np.concatenate([before, driver.latest["camera/color/image_raw"]], axis=1)
        word = row["outcome"].split(":")[0].replace(" ", "-")
        PilImage.fromarray(side).save(images / f"{mode}-{number:03}-{word}-{target['id']}.jpg", quality=85)
    if driver.reset.service_is_ready():
        driver.reset.call_async(Trigger.Request())  # clears a latched stop
    return row


@contextmanager
def running_cell(mode: str, parameters: dict[str, Any] | None = None) -> Iterator[Driver]:
    """A cell, a node on it and their driver, ready for goals; all end with the block. `parameters`: those of the cell."""
    use_own_domain()
    with ExitStack() as stack:
        truth = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="truth-")))
        rclpy.init()
        stack.callback(rclpy.try_shutdown)
        stack.callback(start_cell({"truth": truth, **(parameters or {})}).stop)
        stack.callback(start_node(mode, truth).stop)
        driver = Driver(truth)
        stack.callback(driver.leave)
        wait_for("the node's action", driver.grasper.server_is_ready, 60)
        yield driver


def blocks(
    numbers: range, modes: list[str], wanted: Callable[[str, int], bool]
) -> Iterator[tuple[str, list[int]]]:
    """The scenes to run, some of one mode and then the same of the next: a run that was broken off compares the same scenes."""
    for first in range(0, len(numbers), BLOCK):
        for mode in modes:
            todo = [n for n in numbers[first : first + BLOCK] if wanted(mode, n)]
            if todo:
                yield mode, todo


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=50, help="how many, from --first on")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--modes", default=",".join(MODES), help="oracle: true masks; bundled: the bundled model")
    parser.add_argument("--camera", default="opposite", choices=("opposite", "hand"), help="where the camera is")
    parser.add_argument("--second-view", default="when_unsure", choices=("never", "when_unsure", "always"), help="the node's second_view")
    parser.add_argument("--wide", action="store_true", help="only objects that do not fit between the fingers as a whole")
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "sim" / "scenes.jsonl", help="JSON lines, one a scene and mode")
    parser.add_argument("--images", "--pictures", action="store_true", help="save before and after of each scene next to --out")
    parser.add_argument("--minutes", type=float, default=1e9, help="stop after so long; run again to go on")
    args = parser.parse_args()
    use_own_domain()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    done = set()
    if args.out.exists():
        rows = [json.loads(line) for line in args.out.read_text().splitlines()]
        done = {(r["mode"], r["scene"], r["seed"]) for r in rows if r.get("second_view", "when_unsure") == args.second_view}
    images = args.out.parent / "images" if args.images else None
    if images:
        images.mkdir(exist_ok=True)
    until = time.monotonic() + args.minutes * 60
    truth = Path(tempfile.mkdtemp(prefix="truth-"))
    numbers = range(args.first, args.first + args.scenes)
    left = 0
    cell: Process | None = None
    try:
        rclpy.init()
        for mode, todo in blocks(numbers, args.modes.split(","), lambda mode, n: (mode, n, args.seed) not in done):
            if time.monotonic() > until:
                left += len(todo)
                continue
            of_cell = {"truth": truth, "seed": args.seed, "scene": todo[0], "camera": args.camera}
            cell = cell or start_cell(of_cell, args.out.parent / "cell.log")
            of_node = {"second_view": args.second_view} | ({"hand_eye_file": str(HAND_EYE)} if args.camera == "hand" else {})
            node = start_node(mode, truth, args.out.parent / f"node-{mode}.log", of_node)
            driver = Driver(truth)
            if images:
                driver.record("camera/color/image_raw")
            try:
                wait_for("the node's action", driver.grasper.server_is_ready, 60)
                time.sleep(1.5)  # camera, TF and joint states connect
                for index, number in enumerate(todo):
                    if time.monotonic() > until:
                        left += len(todo) - index
                        break
                    try:
                        row = run(driver, mode, number, args.seed, images, args.wide)
                    except Timeout as problem:
                        row = {"scene": number, "seed": args.seed, "mode": mode, "outcome": "no answer", "message": str(problem)}
                    row |= {"camera": args.camera, "second_view": args.second_view}
                    with args.out.open("a") as out:
                        out.write(json.dumps(row) + "\n")
                    print(f"{mode} {number}: {row['outcome']}: {row.get('query', '')}; {row.get('message', '')} ({row.get('seconds')} s)", flush=True)
            finally:
                driver.leave()
                node.stop()
    finally:
        if cell:
            cell.stop()
        rclpy.try_shutdown()
        shutil.rmtree(truth, ignore_errors=True)
    if left:
        print(f"{left} scenes are left; run the same command again", file=sys.stderr)
        sys.exit(3)


if __name__ == "__main__":
    main()
