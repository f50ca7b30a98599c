"""What the simulated camera sees: a picture under soft light, depth as a stereo camera measures it, and who is where."""

from __future__ import annotations

import math

import cv2
import mujoco
import numpy as np

from scene import FX, HEIGHT, ITEMS, WIDTH, camera_pose

#: Rendered larger and reduced, against jagged edges.
LARGE = (960, 720)


def lights(rng: np.random.Generator, window: int, dome: int) -> list[tuple[np.ndarray, np.ndarray, float]]:
    """Directions the light comes from, their colour times weight, and gloss: a wide window at the left and the room's own light.

    Each is rendered with its own shadows and the pictures are added: many hard shadows make soft ones.
    """
    out = []
    for k in range(window):
        u, v = (k + 0.5) / window, rng.random()
        azimuth, elevation = math.radians(165 + 60 * u), math.radians(36 + 24 * v)
        out.append((_direction(azimuth, elevation), np.array([1.0, 0.97, 0.91]) * 0.60 / window, 1.0))
    for k in range(dome):
        z = math.sqrt((k + 0.5) / dome)
        azimuth = k * 2.399963 + 0.4
        out.append((_direction(azimuth, math.asin(z)), np.array([0.95, 0.98, 1.04]) * 0.62 / dome / max(z, 0.35) ** 0.5, 0.15))
    return out


def _direction(azimuth: float, elevation: float) -> np.ndarray:
    return np.array([math.cos(azimuth) * math.cos(elevation), math.sin(azimuth) * math.cos(elevation), math.sin(elevation)])


class Camera:
    """Renders the scene along the camera's path. Deterministic for a seed."""

    def __init__(self, model: mujoco.MjModel, seed: int, window: int, dome: int):
        self.model, self.data = model, mujoco.MjData(model)
        mujoco.mj_forward(model, self.data)
        self.large = mujoco.Renderer(model, LARGE[1], LARGE[0])
        self.small = mujoco.Renderer(model, HEIGHT, WIDTH)
        self.lights = lights(np.random.default_rng(seed), window, dome)
        self.owner = {mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_GEOM, item.name): k for k, item in enumerate(ITEMS)}

    def _aim(self, renderer: mujoco.Renderer, t: float) -> None:
        free = mujoco.MjvCamera()
        free.type = mujoco.mjtCamera.mjCAMERA_FREE
        renderer.update_scene(self.data, free)
        eye, axes = camera_pose(t)
        for view in renderer.scene.camera:
            view.pos[:], view.forward[:], view.up[:] = eye, -axes[:, 2], axes[:, 1]
            top = view.frustum_near * HEIGHT / 2 / FX
            view.frustum_top, view.frustum_bottom, view.frustum_center = top, -top, 0
            view.frustum_width = top * WIDTH / HEIGHT

    def colour(self, t: float, rng: np.random.Generator) -> np.ndarray:
        """RGB, HEIGHT x WIDTH x 3, with a camera's tone curve, slight softness and noise."""
        total = np.zeros((LARGE[1], LARGE[0], 3), np.float32)
        for direction, colour, gloss in self.lights:
            self.model.light_dir[0] = -direction
            self.model.light_pos[0] = direction * 2
            self.model.light_specular[0] = gloss * 0.5
            mujoco.mj_forward(self.model, self.data)
            self._aim(self.large, t)
            total += self.large.render().astype(np.float32) / 255 * colour.astype(np.float32)
        x = cv2.resize(total, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA) * 1.14
        x = np.where(x > 0.75, 0.75 + 0.25 * np.tanh((x - 0.75) / 0.25), x)
        x = cv2.GaussianBlur(x, (0, 0), 0.45)
        yy, xx = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
        x *= (1 - 0.09 * (xx**2 + yy**2) / 2)[..., None].astype(np.float32)
        x += rng.normal(0, 0.006, x.shape).astype(np.float32)
        return np.clip(x * 255 + 0.5, 0, 255).astype(np.uint8)

    def depth(self, t: float, rng: np.random.Generator) -> np.ndarray:
        """Depth along the optical axis in millimetres, uint16; 0 where a stereo camera would see nothing.

        Noise grows with the square of the distance and is smooth over some pixels, as block matching leaves it; edges
        tear, and what one of the two infrared eyes cannot see beside a near edge is missing.
        """
        self._aim(self.small, t)
        self.small.enable_depth_rendering()
        z = self.small.render().astype(np.float32).copy()
        self.small.disable_depth_rendering()
        coarse = rng.normal(0, 1, (HEIGHT // 8 + 2, WIDTH // 8 + 2)).astype(np.float32)
        noise = cv2.resize(coarse, (WIDTH + 16, HEIGHT + 16), interpolation=cv2.INTER_CUBIC)[:HEIGHT, :WIDTH]
        measured = z + noise * 0.0022 * z**2
        step = np.maximum(np.abs(np.diff(z, axis=1, prepend=z[:, :1])), np.abs(np.diff(z, axis=0, prepend=z[:1])))
        edge = (step > 0.018 * z).astype(np.float32)
        ragged = cv2.GaussianBlur(rng.random((HEIGHT, WIDTH)).astype(np.float32), (0, 0), 1.4)
        near_edge = cv2.GaussianBlur(edge, (0, 0), 1.5)
        holes = near_edge * 2.2 + (ragged - 0.5) * 1.6 > 0.30
        nearest = cv2.erode(z, np.ones((1, 9), np.uint8), anchor=(8, 0))  # the nearest of the pixel and 8 to its left
        disparity = FX * 0.05
        shadow = disparity / nearest - disparity / z > 4.5
        holes |= shadow
        mm = np.round(measured * 1000)
        mm[holes | (z > 6)] = 0
        return mm.astype(np.uint16)

    def owners(self, t: float) -> np.ndarray:
        """Index into ITEMS of what each pixel shows, -1 for the rest; HEIGHT x WIDTH."""
        self._aim(self.small, t)
        self.small.enable_segmentation_rendering()
        seg = self.small.render().copy()
        self.small.disable_segmentation_rendering()
        out = np.full((HEIGHT, WIDTH), -1, np.int32)
        is_geom = seg[..., 1] == int(mujoco.mjtObj.mjOBJ_GEOM)
        for geom, k in self.owner.items():
            out[is_geom & (seg[..., 0] == geom)] = k
        return out
