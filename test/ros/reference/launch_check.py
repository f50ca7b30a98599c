"""Evaluates the launch files without `ros2 launch`.

The real `launch` and `launch_ros` come with a ROS distribution and not as wheels, so recording stand-ins with their
constructors' names take their place here: what is checked is the files' own logic, not launch itself.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import types
from pathlib import Path
from typing import Any


class Recorded:
    """Keeps what it was made with."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.args, self.kwargs = args, kwargs


class LaunchConfiguration(Recorded):
    """Looks its argument up in the context, a plain dictionary."""

    def perform(self, context: dict[str, str]) -> str:
        return context[self.args[0]]


def make(name: str, bases: tuple[type, ...] = (Recorded,)) -> type:
    """A class of that name."""
    return type(name, bases, {})


def install() -> None:
    """Puts the stand-ins where the launch files import from."""
    contents = {
        "launch": ["LaunchDescription"],
        "launch.actions": [
            "DeclareLaunchArgument",
            "OpaqueFunction",
            "LogInfo",
            "RegisterEventHandler",
            "ExecuteProcess",
            "IncludeLaunchDescription",
            "TimerAction",
        ],
        "launch.event_handlers": ["OnProcessExit"],
        "launch.launch_description_sources": ["PythonLaunchDescriptionSource"],
        "launch.substitutions": [],
        "launch_ros": [],
        "launch_ros.actions": ["LifecycleNode"],
        "launch_ros.parameter_descriptions": ["ParameterValue"],
    }
    for name, classes in contents.items():
        module = types.ModuleType(name)
        for each in classes:
            setattr(module, each, make(each))
        sys.modules[name] = module
    sys.modules["launch.substitutions"].LaunchConfiguration = LaunchConfiguration


def load(path: Path) -> Any:
    """The module of a launch file."""
    spec = importlib.util.spec_from_file_location(path.stem.replace(".", "_"), path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def starts(actions: list[Any], codes: list[int]) -> int:
    """How often the node is started when its processes end with these codes one after the other."""
    count = 1
    for code in codes:
        (handler,) = [each for each in actions if type(each).__name__ == "RegisterEventHandler"]
        exits = handler.args[0].kwargs
        assert exits["target_action"] is actions[-1]
        event = types.SimpleNamespace(returncode=code)
        then = exits["on_exit"](event, types.SimpleNamespace(is_shutdown=False)) or []
        assert exits["on_exit"](event, types.SimpleNamespace(is_shutdown=True)) is None
        if not then or type(then[0]).__name__ != "TimerAction":
            break
        assert then[0].kwargs["period"] > 0
        actions = then[0].kwargs["actions"]
        count += 1
    return count


def main() -> None:
    folder, given = Path(sys.argv[1]), json.loads(sys.argv[2])
    install()
    bridge = load(folder / "bridge.launch.py").generate_launch_description().args[0]
    load(folder / "replay.launch.py").generate_launch_description()
    arguments = [each for each in bridge if type(each).__name__ == "DeclareLaunchArgument"]
    context = {each.args[0]: each.kwargs["default_value"] for each in arguments} | given
    (opaque,) = [each for each in bridge if type(each).__name__ == "OpaqueFunction"]
    actions = opaque.kwargs["function"](context)
    node = actions[-1].kwargs
    parameters = node["parameters"]
    codes = json.loads(sys.argv[3]) if len(sys.argv) > 3 else []
    print(
        json.dumps(
            {
                "arguments": {each.args[0]: each.kwargs["description"] for each in arguments},
                "environment": node["additional_env"],
                "starts": starts(actions, codes),
                "node": {key: node[key] for key in ("package", "executable", "name", "remappings")},
                "files": parameters[:-1],
                "overrides": {
                    key: [value.args[0], value.kwargs["value_type"].__name__] if hasattr(value, "args") else value
                    for key, value in parameters[-1].items()
                },
            }
        )
    )


if __name__ == "__main__":
    main()
