"""Trajectories as ros2_control's joint_trajectory_controller reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


class InvalidTrajectory(ValueError):
    """A goal the controller does not accept, and why."""


@dataclass(frozen=True)
class Trajectory:
    """Joint positions over time; times in seconds from the start, one row a point. Velocities and accelerations may be missing."""

    times: np.ndarray
    positions: np.ndarray
    velocities: np.ndarray | None
    accelerations: np.ndarray | None

    @property
    def duration(self) -> float:
        return float(self.times[-1])

    def at(self, t: float) -> tuple[np.ndarray, np.ndarray]:
        """Position and velocity: quintic between points with accelerations, cubic with velocities, else straight."""
        if t >= self.times[-1]:
            return self.positions[-1], np.zeros_like(self.positions[-1])
        k = max(0, int(np.searchsorted(self.times, t, side="right")) - 1)
        p0, p1 = self.positions[k], self.positions[k + 1]
        length = self.times[k + 1] - self.times[k]
        s = max(0.0, t - self.times[k])
        if self.velocities is None:
            return p0 + (p1 - p0) * (s / length), (p1 - p0) / length
        v0, v1 = self.velocities[k], self.velocities[k + 1]
        if self.accelerations is None:
            c2 = (3 * (p1 - p0) - (2 * v0 + v1) * length) / length**2
            c3 = (2 * (p0 - p1) + (v0 + v1) * length) / length**3
            return p0 + s * (v0 + s * (c2 + s * c3)), v0 + s * (2 * c2 + 3 * s * c3)
        a0, a1 = self.accelerations[k], self.accelerations[k + 1]
        d, T = p1 - p0, length
        c3 = (20 * d - (8 * v1 + 12 * v0) * T - (3 * a0 - a1) * T**2) / (2 * T**3)
        c4 = (-30 * d + (14 * v1 + 16 * v0) * T + (3 * a0 - 2 * a1) * T**2) / (2 * T**4)
        c5 = (12 * d - 6 * (v1 + v0) * T + (a1 - a0) * T**2) / (2 * T**5)
        position = p0 + s * (v0 + s * (a0 / 2 + s * (c3 + s * (c4 + s * c5))))
        return position, v0 + s * (a0 + s * (3 * c3 + s * (4 * c4 + s * 5 * c5)))


def read(message, joints: Sequence[str], start: np.ndarray, start_velocity: np.ndarray) -> Trajectory:
    """
    A trajectory_msgs/JointTrajectory in the order of `joints`, from where the controller is now.
    Raises InvalidTrajectory.
    """
    names = list(message.joint_names)
    if sorted(names) != sorted(joints):
        raise InvalidTrajectory(f"joints {names}; this controller moves {list(joints)}")
    if not message.points:
        raise InvalidTrajectory("no points")
    order = [names.index(j) for j in joints]

    def column(field: str) -> np.ndarray | None:
        rows = [list(getattr(p, field)) for p in message.points]
        if all(len(r) == 0 for r in rows) and field != "positions":
            return None
        if any(len(r) != len(names) for r in rows):
            raise InvalidTrajectory(f"{field} of {len(names)} joints are needed in every point")
        values = np.array(rows)[:, order]
        if not np.isfinite(values).all():
            raise InvalidTrajectory(f"{field} are not finite numbers")
        return values

    times = np.array([p.time_from_start.sec + p.time_from_start.nanosec * 1e-9 for p in message.points])
    if times[0] < 0 or (np.diff(times) <= 0).any():
        raise InvalidTrajectory("times do not increase")
    positions, velocities, accelerations = column("positions"), column("velocities"), column("accelerations")
    if velocities is None:
        accelerations = None
    elif np.abs(velocities[-1]).max() > 1e-3:
        raise InvalidTrajectory("it does not end at rest")
    if times[0] > 0:
        zero = np.zeros((1, len(joints)))
        times = np.concatenate([[0.0], times])
        positions = np.concatenate([start[None], positions])
        velocities = None if velocities is None else np.concatenate([start_velocity[None], velocities])
        accelerations = None if accelerations is None else np.concatenate([zero, accelerations])
    return Trajectory(times, positions, velocities, accelerations)
