"""
Pinocchio's forward kinematics and Jacobians. Reads {urdf, base, tip, joints, configurations} as JSON, writes for each configuration
{rotation (9, row-major), translation, jacobian (6 × n, row-major, in base axes)} of the tip in the frame of the base.
"""

from __future__ import annotations

import json
import sys

import numpy as np
import pinocchio


def main() -> None:
    task = json.load(sys.stdin)
    model = pinocchio.buildModelFromXML(task["urdf"])
    data = model.createData()
    tip, base = model.getFrameId(task["tip"]), model.getFrameId(task["base"])
    ids = [model.getJointId(name) for name in task["joints"]]
    columns = [model.joints[i].idx_v for i in ids]
    answers = []
    for configuration in task["configurations"]:
        q = pinocchio.neutral(model)
        for i, value in zip(ids, configuration, strict=True):
            joint = model.joints[i]
            # Pinocchio keeps a joint without limits as cosine and sine.
            packed = (value,) if joint.nq == 1 else (np.cos(value), np.sin(value))
            q[joint.idx_q : joint.idx_q + joint.nq] = packed
        pinocchio.framesForwardKinematics(model, data, q)
        place = data.oMf[base].actInv(data.oMf[tip])
        local = pinocchio.ReferenceFrame.LOCAL_WORLD_ALIGNED
        jacobian = pinocchio.computeFrameJacobian(model, data, q, tip, local)[:, columns]
        turn = data.oMf[base].rotation.T
        jacobian = np.vstack([turn @ jacobian[:3], turn @ jacobian[3:]])
        answers.append(
            {
                "rotation": place.rotation.ravel().tolist(),
                "translation": place.translation.tolist(),
                "jacobian": jacobian.ravel().tolist(),
            }
        )
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
