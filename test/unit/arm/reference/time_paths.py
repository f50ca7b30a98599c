"""
Times paths with toppra, and checks given trajectories by finite differences. Reads (from the file
named as argument, else from stdin) {paths: [{knots, coefficients (piece,
joint, power), velocity, acceleration, jerk?, samples? (positions at 1 kHz)}]} as JSON; writes for each its duration by
toppra, the milliseconds it took and the largest share of each limit that the samples use.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from pathlib import Path

import numpy as np
import toppra
from scipy.interpolate import PPoly
from toppra import algorithm, constraint


class PolynomialPath:
    """The given polynomials as toppra wants a path."""

    def __init__(self, knots: list[float], coefficients: list[list[list[float]]]) -> None:
        # scipy wants (power, highest first) × piece × joint.
        table = np.asarray(coefficients)[:, :, ::-1].transpose(2, 0, 1)
        self.curve = PPoly(table, np.asarray(knots))
        self.dof = table.shape[2]
        self.path_interval = np.array([knots[0], knots[-1]])
        self.waypoints = (np.asarray(knots), self.curve(np.asarray(knots)))

    def __call__(self, s: np.ndarray, order: int = 0) -> np.ndarray:
        return self.curve(s, order)


def duration(path: PolynomialPath, velocity: list[float], acceleration: list[float], points: int) -> float:
    """Toppra's duration from rest to rest."""
    limits = [
        constraint.JointVelocityConstraint(np.asarray([[-v, v] for v in velocity])),
        constraint.JointAccelerationConstraint(
            np.asarray([[-a, a] for a in acceleration]),
            discretization_scheme=constraint.DiscretizationType.Interpolation,
        ),
    ]
    grid = np.linspace(*path.path_interval, points)
    solver = algorithm.TOPPRA(limits, path, gridpoints=grid, solver_wrapper="seidel")
    _, rates, _ = solver.compute_parameterization(0, 0)
    if rates is None:
        raise RuntimeError("toppra found no parametrisation")
    return float(np.sum(2 * np.diff(grid) / (rates[:-1] + rates[1:])))


def usage(samples: list[list[float]], limits: dict[str, list[float] | None]) -> dict[str, float]:
    """Largest share of each limit by differences of positions 1 ms apart, rest before and after included."""
    values = np.asarray(samples)
    values = np.vstack([np.repeat(values[:1], 4, 0), values, np.repeat(values[-1:], 4, 0)])
    found = {}
    for order, name in enumerate(("velocity", "acceleration", "jerk"), 1):
        limit = limits.get(name)
        if limit is not None:
            found[name] = float(np.max(np.abs(np.diff(values, order, axis=0)) / 0.001**order / np.asarray(limit)))
    return found


def main() -> None:
    logging.disable(logging.WARNING)
    toppra.setup_logging("ERROR")
    text = Path(sys.argv[1]).read_text() if len(sys.argv) > 1 else sys.stdin.read()
    answers = []
    for task in json.loads(text)["paths"]:
        path = PolynomialPath(task["knots"], task["coefficients"])
        began = time.perf_counter()
        answer = {"duration": duration(path, task["velocity"], task["acceleration"], task.get("points", 500))}
        answer["ms"] = 1000 * (time.perf_counter() - began)
        if "samples" in task:
            answer["usage"] = usage(task["samples"], {k: task.get(k) for k in ("velocity", "acceleration", "jerk")})
        answers.append(answer)
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
