"""The methods to choose a grasp that are compared. Each gets depth, mask and camera alone."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from scene import FINGER_LENGTH, FOCAL, HEIGHT, STROKE, WIDTH, Scene

CX, CY = (WIDTH - 1) / 2, (HEIGHT - 1) / 2


@dataclass
class Choice:
    """A grasp in the world, or why there is none."""

    position: np.ndarray | None
    rotation: np.ndarray | None
    width: float
    score: float
    reason: str | None = None
    milliseconds: float = 0.0
    refusal: str | None = None
    #: The planner's own grasp and the object's centre, in the camera's frame: to mark down grasps near it.
    failed: dict | None = None
    #: Share of the directions about the object that no image shows, and poses of the camera that would show them.
    unseen: float | None = None
    next_views: list[dict] | None = None
    #: Overlap of the object's mask in a second image with the true one.
    overlap: float | None = None


class Planner:
    """The planner under test, in a Node process of its own."""

    def __init__(self, options: dict | None = None) -> None:
        self.options = options or {}
        self.folder = tempfile.TemporaryDirectory()
        self.process = subprocess.Popen(
            [os.environ.get("NODE", "node"), str(Path(__file__).with_name("plan.mjs"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def choose(self, scene: Scene, mask: np.ndarray, _rng: np.random.Generator, failed: tuple[dict, ...] = (),
               second: tuple[np.ndarray, np.ndarray, dict] | None = None) -> Choice:
        """
        The best grasp; those near the `failed` ones of earlier choices are marked down. `second`: depth of another image,
        the object's true mask in it (to compare with), and its optical frame's pose in the first one's.
        """
        depth_path, mask_path = (str(Path(self.folder.name) / name) for name in ("depth.f32", "mask.u8"))
        scene.depth.tofile(depth_path)
        mask.astype(np.uint8).tofile(mask_path)
        request = {
            "id": 0, "width": WIDTH, "height": HEIGHT, "fx": FOCAL, "fy": FOCAL, "cx": CX, "cy": CY,
            "depth": depth_path, "mask": mask_path, "options": self.options, "failed": failed,
        }  # fmt: skip
        if second is not None:
            other, truth, pose = second
            paths = [str(Path(self.folder.name) / name) for name in ("second.f32", "truth.u8")]
            other.tofile(paths[0])
            truth.astype(np.uint8).tofile(paths[1])
            request["second"] = {"depth": paths[0], "truth": paths[1], "pose": pose}
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        plan = answer["plan"]
        seen = {"unseen": plan.get("unseen"), "next_views": plan.get("nextViews"), "overlap": answer.get("overlap")}
        if not plan["grasps"]:
            return Choice(None, None, 0, 0, plan["reason"], answer["ms"], plan["refusal"], **seen)
        best = plan["grasps"][0]
        local = Rotation.from_quat(best["pose"]["orientation"]).as_matrix()
        position = scene.camera_rotation @ np.array(best["pose"]["position"]) + scene.camera_position
        return Choice(position, scene.camera_rotation @ local, best["width"], best["score"], None, answer["ms"],
                      failed={"grasp": best, "centre": answer.get("centre")}, **seen)

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(timeout=10)
        self.folder.cleanup()


def world_points(scene: Scene, mask: np.ndarray) -> np.ndarray:
    """Points of the mask in the world. The baselines are told where the table is: z = 0."""
    v, u = np.nonzero(mask & np.isfinite(scene.depth))
    z = scene.depth[v, u].astype(np.float64)
    local = np.stack([(u - CX) / FOCAL * z, (v - CY) / FOCAL * z, z], axis=1)
    return local @ scene.camera_rotation.T + scene.camera_position


def top_down(yaw: float) -> np.ndarray:
    closing = np.array([np.cos(yaw), np.sin(yaw), 0])
    approach = np.array([0, 0, -1.0])
    return np.stack([closing, np.cross(approach, closing), approach], axis=1)


def random_on_mask(scene: Scene, mask: np.ndarray, rng: np.random.Generator) -> Choice:
    """A random pixel of the mask, straight down at a random yaw, tips 25 mm under the surface, fully open."""
    points = world_points(scene, mask)
    if len(points) == 0:
        return Choice(None, None, 0, 0, "no depth")
    point = points[rng.integers(len(points))]
    point[2] = max(0.003, point[2] - 0.025)
    return Choice(point, top_down(rng.uniform(0, np.pi)), STROKE, 0.5)


def pca_top_down(scene: Scene, mask: np.ndarray, _rng: np.random.Generator) -> Choice:
    """Straight down on the centroid, closing along the minor axis, as deep as table and palm allow, fully open."""
    points = world_points(scene, mask)
    points = points[points[:, 2] > 0.004] if (points[:, 2] > 0.004).sum() > 20 else points
    if len(points) < 3:
        return Choice(None, None, 0, 0, "no depth")
    flat = points[:, :2] - points[:, :2].mean(0)
    _, axes = np.linalg.eigh(flat.T @ flat)
    centre = points[:, :2].mean(0)
    top = np.percentile(points[:, 2], 98)
    tips = max(0.003, top - (FINGER_LENGTH - 0.006))
    yaw = float(np.arctan2(axes[1, 0], axes[0, 0]))
    return Choice(np.array([*centre, tips]), top_down(yaw), STROKE, 0.5)
