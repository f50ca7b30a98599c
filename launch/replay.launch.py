"""Plays a recorded bag into the node, with the bag's clock.

ros2 launch grasp_grounding replay.launch.py bag:=/path/to/bag query:="the red mug" camera:=camera
"""

from pathlib import Path

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess, IncludeLaunchDescription, TimerAction
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration

HERE = Path(__file__).resolve().parent


def generate_launch_description() -> LaunchDescription:
    """The node on simulated time, then `ros2 bag play`. Arguments of bridge.launch.py are passed through."""
    bridge = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(HERE / "bridge.launch.py")),
        launch_arguments={"use_sim_time": "true", "respawn": "false"}.items(),
    )
    play = ExecuteProcess(
        cmd=[
            "ros2",
            "bag",
            "play",
            LaunchConfiguration("bag"),
            "--clock",
            "100",
            "--rate",
            LaunchConfiguration("rate"),
        ],
        output="screen",
    )
    return LaunchDescription(
        [
            DeclareLaunchArgument("bag", description="Folder or file of the rosbag2 recording."),
            DeclareLaunchArgument("rate", default_value="1.0", description="Speed of the replay."),
            DeclareLaunchArgument("delay", default_value="5.0", description="Seconds the model gets to load."),
            bridge,
            TimerAction(period=LaunchConfiguration("delay"), actions=[play]),
        ]
    )
