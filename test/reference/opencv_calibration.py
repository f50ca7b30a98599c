"""OpenCV's own projection, calibration and hand-eye, to compare ours with. JSON on stdin, JSON on stdout."""

import json
import sys

import cv2
import numpy as np


def project(given: dict) -> list:
    """Pixels of points of the camera's frame; distortion in ROS's order, which is OpenCV's."""
    k = np.array(given["k"], dtype=np.float64).reshape(3, 3)
    d = np.array(given["d"], dtype=np.float64)
    points = np.array(given["points"], dtype=np.float64).reshape(-1, 1, 3)
    zero = np.zeros(3)
    if given["model"] == "equidistant":
        pixels, _ = cv2.fisheye.projectPoints(points, zero, zero, k, d)
    else:
        pixels, _ = cv2.projectPoints(points, zero, zero, k, d)
    return pixels.reshape(-1, 2).tolist()


def hand_eye(given: dict) -> dict:
    """The five methods on rotation matrices and positions."""
    r_robot = [np.array(r).reshape(3, 3) for r in given["robot_r"]]
    t_robot = [np.array(t).reshape(3, 1) for t in given["robot_t"]]
    r_target = [np.array(r).reshape(3, 3) for r in given["target_r"]]
    t_target = [np.array(t).reshape(3, 1) for t in given["target_t"]]
    results = {}
    for name in ["TSAI", "PARK", "HORAUD", "ANDREFF", "DANIILIDIS"]:
        method = getattr(cv2, f"CALIB_HAND_EYE_{name}")
        r, t = cv2.calibrateHandEye(r_robot, t_robot, r_target, t_target, method=method)
        results[name] = {"r": r.ravel().tolist(), "t": t.ravel().tolist()}
    return results


def intrinsics(given: dict) -> dict:
    """calibrateCamera or fisheye.calibrate."""
    size = (given["width"], given["height"])
    objects = [np.array(o, dtype=np.float32).reshape(-1, 1, 3) for o in given["objects"]]
    pixels = [np.array(p, dtype=np.float32).reshape(-1, 1, 2) for p in given["pixels"]]
    k = np.eye(3)
    if given["model"] == "equidistant":
        flags = cv2.fisheye.CALIB_RECOMPUTE_EXTRINSIC + cv2.fisheye.CALIB_FIX_SKEW
        d = np.zeros(4)
        rms, k, d, *_ = cv2.fisheye.calibrate(
            [o.astype(np.float64) for o in objects], [p.astype(np.float64) for p in pixels], size, k, d, flags=flags
        )
    else:
        flags = cv2.CALIB_RATIONAL_MODEL if given["model"] == "rational_polynomial" else 0
        rms, k, d, *_ = cv2.calibrateCamera(objects, pixels, size, None, None, flags=flags)
    return {"rms": rms, "k": k.ravel().tolist(), "d": d.ravel().tolist()}


if __name__ == "__main__":
    jobs = {"project": project, "hand_eye": hand_eye, "intrinsics": intrinsics}
    print(json.dumps(jobs[sys.argv[1]](json.load(sys.stdin))))
