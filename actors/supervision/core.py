"""The supervisor's decisions, without processes, addresses or a clock."""

from __future__ import annotations

from collections import deque

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
from actors.supervision.child import NO_HANDLE, Child
from actors.supervision.messages import (
    ChildKind,
    ChildrenReport,
    ChildState,
    Kill,
    Say,
    Spawn,
    SupervisorEffect,
    Tell,
    TellBook,
)
from actors.supervision.patience import NOBODY_WAITS, TICK_GAP_MOST_MS, Patience, Waits

SPARE_COUNT = 3
"""Order actors that wait, already forked: a fork would add some ten ms to tick-to-order."""
_REFILL_AFTER_MS = 50
"""A new spare is forked a little later, and the next one later still: forks at once would hold up
the order's own start."""
_BACKOFF_FIRST_MS = 100
_BACKOFF_MOST_MS = 5_000
_CLEARING_LIMIT_MS = 5_000
"""How long an escalation or a shutdown waits for the desk to end every order, unless it is told."""
_LATENCIES_KEPT = 20_000


class SupervisorCore:
    """Decides; performs nothing. ``now_ms`` is real, monotonic time."""

    def __init__(
        self,
        roles: tuple[str, ...],
        limits: SupervisionSettings,
        dice: Dice,
        pid: int = 0,
        clearing_limit_ms: int = _CLEARING_LIMIT_MS,
        tick_gap_most_ms: int = TICK_GAP_MOST_MS,
    ) -> None:
        self._limits = limits
        self._dice = dice
        self._pid = pid
        self._clearing_limit_ms = clearing_limit_ms
        self._roles = roles
        self._children: dict[str, Child] = {}
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
        self._is_halt_heard = False
        self._is_cleared = False
        self._patience = Patience(tick_gap_most_ms)
        self.book_version = 0

    @property
    def venue_offset_ms(self) -> int:
        """What every clock is corrected by."""
        return self._venue_offset_ms

    def begin(self, now_ms: int) -> list[SupervisorEffect]:
        """Start every permanent child in the table's order, and the spare Order actors."""
        effects = [self._spawn(role, ChildKind.PERMANENT, now_ms) for role in self._roles]
        return [*effects, *self._fill_spares(now_ms)]

    def pids(self) -> list[int]:
        """Process ids of all children that have one."""
        return [child.pid for child in self._children.values() if child.pid]

    def report(self, request_id: int, now_ms: int) -> ChildrenReport:
        """All that is known of the children; hands over the latency samples."""
        taken = {name: tuple(samples) for name, samples in self._latencies.items()}
        self._latencies.clear()
        children = sorted(self._children.values(), key=self._place)
        return ChildrenReport(
            request_id=request_id,
            pid=self._pid,
            children=tuple(
                child.report(self._fall_counts.get(child.counted_as, 0), now_ms)
                for child in children
            ),
            restarts=dict(self._fall_counts),
            latencies_us=taken,
            handled_count=self._handled_by_past
            + sum(child.last_pong.handled_count for child in children if child.last_pong),
            escalation=self._escalation,
            has_no_journal=self._has_no_journal,
            venue_offset_ms=self._venue_offset_ms,
            is_cleared=self._is_cleared,
        )

    def _place(self, child: Child) -> tuple[int, int]:
        """Where people are shown a child: the table's order, then the orders' and spares'."""
        is_permanent = child.kind is ChildKind.PERMANENT
        return (
            (self._roles.index(child.role), 0) if is_permanent else (len(self._roles), child.handle)
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
                return self._meet(child, message, now_ms)
            case Pong():
                return self._on_pong(child, message, now_ms)
            case ServingChanged(_, is_serving):
                if child.is_up:
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
                return self._give_up_journal(f"{role} could not record: {reason}", now_ms)
            case HaltReport(live_count):
                self._is_halt_heard = True
                self._is_cleared = self._is_cleared or live_count == 0
                return self._on_unasked_halt(now_ms) if self._clear_by_ms is None else []
        return [Say("error", f"{child.role} sent an unknown {type(message).__name__}")]

    def _on_unasked_halt(self, now_ms: int) -> list[SupervisorEffect]:
        """The desk heard that an actor could not record, and what told us so was lost."""
        reason = "the desk has halted: something could not be recorded"
        return self._give_up_journal(reason, now_ms)

    def child_forked(self, handle: int, pid: int) -> None:
        """Note the process of a child that has not said anything yet; 0 if there is none."""
        child = self._by_handle(handle)
        if child is not None:
            child.pid = pid

    def _meet(self, child: Child, said: Hello | Pong, now_ms: int) -> list[SupervisorEffect]:
        if not child.meet(said, now_ms):
            return []
        self.book_version += 1
        audience = self._audience(child)
        if order_id_of(child.role) is not None:
            # Whom it talks to learn its address from its own words; this is for lost ones.
            for each in audience:
                each.is_book_due = True
            return []
        effects: list[SupervisorEffect] = [self._tell_book(each) for each in audience]
        if child.role == DESK:
            self._is_halt_heard = False
            effects += self._halt()
        return effects

    def _tell_book(self, child: Child) -> TellBook:
        child.book_version = self.book_version
        child.is_book_due = False
        child.told_at_ping = self._ping_number
        return TellBook(child.handle)

    def _assign(self, child: Child) -> Tell:
        child.told_at_ping = self._ping_number
        return Tell(child.handle, Assign(child.role))

    def _audience(self, child: Child) -> list[Child]:
        """Whom a change of this child's address concerns: of an Order's, those who talk to it."""
        if is_spare(child.role):
            return [child]
        concerned = {DESK, EXECUTOR, POSITION, child.role}
        return [
            other
            for other in self._children.values()
            if other.is_up and (child.kind is ChildKind.PERMANENT or other.role in concerned)
        ]

    def _on_pong(self, child: Child, pong: Pong, now_ms: int) -> list[SupervisorEffect]:
        """Take a sign of life, and what it shows to have been lost on the way to or from it."""
        child.last_pong = pong
        self._keep(pong.latencies_us)
        effects = self._meet(child, pong, now_ms)
        if child.has_missed_role(pong):
            effects.append(self._assign(child))
        elif child.has_missed_book(pong):
            effects.append(self._tell_book(child))
        if pong.role == child.role:
            child.serve(pong.is_serving, now_ms)
        return effects

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
        spare.role, spare.generation = role, 0
        spare.started_at_ms = now_ms
        spare.serve(False, now_ms)
        self._children[role] = spare
        return [self._assign(spare)]

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

    def _on_fall(self, child: Child, now_ms: int) -> list[SupervisorEffect]:
        counted_as = child.counted_as
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

    def _back_off(self, child: Child, fall_count: int, now_ms: int) -> SupervisorEffect:
        most = min(_BACKOFF_MOST_MS, _BACKOFF_FIRST_MS * 2 ** (fall_count - 2))
        delay_ms = int(most * (0.5 + self._dice.random() / 2))
        self._children[child.role] = Child(
            role=child.role,
            handle=NO_HANDLE,
            kind=child.kind,
            started_at_ms=now_ms,
            state=ChildState.BACKING_OFF,
            revive_at_ms=now_ms + delay_ms,
        )
        return Say("info", f"{child.role} is made again in {delay_ms} ms")

    def tick(self, now_ms: int, waits: Waits = NOBODY_WAITS) -> list[SupervisorEffect]:
        """Ping every child, kill the hung, make those again whose backoff is over."""
        effects: list[SupervisorEffect] = []
        problem = self._patience.excuse(self._children.values(), now_ms, waits)
        if problem:
            effects += self._give_up_journal(problem, now_ms)
        for child in list(self._children.values()):
            if child.state is ChildState.BACKING_OFF:
                if now_ms >= child.revive_at_ms:
                    del self._children[child.role]
                    effects.append(self._spawn(child.role, child.kind, now_ms))
            else:
                effects += self._look_at(child, now_ms)
        if self._clear_by_ms is not None and now_ms >= self._clear_by_ms:
            self._is_cleared = True
        due = [child for child in self._children.values() if child.is_book_due and child.is_up]
        effects += [self._tell_book(child) for child in due]
        return [*effects, *self._halt(), *self._fill_spares(now_ms, at_most=1), *self._ping_all()]

    def _look_at(self, child: Child, now_ms: int) -> list[SupervisorEffect]:
        """End a child that has not answered for too long; take it for dead a while later."""
        limit_ms = self._limits.heartbeat_limit_ms
        if child.is_surely_gone(limit_ms, now_ms):
            return self.child_exited(child.handle, now_ms)
        if child.was_killed or child.silent_beyond_ms(limit_ms, now_ms) <= 0:
            return []
        child.was_killed = True
        return [Kill(child.pid)] if child.pid else []

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
        self._clear_by_ms = now_ms + self._clearing_limit_ms
        self._clear_reason = reason
        return self._halt()

    def _halt(self) -> list[SupervisorEffect]:
        """Tell the desk to end every order, until it has answered."""
        desk = self._children.get(DESK)
        is_wanted = self._clear_by_ms is not None and not self._is_halt_heard
        if not is_wanted or desk is None or not desk.is_up:
            return []
        return [Tell(desk.handle, HaltTrading(self._clear_reason, cancel=True))]

    def _escalate(self, reason: str, now_ms: int) -> list[SupervisorEffect]:
        if self._escalation:
            return []
        self._escalation = reason
        return [Say("error", f"giving up: {reason}"), *self.shut_down(reason, now_ms)]

    def _give_up_journal(self, reason: str, now_ms: int) -> list[SupervisorEffect]:
        self._has_no_journal = True
        return self._escalate(reason, now_ms)

    # Small things

    def _spawn(self, role: str, kind: ChildKind, now_ms: int) -> Spawn:
        self._next_handle += 1
        self._children[role] = Child(
            role=role,
            handle=self._next_handle,
            kind=kind,
            started_at_ms=now_ms,
            answered_at_ms=now_ms,
        )
        return Spawn(self._next_handle, role)

    def _missing_spares(self) -> int:
        return SPARE_COUNT - sum(is_spare(role) for role in self._children)

    def _fill_spares(self, now_ms: int, at_most: int = SPARE_COUNT) -> list[SupervisorEffect]:
        effects: list[SupervisorEffect] = []
        for _ in range(min(at_most, self._missing_spares())):
            self._next_spare += 1
            effects.append(self._spawn(spare_role(self._next_spare), ChildKind.TEMPORARY, now_ms))
        return effects

    def _ping_all(self) -> list[SupervisorEffect]:
        self._ping_number += 1
        ping = Ping(self._ping_number, self._venue_offset_ms)
        listening = [child for child in self._children.values() if child.is_listening]
        return [Tell(child.handle, ping) for child in listening]

    def _by_handle(self, handle: int) -> Child | None:
        return next((c for c in self._children.values() if c.handle == handle), None)

    def listed(self) -> list[tuple[str, int, int]]:
        """(role, handle, generation) of every child that can be written to."""
        return [(c.role, c.handle, c.generation) for c in self._children.values() if c.is_up]
