"""The cell by itself: what its camera, TF and controllers tell and do, seen by a plain rclpy client."""

from __future__ import annotations

import time

import numpy as np
import pytest
from client import HOME, JOINTS, Client, wait_for
from control_msgs.action import FollowJointTrajectory, GripperCommand
from control_msgs.msg import JointTolerance
from rclpy.qos import DurabilityPolicy, QoSProfile
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import String
from tf2_msgs.msg import TFMessage

SUCCEEDED, CANCELED, ABORTED = 4, 5, 6


def turned(joint: int, by: float) -> list[float]:
    return [q + (by if k == joint else 0) for k, q in enumerate(HOME)]


@pytest.fixture(autouse=True)
def at_home(client: Client) -> None:
    client.set("fault", "none")
    client.scene(0)


def latest(client: Client, kind: type, topic: str, qos: object = 5) -> object:
    box: list[object] = []
    subscription = client.create_subscription(kind, topic, box.append, qos)
    try:
        return wait_for(f"a message on {topic}", lambda: box[-1] if box else None)
    finally:
        client.destroy_subscription(subscription)


def matrix(transform: object) -> np.ndarray:
    q, t = transform.transform.rotation, transform.transform.translation
    out = np.eye(4)
    out[:3, :3] = Rotation.from_quat([q.x, q.y, q.z, q.w]).as_matrix()
    out[:3, 3] = [t.x, t.y, t.z]
    return out


def test_joint_states_come_at_100_hz_or_more(client: Client) -> None:
    client.history.clear()
    time.sleep(2)
    stamps = [t for t, _, _ in client.history]
    assert len(stamps) / (stamps[-1] - stamps[0]) >= 100
    assert list(client.joints.name[:7]) == JOINTS
    assert np.allclose(client.joints.position[:7], HOME, atol=1e-3)


def test_objects_are_where_camera_info_tf_and_depth_say(client: Client) -> None:
    transient_local = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    static = {t.child_frame_id: (t.header.frame_id, matrix(t)) for t in latest(client, TFMessage, "/tf_static", transient_local).transforms}
    info = latest(client, CameraInfo, "camera/color/camera_info")
    depth = latest(client, Image, "camera/aligned_depth_to_color/image_raw")
    colour = latest(client, Image, "camera/color/image_raw")
    assert depth.header.frame_id == colour.header.frame_id == "camera_color_optical_frame"
    assert (colour.encoding, depth.encoding) == ("rgb8", "16UC1")
    pose, frame = np.eye(4), "camera_color_optical_frame"
    while frame != "world":
        parent, step = static[frame]
        pose, frame = step @ pose, parent
    fx, cx, cy = info.k[0], info.k[2], info.k[5]
    metres = np.frombuffer(depth.data, np.uint16).reshape(depth.height, depth.width) / 1000
    image = np.frombuffer(colour.data, np.uint8).reshape(colour.height, colour.width, 3)
    mug = client.object_named("yellow mug")
    x, y, z = np.linalg.inv(pose)[:3] @ [*mug["position"], 1]
    assert z > 0.5, "the mug lies before the camera, along z of the optical frame"
    u, v = round(fx * x / z + cx), round(fx * y / z + cy)
    red, green, blue = (int(c) for c in image[v, u])
    assert red > 1.5 * blue and green > 1.5 * blue, "yellow where the mug is"
    seen = np.median(metres[v - 3 : v + 4, u - 3 : u + 4])
    assert abs(seen - z) < 0.08
    # The table's top is z = 0 of the world, by depth alone.
    rows, columns = np.mgrid[300:470:10, 40:600:20]
    d = metres[rows, columns]
    points = np.stack([(columns - cx) / fx * d, (rows - cy) / fx * d, d, np.ones_like(d)], -1)[d > 0]
    heights = (points @ pose.T)[:, 2]
    assert abs(np.median(heights)) < 0.004


def test_robot_description_and_links_agree(client: Client) -> None:
    pin = pytest.importorskip("pinocchio")
    transient_local = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    model = pin.buildModelFromXML(latest(client, String, "robot_description", transient_local).data)
    links = {t.child_frame_id: matrix(t) for t in latest(client, TFMessage, "/tf", QoSProfile(depth=100)).transforms}
    data = model.createData()
    q = pin.neutral(model)
    for name, value in zip(client.joints.name, client.joints.position):
        q[model.joints[model.getJointId(name)].idx_q] = value
    pin.framesForwardKinematics(model, data, q)
    for name in ("panda_link4", "panda_hand_tcp", "panda_leftfinger"):
        assert np.abs(data.oMf[model.getFrameId(name)].homogeneous - links[name]).max() < 1e-3


def test_a_trajectory_is_followed_with_feedback(client: Client) -> None:
    seen: list[float] = []
    goal = client.trajectory([(0.6, turned(0, 0.15)), (1.2, turned(0, 0.3))])
    running = client.send(client.arm, goal, lambda m: seen.append(max(abs(e) for e in m.feedback.error.positions)))
    answer = running.wait()
    assert (answer.status, answer.result.error_code) == (SUCCEEDED, 0)
    assert abs(client.joints.position[0] - 0.3) < 0.01
    assert len(seen) > 10 and max(seen) < 0.05


def test_joints_in_another_order_and_wrong_ones(client: Client) -> None:
    order = list(reversed(range(7)))
    q = turned(6, -0.2)
    goal = client.trajectory([(0.6, [q[k] for k in order])], [JOINTS[k] for k in order])
    assert client.send(client.arm, goal).wait().status == SUCCEEDED
    assert abs(client.joints.position[6] - q[6]) < 0.01
    assert client.send(client.arm, client.trajectory([(0.6, q)], [*JOINTS[:6], "elbow"])) is None


def test_a_cancelled_motion_stands_within_100_ms(client: Client) -> None:
    running = client.send(client.arm, client.trajectory([(2.0, turned(0, 1.2))]))
    time.sleep(1)
    client.history.clear()
    asked = time.monotonic()
    running.cancel()
    answer = running.wait()
    time.sleep(0.3)
    assert answer.status == CANCELED
    last_moving = max((t for t, _, v in client.history if np.abs(v).max() > 0.02), default=asked)
    assert last_moving - asked < 0.15
    assert client.joints.position[0] < 1.0


def test_a_new_goal_takes_over(client: Client) -> None:
    first = client.send(client.arm, client.trajectory([(3.0, turned(0, 0.6))]))
    time.sleep(0.5)
    second = client.send(client.arm, client.trajectory([(0.8, turned(0, 0.0))]))
    assert first.wait().status == ABORTED
    assert "preempted" in first.wait().result.error_string
    assert second.wait().status == SUCCEEDED


def test_failures_have_their_codes(client: Client) -> None:
    client.set("fault", "reject")
    assert client.send(client.arm, client.trajectory([(0.5, HOME)])) is None
    client.set("fault", "frozen")
    answer = client.send(client.arm, client.trajectory([(0.8, turned(0, 0.5))])).wait()
    assert (answer.status, answer.result.error_code) == (ABORTED, FollowJointTrajectory.Result.PATH_TOLERANCE_VIOLATED)
    goal = client.trajectory([(0.3, turned(0, 0.4))])
    goal.path_tolerance = [JointTolerance(name=JOINTS[0], position=-1.0)]
    goal.goal_time_tolerance.nanosec = 200_000_000
    answer = client.send(client.arm, goal).wait()
    assert (answer.status, answer.result.error_code) == (ABORTED, FollowJointTrajectory.Result.GOAL_TOLERANCE_VIOLATED)


def test_the_gripper_closes_opens_and_says_so(client: Client) -> None:
    goal = GripperCommand.Goal()
    goal.command.position, goal.command.max_effort = 0.0, 20.0
    closed = client.send(client.hand, goal).wait()
    assert closed.status == SUCCEEDED and closed.result.reached_goal and closed.result.position < 0.002
    goal.command.position = 0.04
    opened = client.send(client.hand, goal).wait()
    assert opened.result.reached_goal and opened.result.position > 0.038
