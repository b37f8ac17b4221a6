"""Runs one core, in a process, on virtual time or in a test; the only code that performs effects.

A host knows nothing of Thespian, sockets, threads or the system clock. What it needs is passed to
it as a ``HostContext``: a post, a journal, timers, a clock, and a port to the outside world. Those
are all that differs between processes, the virtual-time scheduler and tests.

Life of a host: ``start`` claims a new generation of its role, makes a core and recovers it from the
journal; ``hand`` gives the core one message after the other and performs its effects in order. If
the core raises, or cannot record, no further effect is performed: the host is down, tells the
supervisor, and can be started again under the next generation.
"""

from __future__ import annotations

import enum
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

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
from actors.roles import (
    DESK,
    EXECUTOR,
    SUPERVISOR,
    known_as,
    order_id_of,
    series_of_role,
    series_role,
)
from actors.runtime.host_context import Hooks, HostContext
from actors.runtime.journal import Fenced
from actors.runtime.journal_file import RowsLost
from actors.runtime.journal_rows import JournalError
from actors.runtime.port import HostPort


class HostState(enum.Enum):
    """State of a host."""

    DOWN = "down"
    """Not started yet, or its core has raised: it may be started."""
    RUNNING = "running"
    FINISHED = "finished"
    """Its core has stopped of its own accord."""
    FENCED = "fenced"
    """A newer actor has its role: it must not act any more."""
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
        """The exception that brought it down, or fenced it off."""
        self.fall_count = 0
        """How often it has gone down."""
        self.reply_to: Any = None
        """Sender of the message being handled, addressed as the role ``REPLY``; the post's own."""
        self.message_count = 0
        """Messages handed to it by its group, without timers."""
        self.last_message_at = 0.0
        """Time of the last of them, on the group's outside clock."""
        self.is_running = False
        """Whether there is a core that can handle messages: ``state`` is RUNNING."""
        self._series = series_of_role(role)
        """Neighbours of the same series are addressed by their plain names."""
        self._context = context
        self._post, self._clock = context.post, context.clock
        self._hooks = Hooks(context.watch)
        self._was_serving: bool | None = None
        """As last reported to the supervisor; None before Hello."""
        self._can_stop_serving = True
        """Whether its core reports itself when it serves."""

    @property
    def is_serving(self) -> bool:
        """Whether its core has everything it needs."""
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
        """Take the role: fence off the previous actor, recover what it saved, and begin."""
        context = self._context
        self.state, self.error, self._was_serving = HostState.RUNNING, None, None
        self.is_running = True
        failed: JournalFailed | None = None
        saved: list[object] = []
        try:
            try:
                self.generation = context.journal.claim()
            except JournalError as error:
                failed = self._without_journal(error)
            core = self.core = context.make_core(self.generation)
            self._can_stop_serving = type(core).is_serving is not Core.is_serving
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
        # The core's first messages are urgent, an order's most of all: tell the supervisor last.
        for message in (Started(tuple(saved)), *opening, *([failed] if failed else [])):
            self.hand(message)
        if self.is_running:
            self._was_serving = core.is_serving
            self.say_hello()

    def say_hello(self) -> None:
        """Tell the supervisor that this actor is ready."""
        hello = Hello(
            role=self.role,
            pid=self._context.pid,
            generation=self.generation,
            is_serving=self.is_serving,
        )
        self._send(SUPERVISOR, hello)

    def end(self) -> None:
        """Stop acting; what was recorded and sent remains."""
        self._leave(HostState.ENDED)

    def _leave(self, state: HostState) -> None:
        self.state, self.is_running = state, False
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
        """Let the core handle one message, and perform its effects in order."""
        core = self.core
        if core is None or not self.is_running:
            return
        hooks = self._hooks
        now_ms = self._clock.now_ms()
        if hooks.hears is not None:
            hooks.hears(self, message, now_ms)
        try:
            effects = core.handle(message, now_ms)
        except UnknownMessage as unknown:
            self._context.log("error", str(unknown))
            self._context.watch.raised(self, message, unknown)
            return
        except Exception as error:  # an exception in the core is an event like any other
            self._fall(message, error)
            return
        if hooks.decided is not None:
            hooks.decided(self, effects)
        for effect in effects:
            if not self._perform(message, effect):
                return
        if hooks.handled is not None:
            hooks.handled(self, message)
        if self._can_stop_serving and core.is_serving is not self._was_serving:
            self._tell_serving_changed(core.is_serving)

    def hand_restarted(self, role: str) -> None:
        """Tell the core, if it has a handler for it, that a peer's role has a new actor."""
        name = known_as(role, to=self.role)
        if self.core is None or name is None or role == self.role:
            return
        if self.core.accepts(PeerRestarted):
            self.hand(PeerRestarted(name))

    def _perform(self, message: object, effect: Effect) -> bool:
        """Perform one effect; False if the following ones must not be performed."""
        hooks = self._hooks
        if hooks.performs is not None:
            hooks.performs(self, effect)
            if not self.is_running:
                return False
        try:
            told = _PERFORMERS[type(effect)](self, effect)
        except Fenced as fenced:
            self._context.log("warning", f"leaving: {fenced}")
            self.error = fenced
            self._leave(HostState.FENCED)
            return False
        except Exception as error:  # what follows a failed effect must not happen
            self._fall(message, error)
            return False
        if isinstance(told, JournalFailed):
            self.hand(told)
            return False
        if hooks.performed is not None:
            hooks.performed(self, effect)
        if told is not None:
            self.hand(told)
        return self.is_running

    # Effects: one method each; the core is told what it returns before the next effect.

    def _record(self, record: Record) -> JournalFailed | None:
        """Make a record durable; if that fails and the core stays, return what it must be told."""
        try:
            self._context.journal.record(record, self._context.clock.now_ms())
        except JournalError as error:
            # The core's present state was not recorded. None of it is sent; the actor leaves,
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
        """Report the failed journal to those who end the run; raise, unless the actor stays."""
        context = self._context
        failed = JournalFailed(self.role, str(error), are_rows_lost=is_blind)
        for role in (DESK, SUPERVISOR, *([EXECUTOR] if context.is_live else [])):
            if role != self.role:
                self._send(role, failed)
        if not context.stays_without_journal:
            raise error
        context.log("error", str(error))
        return failed

    def _set_timer(self, effect: SetTimer) -> None:
        self._context.timers.set(effect.key, effect.delay_ms)

    def _cancel_timer(self, effect: CancelTimer) -> None:
        self._context.timers.cancel(effect.key)

    def _command(self, effect: Command) -> None:
        if self.port is None:
            raise AssertionError(f"{self.role} has no port for {effect.command!r}")
        self.port.perform(effect.command)

    def _log(self, effect: Log) -> None:
        self._context.log(effect.level, effect.text)

    def _stop(self, effect: Stop) -> None:
        self._send(SUPERVISOR, Leaving(self.role, effect.reason))
        self._leave(HostState.FINISHED)

    def _send(self, to: str, message: object) -> None:
        self._send_effect(Send(to, message))

    def _send_effect(self, effect: Send) -> None:
        to, message = effect.to, effect.message
        if type(message) is VenueTimeMeasured:
            absolute = message.offset_ms + self._context.clock.offset_ms
            message = replace(message, offset_ms=absolute)
        if self._series:
            to = series_role(to, self._series)
        self._post.send(self, to, message)

    def _tell_serving_changed(self, is_serving: bool) -> None:
        if self.is_running and self._was_serving is not None:
            self._was_serving = is_serving
            self._send(SUPERVISOR, ServingChanged(self.role, is_serving))


_PERFORMERS: Mapping[type, Callable[[Host, Any], object | None]] = {
    Send: Host._send_effect,
    Record: Host._record,
    SetTimer: Host._set_timer,
    CancelTimer: Host._cancel_timer,
    Command: Host._command,
    Log: Host._log,
    Recall: Host._recall,
    Stop: Host._stop,
}
"""The method that performs each type of effect."""
