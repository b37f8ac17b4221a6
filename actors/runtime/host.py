"""Runs one core, wherever that is: the only place where what cores ask for is done.

A host knows no Thespian, socket, thread or clock of the system. What it needs is handed to it as
``HostContext``: a post, a journal, timers, a clock, a port to the world outside. Processes, the
virtual-time scheduler and the benches of tests differ in nothing but these.

Life of a host: ``start`` claims a new generation of its role, makes a core and recovers it from the
journal; ``hand`` gives the core one message after the other and performs its effects in order.
When the core raises, or cannot record, nothing more of it happens: the host is down, tells the
supervisor, and can be started again, under the next generation.
"""

from __future__ import annotations

import enum
import traceback
from typing import Any

import attrs

from actors.core import (
    CancelTimer,
    Command,
    Core,
    Effect,
    Log,
    Recall,
    Record,
    Send,
    SetTimer,
    Stop,
    UnknownMessage,
)
from actors.messages.lifecycle import (
    Hello,
    JournalFailed,
    Leaving,
    PeerRestarted,
    Recalled,
    ServingChanged,
    Started,
    VenueTimeMeasured,
)
from actors.roles import DESK, EXECUTOR, SUPERVISOR, addressed, known_as, order_id_of
from actors.runtime.host_context import HostContext
from actors.runtime.journal import Fenced
from actors.runtime.journal_file import RowsLost
from actors.runtime.journal_rows import JournalError
from actors.runtime.port import HostPort


class HostState(enum.Enum):
    """Where a host stands."""

    DOWN = "down"
    """Not started yet, or its core has raised: it may be started."""
    RUNNING = "running"
    FINISHED = "finished"
    """Its core has stopped of its own accord."""
    FENCED = "fenced"
    """A newer actor has its role: it must do nothing more."""
    ENDED = "ended"
    """Its owner ended it."""


class Host:
    """Runs the core of one role."""

    def __init__(self, role: str, context: HostContext) -> None:
        self.role = role
        self.generation = 0
        self.core: Core | None = None
        self.port: HostPort | None = None
        self.state = HostState.DOWN
        self.error: Exception | None = None
        """What brought it down, or fenced it off."""
        self.fall_count = 0
        """How often it has gone down."""
        self.reply_to: Any = None
        """Whoever sent the message being handled, for the role ``REPLY``; the post's own."""
        self._context = context
        self._was_serving: bool | None = None
        """As the supervisor was told; None until Hello says it."""

    @property
    def is_running(self) -> bool:
        """Whether there is a core that can be handed something."""
        return self.state is HostState.RUNNING

    @property
    def is_serving(self) -> bool:
        """Whether its core has all it needs."""
        return self.core is not None and self.core.is_serving

    @property
    def fell_because(self) -> str:
        """What brought it down, in one line; empty if nothing did."""
        error = self.error
        return "" if error is None else f"{type(error).__name__}: {error}".split("\n")[0]

    @property
    def now_ms(self) -> int:
        """Venue time as this host knows it."""
        return self._context.clock.now_ms()

    # Life

    def start(self) -> None:
        """Take the role: fence off whoever had it, recover what it saved, and begin."""
        context = self._context
        self.state, self.error, self._was_serving = HostState.RUNNING, None, None
        failed: JournalFailed | None = None
        saved: list[object] = []
        try:
            try:
                self.generation = context.journal.claim()
            except JournalError as error:
                failed = self._without_journal(error)
            core = self.core = context.make_core(self.generation)
            self.port = context.make_port()
            for kind in core.RECOVERS:
                try:
                    saved += context.journal.load(kind, order_id_of(self.role))
                except JournalError as error:
                    saved += error.readable if isinstance(error, RowsLost) else ()
                    failed = self._without_journal(error, is_blind=True)
            opening = context.opening()
        except Exception as error:  # whatever it is, this actor has not started
            self._fall("its start", error)
            return
        context.watch.made(self)
        # What a core says first is urgent, an order's most of all: the supervisor comes last.
        for message in (Started(tuple(saved)), *opening, *([failed] if failed else [])):
            self.hand(message)
        if self.is_running:
            self._was_serving = core.is_serving
            self.say_hello()

    def say_hello(self) -> None:
        """Tell the supervisor that this actor is there."""
        hello = Hello(
            role=self.role,
            pid=self._context.pid,
            generation=self.generation,
            is_serving=self.is_serving,
        )
        self._send(SUPERVISOR, hello)

    def end(self) -> None:
        """Let nothing more happen; what was recorded and sent remains."""
        self._leave(HostState.ENDED)

    def _leave(self, state: HostState) -> None:
        self.state = state
        self._context.timers.clear()
        port, self.port = self.port, None
        if port is not None:
            port.close()

    def _fall(self, on: object, error: Exception) -> None:
        what = on if isinstance(on, str) else type(on).__name__
        is_ours = not isinstance(error, JournalError)
        text = "".join(traceback.format_exception(error)) if is_ours else str(error)
        self._context.log("error", f"crashed on {what}: {text}" if is_ours else text)
        self.error, self.core = error, None
        self.fall_count += 1
        self._leave(HostState.DOWN)
        self._context.watch.raised(self, on, error)

    # Messages

    def hand(self, message: object) -> None:
        """Let the core handle one message, and perform what it asks for, in order."""
        core, context = self.core, self._context
        if core is None or not self.is_running:
            return
        now_ms = context.clock.now_ms()
        context.watch.hears(self, message, now_ms)
        try:
            effects = core.handle(message, now_ms)
        except UnknownMessage as unknown:
            context.log("error", str(unknown))
            context.watch.raised(self, message, unknown)
            return
        except Exception as error:  # a fault of the core is an event like others
            self._fall(message, error)
            return
        context.watch.decided(self, effects)
        for effect in effects:
            if not self._perform(message, effect):
                return
        context.watch.handled(self, message)
        self._tell_if_serving_changed(core)

    def hand_restarted(self, role: str) -> None:
        """Tell the core, if it cares, that a peer's role has a new actor."""
        name = known_as(role, to=self.role)
        if self.core is None or name is None or role == self.role:
            return
        if self.core.accepts(PeerRestarted):
            self.hand(PeerRestarted(name))

    def _perform(self, message: object, effect: Effect) -> bool:
        """Perform one effect; False when those after it must not be."""
        context = self._context
        context.watch.performs(self, effect)
        if not self.is_running:
            return False
        try:
            told = self._do(effect)
        except Fenced as fenced:
            context.log("warning", f"leaving: {fenced}")
            self.error = fenced
            self._leave(HostState.FENCED)
            return False
        except Exception as error:  # nothing after what could not be done may happen
            self._fall(message, error)
            return False
        if isinstance(told, JournalFailed):
            self.hand(told)
            return False
        context.watch.performed(self, effect)
        if told is not None:
            self.hand(told)
        return self.is_running

    def _do(self, effect: Effect) -> object | None:
        """Perform one effect; what is returned, the core is to be told before the next one."""
        context = self._context
        match effect:
            case Send(to, message):
                self._send(to, message)
            case Record():
                return self._record(effect)
            case SetTimer(key, delay_ms):
                context.timers.set(key, delay_ms)
            case CancelTimer(key):
                context.timers.cancel(key)
            case Command(command):
                self._command(command)
            case Log(level, text):
                context.log(level, text)
            case Recall():
                return self._recall(effect)
            case Stop(reason):
                self._send(SUPERVISOR, Leaving(self.role, reason))
                self._leave(HostState.FINISHED)
        return None

    def _record(self, record: Record) -> JournalFailed | None:
        """Make a record durable; if it cannot be and the core stays, return what it is told."""
        try:
            self._context.journal.record(record, self._context.clock.now_ms())
        except JournalError as error:
            # What the core now believes was not recorded. Nothing of it leaves; the actor does,
            # and its successor recovers what the journal really holds.
            return self._without_journal(error)
        return None

    def _recall(self, wish: Recall) -> Recalled | JournalFailed:
        try:
            value = self._context.journal.recall(wish.kind, wish.key)
        except JournalError as error:
            return self._without_journal(error)
        return Recalled(wish.kind, wish.key, value, wish.about)

    def _without_journal(self, error: JournalError, *, is_blind: bool = False) -> JournalFailed:
        """Tell those who end the run that the journal failed this actor; raise, unless it stays."""
        context = self._context
        failed = JournalFailed(self.role, str(error), are_rows_lost=is_blind)
        for role in (DESK, SUPERVISOR, *([EXECUTOR] if context.is_live else [])):
            if role != self.role:
                self._send(role, failed)
        if not context.stays_without_journal:
            raise error
        context.log("error", str(error))
        return failed

    def _command(self, command: object) -> None:
        if self.port is None:
            raise AssertionError(f"{self.role} has no port for {command!r}")
        self.port.perform(command)

    def _send(self, to: str, message: object) -> None:
        if isinstance(message, VenueTimeMeasured):
            absolute = message.offset_ms + self._context.clock.offset_ms
            message = attrs.evolve(message, offset_ms=absolute)
        self._context.post.send(self, addressed(to, by=self.role), message)

    def _tell_if_serving_changed(self, core: Core) -> None:
        is_serving = core.is_serving
        if self.is_running and self._was_serving not in (None, is_serving):
            self._was_serving = is_serving
            self._send(SUPERVISOR, ServingChanged(self.role, is_serving))
