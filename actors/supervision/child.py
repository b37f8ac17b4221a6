"""What the supervisor knows of one child, and what the child does not know yet."""

from __future__ import annotations

import attrs

from actors.messages import Hello, Pong
from actors.roles import order_id_of
from actors.supervision.messages import ChildKind, ChildReport, ChildState

NO_HANDLE = 0
"""Of a child that has no actor; no message is ever from it."""
_EXIT_NOTICE_MS = 2_000
_STARTING_EXTRA_MS = 5_000
"""A start reads the journal, and may take so much longer than an answer."""


@attrs.define
class Child:
    """One child, from the moment its process is asked for until its exit is known."""

    role: str
    handle: int
    kind: ChildKind
    started_at_ms: int
    state: ChildState = ChildState.STARTING
    pid: int = 0
    generation: int = 0
    is_leaving: bool = False
    was_killed: bool = False
    answered_at_ms: int = 0
    revive_at_ms: int = 0
    serving_since_ms: int = 0
    last_pong: Pong | None = None
    book_version: int = 0
    """Of the address book that it was told last."""
    is_book_due: bool = False
    """Whether it is to be told of an order's new address, which can wait for the next tick."""
    told_at_ping: int = 0
    """Number of the last Ping before it was last told its role or the address book."""

    @property
    def counted_as(self) -> str:
        """The name that its falls are counted under; all Order actors have one."""
        return "order" if order_id_of(self.role) is not None else self.role

    @property
    def is_up(self) -> bool:
        """Whether it has said its name and can be written to."""
        return self.state in {ChildState.SERVING, ChildState.WAITING}

    @property
    def is_listening(self) -> bool:
        """Whether there is a process that must answer; one that starts must, too."""
        return self.is_up or self.state is ChildState.STARTING

    def meet(self, said: Hello | Pong, now_ms: int) -> bool:
        """Take its name and generation from its first word; False if that is no news.

        A Pong proves as much as the Hello that was lost before it. A spare that was given an order
        and does not know it yet still says its old name, which is no news either.
        """
        if said.role != self.role or (self.is_up and said.generation <= self.generation):
            return False
        self.pid = said.pid or self.pid
        self.generation = said.generation
        self.serve(said.is_serving, now_ms)
        return True

    def serve(self, is_serving: bool, now_ms: int) -> None:
        """Serve from now on or no longer; said again, it changes nothing."""
        if not is_serving:
            self.state, self.serving_since_ms = ChildState.WAITING, 0
        elif self.state is not ChildState.SERVING:
            self.state, self.serving_since_ms = ChildState.SERVING, now_ms

    def has_missed_role(self, pong: Pong) -> bool:
        """Whether it answers a Ping from after its Assign under its old name."""
        return pong.role != self.role and pong.number > self.told_at_ping

    def has_missed_book(self, pong: Pong) -> bool:
        """Whether it answers a Ping from after its newest address book with an older one."""
        return pong.book_version < self.book_version and pong.number > self.told_at_ping

    def silent_beyond_ms(self, limit_ms: int, now_ms: int) -> int:
        """For how much longer it has been silent than it may; negative while it may."""
        if self.state is ChildState.STARTING:
            limit_ms += _STARTING_EXTRA_MS
        return now_ms - self.answered_at_ms - limit_ms

    def is_surely_gone(self, limit_ms: int, now_ms: int) -> bool:
        """Whether it was killed so long ago that it is dead, although nobody has reported it."""
        return self.was_killed and self.silent_beyond_ms(limit_ms, now_ms) > _EXIT_NOTICE_MS

    def report(self, fall_count: int, now_ms: int) -> ChildReport:
        """What people are shown of it."""
        pong = self.last_pong
        return ChildReport(
            role=self.role,
            pid=self.pid,
            state=self.state,
            generation=self.generation,
            restarts=fall_count,
            uptime_ms=now_ms - self.started_at_ms,
            last_message_age_ms=pong.last_message_age_ms if pong else 0,
            handled_count=pong.handled_count if pong else 0,
            serving_since_ms=self.serving_since_ms,
        )
