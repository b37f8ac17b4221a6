"""Keeps at most one snapshot in flight to one subscriber, and merges later changes."""

from __future__ import annotations

ANSWER_WAIT_MS = 1_000
"""After this long without an answer a snapshot counts as lost."""
UNWATCHED_WAIT_MS = 5_000
"""The same for a subscriber that only displays it, and does not answer while nobody looks."""


class ConflatingPublisher:
    """The flow to one subscriber: at most one unanswered snapshot, and only the newest is sent."""

    def __init__(self, role: str, answer_wait_ms: int = ANSWER_WAIT_MS) -> None:
        self.role = role
        self._answer_wait_ms = answer_wait_ms
        self.merged_count = 0
        """Changes that never had a snapshot of their own."""
        self._in_flight: int | None = None
        self._sent_at_ms = 0
        self._is_due = False
        self._tick_ns = 0

    def note(self, tick_ns: int) -> None:
        """Note a change; ``tick_ns`` is when its oldest frame arrived, 0 if no frame caused it."""
        if self._is_due:
            self.merged_count += 1
        self._is_due = True
        if tick_ns and (not self._tick_ns or tick_ns < self._tick_ns):
            self._tick_ns = tick_ns

    @property
    def may_send(self) -> bool:
        """Whether there is something to send and nothing in flight."""
        return self._is_due and self._in_flight is None

    def send(self, sequence: int, now_ms: int) -> int:
        """Note that this snapshot is sent now; return the oldest tick it carries."""
        tick_ns, self._tick_ns = self._tick_ns, 0
        self._in_flight, self._sent_at_ms, self._is_due = sequence, now_ms, False
        return tick_ns

    def taken(self, sequence: int) -> None:
        """Note an answer; one to an earlier snapshot has no effect."""
        if sequence == self._in_flight:
            self._in_flight = None

    def give_up_lost(self, now_ms: int) -> None:
        """Treat an overdue answer as lost, so that the newest snapshot is due."""
        if self._in_flight is not None and now_ms - self._sent_at_ms >= self._answer_wait_ms:
            self.start_over()

    def clock_set_back(self, by_ms: int) -> None:
        """Shift the time of sending back by as much as the clock was."""
        self._sent_at_ms -= by_ms

    def start_over(self) -> None:
        """Make the newest snapshot due, since the subscriber knows nothing."""
        self._in_flight = None
        self._is_due = True
