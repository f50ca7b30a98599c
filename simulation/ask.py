"""Sends queries to the node and prints the results: `ask.py QUERY…`, or one query a line on stdin."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from pathlib import Path

import rclpy
from std_srvs.srv import Trigger

from client import wait_for
from run_scenes import RAISED, Driver

HELP = 'type what to pick up, e.g. "pick up the yellow mug"; "scene 3" sets another table, "reset" clears a stop, Ctrl-C leaves'


def ask(driver: Driver, query: str) -> bool:
    """One query; prints the stages as they come, and the result."""
    answer, _ = driver.grasp(query, on_stage=lambda t, stage: print(f"  {t:5.1f} s  {stage.replace('_', ' ')}", flush=True))
    time.sleep(0.6)
    held = [t["name"] for t in driver.cell["things"] if t["raised"] > RAISED and t["touched_by"]]
    print(("done: " if answer.result.success else "not done: ") + answer.result.message)
    print(f"in the gripper: {', '.join(held) or 'nothing'}", flush=True)
    return bool(answer.result.success)


def main() -> None:
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: os._exit(0))
    rclpy.init(signal_handler_options=rclpy.signals.SignalHandlerOptions.NO)
    driver = Driver(Path(tempfile.gettempdir()))
    wait_for("the node's action", driver.grasper.server_is_ready, 60)
    wait_for("the cell", lambda: driver.cell.get("ready"), 30)
    time.sleep(1)
    queries = sys.argv[1:]
    good = True
    if not queries:
        print(f"on the table: {', '.join(t['name'] for t in driver.cell['things'])}\n{HELP}", flush=True)
    for line in queries or sys.stdin:
        line = line.strip()
        try:
            if line.startswith("scene ") and line[6:].isdigit():
                cell = driver.scene(int(line[6:]))
                print(f"on the table: {', '.join(t['name'] for t in cell['things'])}", flush=True)
            elif line == "reset":
                print(driver.wait(driver.reset.call_async(Trigger.Request())).message, flush=True)
            elif line:
                good = ask(driver, line)
        except RuntimeError as problem:
            good = False
            print(f"not done: {problem}", flush=True)
    rclpy.try_shutdown()
    sys.stdout.flush()
    # The executor's thread may still be waiting inside the middleware.
    os._exit(0 if good else 1)


if __name__ == "__main__":
    main()
