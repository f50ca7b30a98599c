"""Planes and normals by NumPy and SciPy, to compare ours with. Reads JSON from stdin, writes JSON to stdout."""

import json
import sys

import numpy as np
from scipy.linalg import svd
from scipy.spatial import cKDTree


def plane(points: np.ndarray) -> dict:
    """Orthogonal least squares."""
    middle = points.mean(0)
    normal = svd(points - middle)[2][2]
    distances = (points - middle) @ normal
    return {
        "normal": normal.tolist(),
        "offset": float(-normal @ middle),
        "rms": float(np.sqrt((distances**2).mean())),
    }


def normals(points: np.ndarray, indices: list[int], radius: float) -> list[list[float]]:
    """Direction of least spread of the neighbours within the radius."""
    known = points[np.isfinite(points).all(1)]
    tree = cKDTree(known)
    return [plane(known[tree.query_ball_point(points[i], radius)])["normal"] for i in indices]


if __name__ == "__main__":
    given = json.load(sys.stdin)
    if sys.argv[1] == "plane":
        print(json.dumps(plane(np.array(given, dtype=np.float64).reshape(-1, 3))))
    else:
        cloud = np.array([np.nan if x is None else x for x in given["points"]], dtype=np.float64).reshape(-1, 3)
        print(json.dumps(normals(cloud, given["indices"], given["radius"])))
