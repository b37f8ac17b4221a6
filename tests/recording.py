"""A stage for one process without an actor system: it records what is asked of Thespian."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
from thespian.actors import ActorAddress

from actors.messages.lifecycle import Address, AddressBook, Envelope
from actors.roles import ORDERS, PROCESS, SUPERVISOR
from actors.runtime.actor_spec import ActorSpec
from actors.runtime.clock import ClockSpec
from actors.runtime.group import HostGroup
from actors.runtime.journal_file import prepare
from actors.runtime.messages import Boot
from actors.runtime.process import ActorProcess
from actors.settings import Settings
from understudy.composition import ORDER


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


class ProcessStage:
    """Boots a process with every role reachable, gives it messages, says what it sent to whom."""

    def __init__(
        self,
        data_dir: Path,
        actors: dict[str, ActorSpec],
        settings: Settings | None = None,
        *,
        order: ActorSpec | None = None,
    ) -> None:
        self.process = ActorProcess()
        self.actors = actors
        self.order = order or ORDER
        self.role = next(iter(actors), ORDERS)
        self.data_dir = data_dir
        self.ref = RecordingRef()
        self.process._myRef = self.ref
        self.settings = settings or Settings()
        prepare(data_dir)

    @property
    def group(self) -> HostGroup:
        assert self.process._group is not None
        return self.process._group

    @property
    def port(self) -> Any:
        """The first actor's port."""
        return self.group.hosts[self.role].port

    def boot(
        self, *peers: str, pause_points_dir: str | None = None, is_urgent: bool = False
    ) -> None:
        entries = {
            peer: Address(address=FakeAddress(peer), generation=1) for peer in (SUPERVISOR, *peers)
        }
        self.process.receiveMessage(
            Boot(
                process=self.role,
                roles=tuple(self.actors),
                actors=self.actors,
                order=self.order,
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

    def say(self, sender: str, message: object, generation: int = 1, to: str | None = None) -> None:
        """Say something to the first actor, or to another."""
        envelope = Envelope(
            sender_role=sender,
            generation=generation,
            message=message,
            to=self.role if to is None else to,
        )
        self.process.receiveMessage(envelope, FakeAddress(sender))

    def tell(self, word: object) -> None:
        """Say something to the process, as the supervisor does."""
        self.say(SUPERVISOR, word, generation=0, to=PROCESS)

    def sent_to(self, role: str) -> list[object]:
        """Messages sent to a role so far, unwrapped."""
        return [
            message.message if isinstance(message, Envelope) else message
            for address, message in self.ref.sent
            if address == FakeAddress(role)
        ]

    def log_text(self) -> str:
        return (self.data_dir / "understudy.log").read_text()
