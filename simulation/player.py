"""One simulated actor: a host on virtual time, and what may befall its process.

The host is the product's own. What surrounds it is the simulation's: a post that loses, a journal
that tears, clocks that are wrong, ports to a venue that misbehaves, and falls between any two
effects.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from actors.core import Command, Core, Effect, Log, Record, Send
from actors.messages import AddressBook, Assign, Dismissed, Hello, Ping, Pong, TimerFired
from actors.roles import REPLY, SUPERVISOR, is_spare
from actors.runtime.host import Host, HostState
from actors.runtime.host_context import HostContext, HostWatch
from actors.runtime.journal_file import JournalError
from actors.runtime.routes import Routes
from actors.runtime.scheduler import VirtualTimers
from simulation.chance import dice
from simulation.house import House
from simulation.invariants.breach import Breach
from simulation.journal import MemoryJournal
from simulation.post import Correspondent

DISMISSAL_LIMIT_MS = 1_000
"""An actor that has finished waits so long to be dismissed."""


class Parent(Protocol):
    """Who made a player, and is told when it is gone."""

    def child_is_gone(self, player: Player) -> None:
        """Take note of an exit."""
        ...


class Player:
    """Runs one core; falls when it is told to."""

    def __init__(self, house: House, tree: Parent, role: str, pid: int, offset_ms: int) -> None:
        self.role = role
        self.pid = pid
        self.is_gone = False
        self._host: Host | None = None
        self._has_begun = False
        self._house = house
        self._clock = _OwnClock(house, offset_ms)
        self._tree = tree
        self._routes = Routes()
        self._met: dict[str, tuple[Correspondent, int]] = {}
        self._timers = VirtualTimers(house.agenda, self._wake)
        self._waiting: list[tuple[Callable[..., None], tuple[Any, ...]]] | None = None

    @property
    def now_ms(self) -> int:
        """Venue time as this player knows it."""
        return self._clock.now_ms()

    @property
    def generation(self) -> int:
        """The newest it has claimed; 0 before."""
        return self._host.generation if self._host is not None else 0

    @property
    def core(self) -> Core | None:
        """What it runs; None before it has a role."""
        return self._host.core if self._host is not None else None

    @property
    def is_leaving(self) -> bool:
        """Whether it has finished, and waits to be dismissed."""
        return self._host is not None and self._host.state is HostState.FINISHED

    @property
    def is_current(self) -> bool:
        """Whether nobody has taken its role since."""
        return self.generation == self._house.journal.generation(self.role)

    # What befalls it

    def begin(self, book: AddressBook) -> None:
        """Take the first message, as the supervisor sends it to a new process."""
        if self._must_wait(self.begin, book):
            return
        self._has_begun = True
        self._routes.adopt(book)
        if is_spare(self.role):
            self._tell_supervisor(Hello(role=self.role, pid=self.pid, generation=0))
        else:
            self._become(self.role)

    def fall(self) -> None:
        """Be gone at once, with everything that waits."""
        if not self.is_gone:
            self.is_gone = True
            if self._host is not None:
                self._host.end()
            self._house.agenda.after(3, self._tree.child_is_gone, self)

    def hang(self) -> None:
        """Stand still; what arrives waits."""
        if self._waiting is None:
            self._waiting = []

    def go_on(self) -> None:
        """Take what has waited."""
        waiting, self._waiting = self._waiting or [], None
        expired = [each for each in waiting if each[0] == self._wake]
        arrived = [each for each in waiting if each[0] != self._wake]
        # Timers that ran out while an actor was busy come newest first, as from the transport.
        for call, arguments in (*arrived, *reversed(expired)):
            call(*arguments)

    def receive(
        self, sender: Correspondent, sender_role: str, generation: int, message: object
    ) -> None:
        """Take a message of another actor."""
        if self._must_wait(self.receive, sender, sender_role, generation, message):
            return
        if not self._has_begun:
            return
        if self.is_leaving:
            if isinstance(message, Dismissed):
                self.fall()
            return
        if self._host is not None:
            self._host.reply_to = sender
        if self._met.get(sender_role) != (sender, generation):
            self._met[sender_role] = (sender, generation)
            if self._routes.learn(sender_role, sender, generation):
                self._tell_restarted(sender_role)
        self._take(sender_role, message)

    def _take(self, sender_role: str, message: object) -> None:
        if isinstance(message, Ping):
            self._answer(message)
        elif isinstance(message, AddressBook):
            self._met.clear()
            for role in self._routes.adopt(message):
                self._tell_restarted(role)
        elif isinstance(message, Assign):
            if message.role != self.role:
                self._become(message.role)
        else:
            self._house.note(self.role, f"<{sender_role}", message)
            self._run(message)

    def take_event(self, event: object) -> None:
        """Take an event of the port."""
        if not self._must_wait(self.take_event, event):
            self._house.note(self.role, "<port", event)
            self._run(event)

    def _wake(self, key: str, number: int) -> None:
        if self._timers.is_due(key, number) and not self._must_wait(self._wake, key, number):
            self._timers.take(key, number)
            self._run(TimerFired(key))

    def _must_wait(self, call: Callable[..., None], *arguments: Any) -> bool:
        if self._waiting is not None:
            self._waiting.append((call, arguments))
        return self.is_gone or self._waiting is not None

    # Life

    def _become(self, role: str) -> None:
        house = self._house
        self.role = role
        self._host = host = Host(
            role,
            HostContext(
                make_core=self._make_core,
                post=self,
                journal=_OwnRows(house.journal, role),
                timers=self._timers,
                clock=self._clock,
                log=self._log,
                pid=self.pid,
                is_live=house.settings.execution.mode == "live",
                stays_without_journal=house.stays_without_journal(role),
                make_port=lambda: house.make_port(self),
                watch=_Eye(house, self),
            ),
        )
        host.start()
        self._look_after(host)

    def _make_core(self, generation: int) -> Core:
        house, role = self._house, self.role
        return house.core_class(role)(role, house.settings, dice(house.seed, role, generation))

    def _look_after(self, host: Host) -> None:
        """Do what follows when a core has come to its end."""
        if self.is_gone or host.is_running:
            return
        if host.state is HostState.FINISHED:
            self._house.agenda.after(DISMISSAL_LIMIT_MS, self.fall)
            return
        if host.state is HostState.FENCED:
            self._house.note(self.role, "is", "fenced off")
        self.fall()

    def _tell_restarted(self, role: str) -> None:
        if self._host is not None and not self.is_gone:
            self._host.hand_restarted(role)
            self._look_after(self._host)

    def _answer(self, ping: Ping) -> None:
        self._clock.offset_ms = ping.venue_offset_ms
        host = self._host
        pong = Pong(
            role=self.role,
            number=ping.number,
            is_serving=host.is_serving if host is not None else True,
            book_version=self._routes.version,
            handled_count=0,
            last_message_age_ms=0,
            latencies_us={},
            pid=self.pid,
            generation=self.generation,
        )
        self._tell_supervisor(pong)

    def _run(self, message: object) -> None:
        host = self._host
        if host is not None and host.is_running and not self.is_gone:
            host.hand(message)
            self._look_after(host)

    def _log(self, level: str, text: str) -> None:
        del level
        self._house.note(self.role, "logs", text)

    def send(self, sender: Host, to: str, message: object) -> None:
        """Give the post what a core has said."""
        self._post(sender.reply_to if to == REPLY else self._routes.address(to), to, message)

    def _tell_supervisor(self, message: object) -> None:
        self._post(self._routes.address(SUPERVISOR), SUPERVISOR, message)

    def _post(self, to: Correspondent | None, role: str, message: object) -> None:
        if to is not None:
            self._house.post.send(
                self, self.role, self.generation, to, message, is_control=role == SUPERVISOR
            )


class _OwnClock:
    """The machine's clock, which may be wrong, as one actor corrects it."""

    def __init__(self, house: House, offset_ms: int) -> None:
        self._house = house
        self.offset_ms = offset_ms

    def now_ms(self) -> int:
        return self._house.agenda.now_ms + self._house.clock_error_ms + self.offset_ms


class _OwnRows:
    """One actor's hand on the journal of all."""

    def __init__(self, journal: MemoryJournal, role: str) -> None:
        self._journal = journal
        self._role = role
        self._generation = 0
        self.load = journal.load
        self.recall = journal.recall

    def claim(self) -> int:
        self._generation = self._journal.claim(self._role)
        return self._generation

    def record(self, record: Record, at_ms: int) -> object:
        return self._journal.record(self._role, self._generation, record, at_ms)


class _Eye(HostWatch):
    """Shows the referee every step, writes the trace, and lets a player fall half-way."""

    def __init__(self, house: House, player: Player) -> None:
        self._house = house
        self._player = player
        self._left: list[int | None] = []
        """Of each message being handled: effects until the player falls; None if it does not."""

    def hears(self, host: Host, message: object, now_ms: int) -> None:
        del host, now_ms
        self._house.watcher.heard(self._player, message)

    def decided(self, host: Host, effects: Sequence[Effect]) -> None:
        del host
        self._left.append(self._house.cut(len(effects)) if effects else None)

    def performs(self, host: Host, effect: Effect) -> None:
        left = self._left[-1]
        if left is not None:
            if left == 0:
                self._player.fall()
                return
            self._left[-1] = left - 1
        house, player = self._house, self._player
        match effect:
            case Send(_, message):
                house.watcher.said(player, message)
            case Command(command):
                house.note(host.role, "commands", command)
                house.watcher.commanded(player, command)
            case Log("error", text):
                house.watcher.complained(player, text)

    def performed(self, host: Host, effect: Effect) -> None:
        if isinstance(effect, Record):
            self._house.note(host.role, "records", effect.event)
            self._house.watcher.recorded(self._player, effect)

    def handled(self, host: Host, message: object) -> None:
        del host, message
        if self._left.pop() == 0:
            self._player.fall()

    def raised(self, host: Host, message: object, error: Exception) -> None:
        if not isinstance(error, JournalError):
            text = "".join(traceback.format_exception(error))
            raise Breach(0, f"{host.role} raised on {message!r}:\n{text}")
