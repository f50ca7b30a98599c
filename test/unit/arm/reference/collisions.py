"""
Distances between a robot's collision shapes by Pinocchio and Coal. Reads {urdf, joints, configurations, fingers} as JSON; writes
for each configuration {pairs: {"link|link": distance}} of shapes of different links that are not parent and child, in metres,
negative where they overlap.
"""

from __future__ import annotations

import json
import sys

import pinocchio


def main() -> None:
    task = json.load(sys.stdin)
    model = pinocchio.buildModelFromXML(task["urdf"])
    shapes = pinocchio.buildGeomFromUrdfString(
        model, task["urdf"], pinocchio.GeometryType.COLLISION
    )
    shapes.addAllCollisionPairs()
    data, shape_data = model.createData(), shapes.createData()
    ids = [model.getJointId(name) for name in task["joints"]]
    names = [model.frames[shape.parentFrame].name for shape in shapes.geometryObjects]
    answers = []
    for configuration in task["configurations"]:
        q = pinocchio.neutral(model)
        for i, value in zip(ids, configuration, strict=True):
            q[model.joints[i].idx_q] = value
        for name, value in task["fingers"].items():
            q[model.joints[model.getJointId(name)].idx_q] = value
        pinocchio.computeDistances(model, data, shapes, shape_data, q)
        nearest: dict[str, float] = {}
        for pair, result in zip(shapes.collisionPairs, shape_data.distanceResults, strict=True):
            a, b = names[pair.first], names[pair.second]
            if a != b:
                key = "|".join(sorted((a, b)))
                nearest[key] = min(nearest.get(key, 9.0), result.min_distance)
        answers.append(nearest)
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
