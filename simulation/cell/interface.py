"""The cell as ROS 2 sees it: camera, TF, joint states, robot description, and the two controllers' actions."""

from __future__ import annotations

import json
import threading
import time
from array import array
from pathlib import Path

import numpy as np
from builtin_interfaces.msg import Time
from control_msgs.action import FollowJointTrajectory, GripperCommand
from geometry_msgs.msg import Quaternion, Transform, TransformStamped, Vector3
from rcl_interfaces.msg import ParameterDescriptor, SetParametersResult
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import CameraInfo, Image, JointState
from std_msgs.msg import Header, String
from tf2_msgs.msg import TFMessage

from eye import Eye, CellImage
from panda import BASE, FINGER_LINKS, FINGERS, HAND, JOINTS, OPEN, urdf
from physics import Grip, Motion, Physics
from scene import FOCAL, HEIGHT, WIDTH
from table import CAMERA_POSITION, CAMERAS, World, build
from trajectory import InvalidTrajectory, Trajectory, read

CONTROLLER, GRIPPER = "panda_arm_controller", "panda_hand_controller"
WORLD_FRAME, CAMERA_FRAME = "world", "camera_color_optical_frame"
LINKS = tuple(f"panda_link{k}" for k in range(1, 9)) + (HAND, "panda_hand_tcp", *FINGER_LINKS)
PATH_TOLERANCE, GOAL_TOLERANCE, GOAL_TIME = 0.1, 0.01, 1.0
FAULTS = ("none", "reject", "frozen", "silent")


class Cell(Node):
    """One node for what on a robot are the camera's driver, robot_state_publisher and ros2_control."""

    def __init__(self) -> None:
        super().__init__("cell")
        declare = self._declare
        number = declare("scene", 0, "Number of the scene; 0 is the demo's. Setting it changes what is on the table.")
        seed = declare("seed", 1, "What the scenes other than 0 are drawn from.", read_only=True)
        rate = declare("speed", 1.0, "Simulated seconds in a second.", read_only=True)
        camera_rate = declare("camera_rate", 5.0, "Images a second while nothing moves; fewer during motion.", read_only=True)
        noise = declare("depth_noise", True, "Noise, holes and flying pixels of a stereo depth camera.", read_only=True)
        self.camera = declare("camera", "opposite", f"Where the camera is: one of {', '.join(CAMERAS)}.", read_only=True)
        if self.camera not in CAMERAS:
            raise SystemExit(f"camera is one of {', '.join(CAMERAS)}, not {self.camera}")
        self.truth = declare("truth", "", "Folder for the true content of each image (for tests); empty: none.", read_only=True)
        self.fault = declare("fault", "none", f"A controller that fails, for tests: one of {', '.join(FAULTS)}.")
        self.sim_time = self.get_parameter("use_sim_time").value
        self.seed = seed

        transient_local = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL, reliability=ReliabilityPolicy.RELIABLE)
        self.clock = self.create_publisher(Clock, "/clock", 10) if self.sim_time else None
        self.states = self.create_publisher(JointState, "joint_states", 10)
        self.description = self.create_publisher(String, "robot_description", transient_local)
        self.tf = self.create_publisher(TFMessage, "/tf", QoSProfile(depth=100))
        self.tf_static = self.create_publisher(TFMessage, "/tf_static", transient_local)
        self.colour = self.create_publisher(Image, "camera/color/image_raw", 5)
        self.depth = self.create_publisher(Image, "camera/aligned_depth_to_color/image_raw", 5)
        self.info = self.create_publisher(CameraInfo, "camera/color/camera_info", 5)
        self.side = self.create_publisher(Image, "side/image_raw", 2)
        self.told = self.create_publisher(String, "~/state", transient_local)

        group = ReentrantCallbackGroup()
        self.arm_server = ActionServer(
            self, FollowJointTrajectory, f"{CONTROLLER}/follow_joint_trajectory", self._follow,
            goal_callback=self._accept, handle_accepted_callback=self._begin, cancel_callback=self._cancel, callback_group=group,
        )  # fmt: skip
        self.grip_server = ActionServer(
            self, GripperCommand, f"{GRIPPER}/gripper_cmd", self._grip,
            cancel_callback=lambda _goal: CancelResponse.ACCEPT, callback_group=group,
        )  # fmt: skip
        self.add_on_set_parameters_callback(self._set)

        self.world = build(number, seed, self.camera)
        self._remember(self.world)
        self.motions: dict[bytes, Motion] = {}
        self._steps = 0
        self._warned = 0.0
        self.physics = Physics(self.world, rate, self._on_state)
        self.eye = Eye(
            self.physics, camera_rate, noise, self.stamp, self._on_image,
            lambda: self.side.get_subscription_count() > 0,
        )  # fmt: skip
        self.description.publish(String(data=urdf(self.camera == "hand")))
        self._publish_static()
        self._leaving = threading.Event()
        self._teller = threading.Thread(target=self._tell, name="teller", daemon=True)

    def start(self) -> None:
        self.physics.start()
        self.eye.start()
        self._teller.start()

    def leave(self) -> None:
        self._leaving.set()
        self._teller.join(timeout=2)
        self.eye.leave()
        self.physics.leave()

    def _declare(self, name: str, default, description: str, read_only: bool = False):
        described = ParameterDescriptor(description=description, read_only=read_only)
        return self.declare_parameter(name, default, described).value

    def stamp(self) -> Time:
        if self.sim_time:
            nanoseconds = round(self.physics.sim_time * 1e9)
            return Time(sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9)
        return self.get_clock().now().to_msg()

    # Parameters that change the cell

    def _set(self, parameters) -> SetParametersResult:
        for parameter in parameters:
            if parameter.name == "scene":
                self._load(int(parameter.value))
            if parameter.name == "fault":
                if parameter.value not in FAULTS:
                    return SetParametersResult(successful=False, reason=f"fault is one of {', '.join(FAULTS)}")
                self.fault = parameter.value
                self.physics.frozen = parameter.value == "frozen"
        return SetParametersResult(successful=True)

    def _load(self, number: int) -> None:
        world = build(number, self.seed, self.camera)
        self._remember(world)
        self.physics.load(world)
        self.world = world
        self.get_logger().info(f"scene {number}: {', '.join(t.name for t in world.objects)}")

    def _remember(self, world: World) -> None:
        self.start_heights = {t.body: world.height(t.body) for t in world.objects}
        self.holdable = {t.body: world.could_be_held(t) for t in world.objects}
        self.widths = {t.body: round(world.width(t), 4) for t in world.objects}

    # What goes out

    def _on_state(self, sim_time: float, q: np.ndarray, v: np.ndarray) -> None:
        stamp = self.stamp()
        if self.clock:
            self.clock.publish(Clock(clock=stamp))
        if self.fault == "silent":
            return
        self.states.publish(
            JointState(header=Header(stamp=stamp), name=[*JOINTS, *FINGERS], position=q.tolist(), velocity=v.tolist())
        )
        self._steps += 1
        if self._steps % 3 == 0:
            self._publish_links(stamp)

    def _publish_links(self, stamp: Time) -> None:
        with self.physics.lock:
            data = self.physics.world.data
            base = data.body(BASE)
            origin, turn = base.xpos.copy(), base.xmat.reshape(3, 3).copy()
            poses = [(data.body(n).xpos.copy(), data.body(n).xmat.reshape(3, 3).copy()) for n in LINKS]
        self.tf.publish(
            TFMessage(
                transforms=[
                    transform(stamp, BASE, name, turn.T @ (position - origin), turn.T @ rotation)
                    for name, (position, rotation) in zip(LINKS, poses)
                ]
            )
        )

    def _publish_static(self) -> None:
        stamp = Time()
        base = self.world.data.body(BASE).xpos
        transforms = [transform(stamp, WORLD_FRAME, BASE, base, np.eye(3))]
        rotation = self.world.camera_rotation
        # Of a camera on the hand the cell knows the frames up to the hand: its hand-eye calibration is the node's.
        if rotation is not None:
            # REP-103: the camera's body frame looks along x; its optical frame along z.
            body = rotation @ np.array([[0, -1, 0], [0, 0, -1], [1, 0, 0]])
            transforms += [
                transform(stamp, WORLD_FRAME, "camera_link", CAMERA_POSITION, body),
                transform(stamp, "camera_link", CAMERA_FRAME, np.zeros(3), body.T @ rotation),
            ]
        self.tf_static.publish(TFMessage(transforms=transforms))

    def _on_image(self, shot: CellImage, stamp: Time) -> None:
        header = Header(stamp=stamp, frame_id=CAMERA_FRAME)
        if self.truth:
            self._write_truth(shot, stamp)
        self.info.publish(camera_info(header))
        self.depth.publish(image(header, shot.depth_mm, "16UC1"))
        self.colour.publish(image(header, shot.colour, "rgb8"))
        if shot.side is not None:
            self.side.publish(image(Header(stamp=stamp, frame_id=WORLD_FRAME), shot.side, "rgb8"))

    def _write_truth(self, shot: CellImage, stamp: Time) -> None:
        folder = Path(self.truth)
        folder.mkdir(parents=True, exist_ok=True)
        names = json.dumps([t.name for t in shot.world.objects])
        file = folder / f"{stamp.sec * 10**9 + stamp.nanosec}.ids"
        file.write_bytes(shot.ids.tobytes() + names.encode())
        for old in sorted(folder.glob("*.ids"))[:-40]:
            old.unlink(missing_ok=True)

    def _tell(self) -> None:
        while not self._leaving.wait(0.2):
            world, _, _ = self.physics.snapshot()
            seen = self.eye.seen if self.eye.seen_of is world else None
            keeping_up = self.physics.keeping_up
            with self.physics.lock:
                objects = [
                    {
                        "name": t.name,
                        "id": t.asset.id,
                        "category": t.asset.category,
                        "position": [round(float(x), 4) for x in world.data.body(t.body).xipos],
                        "origin": [round(float(x), 4) for x in world.data.body(t.body).xpos],
                        "rotation": [round(float(x), 5) for x in world.data.body(t.body).xmat],
                        "raised": round(world.height(t.body) - self.start_heights.get(t.body, 0.0), 4),
                        "holdable": self.holdable.get(t.body, False),
                        "width": self.widths.get(t.body, 0.0),
                        "container": t.asset.container,
                        "touched_by": sorted(world.touching(t.body)),
                    }
                    for t in world.objects
                ]
            for index, each in enumerate(objects):
                if seen:
                    each |= {"visible": round(seen[index].visible, 3), "pixels": seen[index].pixels, "border": seen[index].border}
            state = {"scene": world.number, "ready": seen is not None, "keeping_up": round(keeping_up, 3), "things": objects}
            state |= {"stop_ordered": self.physics.stop_ordered, "stop_done": self.physics.stop_done}
            self.told.publish(String(data=json.dumps(state)))
            if keeping_up < 0.93 and time.monotonic() - self._warned > 10:
                self._warned = time.monotonic()
                self.get_logger().warning(
                    f"this machine does not keep up: simulated time passes at {keeping_up:.2f} of the wanted rate; "
                    "close other programs or start the cell with speed:=0.5"
                )

    # The arm's controller

    def _accept(self, goal: FollowJointTrajectory.Goal) -> GoalResponse:
        if self.fault == "reject":
            return GoalResponse.REJECT
        try:
            read(goal.trajectory, JOINTS, np.zeros(7), np.zeros(7))
        except InvalidTrajectory as why:
            self.get_logger().error(f"trajectory rejected: {why}")
            return GoalResponse.REJECT
        return GoalResponse.ACCEPT

    def _begin(self, handle) -> None:
        # Here and not in the execution, so that a goal that follows at once finds this one to preempt.
        goal = handle.request

        def make(position: np.ndarray, velocity: np.ndarray) -> Trajectory:
            return read(goal.trajectory, JOINTS, position, velocity)

        seconds = goal.goal_time_tolerance.sec + goal.goal_time_tolerance.nanosec * 1e-9
        self.motions[bytes(handle.goal_id.uuid)] = self.physics.follow(
            make,
            path_tolerance=tolerances(goal.path_tolerance, PATH_TOLERANCE),
            goal_tolerance=tolerances(goal.goal_tolerance, GOAL_TOLERANCE),
            goal_time=seconds if seconds > 0 else GOAL_TIME,
        )
        handle.execute()

    def _cancel(self, handle) -> CancelResponse:
        self.physics.stop(self.motions.get(bytes(handle.goal_id.uuid)))
        return CancelResponse.ACCEPT

    def _follow(self, handle) -> FollowJointTrajectory.Result:
        motion = self.motions[bytes(handle.goal_id.uuid)]
        feedback = FollowJointTrajectory.Feedback(joint_names=list(JOINTS))
        while not motion.ended.wait(0.05):
            with self.physics.lock:
                measured = self.physics.world.data.qpos[self.physics._q[:7]].copy()
                wanted = self.physics.command.copy()
            feedback.header.stamp = self.stamp()
            feedback.desired.positions = wanted.tolist()
            feedback.actual.positions = measured.tolist()
            feedback.error.positions = (wanted - measured).tolist()
            handle.publish_feedback(feedback)
        del self.motions[bytes(handle.goal_id.uuid)]
        while self.fault == "silent" and not self._leaving.wait(0.1):
            pass  # a controller that died answers nothing
        if handle.is_cancel_requested:
            handle.canceled()
        elif motion.code == 0:
            handle.succeed()
        else:
            handle.abort()
        return FollowJointTrajectory.Result(error_code=motion.code, error_string=motion.text)

    # The gripper's controller

    def _grip(self, handle) -> GripperCommand.Result:
        command = handle.request.command
        grip: Grip = self.physics.close_on(command.position, command.max_effort)
        until = time.monotonic() + 5
        while not grip.ended.wait(0.02):
            if handle.is_cancel_requested or time.monotonic() > until:
                self.physics.release(grip)
        if handle.is_cancel_requested:
            handle.canceled()
        elif grip.reached or grip.stalled:
            handle.succeed()
        else:
            handle.abort()
        position = min(OPEN, max(0.0, self.physics.fingers()))
        return GripperCommand.Result(
            position=position, effort=grip.force if grip.stalled else 0.0, stalled=grip.stalled, reached_goal=grip.reached
        )


def tolerances(wanted, default: float) -> np.ndarray:
    """Of all joints in order: 0 stands for the default, below 0 for none, as in joint_trajectory_controller."""
    values = np.full(len(JOINTS), default)
    for each in wanted:
        if each.name in JOINTS and each.position != 0:
            values[JOINTS.index(each.name)] = np.inf if each.position < 0 else each.position
    return values


def transform(stamp: Time, parent: str, child: str, position: np.ndarray, rotation: np.ndarray) -> TransformStamped:
    """A transform of TF."""
    x, y, z, w = (float(each) for each in Rotation.from_matrix(rotation).as_quat())
    px, py, pz = (float(each) for each in position)
    return TransformStamped(
        header=Header(stamp=stamp, frame_id=parent),
        child_frame_id=child,
        transform=Transform(translation=Vector3(x=px, y=py, z=pz), rotation=Quaternion(x=x, y=y, z=z, w=w)),
    )


def image(header: Header, pixels: np.ndarray, encoding: str) -> Image:
    """An image as a message."""
    data = array("B")
    data.frombytes(np.ascontiguousarray(pixels).tobytes())
    return Image(
        header=header, height=pixels.shape[0], width=pixels.shape[1], encoding=encoding, step=pixels.strides[0], data=data
    )


def camera_info(header: Header) -> CameraInfo:
    """The pinhole camera of scene.py."""
    cx, cy = (WIDTH - 1) / 2, (HEIGHT - 1) / 2
    return CameraInfo(
        header=header,
        width=WIDTH,
        height=HEIGHT,
        distortion_model="plumb_bob",
        d=[0.0] * 5,
        k=[FOCAL, 0.0, cx, 0.0, FOCAL, cy, 0.0, 0.0, 1.0],
        r=[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        p=[FOCAL, 0.0, cx, 0.0, 0.0, FOCAL, cy, 0.0, 0.0, 0.0, 1.0, 0.0],
    )
