"""The Franka Panda of example-robot-data as MJCF: its URDF's joints, inertias and limits, its meshes, and our fingertips."""

from __future__ import annotations

import importlib.metadata
import xml.etree.ElementTree as ET
from functools import lru_cache
from pathlib import Path

from scipy.spatial.transform import Rotation

from scene import FINGER_LENGTH, FINGER_THICKNESS, FINGER_WIDTH, FOVY, STROKE

BASE, HAND = "panda_link0", "panda_hand"
JOINTS = tuple(f"panda_joint{k}" for k in range(1, 8))
FINGERS = ("panda_finger_joint1", "panda_finger_joint2")
FINGER_LINKS = ("panda_leftfinger", "panda_rightfinger")
#: The maker's "ready" configuration: bent over the table, hand pointing down.
HOME = (0.0, -0.785398, 0.0, -2.356194, 0.0, 1.570796, 0.785398)
#: Where the arm rests when it carries the camera: the hand leans, so that the camera sees the objects from the arm's side.
HOME_WITH_CAMERA = (0.0, -1.238563, 0.0, -2.568721, 0.0, 1.724949, 0.785398)
#: A camera of a RealSense's size on the hand; its link's origin is the lens, z along the view, in the hand's axes.
CAMERA, CAMERA_SIZE, CAMERA_ON_HAND = "hand_camera", (0.025, 0.09, 0.025), (0.07, 0.0, 0.031)
#: The joints' servo: stiffness in N m/rad. A Panda that follows positions is about this stiff.
STIFFNESS = (6000.0, 6000.0, 5000.0, 5000.0, 3000.0, 2500.0, 1500.0)
LARGEST_FORCE = 70.0
WHITE, DARK = "0.92 0.92 0.9 1", "0.2 0.2 0.22 1"


@lru_cache
def description_folder() -> Path:
    """Folder of the package's Panda."""
    for file in importlib.metadata.files("example-robot-data") or []:
        if file.name == "panda_collision.urdf":
            return Path(str(file.locate())).resolve().parents[1]
    raise FileNotFoundError("example-robot-data has no panda_collision.urdf; see simulation/requirements.txt")


@lru_cache
def urdf(camera: bool = False) -> str:
    """
    `camera`: with a camera on the hand. What goes out on robot_description: links covered by primitives, which collision checks can read. The package's round
    shapes of hand and fingers reach beyond the metal (6 mm below the fingertips); here they are boxes of the true size.
    """
    robot = ET.fromstring((description_folder() / "urdf" / "panda_collision.urdf").read_text())
    side = FINGER_THICKNESS / 2
    boxes = {
        HAND: ((0.064, 0.206, 0.066), (0, 0, 0.033)),
        FINGER_LINKS[0]: ((FINGER_WIDTH, FINGER_THICKNESS, FINGER_LENGTH), (0, side, FINGER_LENGTH / 2)),
        FINGER_LINKS[1]: ((FINGER_WIDTH, FINGER_THICKNESS, FINGER_LENGTH), (0, -side, FINGER_LENGTH / 2)),
    }
    for link in robot.findall("link"):
        if link.get("name") not in boxes:
            continue
        size, middle = (" ".join(map(str, each)) for each in boxes[link.get("name")])
        for old in link.findall("collision"):
            link.remove(old)
        collision = ET.SubElement(link, "collision")
        ET.SubElement(collision, "origin", rpy="0 0 0", xyz=middle)
        ET.SubElement(ET.SubElement(collision, "geometry"), "box", size=size)
    if camera:
        link = ET.SubElement(robot, "link", name=CAMERA)
        collision = ET.SubElement(link, "collision")
        ET.SubElement(collision, "origin", rpy="0 0 0", xyz=f"0 0 {-CAMERA_SIZE[2] / 2}")
        ET.SubElement(ET.SubElement(collision, "geometry"), "box", size=" ".join(map(str, CAMERA_SIZE)))
        joint = ET.SubElement(robot, "joint", name=f"{CAMERA}_joint", type="fixed")
        ET.SubElement(joint, "origin", rpy="0 0 0", xyz=" ".join(map(str, CAMERA_ON_HAND)))
        ET.SubElement(joint, "parent", link=HAND)
        ET.SubElement(joint, "child", link=CAMERA)
    return ET.tostring(robot, encoding="unicode")


def mjcf(position: tuple[float, float, float], camera: bool = False) -> tuple[str, str, str, str, dict[str, bytes]]:
    """(assets, body, equality, actuators, files) of the arm standing at `position`, with a camera on its hand or without. Visual parts are in group 2, collision parts in group 3."""
    robot = ET.fromstring(urdf(camera))
    links = {link.get("name"): link for link in robot.findall("link")}
    joints = robot.findall("joint")
    meshes = [name for name in ("link0 link1 link2 link3 link4 link5 link6 link7 hand finger").split()]
    files = {f"panda_{m}.stl": (description_folder() / "meshes" / "collision" / f"{m}.stl").read_bytes() for m in meshes}
    assets = "".join(f'<mesh name="panda_{m}" file="panda_{m}.stl"/>' for m in meshes)

    def body(name: str, at: str, joint: str) -> str:
        inside = joint + _inertial(links[name]) + _geoms(name)
        for each in joints:
            if each.find("parent").get("link") == name:
                inside += body(each.find("child").get("link"), _placement(each.find("origin")), _joint(each))
        return f'<body name="{name}" {at} gravcomp="1">{inside}</body>'

    root = body(BASE, 'pos="{} {} {}"'.format(*position), "")
    equality = (
        f'<joint joint1="{FINGERS[0]}" joint2="{FINGERS[1]}" polycoef="0 1 0 0 0" solref="0.004 1"/>'
    )
    limits = {j.get("name"): float(j.find("limit").get("effort")) for j in joints if j.find("limit") is not None}
    actuators = "".join(
        f'<position name="{name}" joint="{name}" kp="{kp}" dampratio="1" forcerange="-{limits[name]} {limits[name]}"/>'
        for name, kp in zip(JOINTS, STIFFNESS)
    ) + "".join(
        f'<position name="{name}" joint="{name}" kp="3000" kv="60" forcerange="-{LARGEST_FORCE} {LARGEST_FORCE}"/>'
        for name in FINGERS
    )
    return assets, root, equality, actuators, files


def _placement(origin: ET.Element | None) -> str:
    xyz = (origin is not None and origin.get("xyz")) or "0 0 0"
    rpy = [float(x) for x in ((origin is not None and origin.get("rpy")) or "0 0 0").split()]
    w, x, y, z = Rotation.from_euler("xyz", rpy).as_quat(scalar_first=True)
    return f'pos="{xyz}" quat="{w:.17g} {x:.17g} {y:.17g} {z:.17g}"'


def _joint(joint: ET.Element) -> str:
    if joint.get("type") == "fixed":
        return ""
    limit = joint.find("limit")
    slide = joint.get("type") == "prismatic"
    # The rotors' inertia as the gears show it (about 0.2 to 0.6 kg m²) keeps light wrist links from being nervous.
    extra = 'damping="8" armature="0.05"' if slide else 'damping="1" armature="0.2"'
    return (
        f'<joint name="{joint.get("name")}" type="{"slide" if slide else "hinge"}" axis="{joint.find("axis").get("xyz")}"'
        f' range="{limit.get("lower")} {limit.get("upper")}" limited="true" {extra}/>'
    )


def _inertial(link: ET.Element) -> str:
    inertial = link.find("inertial")
    if inertial is None or float(inertial.find("mass").get("value")) <= 0:
        return ""
    # Spheres about the centre of mass: the package's tensors are not all those of a body that can exist.
    mass = float(inertial.find("mass").get("value"))
    size = max(1e-5, mass * 0.06**2)
    return f'<inertial pos="{inertial.find("origin").get("xyz")}" mass="{mass}" diaginertia="{size} {size} {size}"/>'


def _geoms(link: str) -> str:
    if link in FINGER_LINKS:
        side = 1 if link == FINGER_LINKS[0] else -1
        turn = "" if side == 1 else 'quat="0 0 0 1"'
        pad = f'size="{FINGER_WIDTH / 2} {FINGER_THICKNESS / 2} {FINGER_LENGTH / 2}" pos="0 {side * FINGER_THICKNESS / 2} {FINGER_LENGTH / 2}"'
        return (
            f'<geom type="mesh" mesh="panda_finger" {turn} class="arm-look" rgba="{DARK}"/>'
            f'<geom name="{link}" class="pad" {pad}/>'
        )
    if link == CAMERA:
        x, y, z = (side / 2 for side in CAMERA_SIZE)
        body = f'type="box" size="{x} {y} {z}" pos="0 0 {-z}"'
        # The image's right is the hand's y, and its top is away from the arm's base at rest.
        return (
            f'<camera name="eye" fovy="{FOVY}" xyaxes="0 1 0 1 0 0"/><geom {body} class="arm-look" rgba="{DARK}"/>'
            f'<geom name="{CAMERA}" {body} class="arm"/>'
        )
    mesh = link.removeprefix("panda_")
    if mesh not in ("hand", *(f"link{k}" for k in range(8))):
        return ""
    look = DARK if mesh in ("link5", "hand") else WHITE
    return (
        f'<geom type="mesh" mesh="panda_{mesh}" class="arm-look" rgba="{look}"/>'
        f'<geom name="{link}" type="mesh" mesh="panda_{mesh}" class="arm"/>'
    )


#: Largest joint position of a finger: half the stroke.
OPEN = STROKE / 2
