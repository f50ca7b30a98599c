"""The camera: draws the world as it is now, on a thread of its own, and hands out colour and depth."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import mujoco
import numpy as np
from builtin_interfaces.msg import Time

from physics import Physics
from scene import HEIGHT, WIDTH, view_options
from sensing import stereo_noise
from table import GROUP_ARM, GROUP_THINGS, World

#: Largest motion after which the last image is still up to date.
STILL = 2e-4


@dataclass(frozen=True)
class CellImage:
    """An image of the camera. `ids`: index of the object each pixel shows, 255 for none."""

    world: World
    colour: np.ndarray
    depth_mm: np.ndarray
    ids: np.ndarray
    #: The whole cell from its side, while the topic has a subscriber.
    side: np.ndarray | None


@dataclass(frozen=True)
class Seen:
    """The visible part of an object."""

    pixels: int
    visible: float
    border: bool


class Eye(threading.Thread):
    """Publishes images at `rate` hertz, or as often as half a core allows while something moves."""

    def __init__(
        self,
        physics: Physics,
        rate: float,
        noise: bool,
        clock: Callable[[], Time],
        on_image: Callable[[CellImage, Time], None],
        side_wanted: Callable[[], bool],
    ) -> None:
        super().__init__(name="camera", daemon=True)
        self.physics, self.rate, self.noise = physics, rate, noise
        self.clock, self.on_image = clock, on_image
        self.side_wanted = side_wanted
        #: The visible part of each object of the world in `seen_of`.
        self.seen: list[Seen] = []
        self.seen_of: World | None = None
        self._leaving = threading.Event()
        self._renderer: mujoco.Renderer | None = None
        self._world: World | None = None
        self._options = view_options({GROUP_THINGS, GROUP_ARM})
        self._rng = np.random.default_rng(1)

    def leave(self) -> None:
        self._leaving.set()
        self.join(timeout=10)

    def run(self) -> None:
        last: np.ndarray | None = None
        shot: CellImage | None = None
        while not self._leaving.is_set():
            began = time.monotonic()
            # The time that the image shows, however long drawing takes: clients wait for an image taken after a motion.
            exposed = self.clock()
            world, qpos, _ = self.physics.snapshot()
            if world is not self._world:
                self._open(world)
                last = None
            if last is None or shot is None or np.abs(qpos - last).max() > STILL:
                shot = self._draw(world, qpos)
                last = qpos
            if self.seen_of is not world:
                self.seen = self._survey(world, qpos, shot.ids)
                self.seen_of = world
            self.on_image(shot, exposed)
            took = time.monotonic() - began
            self._leaving.wait(max(1 / self.rate - took, took if took > 0.05 else 0.0))
        if self._renderer:
            self._renderer.close()

    def _open(self, world: World) -> None:
        if self._renderer:
            self._renderer.close()
        self._world = world
        self._data = mujoco.MjData(world.model)
        self._renderer = mujoco.Renderer(world.model, HEIGHT, WIDTH)
        model = world.model
        self._object_of_geom = np.full(model.ngeom + 1, 255, np.uint8)  # the last row: no geom
        for index, each in enumerate(world.objects):
            self._object_of_geom[:-1][model.geom_bodyid == model.body(each.body).id] = index

    def _pose(self, model: mujoco.MjModel, qpos: np.ndarray) -> None:
        self._data.qpos[:] = qpos
        mujoco.mj_kinematics(model, self._data)
        mujoco.mj_comPos(model, self._data)
        mujoco.mj_camlight(model, self._data)

    def _draw(self, world: World, qpos: np.ndarray) -> CellImage:
        renderer = self._renderer
        assert renderer
        self._pose(world.model, qpos)
        renderer.update_scene(self._data, "eye", self._options)
        colour = renderer.render().copy()
        side = None
        if self.side_wanted():
            renderer.update_scene(self._data, "side", self._options)
            side = renderer.render().copy()
        renderer.enable_depth_rendering()
        renderer.update_scene(self._data, "eye", self._options)
        depth = renderer.render().copy()
        renderer.disable_depth_rendering()
        if self.noise:
            depth = stereo_noise(depth, self._rng)
        millimetres = np.where(np.isfinite(depth) & (depth < 10), np.rint(depth * 1000), 0).astype(np.uint16)
        return CellImage(world, colour, millimetres, self._ids(), side)

    def _ids(self) -> np.ndarray:
        renderer = self._renderer
        assert renderer
        renderer.enable_segmentation_rendering()
        renderer.update_scene(self._data, "eye", self._options)
        ids = self._object_of_geom[renderer.render()[..., 0]]
        renderer.disable_segmentation_rendering()
        return ids

    def _survey(self, world: World, qpos: np.ndarray, ids: np.ndarray) -> list[Seen]:
        model = world.model
        self._pose(model, qpos)
        found = []
        groups = model.geom_group.copy()
        bodies = [model.body(t.body).id for t in world.objects]
        for index, body in enumerate(bodies):
            mask = ids == index
            others = np.isin(model.geom_bodyid, [b for b in bodies if b != body])
            model.geom_group[others] = 5
            alone = int((self._ids() == index).sum())
            model.geom_group[:] = groups
            edge = bool(mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any())
            found.append(Seen(int(mask.sum()), float(mask.sum() / max(1, alone)), edge))
        return found
