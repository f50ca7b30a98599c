"""Memory that this worker and a client on the same machine both see: an image is written once, and read where it lies.

The memory has no name in a file system. A client of the same user opens it as /proc/PID/fd/FD, and it ends with the last process
that has it open. Its size is sealed: a client cannot cut it off under a reader.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import secrets
import time
from collections import OrderedDict
from typing import Any, Callable

import numpy as np

from .protocol import ProtocolError, read_shared

NAME = "grasp-grounding"
SLOTS = 4
"""Requests of one client that use it at the same time: as many as a client sends to one worker."""
SLOT_BYTES = 32 * 2**20
"""An image of 10 megapixels fits."""
TOKEN_BYTES = 16
"""Behind the slots: what the client knows this memory by."""
ALIGNED = 64
MOST_CLIENTS = 16
SILENT_SECONDS = 30.0
"""After which a client's memory goes to another one, where all is given away."""
BLOCK = 2 * 2**20
"""Memory is given to a slot, and made known to the GPU, in steps of this size."""

Register = Callable[[int, int], bool]


class Share:
    """One client's memory: a slot for each of its requests, which the client writes and this worker reads."""

    _fd = -1

    def __init__(self, session: bytes) -> None:
        self.session = session
        self.heard = time.monotonic()
        self.busy: set[int] = set()
        self._fd = os.memfd_create(NAME, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(self._fd, SLOTS * SLOT_BYTES + TOKEN_BYTES)
        # In another container the same numbers may name another worker's memory.
        self._token = secrets.token_bytes(TOKEN_BYTES)
        os.pwrite(self._fd, self._token, SLOTS * SLOT_BYTES)
        fcntl.fcntl(self._fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
        self._memory = mmap.mmap(self._fd, SLOTS * SLOT_BYTES)
        self._all = memoryview(self._memory)
        self._address = np.frombuffer(self._memory, np.uint8, 1).ctypes.data
        self._held: dict[int, int] = {}
        """Bytes of a slot that have memory."""
        self._registered: dict[int, int] = {}
        """Bytes of a slot that the GPU reads by itself; 0 where it could not be told of them."""

    def __del__(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)

    @property
    def description(self) -> dict[str, Any]:
        return {"pid": os.getpid(), "fd": self._fd, "slots": SLOTS, "bytes": SLOT_BYTES, "token": self._token.hex()}

    def taken(self, slot: int, lengths: list[int | None], blobs: list[memoryview]) -> list[memoryview]:
        """The frames of a request, those of the memory where they lie."""
        start = slot * SLOT_BYTES
        places = _places(lengths)
        end = max((place + (length or 0) for place, length in zip(places, lengths) if place is not None), default=0)
        if end > SLOT_BYTES or len(lengths) > len(blobs) or any(len(blob) > 0 for place, blob in zip(places, blobs) if place is not None):
            raise ProtocolError("shared", "the frames do not fit the shared memory")
        # A page that nobody wrote yet would be asked for in the middle of a read, where a lack of memory ends the process.
        if not self._hold(slot, end):
            raise ProtocolError("shared", "there is no memory left")
        own = list(blobs)
        for i, place in enumerate(places):
            if place is not None:
                own[i] = self._all[start + place : start + place + lengths[i]]  # type: ignore[operator]
        return own

    def known_to_gpu(self, slot: int, register: Register, unregister: Callable[[int], None]) -> bool:
        """Whether the GPU reads this slot by itself; tells it of what was added."""
        start = slot * SLOT_BYTES
        held, registered = self._held.get(slot, 0), self._registered.get(slot)
        if registered is None or 0 < registered < held:
            if registered:
                unregister(self._address + start)
            self._registered[slot] = held if register(self._address + start, held) else 0
        return self._registered[slot] > 0

    def forget(self, unregister: Callable[[int], None]) -> None:
        for slot, length in self._registered.items():
            if length > 0:
                unregister(self._address + slot * SLOT_BYTES)
        self._registered.clear()

    def _hold(self, slot: int, length: int) -> bool:
        """Asks the system for a slot's first bytes; False where it has none."""
        if length <= self._held.get(slot, 0):
            return True
        rounded = -(-length // BLOCK) * BLOCK
        try:
            os.posix_fallocate(self._fd, slot * SLOT_BYTES, rounded)
        except OSError:
            return False
        self._held[slot] = rounded
        return True


def _places(lengths: list[int | None]) -> list[int | None]:
    """Where each frame begins in its slot: one after the other."""
    places: list[int | None] = []
    at = 0
    for length in lengths:
        places.append(None if length is None else at)
        at += -(-(length or 0) // ALIGNED) * ALIGNED
    return places


class Shares:
    """The memory of each client, for the thread that receives."""

    def __init__(self, offered: bool) -> None:
        self._offered = offered and hasattr(os, "memfd_create") and hasattr(fcntl, "F_ADD_SEALS")
        self._shares: OrderedDict[bytes, Share] = OrderedDict()

    def welcome(self, identity: bytes, session: bytes, unregister: Callable[[int], None]) -> dict[str, Any] | None:
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
