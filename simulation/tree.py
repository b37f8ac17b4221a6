"""One life of the supervisor with its children; supervisor.py on the agenda's time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from actors.messages import Address, AddressBook
from actors.roles import SUPERVISOR
from actors.supervision.core import SupervisorCore
from actors.supervision.messages import (
    Kill,
    Say,
    Spawn,
    SupervisorEffect,
    Tell,
    TellBook,
)
from simulation.chance import dice
from simulation.house import House
from simulation.player import Player
from simulation.post import Correspondent

BEAT_MS = 15_000
FORK_MS = 8
_NEVER_MS = 2**62


class Tree:
    """The actor around SupervisorCore, and the processes it made."""

    def __init__(
        self,
        house: House,
        number: int,
        roles: tuple[str, ...],
        on_giving_up: Callable[[], None],
    ) -> None:
        self.role = SUPERVISOR
        self.is_gone = False
        self._house = house
        self._on_giving_up = on_giving_up
        self._next_pid = pid = number * 1_000
        self._tick_at_ms = _NEVER_MS
        self._players: dict[int, Player] = {}
        self._handles: dict[int, int] = {}
        self._core = SupervisorCore(
            roles,
            house.settings.supervision,
            dice(house.seed, SUPERVISOR, number),
            pid,
            tick_gap_most_ms=BEAT_MS,
        )

    @property
    def players(self) -> Iterator[Player]:
        """Every child that is not gone."""
        return (player for player in self._players.values() if not player.is_gone)

    @property
    def is_cleared(self) -> bool:
        """Whether, after giving up, nothing is left to be ended."""
        return self._core.report(0, self._house.agenda.now_ms).is_cleared

    def begin(self) -> None:
        """Make the children, and begin to beat."""
        self._perform(self._core.begin(self._house.agenda.now_ms))
        self._beat()

    def fall(self) -> None:
        """Be gone; the children do not notice at once."""
        self.is_gone = True

    def receive(
        self, sender: Correspondent, sender_role: str, generation: int, message: object
    ) -> None:
        """Take a message of a child."""
        del generation
        if not self.is_gone:
            now_ms = self._house.agenda.now_ms
            self._house.note(SUPERVISOR, f"<{sender_role}", message)
            handle = self._handles.get(id(sender), -1)
            self._perform(self._core.child_said(handle, message, now_ms))

    def child_is_gone(self, player: Player) -> None:
        """Take note of an exit."""
        if self.is_gone:
            return
        handle = self._handles.pop(id(player))
        self._perform(self._core.child_exited(handle, self._house.agenda.now_ms))
        del self._players[handle]

    def _beat(self) -> None:
        if not self.is_gone:
            self._house.agenda.after(BEAT_MS, self._beat)
            self._tick()

    def _tick(self) -> None:
        self._tick_at_ms = _NEVER_MS
        if not self.is_gone:
            self._perform(self._core.tick(self._house.agenda.now_ms))

    def _arm_tick(self) -> None:
        agenda = self._house.agenda
        delay_ms = self._core.next_tick_ms(agenda.now_ms)
        if delay_ms is not None and agenda.now_ms + delay_ms < self._tick_at_ms:
            self._tick_at_ms = agenda.now_ms + delay_ms
            agenda.after(delay_ms, self._tick)

    def _perform(self, effects: list[SupervisorEffect]) -> None:
        for effect in effects:
            self._perform_one(effect)
        self._arm_tick()

    def _perform_one(self, effect: SupervisorEffect) -> None:
        match effect:
            case Spawn(handle, role):
                self._spawn(handle, role)
            case Tell(handle, message):
                self._tell(handle, message)
            case TellBook(handle):
                self._tell(handle, self._book())
            case Kill(pid):
                for player in self.players:
                    if player.pid == pid:
                        player.fall()
            case Say(level, text):
                self._house.note(SUPERVISOR, "logs", text)
                if level == "error":
                    self._on_giving_up()

    def _spawn(self, handle: int, role: str) -> None:
        self._next_pid += 1
        player = Player(self._house, self, role, self._next_pid, self._core.venue_offset_ms)
        self._players[handle] = player
        self._handles[id(player)] = handle
        self._core.child_forked(handle, player.pid)
        if self._house.post.delivers_boot():
            self._house.agenda.after(FORK_MS, player.begin, self._book())

    def _book(self) -> AddressBook:
        entries = {SUPERVISOR: Address(address=self, generation=0)}
        for role, handle, generation in self._core.listed():
            entries[role] = Address(address=self._players[handle], generation=generation)
        return AddressBook(version=self._core.book_version, entries=entries)

    def _tell(self, handle: int, message: object) -> None:
        player = self._players[handle]
        self._house.post.send(self, SUPERVISOR, 0, player, message, is_control=True)
