"""A simulated arm driver for the tests: what ros2_control serves, with faults on demand.

Joint states, robot description, FollowJointTrajectory and its topic, GripperCommand and ParallelGripperCommand. Driven by
lines of JSON on stdin as peer.py is. It also provokes stops and measures, by one clock, when the controller is told and
when the joints rest.
"""

from __future__ import annotations

import os
import random
import threading
import time
from typing import Any

import rclpy
from action_msgs.srv import CancelGoal
from control_msgs.action import FollowJointTrajectory, GripperCommand, ParallelGripperCommand
from geometry_msgs.msg import TwistStamped
from grasp_grounding_interfaces.action import Grasp
from loop import serve, wait_future
from rcl_interfaces.msg import Parameter, ParameterValue
from rcl_interfaces.srv import SetParameters
from rclpy.action import ActionClient, ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from rclpy.executors import MultiThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, qos_profile_sensor_data
from sensor_msgs.msg import JointState
from std_msgs.msg import Bool, Empty, String
from std_srvs.srv import SetBool, Trigger
from trajectory_msgs.msg import JointTrajectory

BRIDGE = "/grasp_grounding"
CONTROLLER = "/joint_trajectory_controller"
#: The services that a stop of each kind goes through.
DOORS: dict[str, list[tuple[Any, str]]] = {
    "cancel": [(CancelGoal, f"{BRIDGE}/grasp/_action/cancel_goal")],
    "estop": [(SetBool, f"{BRIDGE}/estop")],
    "stop": [(Trigger, f"{BRIDGE}/stop")],
    "other": [(CancelGoal, f"{CONTROLLER}/follow_joint_trajectory/_action/cancel_goal")],
    "disallow": [(SetParameters, f"{BRIDGE}/set_parameters")],
}
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
PERIOD = 0.005
STILL = 0.005


class Arm:
    """Joints that follow a trajectory exactly, and stand still otherwise."""

    def __init__(self, joints: list[str], configuration: list[float]) -> None:
        self.joints = joints
        self.positions = list(configuration)
        self.velocities = [0.0] * len(joints)
        self.lock = threading.RLock()
        self.points: list[tuple[float, list[float]]] = []
        self.began = 0.0
        self.turn = 0

    def follow(self, message: JointTrajectory) -> int:
        """Starts a trajectory, in the order of its own joint names."""
        order = [message.joint_names.index(name) for name in self.joints]
        with self.lock:
            # From where it is now: a position of the last tick, which a busy machine makes late, would begin with a jump that
            # no limit allows.
            self.tick()
            self.turn += 1
            self.began = time.monotonic()
            self.points = [(0.0, list(self.positions))]
            for point in message.points:
                at = point.time_from_start.sec + point.time_from_start.nanosec / 1e9
                self.points.append((at, [point.positions[i] for i in order]))
            return self.turn

    def hold(self) -> None:
        """Stands where it is."""
        with self.lock:
            self.turn += 1
            self.points = []

    def tick(self) -> float:
        """Moves on to now, a time of the monotonic clock, and gives it."""
        with self.lock:
            now = time.monotonic()
            if self.points:
                self.positions, self.velocities = self.at(now - self.began)
            else:
                self.velocities = [0.0] * len(self.joints)
            return now

    def at(self, t: float) -> tuple[list[float], list[float]]:
        for (t0, a), (t1, b) in zip(self.points, self.points[1:]):
            if t < t1:
                share = (t - t0) / (t1 - t0)
                return [p + (q - p) * share for p, q in zip(a, b)], [(q - p) / (t1 - t0) for p, q in zip(a, b)]
        return list(self.points[-1][1]), [0.0] * len(self.joints)

    def done(self, turn: int) -> bool:
        with self.lock:
            return turn == self.turn and time.monotonic() - self.began >= self.points[-1][0]

    @property
    def moving(self) -> bool:
        return any(abs(v) > STILL for v in self.velocities)


class Driver(Node):
    """The controllers of one arm."""

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

    def do_serve(self, urdf: str, joints: list[str], configuration: list[float], action: bool = True) -> None:
        """Starts everything."""
        self.arm = Arm(joints, configuration)
        self.description.publish(String(data=urdf))
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
        held = self.gripper["object"] if position < self.gripper["position"] else 0.0
        self.gripper["position"] = max(position, held)
        handle.succeed()
        return True

    def do_gripper(self, **state: Any) -> Any:
        """Sets what the gripper meets; gives its state."""
        self.gripper.update(state)
        return self.gripper

    # What happens, and how fast

    def do_heartbeats(self, on: bool) -> None:
        """20 Hz on ~/heartbeat."""
        self.beating = on

    def do_twist(self, linear: list[float], angular: list[float] = (0, 0, 0), frame: str = "") -> None:
        """One message on ~/teleop."""
        message = TwistStamped()
        message.header.stamp = self.get_clock().now().to_msg()
        message.header.frame_id = frame
        for vector, values in ((message.twist.linear, linear), (message.twist.angular, angular)):
            vector.x, vector.y, vector.z = map(float, values)
        self.teleop.publish(message)

    def do_jog(self, linear: list[float], seconds: float, frame: str = "") -> Any:
        """Messages on ~/teleop at 20 Hz; gives when the arm rested after the last, in milliseconds."""
        self.rests.clear()
        before = list(self.arm.positions)
        fastest = 0.0
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.do_twist(linear, frame=frame)
            last = time.monotonic()
            time.sleep(0.05)
            fastest = max(fastest, *map(abs, self.arm.velocities))
        limit = time.monotonic() + 3
        while self.arm.moving and time.monotonic() < limit:
            time.sleep(0.005)
        return {
            "moved": max(abs(a - b) for a, b in zip(before, self.arm.positions)),
            "fastest": fastest,
            "rest_ms": (self.rests[-1] - last) * 1e3 if self.rests else None,
            "topics": len(self.topics),
        }

    def do_provoke(self, what: str, timeout: float = 20) -> Any:
        """Waits for motion, then stops it one way; gives milliseconds until the controller was told and the arm rested."""
        # Before the clock starts: a client that is new has to find its server first.
        for kind, name in DOORS.get(what, ()):
            self.client(kind, name)
        self.moved.clear()
        if not self.moved.wait(timeout):
            raise TimeoutError("the arm does not move")
        time.sleep(0.2)
        self.orders.clear()
        self.rests.clear()
        began = time.monotonic()
        if what == "cancel":
            self.call(CancelGoal, f"{BRIDGE}/grasp/_action/cancel_goal", CancelGoal.Request(), wait=False)
        elif what == "estop":
            self.call(SetBool, f"{BRIDGE}/estop", SetBool.Request(data=True), wait=False)
        elif what == "estop_topic":
            self.estop.publish(Bool(data=True))
        elif what == "stop":
            self.call(Trigger, f"{BRIDGE}/stop", Trigger.Request(), wait=False)
        elif what == "heartbeat":
            self.beating = False
            time.sleep(0.01)
            began = self.beat_at
        elif what == "silence":
            self.publishing = False
        elif what == "other":
            self.call(CancelGoal, f"{CONTROLLER}/follow_joint_trajectory/_action/cancel_goal", CancelGoal.Request(), wait=False)
        elif what == "disallow":
            self.do_allow("allow_execute", False)
        elif what == "hold":
            self.arm.hold()
        return self.measured(began)

    def do_wait_moving(self, timeout: float = 20) -> None:
        """Waits until the arm moves."""
        end = time.monotonic() + timeout
        while not self.arm.moving:
            if time.monotonic() > end:
                raise TimeoutError("the arm does not move")
            time.sleep(0.002)

    def do_slip(self, stage: int, timeout: float = 30) -> None:
        """Waits for the motion of this trajectory goal, the first being 1; then the object is lost and the fingers close."""
        end = time.monotonic() + timeout
        while len(self.goals) < stage or not self.arm.moving:
            if time.monotonic() > end:
                raise TimeoutError("the arm does not get there")
            time.sleep(0.002)
        time.sleep(0.1)
        self.gripper["position"] = self.gripper["log"][-1]["position"]

    def measured(self, began: float) -> Any:
        """Milliseconds from `began` until the controller was told and the arm rested."""
        end = time.monotonic() + 3
        while time.monotonic() < end and not (self.orders and self.rests):
            time.sleep(0.001)
        return {
            "began": began,
            "ordered_ms": (self.orders[0] - began) * 1e3 if self.orders else None,
            "rest_ms": (self.rests[0] - began) * 1e3 if self.rests else None,
        }

    def do_leave(self, query: str) -> Any:
        """Sends a goal to ~/grasp and, while the arm moves, ends the client."""
        client = ActionClient(self, Grasp, f"{BRIDGE}/grasp")
        if not client.wait_for_server(5):
            raise TimeoutError("no action server")
        self.moved.clear()
        client.send_goal_async(Grasp.Goal(query=query, execute=True))
        if not self.moved.wait(20):
            raise TimeoutError("the arm does not move")
        time.sleep(0.2)
        self.orders.clear()
        self.rests.clear()
        began = time.monotonic()
        client.destroy()
        return self.measured(began)

    def do_estop(self, down: bool) -> Any:
        """Presses or releases by the service."""
        answer = self.call(SetBool, f"{BRIDGE}/estop", SetBool.Request(data=down))
        return {"success": answer.success, "message": answer.message}

    def do_estop_topic(self, down: bool) -> None:
        """Presses or releases by the topic."""
        self.estop.publish(Bool(data=down))

    def do_trigger(self, name: str) -> Any:
        """Calls ~/reset or ~/stop."""
        answer = self.call(Trigger, f"{BRIDGE}/{name}", Trigger.Request())
        return {"success": answer.success, "message": answer.message}

    def do_allow(self, name: str, value: bool) -> bool:
        """Sets a parameter of the node."""
        parameter = Parameter(name=name, value=ParameterValue(type=1, bool_value=value))
        request = SetParameters.Request(parameters=[parameter])
        return self.call(SetParameters, f"{BRIDGE}/set_parameters", request).results[0].successful

    def do_state(self) -> Any:
        """Where the arm is and what it was told."""
        return {
            "positions": self.arm.positions,
            "moving": self.arm.moving,
            "goals": self.goals,
            "topics": len(self.topics),
            "orders": len(self.orders),
        }

    def do_clear(self) -> None:
        """Forgets what was told."""
        self.goals.clear()
        self.topics.clear()
        self.orders.clear()
        self.gripper["log"].clear()

    def client(self, kind: Any, name: str) -> Any:
        """A client that has found its server."""
        client = self.clients_by_name.get(name)
        if client is None:
            client = self.clients_by_name[name] = self.create_client(kind, name, callback_group=self.group)
        if not client.wait_for_service(5):
            raise TimeoutError(f"no service {name}")
        return client

    def call(self, kind: Any, name: str, request: Any, wait: bool = True) -> Any:
        future = self.client(kind, name).call_async(request)
        if not wait:
            return None
        return wait_future(future, 10)


def main() -> None:
    rclpy.init()
    # Several at once: one waits for a motion while another starts it.
    serve(Driver(), MultiThreadedExecutor(8), several=True)


if __name__ == "__main__":
    main()
