"""The actors of one process: what they say to each other, and to and from everybody else.

Words between two actors of a group are handed over in memory: the same immutable messages, in
order, after whatever is being handled. Words to others leave once, by the outside's transport, and
routes say where: at once to whom a tick meets on its way to an order, and to all others when the
group has nothing more to do. A group knows no Thespian and no clock of the system: processes and
the virtual-time scheduler are its outsides.
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
    """What surrounds a group."""

    @property
    def pid(self) -> int:
        """The process."""
        ...

    def transmit(self, address: Any, envelope: Envelope) -> None:
        """Let a message leave for another process."""
        ...

    def context(self, role: str, spec: ActorSpec, post: HostPost) -> HostContext:
        """Make what an actor's host is handed."""
        ...

    def correct_clock(self, offset_ms: int) -> None:
        """Let venue time be ahead of the run's clock by this much."""
        ...

    def adopt_settings(self, settings: Settings) -> None:
        """Make every core from now on with these settings."""
        ...

    def age_ms(self, since: float) -> int:
        """Real time since an instant that ``instant`` gave."""
        ...

    def instant(self) -> float:
        """The present one, for ``age_ms``."""
        ...

    def take_samples(self) -> dict[str, tuple[int, ...]]:
        """Latencies measured since the last call, in microseconds."""
        ...

    def refused_count(self) -> int:
        """How many connections and frames the process's socket has refused."""
        ...

    def fenced(self, role: str) -> None:
        """Another process has a role of this one: leave."""
        ...


_ORDER_PATH = frozenset({TradeSignals, SubmitOrder})
"""What becomes an order is delivered within a group before all else that waits there: answers to
who brought the tick, and what they lead to, come when the order has left."""

_TICK_PATH = frozenset({STRATEGY, DESK, EXECUTOR})
"""Whom a tick meets once market state has it. A message for anybody else costs a tick that is still
on its way two system calls, and the processor if the receiver wakes on it."""

EARLY_MAIL_MAX = 256
"""Messages kept for orders whose actors are still to be started; the newest."""

_ReplyTo = tuple[str, Any]
"""Who said what is being handled: the role, and its address; None for one of this group."""


class HostGroup:
    """Hosts that share a process."""

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
        """What leaves when the mail is delivered."""
        self._early_mail: deque[tuple[str, object, _ReplyTo]] = deque(maxlen=EARLY_MAIL_MAX)
        self._told_falls: dict[str, int] = {}
        self._settings_number, self._series = boot.settings.number, boot.settings.names

    @property
    def cores(self) -> Mapping[str, Core]:
        """The cores that run."""
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
        """End every actor where it stands."""
        for host in self.hosts.values():
            host.end()

    # What arrives

    def take(self, envelope: Envelope, sender: Any) -> None:
        """Take a message of another process."""
        role = envelope.sender_role
        if self._routes.learn(role, sender, envelope.generation):
            self._tell_restarted(role)
        if envelope.to == PROCESS:
            self._take_word(envelope.message)
        else:
            self._deliver(envelope.to, envelope.message, (role, sender))
        self._settle()

    def hand(self, role: str, message: object) -> None:
        """Hand an actor what did not come from another one: a timer's end, a port's event."""
        host = self.hosts.get(role)
        if host is None:
            return
        if type(message) is not TimerFired:
            self._count(host)
        self._hand(host, message)
        self._settle()

    def _take_word(self, word: object) -> None:
        """Take what the supervisor says to the process."""
        match word:
            case Ping():
                self._outside.correct_clock(word.venue_offset_ms)
                self._tell(SUPERVISOR, self._pong(word.number))
            case AddressBook():
                for role in self._routes.adopt(word):
                    self._tell_restarted(role)
                if word.settings is not None:
                    self._take_settings(word.settings)
            case StartActor(role):
                self._start(role)
            case EndActor(role):
                self._end(role)
            case _:
                raise AssertionError(f"{type(word).__name__} is nothing for a process")

    def _take_settings(self, settings: Settings) -> None:
        """Replace the settings of every actor here, and of those to come, unless they are old."""
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
        self._count(host)
        self._hand(host, message)

    def _count(self, host: Host) -> None:
        host.message_count += 1
        host.last_message_at = self._instant()

    def _hand(self, host: Host, message: object) -> None:
        host.hand(message)
        if not host.is_running:
            self._look_after(host)

    def _settle(self) -> None:
        """Deliver what actors of this group have said to each other; then what is for others."""
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
        """What fills a role; one of a series that was added is filled as those of the others."""
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
        """Do what follows when a core has come to its end."""
        if host.is_running or self.hosts.get(host.role) is not host:
            return
        if host.state is HostState.FENCED:
            self._outside.fenced(host.role)
        elif host.state is HostState.DOWN:
            if self._told_falls.get(host.role) != host.fall_count:
                self._told_falls[host.role] = host.fall_count
                self._forget_mail(host.role)
                self._tell(SUPERVISOR, ActorFell(host.role, host.fall_count, host.fell_because))
        else:
            del self.hosts[host.role]
            self._told_falls.pop(host.role, None)

    def _forget_mail(self, role: str) -> None:
        """What waits for an actor falls with it, as it would with its process."""
        self._mail = deque(each for each in self._mail if each[0] != role)
        self._first_mail = deque(each for each in self._first_mail if each[0] != role)

    # What leaves

    def send(self, sender: RunningHost, to: str, message: object) -> None:
        """Take a message of one of this group's actors to wherever it goes."""
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
        """Let this process say something to a role of another one."""
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
