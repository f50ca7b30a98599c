"""Known clients and the last message of each, as src/inference/zmq/clients.ts has them."""

from __future__ import annotations

from collections import OrderedDict


class Clients:
    """A session belongs to one connection, and its ids only count up: a repeated message is recognised. Bounded; the client
    that was silent longest is dropped first."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._clients: OrderedDict[bytes, tuple[bytes, int]] = OrderedDict()
        self._owners: dict[bytes, bytes] = {}

    def see(self, identity: bytes, session: bytes, id: int, hello: bool) -> str:
        """`known`, `unknown` or `replayed`."""
        if self._owners.get(session, identity) != identity:
            return "replayed"
        known = self._clients.get(identity)
        if known is None or known[0] != session:
            if not hello:
                return "unknown"
            if known is not None:
                self._owners.pop(known[0], None)
            known = (session, -1)
            self._owners[session] = identity
        if id <= known[1]:
            return "replayed"
        self._clients[identity] = (session, id)
        self._clients.move_to_end(identity)
        if len(self._clients) > self._limit:
            _, (oldest, _) = self._clients.popitem(last=False)
            self._owners.pop(oldest, None)
        return "known"
