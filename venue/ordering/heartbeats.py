"""The dead man's switch: who beats once must go on, or loses all open orders."""

from __future__ import annotations

import attrs

from venue.ordering.ids import uuid_text

HEARTBEAT_LIMIT_MS = 10_000
HEARTBEAT_GRACE_MS = 5_000
"""The venue promises ten seconds and may take five more; here it always takes them."""


@attrs.frozen
class HeartbeatMismatch(Exception):
    """The beat named another id than the one it was given last."""

    expected_id: str


@attrs.define
class _Beat:
    next_id: str
    ends_at_ms: int


class Heartbeats:
    """The switches of all API keys."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._beats: dict[str, _Beat] = {}
        self._count = 0

    def beat(self, api_key: str, heartbeat_id: str, now_ms: int) -> str:
        """Arm the switch or put it off; return the id that the next beat must name.

        Raises:
            HeartbeatMismatch: it is another id; nothing is put off.
        """
        known = self._beats.get(api_key)
        expected_id = known.next_id if known else ""
        if heartbeat_id != expected_id:
            raise HeartbeatMismatch(expected_id)
        self._count += 1
        next_id = uuid_text("heartbeat", self._seed, api_key, self._count)
        ends_at_ms = now_ms + HEARTBEAT_LIMIT_MS + HEARTBEAT_GRACE_MS
        self._beats[api_key] = _Beat(next_id, ends_at_ms)
        return next_id

    def expired(self, now_ms: int) -> list[str]:
        """API keys that fell silent; each is told once, and is then unarmed."""
        silent = [key for key, beat in self._beats.items() if beat.ends_at_ms <= now_ms]
        for key in silent:
            del self._beats[key]
        return silent
