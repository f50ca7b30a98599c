"""An rclpy node driven by lines of JSON on stdin: what the tests check the bridge node against.

Each line is {"id": N, "do": NAME, ...arguments}; each answer is {"id": N, "ok": RESULT} or {"id": N, "error": TEXT}.
"""

from __future__ import annotations

import base64
import threading
import time
from typing import Any

import rclpy
from camera import Camera
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseArray, PoseStamped, TransformStamped
from grasp_grounding_interfaces.action import Grasp, Place
from grasp_grounding_interfaces.msg import Grounding
from grasp_grounding_interfaces.srv import Ground
from lifecycle_msgs.srv import ChangeState, GetState
from loop import send, serve, wait_future
from messages import header_at, plain, qos
from rcl_interfaces.msg import Parameter, ParameterValue
from rcl_interfaces.srv import DescribeParameters, GetParameters, ListParameters, SetParameters, SetParametersAtomically
from rclpy.action import ActionClient
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.serialization import deserialize_message, serialize_message
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CompressedImage, Image, PointCloud2
from std_msgs.msg import String
from tf2_msgs.msg import TFMessage
from vision_msgs.msg import Detection2DArray, Detection3DArray
from visualization_msgs.msg import MarkerArray

try:
    from foxglove_msgs.msg import ImageAnnotations
except ImportError:
    ImageAnnotations = None

try:
    from moveit_msgs.msg import CollisionObject
    from moveit_msgs.srv import GraspPlanning
except ImportError:
    CollisionObject = GraspPlanning = None

NODE = "/grasp_grounding"
OUTPUTS = {
    "detections": Detection2DArray,
    "grounding": Grounding,
    "mask": Image,
    "overlay": Image,
    "overlay/compressed": CompressedImage,
    "grasps": PoseArray,
    "grasp_pose": PoseStamped,
    "markers": MarkerArray,
    "annotations": ImageAnnotations,
    "detections_3d": Detection3DArray,
    "object_cloud": PointCloud2,
    "collision_objects": CollisionObject,
}


class Peer(Camera, Node):
    """Publishes the camera, listens to every output and calls the node's services."""

    def __init__(self) -> None:
        super().__init__("test_peer")
        self.inbox: dict[str, list[Any]] = {}
        self.counts: dict[str, int] = {}
        self.signal = threading.Condition()
        self.listeners: dict[str, Any] = {}
        self.camera: dict[str, Any] = {}
        self.camera_lock = threading.RLock()
        self.sent: list[int] = []
        self.query = self.create_publisher(String, f"{NODE}/query", 10)
        self.clarify = self.create_publisher(String, f"{NODE}/clarify", 10)
        self.tf = self.create_publisher(TFMessage, "/tf", qos("reliable", 100))
        self.tf_static = self.create_publisher(TFMessage, "/tf_static", qos("reliable", 10, True))
        self.clock_publisher = None
        self.cached: dict[str, Any] = {}

    # What the node publishes

    def do_listen(self, topics: list[str]) -> None:
        """Subscribes outputs, or /diagnostics."""
        for topic in topics:
            if topic in self.listeners:
                continue
            if topic == "tf_static":
                keep = lambda m: self.keep("tf_static", m)
                self.listeners[topic] = self.create_subscription(TFMessage, "/tf_static", keep, qos("reliable", 10, True))
                continue
            kind, name = (DiagnosticArray, "/diagnostics") if topic == "diagnostics" else (OUTPUTS[topic], f"{NODE}/{topic}")
            self.listeners[topic] = self.create_subscription(kind, name, lambda m, t=topic: self.keep(t, m), 10)

    def do_listen_to(self, topic: str, name: str) -> None:
        """Subscribes an output under another name."""
        self.listeners[topic] = self.create_subscription(OUTPUTS[topic], name, lambda m: self.keep(topic, m), 10)

    def do_unlisten(self, topics: list[str]) -> None:
        """Ends subscriptions."""
        for topic in topics:
            self.destroy_subscription(self.listeners.pop(topic))

    def keep(self, topic: str, message: Any) -> None:
        with self.signal:
            self.inbox.setdefault(topic, []).append(message)
            del self.inbox[topic][:-50]
            self.counts[topic] = self.counts.get(topic, 0) + 1
            self.signal.notify_all()

    def do_clear(self) -> None:
        """Forgets what arrived."""
        with self.signal:
            self.inbox.clear()
            self.counts.clear()

    def do_counts(self) -> dict[str, int]:
        """Messages by topic since the last clear."""
        return dict(self.counts)

    def do_wait(self, topic: str, timeout: float = 10, where: dict[str, Any] | None = None, has: str | None = None) -> Any:
        """The first kept message whose fields equal `where` (and whose text holds `has`), then forgets those before."""
        end = time.monotonic() + timeout
        with self.signal:
            while True:
                for index, message in enumerate(self.inbox.get(topic, [])):
                    if all(plain(getattr(message, k)) == v for k, v in (where or {}).items()) and (
                        has is None or has in str(message)
                    ):
                        del self.inbox[topic][: index + 1]
                        return plain(message)
                left = end - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f"nothing on {topic} in {timeout} s; counts {self.counts}")
                self.signal.wait(left)

    # Sentences, service, action

    def do_query(self, text: str) -> None:
        """Publishes a sentence."""
        self.query.publish(String(data=text))

    def do_clarify(self, text: str, timeout: float = 20) -> None:
        """Publishes a reply to a question."""
        end = time.monotonic() + timeout
        while self.clarify.get_subscription_count() == 0:
            if time.monotonic() > end:
                raise TimeoutError("the node does not subscribe ~/clarify")
            time.sleep(0.02)
        self.clarify.publish(String(data=text))

    def do_wait_for_question(self, timeout: float = 20) -> str:
        """Waits until a goal of anybody's asks back, and gives the question."""
        asked: list[str] = []
        kind = Grasp.Impl.FeedbackMessage
        hear = lambda m: asked.append(m.feedback.question) if m.feedback.question else None
        listener = self.create_subscription(kind, f"{NODE}/grasp/_action/feedback", hear, 10)
        end = time.monotonic() + timeout
        while not asked:
            if time.monotonic() > end:
                raise TimeoutError("no goal asked a question")
            time.sleep(0.02)
        self.destroy_subscription(listener)
        return asked[0]

    def do_query_best_effort(self, text: str, timeout: float = 10) -> None:
        """Publishes a query once, best effort, as soon as a subscription matches."""
        publisher = self.create_publisher(String, f"{NODE}/query", qos("best_effort"))
        end = time.monotonic() + timeout
        while publisher.get_subscription_count() == 0:
            if time.monotonic() > end:
                raise TimeoutError("no subscription of ~/query matches best effort")
            time.sleep(0.05)
        time.sleep(0.2)
        publisher.publish(String(data=text))

    def do_query_bytes(self, data: str) -> None:
        """Publishes a String whose bytes (base64) need be no UTF-8."""
        content = base64.b64decode(data)
        body = b"\x00\x01\x00\x00" + (len(content) + 1).to_bytes(4, "little") + content + b"\x00"
        self.query.publish(body)

    def do_wait_for_node(self, timeout: float = 20) -> None:
        """Waits until the node reads sentences and answers the lifecycle service."""
        end = time.monotonic() + timeout
        while self.query.get_subscription_count() == 0:
            if time.monotonic() > end:
                raise TimeoutError("the node does not subscribe ~/query")
            time.sleep(0.05)

    def do_graph(self, name: str = "grasp_grounding") -> dict[str, list[str]]:
        """Names of what the node publishes, reads, serves and calls."""
        asks = {
            "publish": self.get_publisher_names_and_types_by_node,
            "subscribe": self.get_subscriber_names_and_types_by_node,
            "reply": self.get_service_names_and_types_by_node,
            "request": self.get_client_names_and_types_by_node,
        }
        return {kind: sorted(each for each, _ in ask(name, "/")) for kind, ask in asks.items()}

    def call(self, kind: Any, name: str, request: Any, timeout: float) -> Any:
        client = self.cached.get(name)
        if client is None:
            client = self.cached[name] = self.create_client(kind, name)
        if not client.wait_for_service(timeout):
            raise TimeoutError(f"no service {name}")
        return wait_future(client.call_async(request), timeout)

    def do_ground(self, query: str, timeout: float = 0, wait: float = 15, client: str = "") -> Any:
        """Calls ~/ground."""
        request = Ground.Request(query=query, timeout=float(timeout), client=client)
        return plain(self.call(Ground, f"{NODE}/ground", request, wait))

    def do_grasp(
        self,
        query: str,
        execute: bool = False,
        timeout: float = 0,
        target_frame: str = "",
        cancel_after: float | None = None,
        wait: float = 15,
        name: str = f"{NODE}/grasp",
        replies: list[str] | None = None,
    ) -> Any:
        """Runs ~/grasp to its end; answers its questions with `replies`, one after the other."""
        client = self.cached.get("grasp")
        if client is None:
            client = self.cached["grasp"] = ActionClient(self, Grasp, name)
        if not client.wait_for_server(wait):
            raise TimeoutError("no action server")
        feedback: list[Any] = []
        left = list(replies or [])

        def on_feedback(message: Any) -> None:
            feedback.append(plain(message.feedback))
            if message.feedback.stage == "clarifying" and left:
                self.do_clarify(left.pop(0))

        goal = Grasp.Goal(query=query, execute=execute, timeout=float(timeout), target_frame=target_frame)
        handle = send(
            self, lambda: client.send_goal_async(goal, feedback_callback=on_feedback), wait
        )
        if not handle.accepted:
            return {"accepted": False}
        cancelled = None
        if cancel_after is not None:
            time.sleep(cancel_after)
            began = time.monotonic()
            answer = send(self, handle.cancel_goal_async, wait)
            cancelled = {"goals": len(answer.goals_canceling), "seconds": time.monotonic() - began}
        result = send(self, handle.get_result_async, wait)
        return {
            "accepted": True,
            "status": result.status,
            "result": plain(result.result),
            "feedback": feedback,
            "cancelled": cancelled,
        }

    def do_place(self, query: str, execute: bool = False, timeout: float = 0, wait: float = 15) -> Any:
        """Runs ~/place to its end."""
        client = self.cached.get("place")
        if client is None:
            client = self.cached["place"] = ActionClient(self, Place, f"{NODE}/place")
        if not client.wait_for_server(wait):
            raise TimeoutError("no action server")
        feedback: list[Any] = []
        goal = Place.Goal(query=query, execute=execute, timeout=float(timeout))
        keep = lambda message: feedback.append(plain(message.feedback))  # noqa: E731
        handle = send(self, lambda: client.send_goal_async(goal, feedback_callback=keep), wait)
        if not handle.accepted:
            return {"accepted": False}
        result = send(self, handle.get_result_async, wait)
        return {"accepted": True, "status": result.status, "result": plain(result.result), "feedback": feedback}

    def do_plan_grasps(self, query: str, wait: float = 15) -> Any:
        """Calls ~/plan_grasps, as a client of MoveIt's GraspPlanning does."""
        request = GraspPlanning.Request()
        request.target.id = query
        return plain(self.call(GraspPlanning, f"{NODE}/plan_grasps", request, wait))

    def do_endpoint_qos(self, topic: str, publishers: bool = True) -> list[dict[str, str]]:
        """QoS of a topic's publishers or subscriptions, this peer's own left out."""
        ask = self.get_publishers_info_by_topic if publishers else self.get_subscriptions_info_by_topic
        return [
            {"reliability": each.qos_profile.reliability.name, "durability": each.qos_profile.durability.name}
            for each in ask(topic)
            if each.node_name != self.get_name()
        ]

    def do_forget_grasp(self) -> None:
        """Ends the action's client, if there is one."""
        client = self.cached.pop("grasp", None)
        if client is not None:
            client.destroy()

    # Lifecycle, parameters, TF

    def do_state(self) -> str:
        """The node's lifecycle state."""
        return self.call(GetState, f"{NODE}/get_state", GetState.Request(), 15).current_state.label

    def do_change(self, transition: int, wait: float = 30) -> bool:
        """Asks for a transition: 1 configure, 2 cleanup, 3 activate, 4 deactivate."""
        request = ChangeState.Request()
        request.transition.id = transition
        return self.call(ChangeState, f"{NODE}/change_state", request, wait).success

    def do_change_to(self, number: int = 0, label: str = "", wait: float = 30) -> bool:
        """Asks for a transition by any number or label, valid or not."""
        request = ChangeState.Request()
        request.transition.id, request.transition.label = number, label
        return self.call(ChangeState, f"{NODE}/change_state", request, wait).success

    def do_list_parameters(self) -> list[str]:
        """Names of the declared parameters."""
        return list(self.call(ListParameters, f"{NODE}/list_parameters", ListParameters.Request(), 10).result.names)

    def do_describe_parameters(self, names: list[str]) -> Any:
        """Descriptors."""
        request = DescribeParameters.Request(names=names)
        return plain(self.call(DescribeParameters, f"{NODE}/describe_parameters", request, 10).descriptors)

    def do_get_parameters(self, names: list[str]) -> Any:
        """Values."""
        return plain(self.call(GetParameters, f"{NODE}/get_parameters", GetParameters.Request(names=names), 10).values)

    def do_set_parameter(self, name: str, kind: str, value: Any) -> Any:
        """Sets one parameter."""
        types = {"bool": 1, "integer": 2, "double": 3, "string": 4}
        content = ParameterValue(type=types[kind], **{f"{kind}_value": value})
        request = SetParameters.Request(parameters=[Parameter(name=name, value=content)])
        return plain(self.call(SetParameters, f"{NODE}/set_parameters", request, 10).results[0])

    def do_set_parameters(self, parameters: list[Any], atomically: bool = False, kind: int | None = None) -> Any:
        """Sets [name, type, value] by the service of either kind; `kind` gives the values a type number of its own."""
        types = {"bool": 1, "integer": 2, "double": 3, "string": 4, "none": 0}
        messages = []
        for name, of, value in parameters:
            fields = {} if of == "none" else {f"{of}_value": float(value) if of == "double" else value}
            content = ParameterValue(type=types[of] if kind is None else kind, **fields)
            messages.append(Parameter(name=name, value=content))
        if atomically:
            asked = SetParametersAtomically.Request(parameters=messages)
            return [plain(self.call(SetParametersAtomically, f"{NODE}/set_parameters_atomically", asked, 10).result)]
        asked = SetParameters.Request(parameters=messages)
        return plain(self.call(SetParameters, f"{NODE}/set_parameters", asked, 10).results)

    def do_tf(
        self, parent: str, child: str, xyz: list[float], xyzw: list[float], fixed: bool = False, seconds_ago: float = 0
    ) -> str:
        """One transform; gives its stamp in nanoseconds."""
        message = TransformStamped()
        stamp = self.get_clock().now().nanoseconds - int(seconds_ago * 1e9)
        message.header = header_at(stamp, parent)
        message.child_frame_id = child
        t = message.transform.translation
        # rclpy writes the bytes of an int where a float is due.
        t.x, t.y, t.z = map(float, xyz)
        r = message.transform.rotation
        r.x, r.y, r.z, r.w = map(float, xyzw)
        (self.tf_static if fixed else self.tf).publish(TFMessage(transforms=[message]))
        return str(stamp)

    def do_clock(self, sec: int, nanosec: int = 0, reliability: str = "reliable") -> None:
        """One message on /clock; rclcpp's ClockQoS is best effort with a depth of 1."""
        if self.clock_publisher is None:
            self.clock_publisher = self.create_publisher(Clock, "/clock", qos(reliability, 1))
            time.sleep(0.5)
        message = Clock()
        message.clock.sec, message.clock.nanosec = sec, nanosec
        self.clock_publisher.publish(message)

    def do_roundtrip(self) -> bool:
        """Serialises a Grounding of our interfaces and reads it back with rclpy."""
        return deserialize_message(serialize_message(Grounding(query="é")), Grounding).query == "é"


def main() -> None:
    rclpy.init()
    serve(Peer(), SingleThreadedExecutor())


if __name__ == "__main__":
    main()
