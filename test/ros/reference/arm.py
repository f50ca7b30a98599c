"""The simulated arm of controller.py."""

from __future__ import annotations

import threading
import time

from trajectory_msgs.msg import JointTrajectory

#: A joint that is slower than this stands, in radians a second.
STILL = 0.005


class Arm:
    """Joints that follow a trajectory exactly, and stand still otherwise."""

    def __init__(self, joints: list[str], configuration: list[float]) -> None:
        self.joints = joints
        self.positions = list(configuration)
        self.velocities = [0.0] * len(joints)
        self.lock = threading.RLock()
        self.points: list[tuple[float, list[float]]] = []
        self.began = 0.0
        self.turn = 0

    def follow(self, message: JointTrajectory) -> int:
        """Starts a trajectory, in the order of its own joint names."""
        order = [message.joint_names.index(name) for name in self.joints]
        with self.lock:
            # From where it is now: a position of the last tick, which a busy machine makes late, would begin with a jump that
            # no limit allows.
            self.tick()
            self.turn += 1
            self.began = time.monotonic()
            self.points = [(0.0, list(self.positions))]
            for point in message.points:
                at = point.time_from_start.sec + point.time_from_start.nanosec / 1e9
                self.points.append((at, [point.positions[i] for i in order]))
            return self.turn

    def hold(self) -> None:
        """Stands where it is."""
        with self.lock:
            self.turn += 1
            self.points = []

    def tick(self) -> float:
        """Moves on to now, a time of the monotonic clock, and gives it."""
        with self.lock:
            now = time.monotonic()
            if self.points:
                self.positions, self.velocities = self.at(now - self.began)
            else:
                self.velocities = [0.0] * len(self.joints)
            return now

    def at(self, t: float) -> tuple[list[float], list[float]]:
        for (t0, a), (t1, b) in zip(self.points, self.points[1:]):
            if t < t1:
                share = (t - t0) / (t1 - t0)
                return [p + (q - p) * share for p, q in zip(a, b)], [(q - p) / (t1 - t0) for p, q in zip(a, b)]
        return list(self.points[-1][1]), [0.0] * len(self.joints)

    def done(self, turn: int) -> bool:
        with self.lock:
            return turn == self.turn and time.monotonic() - self.began >= self.points[-1][0]

    @property
    def moving(self) -> bool:
        return any(abs(v) > STILL for v in self.velocities)
