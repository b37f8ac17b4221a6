"""A stage for one shell without an actor system: it records what the shell asks of Thespian."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import attrs
from thespian.actors import ActorAddress, ActorExitRequest

from actors.messages import Address, AddressBook, Boot, Envelope
from actors.roles import SUPERVISOR
from actors.runtime.clock import ClockSpec
from actors.runtime.journal_file import prepare
from actors.runtime.process import Shell
from actors.settings import Settings


@attrs.define
class RecordingRef:
    """Stands where Thespian's own actor reference stands."""

    address: object = attrs.field(factory=lambda: FakeAddress("self"))
    sent: list[tuple[object, object]] = attrs.field(factory=list)
    wakeups: list[tuple[timedelta, object]] = attrs.field(factory=list)

    def actor_send(self, address: object, message: object) -> None:
        self.sent.append((address, message))

    def wakeupAfter(  # noqa: N802 # the name is Thespian's
        self, delay: timedelta, payload: object = None
    ) -> None:
        self.wakeups.append((delay, payload))


class FakeAddress(ActorAddress):
    """An address that only says its own name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FakeAddress) and other.name == self.name

    __hash__ = None  # type: ignore[assignment] # Thespian's addresses are unhashable too

    def __repr__(self) -> str:
        return f"<{self.name}>"


class ShellStage:
    """Boots a shell with every role reachable, gives it messages, and says what it sent to whom."""

    def __init__(
        self, shell: Shell, role: str, data_dir: Path, settings: Settings | None = None
    ) -> None:
        self.shell = shell
        self.role = role
        self.data_dir = data_dir
        self.ref = RecordingRef()
        shell._myRef = self.ref
        self.settings = settings or Settings()
        prepare(data_dir)

    def boot(
        self, *peers: str, pause_points_dir: str | None = None, is_urgent: bool = False
    ) -> None:
        entries = {
            peer: Address(address=FakeAddress(peer), generation=1) for peer in (SUPERVISOR, *peers)
        }
        self.shell.receiveMessage(
            Boot(
                role=self.role,
                settings=self.settings,
                clock=ClockSpec.starting_now(),
                data_dir=str(self.data_dir),
                log_to_stderr=False,
                seed=7,
                book=AddressBook(version=1, entries=entries),
                pause_points_dir=pause_points_dir,
                is_urgent=is_urgent,
            ),
            FakeAddress(SUPERVISOR),
        )

    def say(self, sender: str, message: object, generation: int = 1) -> None:
        envelope = Envelope(sender_role=sender, generation=generation, message=message)
        self.shell.receiveMessage(envelope, FakeAddress(sender))

    def sent_to(self, role: str) -> list[object]:
        """Messages sent to a role so far, unwrapped."""
        return [
            message.message if isinstance(message, Envelope) else message
            for address, message in self.ref.sent
            if address == FakeAddress(role)
        ]

    def has_asked_to_exit(self) -> bool:
        return any(
            isinstance(message, ActorExitRequest)
            for address, message in self.ref.sent
            if address == FakeAddress("self")
        )

    def log_text(self) -> str:
        return (self.data_dir / "understudy.log").read_text()
