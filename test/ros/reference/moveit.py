"""Stands in for MoveIt's move_group: its action over DDS, with ways that are straight in joint space. Driven as peer.py is."""

from __future__ import annotations

import time
from typing import Any

import rclpy
from loop import serve
from moveit_msgs.action import MoveGroup
from rclpy.action import ActionServer, CancelResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.executors import MultiThreadedExecutor
from rclpy.node import Node
from trajectory_msgs.msg import JointTrajectoryPoint


class MoveGroupStandIn(Node):
    """Answers MoveGroup goals and keeps what they asked."""

    def __init__(self) -> None:
        super().__init__("move_group")
        self.asked: list[dict[str, Any]] = []
        self.faults: dict[str, Any] = {}
        ActionServer(
            self,
            MoveGroup,
            "/move_action",
            self.plan,
            cancel_callback=lambda _: CancelResponse.ACCEPT,
            callback_group=ReentrantCallbackGroup(),
        )

    def plan(self, handle: Any) -> Any:
        request, options = handle.request.request, handle.request.planning_options
        constraints = request.goal_constraints[0].joint_constraints
        start = dict(zip(request.start_state.joint_state.name, request.start_state.joint_state.position))
        goal = {each.joint_name: each.position for each in constraints}
        objects = options.planning_scene_diff.world.collision_objects
        attached = options.planning_scene_diff.robot_state.attached_collision_objects
        self.asked.append({
            "group": request.group_name,
            "time": request.allowed_planning_time,
            "plan_only": options.plan_only,
            "diff": options.planning_scene_diff.is_diff and request.start_state.is_diff,
            "start": start,
            "goal": goal,
            "frame": request.workspace_parameters.header.frame_id,
            "objects": {each.id: len(each.primitives) for each in objects},
            "attached": {
                each.object.id: {
                    "link": each.link_name,
                    "frame": each.object.header.frame_id,
                    "size": list(each.object.primitives[0].dimensions),
                    "touch_links": list(each.touch_links),
                }
                for each in attached
            },
        })
        result = MoveGroup.Result()
        end = time.monotonic() + self.faults.get("wait", 0)
        while time.monotonic() < end:
            if handle.is_cancel_requested:
                result.error_code.val = -7
                handle.canceled()
                return result
            time.sleep(0.01)
        result.error_code.val = self.faults.get("code", 1)
        if result.error_code.val != 1:
            handle.abort()
            return result
        # In another order than was asked for, as MoveIt may give it.
        names = sorted(goal, reverse=True)[self.faults.get("leave_out", 0) :]
        trajectory = result.planned_trajectory.joint_trajectory
        trajectory.joint_names = names
        for k in range(41):
            share = k / 40
            positions = [start[name] + (goal[name] - start[name]) * share for name in names]
            trajectory.points.append(JointTrajectoryPoint(positions=positions))
        handle.succeed()
        return result

    def do_fault(self, **faults: Any) -> None:
        """What the next goals meet: code, wait, leave_out."""
        self.faults = faults

    def do_asked(self) -> Any:
        """What was asked since the last time."""
        asked, self.asked = self.asked, []
        return asked


def main() -> None:
    rclpy.init()
    serve(MoveGroupStandIn(), MultiThreadedExecutor(4))


if __name__ == "__main__":
    main()
