"""The supervisor's decisions, without processes, addresses or a clock."""

from __future__ import annotations

from collections.abc import Sequence

from actors.core import Dice
from actors.messages.halts import HaltReport
from actors.messages.lifecycle import (
    ActorFell,
    ActorPulse,
    ChildLost,
    Hello,
    JournalFailed,
    Leaving,
    Ping,
    Pong,
    ProcessStarted,
    ServingChanged,
    StartChild,
    VenueTimeMeasured,
)
from actors.roles import DESK, order_id_of
from actors.runtime.messages import EndActor, StartActor
from actors.settings import SupervisionSettings
from actors.supervision.child import ActorLine, Child, ChildTable
from actors.supervision.crash_history import CrashHistory
from actors.supervision.ending import Ending
from actors.supervision.given_up import GivenUp
from actors.supervision.latencies import KeptLatencies
from actors.supervision.layouts import Layout
from actors.supervision.messages import (
    ChildrenReport,
    ChildState,
    Fall,
    Kill,
    Say,
    Spawn,
    SupervisorEffect,
    Tell,
    TellBook,
)
from actors.supervision.patience import NOBODY_WAITS, TICK_GAP_MOST_MS, Patience, Waits

_CLEARING_LIMIT_MS = 5_000
"""How long an escalation or a shutdown waits by default for the desk to end every order."""
_FORKED_AT_ONCE = 13
"""More than the number of processes of a run with one series."""
_FORK_PAUSE_MS = 200


class SupervisorCore:
    """Decides and performs nothing. ``now_ms`` is real, monotonic time."""

    def __init__(
        self,
        layout: Layout,
        limits: SupervisionSettings,
        dice: Dice,
        pid: int = 0,
        clearing_limit_ms: int = _CLEARING_LIMIT_MS,
        tick_gap_most_ms: int = TICK_GAP_MOST_MS,
    ) -> None:
        self._limits = limits
        self._pid = pid
        self._children = ChildTable(layout)
        self._crashes = CrashHistory(limits, dice)
        self._given_up = GivenUp()
        self._ping_number = 0
        self._venue_offset_ms = 0
        self._handled_by_past = self._refused_by_past = 0
        self._latencies = KeptLatencies()
        self._ending = Ending(clearing_limit_ms)
        self._patience = Patience(tick_gap_most_ms)
        self.book_version = 0

    @property
    def venue_offset_ms(self) -> int:
        """The correction of every clock."""
        return self._venue_offset_ms

    def begin(self, now_ms: int) -> list[SupervisorEffect]:
        """Start every process in the table's order, in stages if there are many.

        Forking takes time, during which no message is handled.
        """
        effects: list[SupervisorEffect] = []
        for number, name in enumerate(self._children.roles_of):
            turn = number // _FORKED_AT_ONCE
            if turn == 0:
                effects.append(self._spawn(name, now_ms))
            else:
                self._children.absent(name, now_ms).revive_at_ms = now_ms + turn * _FORK_PAUSE_MS
        return effects

    def settings_changed(self, layout: Layout, now_ms: int) -> list[SupervisorEffect]:
        """Send every process the new settings, as part of the address book.

        Args:
            layout: the new layout, since series may have been added or dropped.
            now_ms: real time.
        """
        before, self._children.roles_of = self._children.roles_of, dict(layout.processes)
        effects: list[SupervisorEffect] = []
        for name, roles in self._children.roles_of.items():
            child = self._children.get(name)
            if child is None:
                effects.append(self._spawn(name, now_ms))
            elif roles != before.get(name):
                gone, new = child.take_roles(roles, now_ms)
                told = [Tell(child.handle, EndActor(role)) for role in gone]
                told += [self._tell_start(child, line) for line in new]
                effects += told if child.is_up else []
        for child in list(self._children.values()):
            if child.name not in self._children.roles_of:
                effects += self._end_unneeded(child)
        self.book_version += 1
        return [*effects, *self._tell_books()]

    def _end_unneeded(self, child: Child) -> list[SupervisorEffect]:
        """End a process that is no longer needed, as soon as its pid is known."""
        if not child.is_there:
            del self._children[child.name]
            return []
        if child.was_killed or not child.pid:
            return []
        child.was_killed = True
        return [Kill(child.pid, is_hung=False)]

    def pids(self) -> list[int]:
        """Return the process ids of all children that have one."""
        return [child.pid for child in self._children.values() if child.pid]

    def report(self, request_id: int, now_ms: int) -> ChildrenReport:
        """Return the state of all children, with the latency samples since the last call."""
        children = [
            self._children[name] for name in self._children.roles_of if name in self._children
        ]
        rows = [row for child in children for row in child.reports(self._crashes.counts, now_ms)]
        return ChildrenReport(
            request_id=request_id,
            pid=self._pid,
            # Permanent ones first, because there may be a thousand orders.
            children=tuple(sorted(rows, key=lambda row: order_id_of(row.role) is not None)),
            restarts=dict(self._crashes.counts),
            latencies_us=self._latencies.take(),
            handled_count=self._handled_by_past + sum(child.handled_count for child in children),
            refused_count=self._refused_by_past + sum(child.refused_count for child in children),
            escalation=self._ending.escalation,
            has_no_journal=self._ending.has_no_journal,
            venue_offset_ms=self._venue_offset_ms,
            falls=self._crashes.told(self._children),
            is_cleared=self._ending.is_cleared,
        )

    # Messages of the children

    def child_said(self, handle: int, message: object, now_ms: int) -> list[SupervisorEffect]:
        """Handle a message from a child; one from a replaced child has no effect."""
        child = self._children.by_handle(handle)
        if child is None:
            return []
        child.answered_at_ms = now_ms
        first = self._on_first_message(child) if not child.is_up else []
        return [*first, *self._on_message(child, message, now_ms)]

    def _on_message(self, child: Child, message: object, now_ms: int) -> list[SupervisorEffect]:
        match message:
            case ProcessStarted():
                return []
            case Hello(role=role, generation=generation, is_serving=is_serving):
                return self._meet(child, role, generation, is_serving, now_ms)
            case Pong():
                return self._on_pong(child, message, now_ms)
            case ServingChanged(role, is_serving):
                line = child.actors.get(role)
                if line is not None and line.is_up:
                    line.serve(is_serving, now_ms)
                return []
            case Leaving(role):
                if order_id_of(role) is not None:
                    child.actors.pop(role, None)
                return []
            case ActorFell(role, fall_count, reason):
                return self._on_actor_crash(child, role, fall_count, reason, now_ms)
            case StartChild(role):
                return self._start_order(role, now_ms)
            case _:
                return self._on_run_message(child, message, now_ms)

    def _on_run_message(self, child: Child, message: object, now_ms: int) -> list[SupervisorEffect]:
        """Handle a message that concerns the run rather than its sender."""
        match message:
            case VenueTimeMeasured(offset_ms):
                self._venue_offset_ms = offset_ms
                return self._ping_all()
            case JournalFailed(role, reason):
                return self._give_up_journal(f"{role} has no record: {reason}", now_ms)
            case HaltReport(live_count, reason):
                self._ending.desk_answered(live_count)
                return [] if self._ending.has_begun else self._on_unasked_halt(reason, now_ms)
        return [Say("error", f"{child.name} sent an unknown {type(message).__name__}")]

    def _on_unasked_halt(self, reason: str, now_ms: int) -> list[SupervisorEffect]:
        """Handle a halt because an actor could not record; the actor's own report may be lost."""
        why = reason or "something could not be recorded"
        return self._give_up_journal(f"the desk has halted: {why}", now_ms)

    def child_forked(self, handle: int, pid: int) -> None:
        """Note the pid of a child that has not sent a message yet; 0 if there is none."""
        child = self._children.by_handle(handle)
        if child is not None:
            child.pid = pid

    def _on_first_message(self, child: Child) -> list[SupervisorEffect]:
        """Start the orders that waited for a process that can now be sent messages."""
        child.is_up, child.up_at_ms = True, child.answered_at_ms
        effects: list[SupervisorEffect] = []
        if child.name == self._children.orders_in:
            self.book_version += 1
            effects += self._tell_books()
        return [*effects, *(self._tell_start(child, line) for line in child.orders)]

    def _meet(
        self, child: Child, role: str, generation: int, is_serving: bool, now_ms: int
    ) -> list[SupervisorEffect]:
        line = child.actors.get(role)
        if line is None or not line.meet(generation, is_serving, now_ms) or line.is_temporary:
            return []  # an order is reached through its process, whose address is known
        self.book_version += 1
        effects = self._tell_books()
        if role == DESK:
            self._ending.desk_restarted()
            effects += self._halt()
        return effects

    def _tell_books(self) -> list[SupervisorEffect]:
        return [self._tell_book(each) for each in self._children.values() if each.is_up]

    def _tell_book(self, child: Child) -> TellBook:
        child.book_version = self.book_version
        child.told_at_ping = self._ping_number
        return TellBook(child.handle)

    def _tell_start(self, child: Child, line: ActorLine) -> Tell:
        line.told_at_ping = self._ping_number
        return Tell(child.handle, StartActor(line.role))

    def _on_pong(self, child: Child, pong: Pong, now_ms: int) -> list[SupervisorEffect]:
        """Handle a Pong, and repeat what it shows to have been lost in either direction."""
        child.last_pong = pong
        child.pid = pong.pid or child.pid
        self._latencies.add(pong.latencies_us)
        effects: list[SupervisorEffect] = []
        for pulse in pong.actors:
            line = child.actors.get(pulse.role)
            if line is not None:
                effects += self._on_pulse(child, line, pulse, pong.number, now_ms)
            elif order_id_of(pulse.role) is None:
                effects.append(Tell(child.handle, EndActor(pulse.role)))
        effects += [self._tell_start(child, line) for line in child.not_started(pong)]
        if child.has_missed_book(pong):
            effects.append(self._tell_book(child))
        return effects

    def _on_pulse(
        self, child: Child, line: ActorLine, pulse: ActorPulse, number: int, now_ms: int
    ) -> list[SupervisorEffect]:
        line.pulse = pulse
        if not pulse.is_down:
            effects = self._meet(child, line.role, pulse.generation, pulse.is_serving, now_ms)
            line.serve(pulse.is_serving, now_ms)
            return effects
        if pulse.fall_count > child.known_falls.get(line.role, 0):
            reason = "its Pong reports it"
            return self._on_actor_crash(child, line.role, pulse.fall_count, reason, now_ms)
        if line.state is ChildState.STARTING and number > line.told_at_ping:
            return [self._tell_start(child, line)]
        return []

    def _start_order(self, role: str, now_ms: int) -> list[SupervisorEffect]:
        child = self._children.get(self._children.orders_in)
        if child is None or role in child.actors or order_id_of(role) is None:
            return []
        line = child.actors[role] = ActorLine(role, now_ms)
        return [self._tell_start(child, line)] if child.is_up else []

    # Crashes and exits

    def _on_actor_crash(
        self, child: Child, role: str, fall_count: int, reason: str, now_ms: int
    ) -> list[SupervisorEffect]:
        """Handle an exception in a core; its process lives on and restarts it when told to."""
        line = child.actors.get(role)
        if line is None or fall_count <= child.known_falls.get(role, 0):
            return []
        child.known_falls[role] = fall_count
        self._crashes.note(Fall(name=role, pid=child.pid, reason=reason, at_ms=now_ms))
        what = f"{role} (in process {child.pid}) crashed: {reason}"
        effects, delay_ms = self._count_crash(role, (role,), what, reason, now_ms)
        if role in self._given_up:
            line.state = ChildState.GIVEN_UP
            return effects
        if line.is_temporary:
            del child.actors[role]
            return [*effects, *self._tell_lost([role])]
        line.start_again(now_ms)
        if not delay_ms:
            return [*effects, self._tell_start(child, line)]
        line.state, line.revive_at_ms = ChildState.BACKING_OFF, now_ms + delay_ms
        return effects

    def child_exited(self, handle: int, now_ms: int) -> list[SupervisorEffect]:
        """Handle an exit; a second notice of the same one has no effect."""
        child = self._children.by_handle(handle)
        if child is None:
            return []
        self._handled_by_past += child.handled_count
        self._refused_by_past += child.refused_count
        del self._children[child.name]
        if child.name not in self._children.roles_of:
            return []
        self._crashes.note(child.fall(now_ms))
        what = f"{child.name} (pid {child.pid}) {child.exit_cause}"
        roles = self._children.roles_of[child.name]
        reason = f"it {child.exit_cause}"
        effects, delay_ms = self._count_crash(child.name, roles, what, reason, now_ms)
        orders = [line.role for line in child.orders]
        if roles and all(role in self._given_up for role in roles):
            self._children.absent(child.name, now_ms).is_given_up = True
        elif delay_ms:
            self._children.absent(child.name, now_ms).revive_at_ms = now_ms + delay_ms
        else:
            effects.append(self._spawn(child.name, now_ms))
        return [*effects, *self._tell_lost(orders)]

    def _count_crash(
        self, name: str, roles: Sequence[str], what: str, reason: str, now_ms: int
    ) -> tuple[list[SupervisorEffect], int]:
        """Count a crash; if there were too many, end a strategy's series, or else the run.

        Args:
            name: the process or actor that crashed.
            roles: the permanent actors that are missing now.
            what: the crash in words.
            reason: its cause.
            now_ms: real time.

        Returns:
            The effects, and the backoff in ms.
        """
        recent = self._crashes.add(name, now_ms)
        delay_ms = self._crashes.backoff_ms(recent)
        later = f"; restarted in {delay_ms} ms" if delay_ms else ""
        effects: list[SupervisorEffect] = [Say("warning", f"{what}; crash {recent}{later}")]
        if self._crashes.is_too_many(recent):
            how_often = self._crashes.sentence(name, recent)
            if self._given_up.may_be(roles):
                effects.append(Say("error", self._given_up.add(roles, reason, how_often)))
                effects += self._halt()
            else:
                effects += self._escalate(how_often, now_ms)
        return effects, delay_ms

    def _tell_lost(self, orders: list[str]) -> list[SupervisorEffect]:
        """Tell the desk of orders without an actor; a restarting desk finds them by itself."""
        desk = self._children.desk()
        return [Tell(desk.handle, ChildLost(role), DESK) for role in orders] if desk else []

    def tick(self, now_ms: int, waits: Waits = NOBODY_WAITS) -> list[SupervisorEffect]:
        """Ping every process, kill hung ones, and restart those whose backoff has ended."""
        effects: list[SupervisorEffect] = []
        problem = self._patience.excuse(self._children.values(), now_ms, waits)
        if problem:
            effects += self._give_up_journal(problem, now_ms)
        for child in list(self._children.values()):
            if child.name not in self._children.roles_of:
                effects += self._end_unneeded(child)
            if child.name not in self._children:
                continue
            if not child.is_there:
                if now_ms >= child.revive_at_ms and not child.is_given_up:
                    effects.append(self._spawn(child.name, now_ms))
            else:
                effects += self._check_child(child, now_ms)
        self._ending.tick(now_ms)
        return [*effects, *self._halt(), *self._ping_all()]

    def _check_child(self, child: Child, now_ms: int) -> list[SupervisorEffect]:
        """Kill a child that has not answered for too long; some time later, treat it as dead."""
        limit_ms = self._limits.heartbeat_limit_ms
        if child.is_surely_gone(limit_ms, now_ms):
            return self.child_exited(child.handle, now_ms)
        if not child.was_killed and child.silent_beyond_ms(limit_ms, now_ms) > 0:
            child.was_killed = True
            return [Kill(child.pid)] if child.pid else []
        effects: list[SupervisorEffect] = []
        for line in child.actors.values():
            if line.state is ChildState.BACKING_OFF and now_ms >= line.revive_at_ms:
                line.start_again(now_ms)
                effects.append(self._tell_start(child, line))
        return effects

    def next_tick_ms(self, now_ms: int) -> int | None:
        """Delay until the next early tick; None if none is needed."""
        due = [
            child.revive_at_ms
            for child in self._children.values()
            if not child.is_there and not child.is_given_up
        ]
        due += [
            line.revive_at_ms
            for child in self._children.values()
            for line in child.actors.values()
            if line.state is ChildState.BACKING_OFF
        ]
        return max(0, min(due) - now_ms) if due else None

    # Shutdown

    def shut_down(self, reason: str, now_ms: int) -> list[SupervisorEffect]:
        """Make the desk end every order; the report says when that is done."""
        if self._ending.has_begun:
            return []
        self._ending.begin(reason, now_ms)
        return self._halt()

    def _halt(self) -> list[SupervisorEffect]:
        """Tell the desk of the run's end and of halted series; repeated on every tick."""
        desk, ending = self._children.desk(), self._ending.message_to_desk()
        halts = [*([] if ending is None else [ending]), *self._given_up.messages_to_desk()]
        return [Tell(desk.handle, each, DESK) for each in halts] if desk is not None else []

    def _escalate(self, reason: str, now_ms: int) -> list[SupervisorEffect]:
        if self._ending.escalation:
            return []
        self._ending.escalation = reason
        return [Say("error", f"giving up: {reason}"), *self.shut_down(reason, now_ms)]

    def _give_up_journal(self, reason: str, now_ms: int) -> list[SupervisorEffect]:
        self._ending.has_no_journal = True
        return self._escalate(reason, now_ms)

    # Helpers

    def _spawn(self, name: str, now_ms: int) -> Spawn:
        return Spawn(self._children.make(name, now_ms).handle, name)

    def _ping_all(self) -> list[SupervisorEffect]:
        self._ping_number += 1
        ping = Ping(self._ping_number, self._venue_offset_ms)
        return [Tell(child.handle, ping) for child in self._children.values() if child.is_there]

    def listed(self) -> list[tuple[str, int, int]]:
        """Return (role, handle, generation) of every permanent actor that can be sent messages.

        The orders' process is among them, as the route to every order.
        """
        return self._children.listed()
