"""What every peer's main does: spins its node and answers the test's requests, lines of JSON on stdin."""

from __future__ import annotations

import json
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any

import rclpy
from rclpy.executors import Executor
from rclpy.node import Node


def serve(node: Node, executor: Executor, several: bool = False) -> None:
    """Answers {"id", "do": NAME, …} by node.do_NAME(…) until stdin ends; `several` at once, each on its own thread."""
    executor.add_node(node)
    output = threading.Lock()

    def spin() -> None:
        # Entities are destroyed while they are waited for; rclpy may raise then, and the peer goes on.
        while rclpy.ok():
            try:
                executor.spin()
            except Exception:
                traceback.print_exc()

    def answer(request: dict[str, Any]) -> None:
        number, name = request.pop("id"), request.pop("do")
        try:
            reply = {"id": number, "ok": getattr(node, f"do_{name}")(**request)}
        except Exception as error:  # every failure is an answer, so that the test says what went wrong
            reply = {"id": number, "error": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()}
        with output:
            print(json.dumps(reply), flush=True)

    threading.Thread(target=spin, daemon=True).start()
    for line in sys.stdin:
        request = json.loads(line)
        if several:
            threading.Thread(target=answer, args=(request,), daemon=True).start()
        else:
            answer(request)
    executor.shutdown(1)
    rclpy.try_shutdown()


def send(node: Node, request: Callable[[], Any], timeout: float) -> Any:
    """
    The answer to a request of an action's client, such as `lambda: client.send_goal_async(goal)`, made by the thread that takes
    answers (a SingleThreadedExecutor's): rclpy notes what it waits for only after it has sent the request, and an
    answer that another thread takes in between is thrown away.
    """
    return wait_future(wait_future(node.executor.create_task(request), timeout), timeout)


def wait_future(future: Any, timeout: float) -> Any:
    """The future's result; the executor runs in another thread."""
    done = threading.Event()
    future.add_done_callback(lambda _: done.set())
    if not done.wait(timeout):
        raise TimeoutError(f"no answer in {timeout} s")
    return future.result()
