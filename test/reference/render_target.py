"""Pictures of a printed target as a camera would take them, by OpenCV. JSON on stdin: a page and its scale, a camera,
poses of the page's origin point in the camera, output files. Prints the time it took and, for chessboards, OpenCV's corners."""

import json
import sys

import cv2
import numpy as np


def rays(width: int, height: int, k: np.ndarray, d: np.ndarray, fisheye: bool, scale: int) -> np.ndarray:
    """Directions (x, y, 1) of the pixels of a picture `scale` times as fine."""
    u, v = np.meshgrid(np.arange(width * scale), np.arange(height * scale))
    pixels = np.stack([(u + 0.5) / scale - 0.5, (v + 0.5) / scale - 0.5], -1).astype(np.float64)
    flat = pixels.reshape(-1, 1, 2)
    if fisheye:
        out = cv2.fisheye.undistortPoints(flat, k, d)
    else:
        criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 40, 1e-9)
        out = cv2.undistortPointsIter(flat, k, d, np.eye(3), np.eye(3), criteria)
    return out.reshape(height * scale, width * scale, 2)


def main() -> None:
    given = json.load(sys.stdin)
    page = cv2.imread(given["page"], cv2.IMREAD_GRAYSCALE)
    per_metre = given["pixels_per_metre"]
    camera = given["camera"]
    width, height, scale = camera["width"], camera["height"], 3
    k = np.array(camera["k"], dtype=np.float64).reshape(3, 3)
    d = np.array(camera["d"], dtype=np.float64)
    directions = rays(width, height, k, d, camera["model"] == "equidistant", scale)
    random = np.random.default_rng(given.get("seed", 1))
    found = []
    for view in given["views"]:
        r = np.array(view["r"], dtype=np.float64).reshape(3, 3)
        t = np.array(view["t"], dtype=np.float64)
        # Where each ray meets the page's plane z = 0, in the page's frame.
        origin = -r.T @ t
        slope = np.dstack([directions, np.ones(directions.shape[:2])]) @ r
        with np.errstate(divide="ignore", invalid="ignore"):
            s = -origin[2] / slope[..., 2]
        x = (origin[0] + s * slope[..., 0] + given["origin"][0]) * per_metre - 0.5
        y = (origin[1] + s * slope[..., 1] + given["origin"][1]) * per_metre - 0.5
        x[~(s > 0)] = -1e6
        table = cv2.GaussianBlur(random.normal(110, 60, (height * scale, width * scale)).astype(np.float32), (0, 0), 12)
        fine = cv2.remap(page, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR, borderValue=255)
        on_page = (x > -0.5) & (y > -0.5) & (x < page.shape[1] - 0.5) & (y < page.shape[0] - 0.5)
        fine = np.where(on_page, fine * 0.85 + 15, table)
        picture = cv2.resize(fine.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
        picture = cv2.GaussianBlur(picture, (0, 0), given.get("blur", 0.6)) + random.normal(0, 2, picture.shape)
        picture = np.clip(picture, 0, 255).astype(np.uint8)
        cv2.imwrite(view["out"], picture)
        if "chessboard" in given:
            ok, corners = cv2.findChessboardCornersSB(picture, tuple(given["chessboard"]))
            found.append(corners.reshape(-1, 2).tolist() if ok else None)
    print(json.dumps({"chessboard": found}))


if __name__ == "__main__":
    main()
