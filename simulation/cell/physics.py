"""The physics in real time, and the two controllers on it: one that follows trajectories, one that grips."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import mujoco
import numpy as np

from panda import FINGERS, JOINTS, LARGEST_FORCE, OPEN, STIFFNESS
from scene import GRIP_FORCE
from table import World
from trajectory import Trajectory

#: Result codes of control_msgs/FollowJointTrajectory.
SUCCESSFUL, INVALID_GOAL, PATH_VIOLATED, GOAL_VIOLATED = 0, -1, -4, -5
#: Deceleration when a motion is broken off, rad/s², and the longest it may take.
BRAKE, LONGEST_STOP = 12.0, 0.06
FINGER_SPEED = 0.05
#: States go out every so many steps: 125 a second.
STATE_EVERY = 4


@dataclass
class Motion:
    """A trajectory being followed, and how it ended."""

    trajectory: Trajectory
    began: float
    path_tolerance: np.ndarray
    goal_tolerance: np.ndarray
    goal_time: float
    ended: threading.Event = field(default_factory=threading.Event)
    code: int = SUCCESSFUL
    text: str = ""

    def end(self, code: int, text: str = "") -> None:
        if not self.ended.is_set():
            self.code, self.text = code, text
            self.ended.set()


@dataclass
class Grip:
    """A gripper command, positions of one finger in metres."""

    position: float
    force: float
    ended: threading.Event = field(default_factory=threading.Event)
    reached: bool = False
    stalled: bool = False
    still_for: float = 0.0


class Physics(threading.Thread):
    """Steps the world at the rate of the clock. All public methods may be called from any thread."""

    def __init__(self, world: World, rate: float, on_state: Callable[[float, np.ndarray, np.ndarray], None]) -> None:
        super().__init__(name="physics", daemon=True)
        self.lock = threading.RLock()
        self.rate = rate
        self.on_state = on_state
        #: Fraction of real time reached over the last seconds, of what `rate` asks for.
        self.keeping_up = 1.0
        self.slowdowns = 0
        #: Test switches: the arm is held by its brakes.
        self.frozen = False
        self.sim_time = 0.0
        self.motion: Motion | None = None
        self.grip: Grip | None = None
        #: Times (by time.monotonic) of the last order to stop and of the commanded motion's end after it.
        self.stop_ordered = self.stop_done = 0.0
        self._leaving = threading.Event()
        self.load(world)

    def load(self, world: World) -> None:
        """Puts another world in the place of this one; whatever moves is broken off."""
        with self.lock:
            if self.motion:
                self.motion.end(INVALID_GOAL, "the scene was changed")
            if self.grip:
                self.grip.ended.set()
            self.motion, self.grip = None, None
            self.world = world
            model = world.model
            self._q = np.array([model.joint(n).qposadr[0] for n in (*JOINTS, *FINGERS)])
            self._v = np.array([model.joint(n).dofadr[0] for n in (*JOINTS, *FINGERS)])
            self._arm = np.array([model.actuator(n).id for n in JOINTS])
            self._fingers = np.array([model.actuator(n).id for n in FINGERS])
            # A position servo lags by velocity times kv/kp; the command leads by as much.
            self._lead = -model.actuator_biasprm[self._arm, 2] / np.array(STIFFNESS)
            self.command = world.data.qpos[self._q[:7]].copy()
            self.command_velocity = np.zeros(7)
            self._stop_from: tuple[float, np.ndarray, np.ndarray, float] | None = None
            self._finger_command = OPEN

    def leave(self) -> None:
        self._leaving.set()
        self.join(timeout=5)

    def follow(self, make: Callable[[np.ndarray, np.ndarray], Trajectory], **tolerances) -> Motion:
        """Begins a trajectory made from where the command is now; one that is being followed ends as preempted."""
        with self.lock:
            trajectory = make(self.command, self.command_velocity)
            if self.motion:
                self.motion.end(INVALID_GOAL, "preempted by a new goal")
            self._stop_from = None
            self.motion = Motion(trajectory, self.sim_time, **tolerances)
            return self.motion

    def stop(self, motion: Motion | None, code: int = SUCCESSFUL, text: str = "cancelled") -> None:
        """Brakes, when `motion` is the present one."""
        with self.lock:
            if motion is None or self.motion is not motion:
                return
            self.motion = None
            self.stop_ordered = time.monotonic()
            speed = float(np.abs(self.command_velocity).max())
            length = min(LONGEST_STOP, max(speed / BRAKE, self.world.model.opt.timestep))
            self._stop_from = (self.sim_time, self.command.copy(), self.command_velocity.copy(), length)
            motion.end(code, text)

    def close_on(self, position: float, force: float) -> Grip:
        """Moves the fingers; a running command ends at the present width."""
        with self.lock:
            if self.grip:
                self.grip.ended.set()
            wanted = GRIP_FORCE if not force > 0 else min(force, LARGEST_FORCE)
            self.grip = Grip(float(np.clip(position, 0.0, OPEN)), wanted)
            q = float(self.world.data.qpos[self._q[7:]].mean())
            if self.grip.position > q:
                # The servo presses on what is held; opening begins where the fingers are, not behind them.
                self._finger_command = max(self._finger_command, q)
            self.world.model.actuator_forcerange[self._fingers] = [-wanted, wanted]
            return self.grip

    def release(self, grip: Grip) -> None:
        """Cancels a gripper command: the fingers stay where they are."""
        with self.lock:
            if self.grip is grip:
                self.grip = None
                self._finger_command = float(self.world.data.qpos[self._q[7]])
            grip.ended.set()

    def snapshot(self) -> tuple[World, np.ndarray, float]:
        """World, its joint positions and the time, for whoever draws it."""
        with self.lock:
            return self.world, self.world.data.qpos.copy(), self.sim_time

    def fingers(self) -> float:
        with self.lock:
            return float(self.world.data.qpos[self._q[7:]].mean())

    def run(self) -> None:
        step = self.world.model.opt.timestep
        due = time.monotonic()
        window, counted = due, self.sim_time
        count = 0
        while not self._leaving.is_set():
            with self.lock:
                data = self.world.data
                self._command_arm(data)
                self._command_fingers(data)
                mujoco.mj_step(self.world.model, data)
                self.sim_time += step
                q, v = data.qpos[self._q].copy(), data.qvel[self._v].copy()
            count += 1
            if count % STATE_EVERY == 0:
                self.on_state(self.sim_time, q, v)
            due += step / self.rate
            now = time.monotonic()
            if now - due > 0.05:  # no catching up in leaps: time passes more slowly instead
                self.slowdowns += 1
                due = now
            elif due - now > 0.0005:
                time.sleep(due - now)
            if now - window > 3:
                self.keeping_up = (self.sim_time - counted) / (now - window) / self.rate
                window, counted = now, self.sim_time

    def _command_arm(self, data: mujoco.MjData) -> None:
        motion = self.motion
        if motion:
            elapsed = self.sim_time - motion.began
            self.command, self.command_velocity = motion.trajectory.at(elapsed)
            off = np.abs(data.qpos[self._q[:7]] - self.command)
            if elapsed < motion.trajectory.duration:
                if (off > motion.path_tolerance).any():
                    worst = int(np.argmax(off - motion.path_tolerance))
                    self.stop(motion, PATH_VIOLATED, f"{JOINTS[worst]} is {off[worst]:.3f} rad off its path")
            elif (off <= motion.goal_tolerance).all():
                self.motion = None
                motion.end(SUCCESSFUL)
            elif elapsed > motion.trajectory.duration + motion.goal_time:
                worst = int(np.argmax(off - motion.goal_tolerance))
                self.motion = None
                motion.end(GOAL_VIOLATED, f"{JOINTS[worst]} is {off[worst]:.3f} rad off its goal")
        elif self._stop_from:
            began, position, velocity, length = self._stop_from
            s = min(self.sim_time - began, length)
            self.command = position + velocity * (s - s * s / (2 * length))
            self.command_velocity = velocity * (1 - s / length)
            if s >= length:
                self._stop_from = None
                self.stop_done = time.monotonic()
        else:
            self.command_velocity = np.zeros(7)
        if not self.frozen:
            data.ctrl[self._arm] = self.command + self._lead * self.command_velocity

    def _command_fingers(self, data: mujoco.MjData) -> None:
        step = self.world.model.opt.timestep
        grip = self.grip
        q = float(data.qpos[self._q[7:]].mean())
        if grip:
            reach = FINGER_SPEED * step
            self._finger_command += float(np.clip(grip.position - self._finger_command, -reach, reach))
            still = abs(float(data.qvel[self._v[7]])) < 0.002
            grip.still_for = grip.still_for + step if still else 0.0
            at_goal = abs(q - grip.position) < 0.0015
            arrived = abs(self._finger_command - grip.position) < 1e-9
            pressing = abs(self._finger_command - q) > 0.002
            if at_goal and arrived and grip.still_for > 0.05:
                self._end_grip(grip, reached=True)
            elif not at_goal and grip.still_for > 0.2 and (arrived or pressing):
                # What is between the fingers is held with the whole force that was asked for.
                self._finger_command = q - 0.03 if grip.position < q else q + 0.03
                self._end_grip(grip, stalled=True)
        data.ctrl[self._fingers] = self._finger_command

    def _end_grip(self, grip: Grip, reached: bool = False, stalled: bool = False) -> None:
        grip.reached, grip.stalled = reached, stalled
        self.grip = None
        grip.ended.set()
