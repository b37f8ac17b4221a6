"""How a run ends: why, and whether every order has been ended first."""

from __future__ import annotations

from actors.messages.halts import HaltTrading


class Ending:
    """The state of the ending, which starts with ``begin``."""

    def __init__(self, limit_ms: int) -> None:
        """Begin idle; ``limit_ms`` is how long the end waits for the desk."""
        self.escalation = ""
        """Why the run must end; empty while it need not."""
        self.has_no_journal = False
        self.is_cleared = False
        """Whether the desk has no live order left, or did not answer in time."""
        self._limit_ms = limit_ms
        self._by_ms: int | None = None
        self._reason = ""
        self._is_heard = False

    @property
    def has_begun(self) -> bool:
        """Whether orders are being ended."""
        return self._by_ms is not None

    def begin(self, reason: str, now_ms: int) -> None:
        """Start ending every order, unless that has begun already."""
        if self._by_ms is None:
            self._by_ms, self._reason = now_ms + self._limit_ms, reason

    def desk_answered(self, live_count: int) -> None:
        """Note the desk's answer."""
        self._is_heard = True
        self.is_cleared = self.is_cleared or live_count == 0

    def desk_restarted(self) -> None:
        """Forget the answer, since a new desk has received no request yet."""
        self._is_heard = False

    def tick(self, now_ms: int) -> None:
        """Stop waiting for the desk when its time is up."""
        if self._by_ms is not None and now_ms >= self._by_ms:
            self.is_cleared = True

    def message_to_desk(self) -> HaltTrading | None:
        """Return the halt that the desk must be sent until it has answered."""
        is_due = self.has_begun and not self._is_heard
        return HaltTrading(self._reason, cancel=True) if is_due else None
