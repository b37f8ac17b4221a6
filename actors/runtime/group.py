"""The actors of one process: their messages to each other, and to and from other processes.

Messages between two actors of a group are handed over in memory: the same immutable objects, in
order, after the current message has been handled. Messages to other processes leave through the
outside's transport, addressed by the routes: at once if the receiver is on the path from a tick to
its order, otherwise when the group has nothing else to do. A group knows neither Thespian nor the
system clock: a process or the virtual-time scheduler is its outside.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, Protocol

from actors.core import Core
from actors.messages.execution import SubmitOrder
from actors.messages.lifecycle import (
    ActorFell,
    ActorPulse,
    AddressBook,
    Envelope,
    Ping,
    Pong,
    ProcessStarted,
    SettingsReplaced,
    TimerFired,
)
from actors.messages.strategy import TradeSignals
from actors.roles import (
    DESK,
    EXECUTOR,
    PROCESS,
    REPLY,
    STRATEGY,
    SUPERVISOR,
    base_role,
    order_id_of,
)
from actors.runtime.actor_spec import ActorSpec
from actors.runtime.host import Host, HostState
from actors.runtime.host_context import HostContext, HostPost, RunningHost
from actors.runtime.messages import Boot, EndActor, StartActor
from actors.runtime.routes import Routes
from actors.settings import Settings


class Outside(Protocol):
    """The surroundings of a group."""

    @property
    def pid(self) -> int:
        """The process id."""
        ...

    def transmit(self, address: Any, envelope: Envelope) -> None:
        """Send a message to another process."""
        ...

    def context(self, role: str, spec: ActorSpec, post: HostPost) -> HostContext:
        """Make the context of an actor's host."""
        ...

    def correct_clock(self, offset_ms: int) -> None:
        """Set how far venue time is ahead of the run's clock."""
        ...

    def adopt_settings(self, settings: Settings) -> None:
        """Use these settings for every core made from now on."""
        ...

    def age_ms(self, since: float) -> int:
        """Real time since an instant returned by ``instant``."""
        ...

    def instant(self) -> float:
        """The present instant, for ``age_ms``."""
        ...

    def take_samples(self) -> dict[str, tuple[int, ...]]:
        """Return the latencies measured since the last call, in microseconds."""
        ...

    def refused_count(self) -> int:
        """How many connections and frames the process's socket has refused."""
        ...

    def fenced(self, role: str) -> None:
        """Another process has a role of this one: leave."""
        ...


_ORDER_PATH = frozenset({TradeSignals, SubmitOrder})
"""Messages that become an order. Within a group they are delivered before all other waiting ones,
so that acknowledgements to the tick's sender, and their consequences, come after the order."""

_TICK_PATH = frozenset({STRATEGY, DESK, EXECUTOR})
"""The roles that a tick passes after market state. A message to any other role would cost a tick
that is still in flight two system calls, and the processor if the receiver wakes on it."""

EARLY_MAIL_MAX = 256
"""How many messages are kept for orders whose actors have not started yet; the newest."""

_ReplyTo = tuple[str, Any]
"""Sender of the message being handled: role and address; None if it is in this group."""


class HostGroup:
    """The hosts that share a process."""

    def __init__(self, outside: Outside, boot: Boot) -> None:
        self.hosts: dict[str, Host] = {}
        self._outside = outside
        self._instant = outside.instant
        self._boot = boot
        self._routes = Routes()
        self._own_roles = frozenset(boot.roles)
        self._mail: deque[tuple[str, object, _ReplyTo]] = deque()
        self._first_mail: deque[tuple[str, object, _ReplyTo]] = deque()
        self._outgoing: list[tuple[Any, Envelope]] = []
        """Messages to other processes, sent after those within the group are delivered."""
        self._early_mail: deque[tuple[str, object, _ReplyTo]] = deque(maxlen=EARLY_MAIL_MAX)
        self._reported_falls: dict[str, int] = {}
        self._settings_number, self._series = boot.settings.number, boot.settings.names

    @property
    def cores(self) -> Mapping[str, Core]:
        """The cores that are running."""
        return {role: host.core for role, host in self.hosts.items() if host.core is not None}

    def begin(self) -> None:
        """Start every permanent actor of this process, in order."""
        self._routes.adopt(self._boot.book)
        self._tell(SUPERVISOR, ProcessStarted(self._boot.process, self._outside.pid))
        for role in self._boot.roles:
            self._start(role)
            self._flush()
        self._settle()

    def end(self) -> None:
        """End every actor at once."""
        for host in self.hosts.values():
            host.end()

    # What arrives

    def take(self, envelope: Envelope, sender: Any) -> None:
        """Take a message from another process."""
        role = envelope.sender_role
        if self._routes.learn(role, sender, envelope.generation):
            self._tell_restarted(role)
        if envelope.to == PROCESS:
            self._take_process_message(envelope.message)
        else:
            self._deliver(envelope.to, envelope.message, (role, sender))
        self._settle()

    def hand(self, role: str, message: object) -> None:
        """Hand an actor an event of its own: an expired timer, or an event of its port."""
        host = self.hosts.get(role)
        if host is None:
            return
        if type(message) is not TimerFired:
            host.message_count += 1
            host.last_message_at = self._instant()
        self._hand(host, message)
        self._settle()

    def _take_process_message(self, message: object) -> None:
        """Take a message from the supervisor to the process."""
        match message:
            case Ping():
                self._outside.correct_clock(message.venue_offset_ms)
                self._tell(SUPERVISOR, self._pong(message.number))
            case AddressBook():
                for role in self._routes.adopt(message):
                    self._tell_restarted(role)
                if message.settings is not None:
                    self._take_settings(message.settings)
            case StartActor(role):
                self._start(role)
            case EndActor(role):
                self._end(role)
            case _:
                raise AssertionError(f"{type(message).__name__} is not a message for a process")

    def _take_settings(self, settings: Settings) -> None:
        """Replace the settings of all present and future actors here, unless these are outdated."""
        if settings.number <= self._settings_number:
            return
        are_other_series = settings.names != self._series
        self._settings_number, self._series = settings.number, settings.names
        self._outside.adopt_settings(settings)
        for host in list(self.hosts.values()):
            if are_other_series and host.core is not None and host.core.KEEPS_EACH_SERIES:
                host.end()
                self._start(host.role)
            else:
                self._hand(host, SettingsReplaced(settings.for_role(host.role)))

    def _deliver(self, role: str, message: object, reply_to: _ReplyTo) -> None:
        host = self.hosts.get(role)
        if host is None:
            if order_id_of(role) is not None:  # not started yet: the executor may be faster
                self._early_mail.append((role, message, reply_to))
            return
        host.reply_to = reply_to
        host.message_count += 1
        host.last_message_at = self._instant()
        self._hand(host, message)

    def _hand(self, host: Host, message: object) -> None:
        host.hand(message)
        if not host.is_running:
            self._look_after(host)

    def _settle(self) -> None:
        """Deliver messages within the group; then send those to other processes."""
        while self._first_mail or self._mail:
            self._deliver(*(self._first_mail or self._mail).popleft())
        if self._outgoing:
            self._flush()

    def _flush(self) -> None:
        outgoing, self._outgoing = self._outgoing, []
        for address, envelope in outgoing:
            self._outside.transmit(address, envelope)

    def _tell_restarted(self, role: str) -> None:
        for host in list(self.hosts.values()):
            host.hand_restarted(role)
            self._look_after(host)

    # Life

    def _start(self, role: str) -> None:
        host = self.hosts.get(role)
        if host is not None and host.is_running:
            host.say_hello()  # the first one was lost, or the supervisor is another
            return
        if host is None:
            is_order = order_id_of(role) is not None
            spec = self._boot.order if is_order else self._spec_of(role)
            host = Host(role, self._outside.context(role, spec, self))
            self.hosts[role] = host
        host.last_message_at = self._outside.instant()
        host.start()
        self._look_after(host)
        if host.is_running:
            early = [each for each in self._early_mail if each[0] == role]
            for each in early:
                self._early_mail.remove(each)
            self._mail.extend(early)
        if host.is_running and self._routes.learn(role, None, host.generation):
            self._tell_restarted(role)

    def _spec_of(self, role: str) -> ActorSpec:
        """The spec of a role; a series added later has the same specs as the others."""
        specs = self._boot.actors
        return specs.get(role) or next(
            spec for other, spec in specs.items() if base_role(other) == base_role(role)
        )

    def _end(self, role: str) -> None:
        host = self.hosts.pop(role, None)
        if host is not None:
            host.end()
            self._forget_mail(role)

    def _look_after(self, host: Host) -> None:
        """Deal with a core that has ended."""
        if host.is_running or self.hosts.get(host.role) is not host:
            return
        if host.state is HostState.FENCED:
            self._outside.fenced(host.role)
        elif host.state is HostState.DOWN:
            if self._reported_falls.get(host.role) != host.fall_count:
                self._reported_falls[host.role] = host.fall_count
                self._forget_mail(host.role)
                self._tell(SUPERVISOR, ActorFell(host.role, host.fall_count, host.fell_because))
        else:
            del self.hosts[host.role]
            self._reported_falls.pop(host.role, None)

    def _forget_mail(self, role: str) -> None:
        """Drop the messages waiting for an actor that crashed, as the end of its process would."""
        self._mail = deque(each for each in self._mail if each[0] != role)
        self._first_mail = deque(each for each in self._first_mail if each[0] != role)

    # What leaves

    def send(self, sender: RunningHost, to: str, message: object) -> None:
        """Send a message from one of this group's actors to wherever it goes."""
        address: Any = None
        if to == REPLY:
            reply_to: _ReplyTo | None = sender.reply_to
            if reply_to is None:
                return
            to, address = reply_to
        if to in self._own_roles or to in self.hosts:
            mail = self._first_mail if type(message) in _ORDER_PATH else self._mail
            mail.append((to, message, (sender.role, None)))
            return
        if address is None:
            address = self._routes.address(to)
        if address is not None:
            envelope = Envelope(
                sender_role=sender.role, generation=sender.generation, message=message, to=to
            )
            if base_role(to) in _TICK_PATH:
                self._outside.transmit(address, envelope)
            else:
                self._outgoing.append((address, envelope))

    def say(self, to: str, message: object) -> None:
        """Send a message from this process to a role in another one."""
        self._tell(to, message)
        self._flush()

    def _tell(self, to: str, message: object) -> None:
        address = self._routes.address(to)
        if address is not None:
            envelope = Envelope(sender_role=PROCESS, generation=0, message=message, to=to)
            self._outgoing.append((address, envelope))

    def _pong(self, number: int) -> Pong:
        return Pong(
            process=self._boot.process,
            number=number,
            pid=self._outside.pid,
            book_version=self._routes.version,
            actors=tuple(map(self._pulse, self.hosts.values())),
            latencies_us=self._outside.take_samples(),
            refused_count=self._outside.refused_count(),
        )

    def _pulse(self, host: Host) -> ActorPulse:
        return ActorPulse(
            role=host.role,
            generation=host.generation,
            is_serving=host.is_serving,
            fall_count=host.fall_count,
            is_down=not host.is_running,
            handled_count=host.message_count,
            last_message_age_ms=self._outside.age_ms(host.last_message_at),
        )
