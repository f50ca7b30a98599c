"""python -m worker: serves one model as the JSON line on its standard input says, and ends when that input does.

Prints one JSON object a line: {"event": "bound" | "ready" | "note" | "report" | "failed" | "stopped", ...}.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading


LINES = threading.Lock()


def say(event: str, **fields: object) -> None:
    with LINES:
        sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")
        sys.stdout.flush()


def first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:400]


def main() -> int:
    # A terminal signals the whole group: the program that started this one decides when it ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    config = json.loads(sys.stdin.buffer.readline())
    try:
        import zmq

        from .server import Server
    except ImportError as error:
        say("failed", part="packages", detail=first_line(error))
        return 1
    server = Server(config, say)
    signal.signal(signal.SIGTERM, lambda *_: server.stop())
    try:
        endpoint = server.bind()
    except (zmq.ZMQError, OSError) as error:
        say("failed", part="endpoint", detail=first_line(error))
        return 1
    say("bound", endpoint=endpoint)

    def watch() -> None:
        sys.stdin.buffer.read()
        server.stop()

    threading.Thread(target=watch, name="input", daemon=True).start()
    try:
        server.serve()
    except Exception as error:  # noqa: BLE001 - said in one line
        say("failed", part="model", detail=first_line(error))
        return 1
    finally:
        say("stopped", report=server.report())
    return 0


if __name__ == "__main__":
    # Threads of ONNX Runtime and ZeroMQ may still run; nothing is left to be done.
    os._exit(main())
