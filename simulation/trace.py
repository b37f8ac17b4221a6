"""The trace of a run: its last lines for people, and a digest of all of it."""

from __future__ import annotations

import hashlib

LINES_KEPT = 60
_TEXT_MOST = 300
_FLUSH_AT = 1_024

_Event = tuple[int, str, str, object]


class Trace:
    """A digest over every delivery, record and fault in order, and the newest of them in full."""

    def __init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=16)
        self._events: list[_Event] = []
        self._hashed_count = 0

    def note(self, at_ms: int, who: str, verb: str, what: object) -> None:
        """Add an event; ``what`` is a message, a record or a text."""
        self._events.append((at_ms, who, verb, what))
        if len(self._events) >= _FLUSH_AT:
            self._flush()

    def digest(self, *endings: str) -> str:
        """Return the digest of all events, and of these texts of the run's final state."""
        self._flush()
        whole = self._hash.copy()
        whole.update("\n".join(endings).encode())
        return whole.hexdigest()

    def lines(self, origin_ms: int) -> list[str]:
        """Return the newest events, oldest first, with times in seconds since ``origin_ms``."""
        return [
            f"{(at_ms - origin_ms) / 1000:10.3f}  {who} {verb} {_shortened(what)}"
            for at_ms, who, verb, what in self._events[-LINES_KEPT:]
        ]

    def _flush(self) -> None:
        unhashed = self._events[self._hashed_count :]
        lines = [f"{at_ms} {who} {verb} {_hashed(what)}\n" for at_ms, who, verb, what in unhashed]
        self._hash.update("".join(lines).encode())
        self._events = self._events[-LINES_KEPT:]
        self._hashed_count = len(self._events)


def _hashed(what: object) -> str:
    """Return what is hashed: of a traceback only the first line, as others depend on paths."""
    return what.split("\n", 1)[0] if isinstance(what, str) else type(what).__name__


def _shortened(what: object) -> str:
    text = what if isinstance(what, str) else repr(what)
    return text if len(text) <= _TEXT_MOST else f"{text[:_TEXT_MOST]}…"
