"""
Robot descriptions for the arm's tests. Panda and xArm7 come from the package example-robot-data (Apache-2.0 and BSD-3,
see its files). Kinova Gen3 and KUKA iiwa 7 are written here from their makers' published dimensions and limits, for want
of a package of moderate size that carries them. `--compare-mjcf WHEEL` compares these two with robosuite's models.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import io
import json
import math
import sys
import zipfile
from pathlib import Path

PI = math.pi
HALF = PI / 2

# Each row: xyz, rpy of the joint, lower, upper (None: turns without end), degrees a second.
GEN3 = {
    "tool": ((0, 0, -0.0615), (PI, 0, 0)),
    "joints": [
        ((0, 0, 0.15643), (PI, 0, 0), None, 80),
        ((0, 0.005375, -0.12838), (HALF, 0, 0), 2.41, 80),
        ((0, -0.21038, -0.006375), (-HALF, 0, 0), None, 80),
        ((0, 0.006375, -0.21038), (HALF, 0, 0), 2.66, 80),
        ((0, -0.20843, -0.006375), (-HALF, 0, 0), None, 70),
        ((0, 0.00017505, -0.10593), (HALF, 0, 0), 2.23, 70),
        ((0, -0.10593, -0.00017505), (-HALF, 0, 0), None, 70),
    ],
}
IIWA = {
    "tool": ((0, 0, 0.045), (0, 0, 0)),
    "joints": [
        ((0, 0, 0.15), (0, 0, 0), math.radians(170), 98),
        ((0, 0, 0.19), (HALF, 0, PI), math.radians(120), 98),
        ((0, 0.21, 0), (HALF, 0, PI), math.radians(170), 100),
        ((0, 0, 0.19), (HALF, 0, 0), math.radians(120), 130),
        ((0, 0.21, 0), (-HALF, PI, 0), math.radians(170), 140),
        ((0, 0.0607, 0.19), (HALF, 0, 0), math.radians(120), 180),
        ((0, 0.081, 0.0607), (-HALF, PI, 0), math.radians(175), 180),
    ],
}


def _origin(xyz: tuple[float, ...], rpy: tuple[float, ...]) -> str:
    return f'<origin xyz="{" ".join(map(repr, xyz))}" rpy="{" ".join(map(repr, rpy))}"/>'


def _written(name: str, table: dict) -> str:
    """URDF of a serial arm from its table; links are capsules of 60 mm radius along the way to the next joint."""
    lines = [f'<robot name="{name}">', '<link name="base_link"/>']
    parent = "base_link"
    for i, (xyz, rpy, limit, speed) in enumerate(table["joints"], 1):
        kind = "continuous" if limit is None else "revolute"
        bounds = "" if limit is None else f' lower="{-limit!r}" upper="{limit!r}"'
        lines += [
            f'<link name="link_{i}"/>',
            f'<joint name="joint_{i}" type="{kind}">{_origin(xyz, rpy)}<axis xyz="0 0 1"/>',
            f'<parent link="{parent}"/><child link="link_{i}"/>',
            f'<limit{bounds} velocity="{math.radians(speed)!r}" effort="100"/></joint>',
        ]
        parent = f"link_{i}"
    lines += [
        '<link name="tool0"/>',
        f'<joint name="tool" type="fixed">{_origin(*table["tool"])}',
        f'<parent link="{parent}"/><child link="tool0"/></joint></robot>',
    ]
    return "\n".join(lines)


def urdf(name: str) -> str:
    """The URDF of panda, panda_collision (primitive shapes), xarm7, gen3 or iiwa."""
    if name == "gen3":
        return _written(name, GEN3)
    if name == "iiwa":
        return _written(name, IIWA)
    package = importlib.metadata.distribution("example-robot-data")
    robots = Path(str(package.locate_file("cmeel.prefix/share/example-robot-data/robots")))
    folder = "xarm_description" if name == "xarm7" else "panda_description"
    return (robots / folder / "urdf" / f"{name}.urdf").read_text()


def compare_mjcf(wheel: str) -> dict[str, float]:
    """Largest distance in metres between the last joint's frame here and in robosuite's MJCF, 200 random configurations."""
    import mujoco
    import numpy as np
    import pinocchio

    found = {}
    for name, folder in (("gen3", "kinova3"), ("iiwa", "iiwa")):
        with zipfile.ZipFile(wheel) as archive:
            text = archive.read(f"robosuite/models/assets/robots/{folder}/robot.xml").decode()
        spec = mujoco.MjSpec.from_string(_without_meshes(text))
        theirs = spec.compile()
        ours = pinocchio.buildModelFromXML(urdf(name))
        data, their_data = ours.createData(), mujoco.MjData(theirs)
        body = theirs.jnt_bodyid[6]
        random = np.random.default_rng(1)
        worst = 0.0
        for _ in range(200):
            q = random.uniform(-1.5, 1.5, 7)
            their_data.qpos[:7] = q
            mujoco.mj_kinematics(theirs, their_data)
            packed = [(math.cos(v), math.sin(v)) if j.nq == 2 else (v,) for v, j in zip(q, ours.joints[1:])]
            pinocchio.forwardKinematics(ours, data, np.concatenate(packed))
            worst = max(worst, float(np.abs(data.oMi[7].translation - their_data.xpos[body]).max()))
            turn = data.oMi[7].rotation - their_data.xmat[body].reshape(3, 3)
            worst = max(worst, float(np.abs(turn).max()))
        found[name] = worst
    return found


def _without_meshes(text: str) -> str:
    """MJCF with all geometry and assets left out: the meshes are not needed to compare frames."""
    from xml.etree import ElementTree

    tree = ElementTree.parse(io.StringIO(text))
    for parent in list(tree.iter()):
        for child in list(parent):
            if child.tag in ("geom", "asset", "camera", "light", "actuator", "sensor", "default"):
                parent.remove(child)
    for body in tree.iter("body"):
        if body.find("inertial") is None and body.find("joint") is not None:
            ElementTree.SubElement(body, "inertial", pos="0 0 0", mass="1", diaginertia="1 1 1")
    return ElementTree.tostring(tree.getroot(), encoding="unicode")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("robots", nargs="*", help="prints {name: URDF} of these as JSON")
    parser.add_argument("--compare-mjcf", metavar="WHEEL")
    arguments = parser.parse_args()
    if arguments.compare_mjcf:
        json.dump(compare_mjcf(arguments.compare_mjcf), sys.stdout)
    else:
        json.dump({name: urdf(name) for name in arguments.robots}, sys.stdout)


if __name__ == "__main__":
    main()
