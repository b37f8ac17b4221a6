"""Messages that every actor knows: its start, its timers, the address book, its pulse."""

from __future__ import annotations

import msgspec

from actors.settings import Settings


class Started(msgspec.Struct, frozen=True):
    """First message of every core: what was saved under its kinds, oldest first."""

    saved: tuple[object, ...] = ()


class Recalled(msgspec.Struct, frozen=True):
    """The answer to Recall: the latest value of the row, or None if there never was one."""

    kind: str
    key: str
    value: object
    about: object


class TimerFired(msgspec.Struct, frozen=True):
    """A timer that the core had set has run out."""

    key: str


class SettingsReplaced(msgspec.Struct, frozen=True):
    """To every core: these settings, as they hold for its role, are in force from now on."""

    settings: Settings


class PeerRestarted(msgspec.Struct, frozen=True):
    """A role has a new actor behind it, which knows only what it has recorded."""

    role: str


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """Where a role is reached now."""

    address: object
    """The actor's transport address."""
    generation: int
    """How often the role has been filled; a newer one means its actor was replaced."""


class AddressBook(msgspec.Struct, frozen=True, kw_only=True):
    """All roles and their addresses; sent to every child whenever one changes."""

    version: int
    entries: dict[str, Address]
    settings: Settings | None = None
    """Those in force, once they have changed since the supervisor began."""


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """What travels between processes: a message, who sent it, and which filling of that role."""

    sender_role: str
    generation: int
    message: object
    to: str
    """The role it is for; PROCESS for all of the process."""

    def __repr__(self) -> str:
        """Who and to whom; not the message, since the transport writes this out for each."""
        return f"Envelope({self.sender_role}/{self.generation} to {self.to})"


class ProcessStarted(msgspec.Struct, frozen=True):
    """A process has its Boot, and begins to start its actors."""

    process: str
    pid: int


class ActorFell(msgspec.Struct, frozen=True):
    """An actor is down, and its process lives on; ``reason`` is what its core raised."""

    role: str
    fall_count: int
    """How often it fell in this process; the same fall may be told twice."""
    reason: str


class StartChild(msgspec.Struct, frozen=True):
    """Ask the supervisor for an actor behind a temporary role; a second request changes nothing."""

    role: str


class ChildLost(msgspec.Struct, frozen=True):
    """A temporary role's actor fell before it had finished; its owner must ask for it again."""

    role: str


class Hello(msgspec.Struct, frozen=True, kw_only=True):
    """An actor is ready: its recovery is done, and its first words to others have left."""

    role: str
    pid: int
    generation: int
    is_serving: bool = True


class Leaving(msgspec.Struct, frozen=True):
    """An actor has finished of its own accord, and is gone."""

    role: str
    reason: str


class Ping(msgspec.Struct, frozen=True):
    """The supervisor asks for a sign of life, and says what the venue's clock is ahead by."""

    number: int
    venue_offset_ms: int = 0


class ActorPulse(msgspec.Struct, frozen=True, kw_only=True):
    """One actor's part of a sign of life."""

    role: str
    generation: int
    is_serving: bool
    fall_count: int = 0
    """As in ActorFell."""
    is_down: bool = False
    """Whether it has fallen, and waits for StartActor."""
    handled_count: int = 0
    last_message_age_ms: int = 0
    """Real time since the last message."""


class Pong(msgspec.Struct, frozen=True, kw_only=True):
    """A process's sign of life; it shows all that a lost Hello, Leaving or ActorFell has said."""

    process: str
    number: int
    pid: int
    book_version: int
    actors: tuple[ActorPulse, ...]
    """Every actor that lives in the process, or is down in it."""
    latencies_us: dict[str, tuple[int, ...]]
    """Samples since the last Pong: "tick_to_signal" and others, in real microseconds."""
    refused_count: int = 0
    """Connections and frames that the process's socket has refused."""


class ServingChanged(msgspec.Struct, frozen=True):
    """An actor began to serve, or no longer can."""

    role: str
    is_serving: bool


class VenueTimeMeasured(msgspec.Struct, frozen=True):
    """Directory to supervisor: venue time is ahead of the sender's clock by this much.

    The sender's host adds the correction that is already in force, so what arrives is absolute;
    the supervisor passes it on with every Ping, and every process corrects its clock by it.
    """

    offset_ms: int


class JournalFailed(msgspec.Struct, frozen=True):
    """An actor could not record, or not read what was recorded: no new order from now on."""

    role: str
    reason: str
    are_rows_lost: bool = False
    """It could not read what was open when it started, and may not know all there is."""
