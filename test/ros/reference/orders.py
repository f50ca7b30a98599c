"""Orders to the bridge node and its arm, and how fast each is obeyed: the part of controller.py that is no driver."""

from __future__ import annotations

import time
from typing import Any

from action_msgs.srv import CancelGoal
from geometry_msgs.msg import TwistStamped
from grasp_grounding_interfaces.action import Grasp
from grasp_grounding_interfaces.srv import Ground
from loop import wait_future
from rcl_interfaces.msg import Parameter, ParameterValue
from rcl_interfaces.srv import SetParameters
from rclpy.action import ActionClient
from std_msgs.msg import Bool, String
from std_srvs.srv import SetBool, Trigger
from waits import ProcessorWaits

BRIDGE = "/grasp_grounding"
CONTROLLER = "/joint_trajectory_controller"
#: The services that a stop of each kind goes through.
DOORS: dict[str, list[tuple[Any, str]]] = {
    "cancel": [(CancelGoal, f"{BRIDGE}/grasp/_action/cancel_goal")],
    "estop": [(SetBool, f"{BRIDGE}/estop")],
    "stop": [(Trigger, f"{BRIDGE}/stop")],
    "said": [(Ground, f"{BRIDGE}/ground")],
    "other": [(CancelGoal, f"{CONTROLLER}/follow_joint_trajectory/_action/cancel_goal")],
    "disallow": [(SetParameters, f"{BRIDGE}/set_parameters")],
}


class Orders:
    """Orders of a node that has an arm: `arm`, `orders`, `rests`, `moved` and the publishers are the node's."""

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

    def do_provoke(self, what: str, timeout: float = 20, pids: list[int] | None = None) -> Any:
        """
        Waits for motion, then stops it one way; gives milliseconds until the controller was told and the arm rested, and
        those that a busy machine let these processes and this one wait.
        """
        # Before the clock starts: a client that is new has to find its server first.
        for kind, name in DOORS.get(what, ()):
            self.client(kind, name)
        self.moved.clear()
        if not self.moved.wait(timeout):
            raise TimeoutError("the arm does not move")
        time.sleep(0.2)
        self.orders.clear()
        self.rests.clear()
        waits = ProcessorWaits(pids or [])
        began = time.monotonic()
        if what == "cancel":
            self.call(CancelGoal, f"{BRIDGE}/grasp/_action/cancel_goal", CancelGoal.Request(), wait=False)
        elif what == "estop":
            self.call(SetBool, f"{BRIDGE}/estop", SetBool.Request(data=True), wait=False)
        elif what == "estop_topic":
            self.estop.publish(Bool(data=True))
        elif what == "stop":
            self.call(Trigger, f"{BRIDGE}/stop", Trigger.Request(), wait=False)
        elif what == "said":
            self.call(Ground, f"{BRIDGE}/ground", Ground.Request(query="please stop"), wait=False)
        elif what == "query":
            self.query.publish(String(data="stop"))
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
        return {**self.measured(began), "waited_ms": waits.milliseconds()}

    def do_wait_moving(self, timeout: float = 20) -> None:
        """Waits until the arm moves."""
        end = time.monotonic() + timeout
        while not self.arm.moving:
            if time.monotonic() > end:
                raise TimeoutError("the arm does not move")
            time.sleep(0.002)

    def do_wait_goal(self, number: int, timeout: float = 60) -> None:
        """Waits until the arm moves by its `number`th trajectory goal since the last `clear`."""
        end = time.monotonic() + timeout
        while len(self.goals) < number or not self.arm.moving:
            if time.monotonic() > end:
                raise TimeoutError("the arm does not get there")
            time.sleep(0.002)

    def do_slip(self, stage: int, timeout: float = 30) -> None:
        """Waits for the motion of this trajectory goal, the first being 1; then the object is lost and the fingers close."""
        self.do_wait_goal(stage, timeout)
        time.sleep(0.1)
        self.gripper["position"] = self.gripper["log"][-1]["position"]

    def measured(self, began: float) -> Any:
        """Milliseconds from `began` until the controller was told and the arm rested."""
        end = time.monotonic() + 3
        while time.monotonic() < end and not (self.orders and self.rests):
            time.sleep(0.001)
        # An order that meets the arm between two stages, while the fingers move, finds it at rest.
        at_rest = None if self.arm.moving else 0.0
        return {
            "began": began,
            "ordered_ms": (self.orders[0] - began) * 1e3 if self.orders else None,
            "rest_ms": (self.rests[0] - began) * 1e3 if self.rests else at_rest,
        }

    def do_leave(self, query: str) -> Any:
        """Sends a goal to ~/grasp and, while the arm moves, ends the client."""
        client = ActionClient(self, Grasp, f"{BRIDGE}/grasp")
        if not client.wait_for_server(5):
            raise TimeoutError("no action server")
        self.moved.clear()
        goal = client.send_goal_async(Grasp.Goal(query=query, execute=True))
        if not self.moved.wait(60):
            raise TimeoutError(f"the arm does not move: {self.fate(goal)}")
        time.sleep(0.2)
        self.orders.clear()
        self.rests.clear()
        began = time.monotonic()
        client.destroy()
        return self.measured(began)

    def fate(self, goal: Any) -> str:
        """What became of a goal that was sent."""
        if not goal.done():
            return "the goal has no answer"
        if not goal.result().accepted:
            return "the goal was refused"
        try:
            return wait_future(goal.result().get_result_async(), 5).result.message
        except TimeoutError:
            return "the goal goes on"

    def do_estop(self, down: bool) -> Any:
        """Presses or releases by the service."""
        answer = self.call(SetBool, f"{BRIDGE}/estop", SetBool.Request(data=down))
        return {"success": answer.success, "message": answer.message}

    def do_estop_topic(self, down: bool) -> None:
        """Presses or releases by the topic."""
        self.estop.publish(Bool(data=down))

    def do_say(self, query: str) -> Any:
        """Calls ~/ground with an order in words."""
        answer = self.call(Ground, f"{BRIDGE}/ground", Ground.Request(query=query))
        return {"success": answer.success, "message": answer.message, "reason": answer.grounding.reason}

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
