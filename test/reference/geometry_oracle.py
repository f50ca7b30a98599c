"""What OpenCV, SciPy and NumPy say about geometry, written to stdout as JSON: test/fixtures/geometry/oracle.json.

The fixture is compared by tests that run thousands of times under mutation testing, which calling Python would not survive.
"""

import json

import cv2
import numpy as np
from scipy import ndimage
from scipy.linalg import eigh
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

random = np.random.default_rng(11)


def listed(array) -> list:
    return np.asarray(array, dtype=np.float64).tolist()


LENSES = [
    ("plumb_bob", [-0.3, 0.1, 0.001, -0.002, 0.02]),
    ("plumb_bob", [0.2, 0, 0, 0]),
    ("plumb_bob", [0, 0.15, 0, 0]),
    ("plumb_bob", [0, 0, 0.03, 0]),
    ("plumb_bob", [0, 0, 0, -0.04]),
    ("plumb_bob", [0, 0, 0, 0, 0.2]),
    ("plumb_bob", [-0.1, 0.05, -0.02, 0.015]),
    ("rational_polynomial", [0.2, -0.3, 0.004, -0.003, 0.05, 0.7, -0.25, 0.1]),
    ("rational_polynomial", [0, 0, 0, 0, 0, 0.3, 0, 0]),
    ("rational_polynomial", [0, 0, 0, 0, 0, 0, -0.2, 0]),
    ("rational_polynomial", [0, 0, 0, 0, 0, 0, 0, 0.25]),
    ("equidistant", [-0.01, 0.04, -0.03, 0.007]),
    ("equidistant", [0, 0, 0, 0]),
    ("equidistant", [0.2, 0, 0, 0]),
    ("equidistant", [0, 0.1, 0, 0]),
    ("equidistant", [0, 0, 0.1, 0]),
    ("equidistant", [0, 0, 0, 0.1]),
]


def lenses() -> list:
    """Rays (x, y, 1), where they meet the distorted plane, and the pixel they fall on."""
    camera = np.array([[610.5, 0, 317.2], [0, 602.25, 243.8], [0, 0, 1.0]])
    zero = np.zeros(3)
    out = []
    for model, coefficients in LENSES:
        rays = random.uniform(-0.65, 0.65, (12, 2))
        rays[0] = [0.3, 0]
        rays[1] = [0, -0.25]
        points = np.column_stack([rays, np.ones(12)]).reshape(-1, 1, 3)
        d = np.array(coefficients, dtype=np.float64)
        to = cv2.fisheye.projectPoints if model == "equidistant" else cv2.projectPoints
        plane = to(points, zero, zero, np.eye(3), d)[0].reshape(-1, 2)
        pixels = to(points, zero, zero, camera, d)[0].reshape(-1, 2)
        out.append(
            {"model": model, "coefficients": coefficients, "rays": listed(rays), "plane": listed(plane), "pixels": listed(pixels)}
        )
    return out


def rotations() -> dict:
    """Rotation vectors with their quaternions (x, y, z, w), and pairs of orientations with the angle between them."""
    axes = random.normal(size=(14, 3))
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    angles = np.array([0.3, 1, 2, 3, 3.14159, 1e-3, 1.01e-4, 0.99e-4, 5e-5, 1e-6, 1e-9, 1e-12, 0, 0.02])
    vectors = axes * angles[:, None]
    turns = Rotation.from_rotvec(vectors)
    start = Rotation.random(14, random_state=3)
    between = start * turns
    return {
        "vectors": listed(vectors),
        "quaternions": listed(turns.as_quat()),
        "angles": listed(angles),
        "from": listed(start.as_quat()),
        "to": listed(between.as_quat()),
    }


def least(points: np.ndarray) -> tuple:
    """Direction and size of least spread, and its share of the whole."""
    values, vectors = eigh(np.cov(points.T, bias=True))
    return vectors[:, 0], values[0], values[0] / values.sum()


def patches() -> list:
    """Organised clouds of 11 × 9 points with gaps; the normals at some of them from their neighbours within a radius."""
    out = []
    for k in range(8):
        turn = Rotation.random(random_state=20 + k)
        columns, rows = np.meshgrid(np.arange(11), np.arange(9))
        u = (columns - 5) * 0.01
        v = (rows - 4) * 0.01
        flat = np.stack([u, v * 0.7 + 0.1 * u, random.normal(0, 0.002, u.shape)], -1).reshape(-1, 3)
        points = turn.apply(flat) + [0.1 * (k % 3 - 1), 0.07 * (k % 2), 0.8]
        points = points.astype(np.float32).astype(np.float64)
        points[random.choice(99, 12, replace=False)] = np.nan
        known = points[np.isfinite(points).all(1)]
        tree = cKDTree(known)
        indices = [i for i in (0, 10, 48, 49, 50, 60, 88, 98, 33, 43) if np.isfinite(points[i]).all()]
        radius = 0.0345
        found = [least(known[tree.query_ball_point(points[i], radius)]) for i in indices]
        # Towards the camera, which is the origin.
        facing = [n * (-1 if n @ points[i] > 0 else 1) for (n, _, _), i in zip(found, indices)]
        out.append(
            {
                "points": [None if np.isnan(x) else x for x in points.ravel()],
                "radius": radius,
                "indices": indices,
                "normals": listed(facing),
                "shares": [share for _, _, share in found],
            }
        )
    return out


def planes() -> list:
    """Least-squares planes, of all points and of those near a plane."""
    out = []
    for k in range(4):
        turn = Rotation.random(random_state=40 + k)
        flat = np.column_stack([random.uniform(-0.3, 0.3, 60), random.uniform(-0.2, 0.2, 60), random.normal(0, 0.004, 60)])
        flat[:15, 2] += random.uniform(0.05, 0.2, 15)
        points = (turn.apply(flat) + [0.1, -0.3, 1.1]).astype(np.float32).astype(np.float64)
        guess = turn.apply([0, 0, 1])
        offset = -float(guess @ [0.1, -0.3, 1.1])
        near = points[np.abs(points @ guess + offset) <= 0.02]
        both = []
        for part in (points, near):
            normal, spread, _ = least(part)
            both.append(
                {"normal": listed(normal), "offset": float(-normal @ part.mean(0)), "rms": float(np.sqrt(spread)), "inliers": len(part)}
            )
        out.append({"points": listed(points.ravel()), "guess": {"normal": listed(guess), "offset": offset}, "all": both[0], "near": both[1]})
    return out


def moved() -> dict:
    turn = Rotation.random(random_state=60)
    position = [0.3, -1.2, 2.5]
    points = random.uniform(-1, 1, (7, 3)).astype(np.float32).astype(np.float64)
    return {
        "position": position,
        "orientation": listed(turn.as_quat()),
        "points": listed(points.ravel()),
        "moved": listed((turn.apply(points) + position).ravel()),
    }


def groups() -> list:
    """Points on both sides of the origin: the first of each voxel, and groups of voxels that touch."""
    out = []
    for k in range(4):
        size = 0.01
        points = random.uniform(-0.035, 0.035, (40 + 15 * k, 3)).astype(np.float32)
        cells = np.floor(points.astype(np.float64) / size).astype(int)
        _, first = np.unique(cells, axis=0, return_index=True)
        grid = np.zeros(np.ptp(cells, axis=0) + 1, dtype=bool)
        at = tuple((cells - cells.min(0)).T)
        grid[at] = True
        label, count = ndimage.label(grid, np.ones((3, 3, 3)))
        own = label[at]
        # The largest first; of two as large that with the earlier point.
        members = sorted((np.flatnonzero(own == i + 1) for i in range(count)), key=lambda m: (-len(m), m[0]))
        labels = np.zeros(len(points), dtype=int)
        for i, m in enumerate(members):
            labels[m] = i
        out.append({"points": listed(points.ravel()), "size": size, "first": sorted(first.tolist()), "labels": labels.tolist()})
    return out


SIDES = (np.floor, lambda w: np.floor(w) + 1)


def instances() -> list:
    """Objects of a heat map: 8-connected parts, best mean first, their masks at the picture's size by linear interpolation."""
    out = []
    options = [
        {},
        {"minArea": 0.02, "relativeScore": 0},
        {"minArea": 0, "relativeScore": 0.95},
        {"minArea": 0, "relativeScore": 0, "limit": 2},
        {"minArea": 0, "relativeScore": 0},
        {"minArea": 0.01, "relativeScore": 0.9},
    ]
    for k, given in enumerate(options):
        height, width = (9, 12) if k % 2 == 0 else (13, 8)
        picture = (int(height * (2.7 + 0.4 * k)), int(width * (3.4 - 0.3 * k)))
        heat = ndimage.gaussian_filter(random.uniform(0, 1, (height, width)), 0.7, mode="nearest")
        heat = ((heat - heat.min()) / np.ptp(heat)).astype(np.float32)
        threshold = 0.55
        label, count = ndimage.label(heat >= threshold, np.ones((3, 3)))
        area = np.bincount(label.ravel(), minlength=count + 1)
        mean = ndimage.mean(heat.astype(np.float64), label, np.arange(count + 1))
        least = max(1, given.get("minArea", 0.0003) * heat.size)
        found = sorted((i for i in range(1, count + 1) if area[i] >= least), key=lambda i: (-mean[i], -area[i]))
        best = mean[found[0]]
        found = [i for i in found if mean[i] >= best * given.get("relativeScore", 0.6)][: given.get("limit", 20)]
        # Pixel centres lie at half pixels; beyond the outermost the value stays.
        ratio = np.array([height / picture[0], width / picture[1]])
        v, u = np.meshgrid(*[(np.arange(n) + 0.5) * r - 0.5 for n, r in zip(picture, ratio)], indexing="ij")
        where = [np.clip(v, 0, height - 1), np.clip(u, 0, width - 1)]
        fine = ndimage.map_coordinates(heat.astype(np.float64), where, order=1, mode="nearest")
        nearest = label[np.floor(where[0] + 0.5).astype(int), np.floor(where[1] + 0.5).astype(int)]
        # The pixels of the map between which each pixel of the image lies.
        (v0, u0), (v1, u1) = [[np.minimum(side(w).astype(int), n - 1) for w, n in zip(where, heat.shape)] for side in SIDES]
        around = [label[v0, u0], label[v0, u1], label[v1, u0], label[v1, u1]]
        each = []
        for i in found:
            # What lies between another object and the background alone is not this one's.
            touches = np.any([corner == i for corner in around], axis=0)
            mask = (fine >= threshold) & ((nearest == i) | (nearest == 0)) & touches
            ys, xs = np.nonzero(mask)
            box = [int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1]
            each.append({"score": float(mean[i]), "box": box, "mask": "".join(map(str, mask.ravel().astype(int)))})
        out.append(
            {
                "width": width,
                "height": height,
                "heat": listed(heat.ravel()),
                "image": {"width": picture[1], "height": picture[0]},
                "threshold": threshold,
                "options": given,
                "found": each,
            }
        )
    return out


def mulberry32(seed: int, count: int) -> list:
    """Tommy Ettinger's generator in arbitrary-precision integers."""
    state, out, word = seed, [], 2**32
    for _ in range(count):
        state = (state + 0x6D2B79F5) % word
        t = (state ^ (state >> 15)) * (state | 1) % word
        t ^= (t + (t ^ (t >> 7)) * (t | 61)) % word
        out.append(((t ^ (t >> 14)) % word) / word)
    return out


print(
    json.dumps(
        {
            "lenses": lenses(),
            "rotations": rotations(),
            "patches": patches(),
            "planes": planes(),
            "moved": moved(),
            "groups": groups(),
            "instances": instances(),
            "mulberry32": {str(seed): mulberry32(seed, 12) for seed in (0, 1, 12345, 2**32 - 1)},
        }
    )
)
