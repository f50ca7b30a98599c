"""
Robot descriptions as urdfdom reads them (inside Pinocchio), and their forward kinematics. Reads {name: {urdf, base, tip, joints,
configurations}} as JSON, where everything but `urdf` may be missing; writes {name: {accepted, poses}}, each pose {rotation (9,
row-major), translation} of the tip in the frame of the base. With `--real` it writes {name: urdf} of example-robot-data instead.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import files
from pathlib import Path
from typing import Any

import numpy as np
import pinocchio


def poses(model: pinocchio.Model, task: dict[str, Any]) -> list[dict[str, list[float]]]:
    data = model.createData()
    # A joint may have its link's name.
    tip, base = (model.getFrameId(task[key], pinocchio.FrameType.BODY) for key in ("tip", "base"))
    ids = [model.getJointId(name) for name in task["joints"]]
    answers = []
    for configuration in task["configurations"]:
        q = pinocchio.neutral(model)
        for i, value in zip(ids, configuration, strict=True):
            joint = model.joints[i]
            # Pinocchio stores a joint without limits as cosine and sine.
            packed = (value,) if joint.nq == 1 else (np.cos(value), np.sin(value))
            q[joint.idx_q : joint.idx_q + joint.nq] = packed
        pinocchio.framesForwardKinematics(model, data, q)
        place = data.oMf[base].actInv(data.oMf[tip])
        answers.append({"rotation": place.rotation.ravel().tolist(), "translation": place.translation.tolist()})
    return answers


def answer(task: dict[str, Any]) -> dict[str, Any]:
    try:
        model = pinocchio.buildModelFromXML(task["urdf"])
    except (ValueError, RuntimeError):
        return {"accepted": False, "poses": []}
    return {"accepted": True, "poses": poses(model, task) if "tip" in task else []}


def main() -> None:
    if sys.argv[1:] == ["--real"]:
        paths = [f for f in files("example-robot-data") or [] if f.suffix == ".urdf"]
        json.dump({path.stem: Path(str(path.locate())).read_text() for path in paths}, sys.stdout)
    else:
        json.dump({name: answer(task) for name, task in json.load(sys.stdin).items()}, sys.stdout)


if __name__ == "__main__":
    main()
