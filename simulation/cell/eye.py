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
from scene import HEIGHT, WIDTH, add_noise, view_options
from table import GROUP_ARM, GROUP_THINGS, World

#: Nothing moved by more than this: the last picture still shows what is there.
STILL = 2e-4


@dataclass(frozen=True)
class Picture:
    """What the camera saw. `ids`: index of the thing each pixel shows, 255 for none."""

    world: World
    colour: np.ndarray
    depth_mm: np.ndarray
    ids: np.ndarray
    #: A look at the whole cell from its side, when somebody wants it.
    side: np.ndarray | None


@dataclass(frozen=True)
class Seen:
    """How much of a thing the camera sees."""

    pixels: int
    visible: float
    border: bool


class Eye(threading.Thread):
    """Publishes pictures at `rate` hertz, or as often as half a core allows while something moves."""

    def __init__(
        self,
        physics: Physics,
        rate: float,
        noise: bool,
        clock: Callable[[], Time],
        on_picture: Callable[[Picture, Time], None],
        side_wanted: Callable[[], bool],
    ) -> None:
        super().__init__(name="camera", daemon=True)
        self.physics, self.rate, self.noise = physics, rate, noise
        self.clock, self.on_picture = clock, on_picture
        self.side_wanted = side_wanted
        #: What is seen of each thing of the world in `seen_of`.
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
        picture: Picture | None = None
        while not self._leaving.is_set():
            began = time.monotonic()
            # The moment it shows, however long the drawing takes: who waits for a picture taken after a motion relies on it.
            exposed = self.clock()
            world, qpos, _ = self.physics.snapshot()
            if world is not self._world:
                self._open(world)
                last = None
            if last is None or picture is None or np.abs(qpos - last).max() > STILL:
                picture = self._look(world, qpos)
                last = qpos
            if self.seen_of is not world:
                self.seen = self._survey(world, qpos, picture.ids)
                self.seen_of = world
            self.on_picture(picture, exposed)
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
        self._thing_of_geom = np.full(model.ngeom + 1, 255, np.uint8)  # the last row: no geom
        for index, thing in enumerate(world.things):
            self._thing_of_geom[:-1][model.geom_bodyid == model.body(thing.body).id] = index

    def _pose(self, model: mujoco.MjModel, qpos: np.ndarray) -> None:
        self._data.qpos[:] = qpos
        mujoco.mj_kinematics(model, self._data)
        mujoco.mj_comPos(model, self._data)
        mujoco.mj_camlight(model, self._data)

    def _look(self, world: World, qpos: np.ndarray) -> Picture:
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
            depth = add_noise(depth, self._rng)
        millimetres = np.where(np.isfinite(depth) & (depth < 10), np.rint(depth * 1000), 0).astype(np.uint16)
        return Picture(world, colour, millimetres, self._ids(), side)

    def _ids(self) -> np.ndarray:
        renderer = self._renderer
        assert renderer
        renderer.enable_segmentation_rendering()
        renderer.update_scene(self._data, "eye", self._options)
        ids = self._thing_of_geom[renderer.render()[..., 0]]
        renderer.disable_segmentation_rendering()
        return ids

    def _survey(self, world: World, qpos: np.ndarray, ids: np.ndarray) -> list[Seen]:
        model = world.model
        self._pose(model, qpos)
        found = []
        groups = model.geom_group.copy()
        bodies = [model.body(t.body).id for t in world.things]
        for index, body in enumerate(bodies):
            mask = ids == index
            others = np.isin(model.geom_bodyid, [b for b in bodies if b != body])
            model.geom_group[others] = 5
            alone = int((self._ids() == index).sum())
            model.geom_group[:] = groups
            edge = bool(mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any())
            found.append(Seen(int(mask.sum()), float(mask.sum() / max(1, alone)), edge))
        return found
