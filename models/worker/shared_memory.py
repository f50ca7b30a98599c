"""Memory that this worker and a client on the same machine both see: an image or an answer is written once, and read where it lies.

The memory has no name in a file system. A client of the same user opens it as /proc/PID/fd/FD, and it ends with the last process
that has it open. Its size is sealed: a client cannot cut it off under a reader.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import time
from collections import OrderedDict
from typing import Any, Callable

import numpy as np

from .protocol import ProtocolError, read_shared

NAME = "grasp-grounding"
SLOTS = 4
"""Requests of one client that use it at the same time: as many as a client sends to one worker."""
IN_BYTES = 32 * 2**20
"""Of each slot, for what the client writes: an image of 10 megapixels fits."""
OUT_BYTES = 16 * 2**20
"""Of each slot, for the answer."""
LEAST_BYTES = 32768
"""Smaller frames travel in the message."""
ALIGNED = 64
MOST_CLIENTS = 16
SILENT_SECONDS = 30.0
"""After which a client's memory goes to another one, where all is given away."""
BLOCK = 2 * 2**20
"""Memory is given to a slot, and made known to the GPU, in steps of this size."""

Register = Callable[[int, int], bool]


class Share:
    """One client's memory: slots of a part that the client writes and a part that this worker writes."""

    def __init__(self, session: bytes) -> None:
        self.session = session
        self.heard = time.monotonic()
        self.busy: set[int] = set()
        self._fd = os.memfd_create(NAME, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(self._fd, SLOTS * (IN_BYTES + OUT_BYTES))
        fcntl.fcntl(self._fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
        self._memory = mmap.mmap(self._fd, SLOTS * (IN_BYTES + OUT_BYTES))
        self._all = memoryview(self._memory)
        self._address = np.frombuffer(self._memory, np.uint8, 1).ctypes.data
        self._held: dict[int, int] = {}
        """Bytes from an offset on that have memory."""
        self._registered: dict[int, int] = {}
        """Bytes of a slot's first part that the GPU reads by itself; 0 where it could not be told of them."""

    def __del__(self) -> None:
        os.close(self._fd)

    @property
    def description(self) -> dict[str, int]:
        return {"pid": os.getpid(), "fd": self._fd, "slots": SLOTS, "in": IN_BYTES, "out": OUT_BYTES}

    def taken(self, slot: int, lengths: list[int | None], blobs: list[memoryview]) -> list[memoryview]:
        """The frames of a request, those of the memory where they lie."""
        start = slot * (IN_BYTES + OUT_BYTES)
        places = _places(lengths)
        end = max((at + length for place, length in zip(places, lengths) if place is not None for at in [place]), default=0)  # type: ignore[operator]
        if end > IN_BYTES or len(lengths) > len(blobs) or any(len(blob) > 0 for place, blob in zip(places, blobs) if place is not None):
            raise ProtocolError("shared", "the frames do not fit the shared memory")
        # A page that nobody wrote yet would be asked for in the middle of a read, where a lack of memory ends the process.
        if not self._hold(start, end, IN_BYTES):
            raise ProtocolError("shared", "there is no memory left")
        own = list(blobs)
        for i, place in enumerate(places):
            if place is not None:
                own[i] = self._all[start + place : start + place + lengths[i]]  # type: ignore[operator]
        return own

    def known_to_gpu(self, slot: int, register: Register, unregister: Callable[[int], None]) -> bool:
        """Whether the GPU reads this slot's first part by itself; tells it of what was added."""
        start = slot * (IN_BYTES + OUT_BYTES)
        held, registered = self._held.get(start, 0), self._registered.get(slot)
        if registered is None or 0 < registered < held:
            if registered:
                unregister(self._address + start)
            self._registered[slot] = held if register(self._address + start, held) else 0
        return self._registered[slot] > 0

    def forget(self, unregister: Callable[[int], None]) -> None:
        for slot, length in self._registered.items():
            if length > 0:
                unregister(self._address + slot * (IN_BYTES + OUT_BYTES))
        self._registered.clear()

    def put(self, slot: int, frames: list[np.ndarray]) -> tuple[list[int | None], list]:
        """Writes large frames of an answer. The lengths of those, and what is left to send."""
        lengths: list[int | None] = [frame.nbytes if frame.nbytes >= LEAST_BYTES else None for frame in frames]
        places = _places(lengths)
        end = max((place + frame.nbytes for place, frame in zip(places, frames) if place is not None), default=0)
        start = slot * (IN_BYTES + OUT_BYTES) + IN_BYTES
        if end == 0 or end > OUT_BYTES or not self._hold(start, end, OUT_BYTES):
            return [], list(frames)
        rest: list = list(frames)
        for i, place in enumerate(places):
            if place is not None:
                target = np.frombuffer(self._memory, np.uint8, frames[i].nbytes, start + place)
                target[:] = frames[i].reshape(-1).view(np.uint8)
                rest[i] = b""
        return lengths, rest

    def _hold(self, start: int, length: int, most: int) -> bool:
        if length <= self._held.get(start, 0):
            return True
        rounded = min(most, -(-length // BLOCK) * BLOCK)
        try:
            os.posix_fallocate(self._fd, start, rounded)
        except OSError:
            return False
        self._held[start] = rounded
        return True


def _places(lengths: list[int | None]) -> list[int | None]:
    """Where each frame begins in its part: one after the other."""
    places: list[int | None] = []
    at = 0
    for length in lengths:
        places.append(None if length is None else at)
        at += -(-(length or 0) // ALIGNED) * ALIGNED
    return places


class Shares:
    """The memory of each client, for the thread that receives; `put` of a share is for the model's."""

    def __init__(self, offered: bool) -> None:
        self._offered = offered and hasattr(os, "memfd_create") and hasattr(fcntl, "F_ADD_SEALS")
        self._shares: OrderedDict[bytes, Share] = OrderedDict()

    def welcome(self, identity: bytes, session: bytes, unregister: Callable[[int], None]) -> dict[str, int] | None:
        """What a client that asks for shared memory is told of its own."""
        if not self._offered:
            return None
        known = self._shares.get(identity)
        if known is not None and known.session == session:
            return known.description
        if known is not None:
            self._drop(identity, unregister)
        if len(self._shares) >= MOST_CLIENTS:
            oldest, share = next(iter(self._shares.items()))
            if time.monotonic() - share.heard < SILENT_SECONDS:
                return None
            self._drop(oldest, unregister)
        try:
            share = self._shares[identity] = Share(session)
        except OSError:
            return None
        return share.description

    def heard(self, identity: bytes) -> None:
        share = self._shares.get(identity)
        if share is not None:
            share.heard = time.monotonic()
            self._shares.move_to_end(identity)

    def _drop(self, identity: bytes, unregister: Callable[[int], None]) -> None:
        self._shares.pop(identity).forget(unregister)

    def of(self, identity: bytes, session: bytes, meta: Any, blobs: list[memoryview]) -> tuple[Share, int, list[memoryview]] | None:
        """The share and the slot that a request names, and its frames. Raises ProtocolError."""
        named = read_shared(meta)
        if named is None:
            return None
        slot, lengths = named
        share = self._shares.get(identity)
        if share is None or share.session != session or slot >= SLOTS:
            raise ProtocolError("shared", "there is no such memory")
        if slot in share.busy:
            raise ProtocolError("shared", f"slot {slot} is in use")
        return share, slot, share.taken(slot, lengths, blobs)
