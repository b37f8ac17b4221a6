"""The supervisor's decisions, without processes, addresses or a clock."""

from __future__ import annotations

from collections import deque

import attrs

from actors.core import Dice
from actors.execution.messages import HaltReport, HaltTrading
from actors.messages import (
    Assign,
    ChildLost,
    Dismissed,
    Hello,
    JournalFailed,
    Leaving,
    Ping,
    Pong,
    ServingChanged,
    StartChild,
    VenueTimeMeasured,
)
from actors.roles import DESK, EXECUTOR, POSITION, is_spare, order_id_of, spare_role
from actors.settings import SupervisionSettings
from actors.supervision.messages import (
    ChildKind,
    ChildrenReport,
    ChildReport,
    ChildState,
    Kill,
    Say,
    Spawn,
    SupervisorEffect,
    Tell,
    TellBook,
)

SPARE_COUNT = 3
"""Order actors that wait, already forked: a fork would add some ten ms to tick-to-order."""
_REFILL_AFTER_MS = 50
"""A new spare is forked a little later: a fork at once would hold up the order's own start."""
_BACKOFF_FIRST_MS = 100
_BACKOFF_MOST_MS = 5_000
_CLEARING_LIMIT_MS = 5_000
"""How long an escalation or a shutdown waits for the desk to end every order."""
_LATENCIES_KEPT = 20_000
_EXIT_NOTICE_MS = 2_000
"""A child killed so long ago is taken for dead, also when the actor system never said so."""


@attrs.define
class _Child:
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

    @property
    def is_up(self) -> bool:
        return self.state in {ChildState.SERVING, ChildState.WAITING}

    def serve(self, is_serving: bool, now_ms: int) -> None:
        """Serve from now on or no longer; said again, it changes nothing."""
        if not is_serving:
            self.state, self.serving_since_ms = ChildState.WAITING, 0
        elif self.state is not ChildState.SERVING:
            self.state, self.serving_since_ms = ChildState.SERVING, now_ms


class SupervisorCore:
    """Decides; performs nothing. ``now_ms`` is real, monotonic time."""

    def __init__(
        self, roles: tuple[str, ...], limits: SupervisionSettings, dice: Dice, pid: int = 0
    ) -> None:
        self._limits = limits
        self._dice = dice
        self._pid = pid
        self._roles = roles
        self._children: dict[str, _Child] = {}
        self._falls: dict[str, deque[int]] = {}
        self._fall_counts: dict[str, int] = {}
        self._next_handle = 0
        self._next_spare = 0
        self._ping_number = 0
        self._venue_offset_ms = 0
        self._handled_by_past = 0
        self._latencies: dict[str, deque[int]] = {}
        self._escalation = ""
        self._has_no_journal = False
        self._clear_by_ms: int | None = None
        self._clear_reason = ""
        self._is_cleared = False
        self.book_version = 0

    @property
    def venue_offset_ms(self) -> int:
        """What every clock is corrected by."""
        return self._venue_offset_ms

    def begin(self, now_ms: int) -> list[SupervisorEffect]:
        """Start every permanent child in the table's order, and the spare Order actors."""
        effects = [self._spawn(role, ChildKind.PERMANENT, now_ms) for role in self._roles]
        return [*effects, *self._fill_spares(now_ms)]

    def report(self, request_id: int, now_ms: int) -> ChildrenReport:
        """All that is known of the children; hands over the latency samples."""
        taken = {name: tuple(samples) for name, samples in self._latencies.items()}
        self._latencies.clear()
        children = self._children.values()
        return ChildrenReport(
            request_id=request_id,
            pid=self._pid,
            children=tuple(self._row(child, now_ms) for child in children),
            restarts=dict(self._fall_counts),
            latencies_us=taken,
            handled_count=self._handled_by_past
            + sum(child.last_pong.handled_count for child in children if child.last_pong),
            escalation=self._escalation,
            has_no_journal=self._has_no_journal,
            is_cleared=self._is_cleared,
        )

    def _row(self, child: _Child, now_ms: int) -> ChildReport:
        pong = child.last_pong
        return ChildReport(
            role=child.role,
            pid=child.pid,
            state=child.state,
            generation=child.generation,
            restarts=self._fall_counts.get(_counted_as(child.role), 0),
            uptime_ms=now_ms - child.started_at_ms,
            last_message_age_ms=pong.last_message_age_ms if pong else 0,
            handled_count=pong.handled_count if pong else 0,
            serving_since_ms=child.serving_since_ms,
        )

    # What the children say

    def child_said(self, handle: int, message: object, now_ms: int) -> list[SupervisorEffect]:
        """Take a message from a child; one from a child already replaced changes nothing."""
        child = self._by_handle(handle)
        if child is None:
            return []
        child.answered_at_ms = now_ms
        match message:
            case Hello():
                return self._on_hello(child, message, now_ms)
            case Pong():
                self._on_pong(child, message, now_ms)
                return []
            case ServingChanged(_, is_serving):
                child.serve(is_serving, now_ms)
                return []
            case Leaving(latencies_us=latencies_us):
                child.is_leaving = True
                self._keep(latencies_us)
                return [Tell(child.handle, Dismissed())]
            case StartChild(role):
                return self._start_temporary(role, now_ms)
            case VenueTimeMeasured(offset_ms):
                self._venue_offset_ms = offset_ms
                return self._ping_all()
            case JournalFailed(role, reason):
                self._has_no_journal = True
                return self._escalate(f"{role} could not record: {reason}", now_ms)
            case HaltReport(live_count):
                self._is_cleared = self._is_cleared or live_count == 0
                return []
        return [Say("error", f"{child.role} sent an unknown {type(message).__name__}")]

    def _on_hello(self, child: _Child, hello: Hello, now_ms: int) -> list[SupervisorEffect]:
        child.pid = hello.pid
        child.generation = hello.generation
        child.serve(child.kind is ChildKind.TEMPORARY, now_ms)
        self.book_version += 1
        effects: list[SupervisorEffect] = [TellBook(handle) for handle in self._audience(child)]
        if child.role == DESK and self._clear_by_ms is not None:
            effects.append(Tell(child.handle, HaltTrading(self._clear_reason, cancel=True)))
        return effects

    def _audience(self, child: _Child) -> list[int]:
        """Whom a change of this child's address concerns: of an Order's, those who talk to it."""
        if is_spare(child.role):
            return [child.handle]
        concerned = {DESK, EXECUTOR, POSITION, child.role}
        return [
            other.handle
            for other in self._children.values()
            if other.is_up and (child.kind is ChildKind.PERMANENT or other.role in concerned)
        ]

    def _on_pong(self, child: _Child, pong: Pong, now_ms: int) -> None:
        child.last_pong = pong
        child.serve(pong.is_serving, now_ms)
        self._keep(pong.latencies_us)

    def _keep(self, latencies_us: dict[str, tuple[int, ...]]) -> None:
        for name, samples in latencies_us.items():
            kept = self._latencies.setdefault(name, deque(maxlen=_LATENCIES_KEPT))
            kept.extend(samples)

    def _start_temporary(self, role: str, now_ms: int) -> list[SupervisorEffect]:
        if role in self._children or order_id_of(role) is None:
            return []
        spare = next((c for c in self._children.values() if is_spare(c.role) and c.is_up), None)
        if spare is None:
            return [self._spawn(role, ChildKind.TEMPORARY, now_ms)]
        del self._children[spare.role]
        spare.role = role
        spare.started_at_ms = now_ms
        spare.serve(False, now_ms)
        self._children[role] = spare
        return [Tell(spare.handle, Assign(role))]

    # What befalls them

    def child_exited(self, handle: int, now_ms: int) -> list[SupervisorEffect]:
        """Take note of an exit; a second notice of the same one changes nothing."""
        child = self._by_handle(handle)
        if child is None:
            return []
        if child.last_pong is not None:
            self._handled_by_past += child.last_pong.handled_count
        del self._children[child.role]
        if is_spare(child.role):
            return self._fill_spares(now_ms)
        if child.is_leaving and child.kind is ChildKind.TEMPORARY:
            return []
        return self._on_fall(child, now_ms)

    def _on_fall(self, child: _Child, now_ms: int) -> list[SupervisorEffect]:
        counted_as = _counted_as(child.role)
        self._fall_counts[counted_as] = self._fall_counts.get(counted_as, 0) + 1
        falls = self._falls.setdefault(child.role, deque())
        falls.append(now_ms)
        while falls and now_ms - falls[0] > self._limits.restart_period_s * 1000:
            falls.popleft()
        cause = "was hung and was killed" if child.was_killed else "fell"
        effects: list[SupervisorEffect] = [
            Say("warning", f"{child.role} (pid {child.pid}) {cause}; fall {len(falls)}")
        ]
        if len(falls) > self._limits.max_restarts:
            effects += self._escalate(
                f"{child.role} fell {len(falls)} times in {self._limits.restart_period_s:g} s",
                now_ms,
            )
        if child.kind is ChildKind.TEMPORARY:
            desk = self._children.get(DESK)
            if desk is not None and desk.is_up:
                effects.append(Tell(desk.handle, ChildLost(child.role)))
            return effects
        if len(falls) == 1:
            return [*effects, self._spawn(child.role, ChildKind.PERMANENT, now_ms)]
        effects.append(self._back_off(child, len(falls), now_ms))
        return effects

    def _back_off(self, child: _Child, fall_count: int, now_ms: int) -> SupervisorEffect:
        most = min(_BACKOFF_MOST_MS, _BACKOFF_FIRST_MS * 2 ** (fall_count - 2))
        delay_ms = int(most * (0.5 + self._dice.random() / 2))
        self._children[child.role] = _Child(
            role=child.role,
            handle=-1,
            kind=child.kind,
            started_at_ms=now_ms,
            state=ChildState.BACKING_OFF,
            revive_at_ms=now_ms + delay_ms,
        )
        return Say("info", f"{child.role} is made again in {delay_ms} ms")

    def tick(self, now_ms: int) -> list[SupervisorEffect]:
        """Ping every child, kill the hung, make those again whose backoff is over."""
        effects: list[SupervisorEffect] = []
        for child in list(self._children.values()):
            if child.state is ChildState.BACKING_OFF:
                if now_ms >= child.revive_at_ms:
                    del self._children[child.role]
                    effects.append(self._spawn(child.role, child.kind, now_ms))
            elif child.was_killed:
                if self._silent_ms(child, now_ms) > _EXIT_NOTICE_MS:
                    effects += self.child_exited(child.handle, now_ms)
            elif self._is_hung(child, now_ms):
                child.was_killed = True
                effects.append(Kill(child.pid))
        if self._clear_by_ms is not None and now_ms >= self._clear_by_ms:
            self._is_cleared = True
        return [*effects, *self._fill_spares(now_ms), *self._ping_all()]

    def _is_hung(self, child: _Child, now_ms: int) -> bool:
        return child.pid > 0 and self._silent_ms(child, now_ms) > 0

    def _silent_ms(self, child: _Child, now_ms: int) -> int:
        """For how much longer it has been silent than it may; negative while it may."""
        return now_ms - child.answered_at_ms - self._limits.heartbeat_limit_ms

    def next_tick_ms(self, now_ms: int) -> int | None:
        """In how many ms a tick before the next beat would have something to do; None if never."""
        due = [
            max(0, child.revive_at_ms - now_ms)
            for child in self._children.values()
            if child.state is ChildState.BACKING_OFF
        ]
        if self._missing_spares():
            due.append(_REFILL_AFTER_MS)
        return min(due, default=None)

    # The end

    def shut_down(self, reason: str, now_ms: int) -> list[SupervisorEffect]:
        """Have the desk end every order; the report says when that is done."""
        if self._clear_by_ms is not None:
            return []
        self._clear_by_ms = now_ms + _CLEARING_LIMIT_MS
        self._clear_reason = reason
        desk = self._children.get(DESK)
        if desk is None or not desk.is_up:
            return []
        return [Tell(desk.handle, HaltTrading(reason, cancel=True))]

    def _escalate(self, reason: str, now_ms: int) -> list[SupervisorEffect]:
        if self._escalation:
            return []
        self._escalation = reason
        return [Say("error", f"giving up: {reason}"), *self.shut_down(reason, now_ms)]

    # Small things

    def _spawn(self, role: str, kind: ChildKind, now_ms: int) -> Spawn:
        self._next_handle += 1
        self._children[role] = _Child(
            role=role,
            handle=self._next_handle,
            kind=kind,
            started_at_ms=now_ms,
            answered_at_ms=now_ms,
        )
        return Spawn(self._next_handle, role)

    def _missing_spares(self) -> int:
        return SPARE_COUNT - sum(is_spare(role) for role in self._children)

    def _fill_spares(self, now_ms: int) -> list[SupervisorEffect]:
        effects: list[SupervisorEffect] = []
        for _ in range(self._missing_spares()):
            self._next_spare += 1
            effects.append(self._spawn(spare_role(self._next_spare), ChildKind.TEMPORARY, now_ms))
        return effects

    def _ping_all(self) -> list[SupervisorEffect]:
        self._ping_number += 1
        ping = Ping(self._ping_number, self._venue_offset_ms)
        return [Tell(child.handle, ping) for child in self._children.values() if child.is_up]

    def _by_handle(self, handle: int) -> _Child | None:
        return next((c for c in self._children.values() if c.handle == handle), None)

    def listed(self) -> list[tuple[str, int, int]]:
        """(role, handle, generation) of every child that can be written to."""
        return [(c.role, c.handle, c.generation) for c in self._children.values() if c.is_up]


def _counted_as(role: str) -> str:
    return "order" if order_id_of(role) is not None else role
