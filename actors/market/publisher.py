"""Keeps one snapshot under way to one subscriber; whatever changes meanwhile becomes the next."""

from __future__ import annotations

ANSWER_WAIT_MS = 1_000
"""After this long without an answer a snapshot counts as lost."""
UNWATCHED_WAIT_MS = 5_000
"""The same for who only shows it, and does not answer while nobody looks."""


class ConflatingPublisher:
    """The flow to one subscriber: at most one unanswered snapshot, and the newest wins."""

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
        """Something changed; ``tick_ns`` is when its oldest frame arrived, 0 if no frame did it."""
        if self._is_due:
            self.merged_count += 1
        self._is_due = True
        if tick_ns and (not self._tick_ns or tick_ns < self._tick_ns):
            self._tick_ns = tick_ns

    @property
    def may_send(self) -> bool:
        """Whether there is something to send and nothing under way."""
        return self._is_due and self._in_flight is None

    def send(self, sequence: int, now_ms: int) -> int:
        """Take note that this snapshot leaves now; return the oldest tick it carries."""
        tick_ns, self._tick_ns = self._tick_ns, 0
        self._in_flight, self._sent_at_ms, self._is_due = sequence, now_ms, False
        return tick_ns

    def taken(self, sequence: int) -> None:
        """Take note of an answer; one to an earlier snapshot changes nothing."""
        if sequence == self._in_flight:
            self._in_flight = None

    def give_up_lost(self, now_ms: int) -> None:
        """Stop waiting for an answer that is long overdue; the newest snapshot is due instead."""
        if self._in_flight is not None and now_ms - self._sent_at_ms >= self._answer_wait_ms:
            self.start_over()

    def clock_set_back(self, by_ms: int) -> None:
        """What is under way has been so for as long as before."""
        self._sent_at_ms -= by_ms

    def start_over(self) -> None:
        """The subscriber knows nothing: the newest snapshot is due."""
        self._in_flight = None
        self._is_due = True
