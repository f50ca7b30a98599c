"""A client of the cell and of the node: what a person's program would do over ROS 2, in blocking calls."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import rclpy
from builtin_interfaces.msg import Duration
from control_msgs.action import FollowJointTrajectory, GripperCommand
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from rclpy.action import ActionClient
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CameraInfo, JointState
from std_msgs.msg import String
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

ROOT = Path(__file__).resolve().parents[1]
CONTROLLER, GRIPPER = "panda_arm_controller", "panda_hand_controller"
JOINTS = [f"panda_joint{k}" for k in range(1, 8)]
HOME = [0.0, -0.785398, 0.0, -2.356194, 0.0, 1.570796, 0.785398]
T = TypeVar("T")


def use_own_domain() -> None:
    """
    A ROS domain for this process and its children, unless the caller named one. A program's `main` or a test fixture calls it before
    `rclpy.init`; a module never does, because whoever imports it may have to talk to processes that run already.
    """
    os.environ.setdefault("ROS_DOMAIN_ID", str(20 + os.getpid() % 180))
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")


class Timeout(RuntimeError):
    """Something did not happen in time."""


def wait_for(what: str, look: Callable[[], T | None], seconds: float = 20, every: float = 0.01) -> T:
    """Calls `look` until it returns a value."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = look()
        if found is not None and found is not False:
            return found
        time.sleep(every)
    raise Timeout(f"{what} did not happen in {seconds:.0f} s")


@dataclass
class Running:
    """A running goal."""

    handle: Any
    result: Any

    def wait(self, seconds: float = 60) -> Any:
        """The result message with its status."""
        return wait_for("the goal's result", lambda: self.result.result() if self.result.done() else None, seconds)

    def cancel(self) -> None:
        self.handle.cancel_goal_async()


class Client(Node):
    """Spins on a thread of its own."""

    def __init__(self, name: str = "cell_client", context: Context | None = None) -> None:
        super().__init__(name, context=context)
        transient_local = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self.cell: dict[str, Any] = {}
        #: Number of states that the cell has told.
        self.states = 0
        self.joints: JointState | None = None
        #: (time.monotonic, positions) of the latest joint states, the arm's joints in order.
        self.history: list[tuple[float, np.ndarray, np.ndarray]] = []
        self.create_subscription(String, "/cell/state", self._on_state, transient_local)
        #: Number of images the camera has taken.
        self.images = 0
        self.create_subscription(CameraInfo, "camera/color/camera_info", self._on_camera_info, 5)
        self.create_subscription(JointState, "joint_states", self._on_joints, 50)
        self.arm = ActionClient(self, FollowJointTrajectory, f"{CONTROLLER}/follow_joint_trajectory")
        self.hand = ActionClient(self, GripperCommand, f"{GRIPPER}/gripper_cmd")
        self.setter = self.create_client(SetParameters, "/cell/set_parameters")
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(self)
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()

    def _spin(self) -> None:
        try:
            self._executor.spin()
        except rclpy.executors.ExternalShutdownException:
            pass

    def _on_state(self, message: String) -> None:
        self.cell = json.loads(message.data)
        self.states += 1

    def _on_camera_info(self, _message: CameraInfo) -> None:
        self.images += 1

    def _on_joints(self, message: JointState) -> None:
        self.joints = message
        self.history.append((time.monotonic(), np.array(message.position[:7]), np.array(message.velocity[:7])))
        if len(self.history) > 5000:
            del self.history[:2500]

    def wait(self, future: Any, seconds: float = 20) -> Any:
        return wait_for("an answer", lambda: future.result() if future.done() else None, seconds)

    def set(self, name: str, value: Any) -> None:
        """Sets a parameter of the cell."""
        kinds = {int: ("integer_value", ParameterType.PARAMETER_INTEGER), str: ("string_value", ParameterType.PARAMETER_STRING)}
        field, kind = kinds[type(value)]
        parameter = Parameter(name=name, value=ParameterValue(type=kind, **{field: value}))
        wait_for("the cell's parameter service", self.setter.service_is_ready)
        answer = self.wait(self.setter.call_async(SetParameters.Request(parameters=[parameter])))
        if not answer.results[0].successful:
            raise RuntimeError(answer.results[0].reason)

    def scene(self, number: int) -> dict[str, Any]:
        """Puts a scene on the table and waits until the camera has seen it."""
        self.set("scene", number)
        time.sleep(0.25)  # an older state may still arrive
        cell = wait_for(
            f"scene {number}", lambda: self.cell if self.cell.get("scene") == number and self.cell["ready"] else None
        )
        # The node answers from its newest image: the next two certainly show this scene.
        taken = self.images
        wait_for("two images", lambda: self.images >= taken + 3)
        return cell

    def update(self) -> None:
        """Waits until the cell has told how things stand now: the next state may be on its way already."""
        told = self.states
        wait_for("two states of the cell", lambda: self.states >= told + 2)

    def object_named(self, name: str) -> dict[str, Any]:
        return next(t for t in self.cell["things"] if t["name"] == name)

    def send(self, client: ActionClient, goal: Any, feedback: Callable[[Any], None] | None = None) -> Running | None:
        """Sends a goal; None when it is rejected."""
        wait_for("an action server", client.server_is_ready)
        handle = self.wait(self.on_executor(lambda: client.send_goal_async(goal, feedback_callback=feedback)))
        return Running(handle, self.on_executor(handle.get_result_async)) if handle.accepted else None

    def on_executor(self, request: Callable[[], Any]) -> Any:
        """
        The future of an action client's request, made by the thread that takes answers: rclpy notes what it waits for only after
        it has sent the request, and an answer that another thread takes in between is thrown away.
        """
        return self.wait(self._executor.create_task(request))

    def trajectory(self, points: list[tuple[float, list[float]]], joints: list[str] | None = None) -> FollowJointTrajectory.Goal:
        """A goal of positions with zero speed at the end, cubic in between."""
        rows = []
        for k, (t, q) in enumerate(points):
            before, after = points[max(0, k - 1)], points[min(len(points) - 1, k + 1)]
            inner = 0 < k < len(points) - 1
            speed = [(b - a) / (after[0] - before[0]) if inner else 0.0 for a, b in zip(before[1], after[1])]
            whole = int(t)
            rows.append(
                JointTrajectoryPoint(
                    positions=q, velocities=speed, time_from_start=Duration(sec=whole, nanosec=int((t - whole) * 1e9))
                )
            )
        return FollowJointTrajectory.Goal(trajectory=JointTrajectory(joint_names=joints or JOINTS, points=rows))

    def leave(self) -> None:
        self._executor.shutdown(timeout_sec=2)
        self.destroy_node()


def die_with_parent() -> None:
    """In a child: SIGINT when whoever started it dies, so that no simulation is left behind."""
    ctypes.CDLL(None).prctl(1, signal.SIGINT)


class Process:
    """A program whose output is recorded."""

    def __init__(self, command: list[str], env: dict[str, str] | None = None, log: Path | None = None) -> None:
        self.lines: list[str] = []
        self.log = log.open("a") if log else None
        self.child = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, preexec_fn=die_with_parent,
        )  # fmt: skip
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.child.stdout
        for line in self.child.stdout:
            self.lines.append(line.rstrip())
            del self.lines[:-400]
            if self.log:
                self.log.write(line)
                self.log.flush()

    def says(self, text: str, seconds: float = 60) -> None:
        """Waits for a line of output that holds `text`."""

        def look() -> bool:
            if self.child.poll() is not None:
                raise RuntimeError("the program ended:\n" + "\n".join(self.lines[-20:]))
            return any(text in line for line in list(self.lines))

        wait_for(f"output {text!r}", look, seconds, every=0.05)

    def stop(self, sent: signal.Signals = signal.SIGINT) -> int:
        if self.child.poll() is None:
            self.child.send_signal(sent)
        try:
            return self.child.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.child.kill()
            return self.child.wait()


def start_cell(parameters: dict[str, Any] | None = None, log: Path | None = None) -> Process:
    """The cell, ready."""
    command = [sys.executable, str(ROOT / "simulation" / "cell")]
    if parameters:
        command += ["--ros-args"] + [a for k, v in parameters.items() for a in ("-p", f"{k}:={v}")]
    cell = Process(command, log=log)
    cell.says("ready")
    return cell
