"""A simulated cell over ROS 2: `python test/sim/cell --ros-args -p scene:=0`, in the environment of scripts/ros/with-env.mjs."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

os.environ.setdefault("MUJOCO_GL", "osmesa")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


def main() -> None:
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
    stop.wait()
    cell.leave()
    rclpy.try_shutdown()
    spinning.join(timeout=3)
    sys.stdout.flush()
    # Goals that are being served keep the executor's threads; nothing is left to be written.
    os._exit(0)


if __name__ == "__main__":
    main()
