"""A simulated arm driver for the tests: what ros2_control serves, with faults on demand.

Joint states, robot description, FollowJointTrajectory and its topic, GripperCommand and ParallelGripperCommand. Driven by
lines of JSON on stdin as peer.py is. It also provokes stops (orders.py) and measures, by one clock, when the controller is
told and when the joints rest.
"""

from __future__ import annotations

import os
import random
import threading
import time
from typing import Any

import rclpy
from arm import Arm
from control_msgs.action import FollowJointTrajectory, GripperCommand, ParallelGripperCommand
from geometry_msgs.msg import TwistStamped
from loop import serve
from orders import BRIDGE, CONTROLLER, Orders
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from rclpy.executors import MultiThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, qos_profile_sensor_data
from sensor_msgs.msg import JointState
from std_msgs.msg import Bool, Empty, String
from trajectory_msgs.msg import JointTrajectory

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
PERIOD = 0.005


class Driver(Orders, Node):
    """The controllers of one arm, and the orders to it."""

    def __init__(self) -> None:
        super().__init__("test_driver")
        self.group = ReentrantCallbackGroup()
        self.steady = MutuallyExclusiveCallbackGroup()
        self.arm: Arm | None = None
        self.faults: dict[str, Any] = {}
        self.goals: list[dict[str, Any]] = []
        self.topics: list[dict[str, Any]] = []
        self.gripper: dict[str, Any] = {"position": 0.04, "object": 0.0, "log": []}
        self.orders: list[float] = []
        self.rests: list[float] = []
        self.moved = threading.Event()
        self.states = self.create_publisher(JointState, "joint_states", qos_profile_sensor_data)
        self.others = self.create_publisher(JointState, "joint_states", qos_profile_sensor_data)
        self.quirks: dict[str, Any] = {}
        self.waiting: list[tuple[Any, JointState]] = []
        self.since = time.time() - time.monotonic()
        self.description = self.create_publisher(String, "robot_description", LATCHED)
        self.semantic = self.create_publisher(String, "robot_description_semantic", LATCHED)
        self.query = self.create_publisher(String, f"{BRIDGE}/query", 10)
        self.heartbeat = self.create_publisher(Empty, f"{BRIDGE}/heartbeat", 10)
        self.estop = self.create_publisher(Bool, "estop", 10)
        self.teleop = self.create_publisher(TwistStamped, f"{BRIDGE}/teleop", 10)
        self.beating = False
        self.beat_at = 0.0
        self.publishing = True
        self.velocities = True
        self.server: ActionServer | None = None
        self.create_timer(PERIOD, self.tick, callback_group=self.steady)
        self.create_timer(0.05, self.beat, callback_group=self.steady)
        self.clients_by_name: dict[str, Any] = {}

    # The simulated hardware

    def tick(self) -> None:
        if self.arm is None:
            return
        was = self.arm.moving
        # The stamp is of the moment that positions are of, however long this thread is held up between the two.
        stamp = self.arm.tick() + self.since
        if self.arm.moving:
            self.moved.set()
        elif was:
            self.rests.append(time.monotonic())
        if self.publishing:
            self.send_states(stamp)

    def send_states(self, stamp: float) -> None:
        """Joint states as the faults have them: stamps that jitter, out of order, from two publishers."""
        names, positions = [*self.arm.joints, "finger"], [*self.arm.positions, self.gripper["position"]]
        velocities = [*self.arm.velocities, 0.0]
        half = len(names) // 2 if self.quirks.get("split") else len(names)
        for publisher, part in ((self.states, slice(0, half)), (self.others, slice(half, None))):
            if not names[part]:
                continue
            message = JointState(name=names[part], position=positions[part])
            message.velocity = velocities[part] if self.velocities else []
            at = stamp + random.uniform(-0.5, 0.5) * self.quirks.get("jitter", 0.0)
            if self.quirks.get("stamps", True):
                message.header.stamp.sec, message.header.stamp.nanosec = divmod(int(at * 1e9), 10**9)
            self.waiting.append((publisher, message))
        # Out of order: some wait for a few others to go before them.
        window = self.quirks.get("shuffle", 1)
        if len(self.waiting) >= window:
            random.shuffle(self.waiting) if window > 1 else None
            for publisher, message in self.waiting:
                publisher.publish(message)
            self.waiting.clear()

    def do_quirks(self, **quirks: Any) -> None:
        """How joint states come and goals are accepted: jitter (s), shuffle, split, stamps, accept_after (s)."""
        self.quirks = quirks

    def beat(self) -> None:
        if self.beating:
            self.beat_at = time.monotonic()
            self.heartbeat.publish(Empty())

    # Controllers

    def do_serve(
        self, urdf: str, joints: list[str], configuration: list[float], action: bool = True, srdf: str = ""
    ) -> None:
        """Starts everything."""
        self.arm = Arm(joints, configuration)
        self.description.publish(String(data=urdf))
        if srdf:
            self.do_describe_semantic(srdf)
        if action:
            self.do_serve_action()
        self.create_subscription(
            JointTrajectory, f"{CONTROLLER}/joint_trajectory", self.by_topic, 10, callback_group=self.group
        )
        common = {"callback_group": self.group, "cancel_callback": lambda _: CancelResponse.ACCEPT}
        self.grippers = [
            ActionServer(self, GripperCommand, "/gripper_controller/gripper_cmd", self.grip, **common),
            ActionServer(self, ParallelGripperCommand, "/parallel_gripper/gripper_cmd", self.grip_parallel, **common),
        ]

    def do_serve_action(self) -> None:
        """The trajectory controller's action."""
        self.server = ActionServer(
            self,
            FollowJointTrajectory,
            f"{CONTROLLER}/follow_joint_trajectory",
            self.execute,
            goal_callback=self.accept,
            cancel_callback=self.cancelled,
            callback_group=self.group,
        )

    def do_describe(self, urdf: str) -> None:
        """Another robot description."""
        self.description.publish(String(data=urdf))

    def do_describe_semantic(self, srdf: str) -> None:
        """Another semantic description."""
        self.semantic.publish(String(data=srdf))

    def do_posture(self, configuration: list[float]) -> None:
        """Puts the arm somewhere at once; ends when everybody has seen it, for no real arm jumps between two readings."""
        self.arm.hold()
        self.arm.positions = list(configuration)
        time.sleep(0.3)

    def do_fault(self, **faults: Any) -> None:
        """What the next goal meets: reject, silent, code (and after), vanish, die, lie."""
        self.faults = faults

    def do_publish(self, on: bool = True, velocities: bool = True) -> None:
        """Joint states on or off, with or without velocities."""
        self.publishing, self.velocities = on, velocities

    def accept(self, goal: Any) -> GoalResponse:
        if self.faults.pop("reject", False):
            return GoalResponse.REJECT
        if self.faults.pop("silent", False):
            time.sleep(3)
        time.sleep(self.quirks.get("accept_after", 0.0))
        tolerance = {each.name: each.position for each in goal.path_tolerance}
        self.goals.append({
            "points": len(goal.trajectory.points),
            "duration": goal.trajectory.points[-1].time_from_start.sec,
            "joints": list(goal.trajectory.joint_names),
            "path_tolerance": tolerance,
            "goal_time": goal.goal_time_tolerance.sec + goal.goal_time_tolerance.nanosec / 1e9,
        })
        return GoalResponse.ACCEPT

    def cancelled(self, _: Any) -> CancelResponse:
        self.orders.append(time.monotonic())
        return CancelResponse.ACCEPT

    def execute(self, handle: Any) -> Any:
        """Follows a trajectory as joint_trajectory_controller does: holds on cancel, aborts with a code."""
        faults, self.faults = self.faults, {}
        began = time.monotonic()
        turn = self.arm.follow(handle.request.trajectory)
        result = FollowJointTrajectory.Result()
        last = 0.0
        while not self.arm.done(turn) or faults.get("lie") == "late":
            now = time.monotonic()
            if handle.is_cancel_requested:
                self.arm.hold()
                handle.canceled()
                return result
            if now - began >= faults.get("after", 0.3):
                if faults.get("die"):
                    os._exit(1)
                if faults.get("vanish"):
                    self.arm.hold()
                    self.server.destroy()
                    return result
                if "code" in faults:
                    self.arm.hold()
                    result.error_code = faults["code"]
                    result.error_string = faults.get("text", "")
                    handle.abort()
                    return result
            if turn != self.arm.turn:
                handle.abort()
                return result
            if now - last > 0.05:
                last = now
                feedback = FollowJointTrajectory.Feedback(joint_names=self.arm.joints)
                feedback.error.positions = [0.001] * len(self.arm.joints)
                handle.publish_feedback(feedback)
            time.sleep(0.002)
        handle.succeed()
        return result

    def by_topic(self, message: JointTrajectory) -> None:
        self.orders.append(time.monotonic())
        self.topics.append({"points": len(message.points)})
        self.arm.follow(message)

    def grip(self, handle: Any) -> Any:
        command = handle.request.command
        result = GripperCommand.Result()
        if self.close_to(handle, command.position, command.max_effort):
            result.position = self.gripper["position"]
            result.stalled = self.gripper["position"] > command.position + 1e-6
            result.reached_goal = not result.stalled
        return result

    def grip_parallel(self, handle: Any) -> Any:
        command = handle.request.command
        effort = command.effort[0] if command.effort else 0.0
        result = ParallelGripperCommand.Result()
        if self.close_to(handle, command.position[0], effort):
            result.state.name = list(command.name)
            result.state.position = [self.gripper["position"]]
            result.stalled = self.gripper["position"] > command.position[0] + 1e-6
            result.reached_goal = not result.stalled
        return result

    def close_to(self, handle: Any, position: float, effort: float) -> bool:
        self.gripper["log"].append({"position": position, "effort": effort})
        if self.gripper.pop("abort", False):
            handle.abort()
            return False
        time.sleep(0.1)
        closing = position < self.gripper["position"]
        # So many grasps find nothing; each closes in two steps, to the object's width and on.
        missed = closing and self.gripper.get("misses", 0) > 0
        if missed and position == 0:
            self.gripper["misses"] -= 1
        held = self.gripper["object"] if closing and not missed else 0.0
        self.gripper["position"] = max(position, held)
        handle.succeed()
        return True

    def do_gripper(self, **state: Any) -> Any:
        """Sets what the gripper meets; gives its state."""
        self.gripper.update(state)
        return self.gripper


def main() -> None:
    rclpy.init()
    # Several at once: one waits for a motion while another starts it.
    serve(Driver(), MultiThreadedExecutor(8), several=True)


if __name__ == "__main__":
    main()
