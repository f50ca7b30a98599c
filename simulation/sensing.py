"""What the scenes' camera is: where it is mounted, how it measures depth, and what its objects' surfaces do to that."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

MOUNTS = ("tripod", "overhead", "wrist")
DEPTHS = ("stereo", "time-of-flight")
SURFACES = ("opaque", "shiny", "clear")
#: Degrees above the horizon and metres from the scene, for one object and for several.
POSES = {
    "tripod": ((38, 68), (0.55, 0.8), (0.65, 0.85)),
    "overhead": ((78, 89), (0.65, 0.85), (0.75, 0.95)),
    "wrist": ((50, 75), (0.32, 0.42), (0.42, 0.55)),
}
#: Share of a shiny object's pixels without depth, and of a clear object's with the depth of the table behind it.
SHINY, CLEAR = 0.35, 0.5


@dataclass(frozen=True)
class Sensing:
    """The camera's mount, its kind of depth, and the objects' surfaces."""

    mount: str = "tripod"
    depth: str = "stereo"
    surface: str = "opaque"


def draw_pose(sensing: Sensing, several: bool, rng: np.random.Generator) -> tuple[float, float, float]:
    """Elevation and azimuth in radians, and distance in metres."""
    elevations, one, more = POSES[sensing.mount]
    elevation, azimuth = np.radians(rng.uniform(*elevations)), rng.uniform(0, 2 * np.pi)
    return elevation, azimuth, rng.uniform(*(more if several else one))


def measure(
    sensing: Sensing, depth: np.ndarray, behind: np.ndarray, objects: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """The depth image of such a camera. `behind`: depth of the table alone; `objects`: the pixels that show an object."""
    if sensing.surface != "opaque":
        # Whole patches of a surface go wrong, some ten pixels across.
        field = ndimage.gaussian_filter(rng.normal(0, 1, depth.shape), 4)
        share = SHINY if sensing.surface == "shiny" else CLEAR
        wrong = objects & (field > np.quantile(field, 1 - share))
        depth = np.where(wrong, np.nan if sensing.surface == "shiny" else behind, depth).astype(np.float32)
    missing = ~np.isfinite(depth)
    noisy = (stereo_noise if sensing.depth == "stereo" else time_of_flight_noise)(np.where(missing, behind, depth), rng)
    noisy[missing] = np.nan
    return noisy


def stereo_noise(depth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """
    Noise of an active stereo camera: edges that wander by a pixel, noise that grows with the square of the range, with a
    part that is smooth over some 20 pixels, flying pixels at depth steps, holes at steps and on surfaces seen at a
    grazing angle, whole millimetres.
    """
    h, w = depth.shape
    rows, columns = np.mgrid[0:h, 0:w]
    wander = [ndimage.gaussian_filter(rng.normal(0, 1, (h, w)), 1.2) * 2.2 for _ in range(2)]
    r = np.clip(np.rint(rows + wander[0]), 0, h - 1).astype(int)
    c = np.clip(np.rint(columns + wander[1]), 0, w - 1).astype(int)
    out = depth[r, c].astype(np.float64)
    sigma = 0.0009 * (out / 0.6) ** 2
    out += rng.normal(0, 1, (h, w)) * sigma
    smooth = ndimage.gaussian_filter(rng.normal(0, 1, (h, w)), 8)
    out += smooth / smooth.std() * 1.1 * sigma
    low, high = ndimage.minimum_filter(depth, 3), ndimage.maximum_filter(depth, 3)
    step = high - low
    edge = step > 0.02
    flying = edge & (rng.random((h, w)) < 0.25)
    mix = rng.random((h, w))
    out[flying] = (low * mix + high * (1 - mix))[flying]
    holes = edge & (rng.random((h, w)) < 0.2)
    grazing = (step > 0.009) & ~edge & (rng.random((h, w)) < 0.25)
    patches = ndimage.gaussian_filter(rng.normal(0, 1, (h, w)), 3)
    holes |= grazing | (patches / patches.std() > 3.2)
    out = np.round(out, 3)
    out[holes] = np.nan
    return out.astype(np.float32)


def time_of_flight_noise(depth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """
    Noise of a time-of-flight camera, by the figures of Tölgyessy et al., Evaluation of the Azure Kinect (Sensors 21(2),
    2021): 1.5 mm of noise at any near range, and an error of 3 mm that is smooth over the image. At depth steps one pixel
    in two mixes both sides. No holes where surfaces are seen at a grazing angle.
    """
    h, w = depth.shape
    out = ndimage.gaussian_filter(depth, 0.6).astype(np.float64)
    out += rng.normal(0, 0.0015, (h, w))
    smooth = ndimage.gaussian_filter(rng.normal(0, 1, (h // 8, w // 8)), 6)
    out += ndimage.zoom(smooth / smooth.std(), 8, order=1) * 0.003
    low, high = ndimage.minimum_filter(depth, 3), ndimage.maximum_filter(depth, 3)
    edge = high - low > 0.02
    flying = edge & (rng.random((h, w)) < 0.5)
    mix = rng.random((h, w))
    out[flying] = (low * mix + high * (1 - mix))[flying]
    out = np.round(out, 3)
    out[edge & (rng.random((h, w)) < 0.1)] = np.nan
    return out.astype(np.float32)
