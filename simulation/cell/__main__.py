"""A simulated cell over ROS 2: `python simulation/cell --ros-args -p scene:=0`, in the environment of scripts/ros/with-env.mjs."""

from __future__ import annotations

import ctypes.util
import os
import signal
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


def main() -> None:
    os.environ.setdefault("MUJOCO_GL", "osmesa")
    if os.environ["MUJOCO_GL"] == "osmesa" and ctypes.util.find_library("OSMesa") is None:
        sys.exit("the camera needs an off-screen OpenGL: install libosmesa6 (Debian, Ubuntu), or set MUJOCO_GL=egl with a GPU")
    import rclpy
    from interface import Cell
    from rclpy.executors import MultiThreadedExecutor
    from rclpy.signals import SignalHandlerOptions

    stop = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: stop.set())
    rclpy.init(args=sys.argv, signal_handler_options=SignalHandlerOptions.NO)
    cell = Cell()
    executor = MultiThreadedExecutor(num_threads=6)
    executor.add_node(cell)
    spinning = threading.Thread(target=executor.spin, name="executor", daemon=True)
    spinning.start()
    cell.start()
    print("ready", flush=True)
    parent = os.getppid()
    while not stop.wait(0.5) and os.getppid() == parent:  # the parent may die without a signal
        pass
    cell.leave()
    rclpy.try_shutdown()
    spinning.join(timeout=3)
    sys.stdout.flush()
    # Active goals hold the executor's threads; all output is written.
    os._exit(0)


if __name__ == "__main__":
    main()
