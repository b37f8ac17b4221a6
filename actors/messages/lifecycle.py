"""Messages for every actor: its start, its timers, the address book, signs of life."""

from __future__ import annotations

import msgspec

from actors.settings import Settings


class Started(msgspec.Struct, frozen=True):
    """First message of every core: the open values saved under its kinds, oldest first."""

    saved: tuple[object, ...] = ()


class Recalled(msgspec.Struct, frozen=True):
    """The answer to Recall: the row's latest value, or None if there never was one."""

    kind: str
    key: str
    value: object
    about: object


class TimerFired(msgspec.Struct, frozen=True):
    """A timer set by the core has expired."""

    key: str


class SettingsReplaced(msgspec.Struct, frozen=True):
    """To every core: the settings for its role from now on."""

    settings: Settings


class PeerRestarted(msgspec.Struct, frozen=True):
    """A role has a new actor, which knows only what was recorded."""

    role: str


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """Where a role is reached."""

    address: object
    """The actor's transport address."""
    generation: int
    """How often the role has been filled; a higher number means a newer actor."""


class AddressBook(msgspec.Struct, frozen=True, kw_only=True):
    """All roles and their addresses; sent to every child at each change."""

    version: int
    entries: dict[str, Address]
    settings: Settings | None = None
    """The settings in force, if they have changed since the supervisor started."""


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """A message between processes, with its sender: role and generation."""

    sender_role: str
    generation: int
    message: object
    to: str
    """The receiving role; PROCESS for the whole process."""

    def __repr__(self) -> str:
        """Sender and receiver without the message: the transport formats this each time."""
        return f"Envelope({self.sender_role}/{self.generation} to {self.to})"


class ProcessStarted(msgspec.Struct, frozen=True):
    """A process has received Boot, and begins to start its actors."""

    process: str
    pid: int


class ActorFell(msgspec.Struct, frozen=True):
    """An actor is down but its process lives on; ``reason`` is the core's exception."""

    role: str
    fall_count: int
    """How often it has crashed in this process; the same crash may be reported twice."""
    reason: str


class StartChild(msgspec.Struct, frozen=True):
    """Request an actor for a temporary role; a repetition changes nothing."""

    role: str


class ChildLost(msgspec.Struct, frozen=True):
    """A temporary role's actor crashed before it had finished; its owner must request it again."""

    role: str


class Hello(msgspec.Struct, frozen=True, kw_only=True):
    """An actor is ready: it has recovered, and its first messages to others were sent."""

    role: str
    pid: int
    generation: int
    is_serving: bool = True


class Leaving(msgspec.Struct, frozen=True):
    """An actor has finished by itself, and is gone."""

    role: str
    reason: str


class Ping(msgspec.Struct, frozen=True):
    """The supervisor asks for a sign of life, and passes on the correction of the venue's clock."""

    number: int
    venue_offset_ms: int = 0


class ActorPulse(msgspec.Struct, frozen=True, kw_only=True):
    """One actor's part of a Pong."""

    role: str
    generation: int
    is_serving: bool
    fall_count: int = 0
    """As in ActorFell."""
    is_down: bool = False
    """Whether it has crashed, and waits for StartActor."""
    handled_count: int = 0
    last_message_age_ms: int = 0
    """Real time since the last message."""


class Pong(msgspec.Struct, frozen=True, kw_only=True):
    """A process's sign of life; it repeats what a lost Hello, Leaving or ActorFell had said."""

    process: str
    number: int
    pid: int
    book_version: int
    actors: tuple[ActorPulse, ...]
    """Every actor that lives in the process, or is down in it."""
    latencies_us: dict[str, tuple[int, ...]]
    """Samples since the last Pong: "tick_to_signal" and others, in real microseconds."""
    refused_count: int = 0
    """Connections and frames refused by the process's socket."""


class ServingChanged(msgspec.Struct, frozen=True):
    """An actor has begun to serve, or can no longer serve."""

    role: str
    is_serving: bool


class VenueTimeMeasured(msgspec.Struct, frozen=True):
    """Directory to supervisor: how far venue time is ahead of the sender's clock.

    The sender's host adds the correction already in force, so the received value is absolute. The
    supervisor passes it on with every Ping, and every process corrects its clock by it.
    """

    offset_ms: int


class JournalFailed(msgspec.Struct, frozen=True):
    """An actor could not write the journal or read its rows: no new orders from now on."""

    role: str
    reason: str
    are_rows_lost: bool = False
    """It could not read its open rows at its start, and may not know everything."""
