"""Starts the grasp_grounding node. Every parameter of the node is a launch argument.

ros2 launch grasp_grounding bridge.launch.py params_file:=realsense.yaml query:="the red mug"
"""

import json
import os
from pathlib import Path

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, LogInfo, OpaqueFunction, RegisterEventHandler, TimerAction
from launch.event_handlers import OnProcessExit
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import LifecycleNode
from launch_ros.parameter_descriptions import ParameterValue

HERE = Path(__file__).resolve().parent
PARAMETERS = json.loads((HERE / "parameters.json").read_text(encoding="utf-8"))
TYPES = {"boolean": bool, "integer": int, "double": float, "string": str}
UNSET = ""
PROFILE_VARIABLES = ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE")
# Exit codes after which another start would end alike: done, and wrong usage (a bad parameter).
FINAL_CODES = (0, 2)
RESPAWN_DELAY = 2.0


def params_file(name: str) -> str:
    """A parameter file: a path, or the name of one that the package brings."""
    return name if os.path.sep in name or Path(name).exists() else str(HERE / "config" / name)


def absolute(camera: str, topic: str) -> str:
    """A topic below the camera's namespace, unless it is absolute already."""
    return topic if topic.startswith("/") else "/".join(["", *filter(None, [camera]), topic])


def start(context):
    """The node with the arguments that were given; others have the file's value or the default."""

    def given(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    overrides = {
        name: ParameterValue(given(name), value_type=TYPES[spec["type"]])
        for name, spec in PARAMETERS.items()
        if given(name) != UNSET
    }
    overrides["use_sim_time"] = given("use_sim_time").lower() == "true"
    files = [params_file(name) for name in given("params_file").split(",") if name]
    camera = given("camera").strip("/")
    # An absolute topic stays as it is. The topics of image transports follow their base topic in the node.
    topics = {
        "camera/color/image_raw": given("color_topic"),
        "camera/color/camera_info": given("camera_info_topic"),
        "camera/aligned_depth_to_color/image_raw": given("depth_topic"),
        "camera/depth/image_rect_raw": given("raw_depth_topic"),
        "camera/depth/camera_info": given("depth_camera_info_topic"),
    }
    remappings = [(ours, absolute(camera, theirs)) for ours, theirs in topics.items()]
    environment = {} if given("large_images").lower() == "true" else {"GRASP_GROUNDING_FASTDDS_PROFILE": "none"}
    # A profile that the user has set stays; other nodes of the launch file are not touched.
    if given("large_images").lower() == "true" and not any(name in os.environ for name in PROFILE_VARIABLES):
        environment = dict.fromkeys(PROFILE_VARIABLES, str(HERE / "config" / "fastdds.xml"))

    def node() -> LifecycleNode:
        return LifecycleNode(
            package="grasp_grounding",
            executable="bridge",
            name=given("name"),
            namespace=given("namespace"),
            parameters=[*files, overrides],
            remappings=remappings,
            additional_env=environment,
            output="screen",
            emulate_tty=True,
            arguments=["--ros-args", "--log-level", given("log_level")],
        )

    starts = int(given("respawn_max")) if given("respawn").lower() == "true" else 0
    return started(node, starts)


def started(make, respawns: int) -> list:
    """The node, with a handler that starts it again when it fails, at most `respawns` times."""
    node = make()

    def again(event, context):
        if context.is_shutdown or event.returncode in FINAL_CODES:
            return None
        if respawns == 0:
            return [LogInfo(msg=f"grasp_grounding ended with {event.returncode} and is not started again")]
        return [TimerAction(period=RESPAWN_DELAY, actions=started(make, respawns - 1))]

    return [RegisterEventHandler(OnProcessExit(target_action=node, on_exit=again)), node]


def generate_launch_description() -> LaunchDescription:
    """All arguments, then the node."""
    fixed = {
        "name": ("grasp_grounding", "Name of the node."),
        "namespace": ("", "Namespace of the node."),
        "camera": ("camera/camera", "Namespace of the camera's topics, e.g. camera/camera for realsense2_camera."),
        "color_topic": ("color/image_raw", "Colour images: below the camera's namespace, or absolute (/…), as are the other topics."),
        "camera_info_topic": ("color/camera_info", "Camera info of the colour images."),
        "depth_topic": ("aligned_depth_to_color/image_raw", "Depth aligned to colour."),
        "raw_depth_topic": ("depth/image_rect_raw", "Depth in its own frame (depth_registered:=false)."),
        "depth_camera_info_topic": ("depth/camera_info", "Camera info of depth in its own frame."),
        "params_file": ("", "Parameter files, comma-separated: paths, or names from launch/config."),
        "use_sim_time": ("false", "Follow /clock."),
        "respawn": ("true", "Start the node again when it fails; never after wrong usage."),
        "respawn_max": ("5", "Starts after the first one at most."),
        "log_level": ("info", "Log level of the node."),
        "large_images": ("true", "Use the Fast DDS profile that carries best-effort images of megabytes."),
    }
    arguments = [
        DeclareLaunchArgument(name, default_value=value, description=text) for name, (value, text) in fixed.items()
    ]
    arguments += [
        DeclareLaunchArgument(
            name,
            default_value=UNSET,
            description=f"{spec['description']} Default: {spec['default']!r} unless params_file says otherwise.",
        )
        for name, spec in PARAMETERS.items()
    ]
    return LaunchDescription([*arguments, OpaqueFunction(function=start)])
