"""For how long the kernel let processes wait for a processor, though they were ready to run."""

from __future__ import annotations

import os
from pathlib import Path


class ProcessorWaits:
    """Reads the second field of /proc/PID/task/TID/schedstat (Linux, Documentation/scheduler/sched-stats)."""

    def __init__(self, pids: list[int]) -> None:
        self.began = {pid: thread_waits(pid) for pid in (*pids, os.getpid())}

    def milliseconds(self) -> float:
        """Since the start: of each process the thread that waited longest, added up."""
        longest = (
            max((wait - began.get(thread, 0) for thread, wait in thread_waits(pid).items()), default=0)
            for pid, began in self.began.items()
        )
        return sum(longest) / 1e6


def thread_waits(pid: int) -> dict[str, int]:
    """Nanoseconds by thread."""
    waits = {}
    for thread in Path(f"/proc/{pid}/task").iterdir():
        try:
            waits[thread.name] = int((thread / "schedstat").read_text().split()[1])
        except (FileNotFoundError, ProcessLookupError):
            pass  # It has ended meanwhile.
    return waits
