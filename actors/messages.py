"""Messages that every actor knows: its start, its timers, the address book, its pulse."""

from __future__ import annotations

import attrs

from actors.runtime.clock import ClockSpec
from actors.settings import Settings


@attrs.frozen
class Started:
    """First message of every core: what was saved under its kinds, oldest first."""

    saved: tuple[object, ...] = ()


@attrs.frozen
class Recalled:
    """The answer to Recall: the latest value of the row, or None if there never was one."""

    kind: str
    key: str
    value: object
    about: object


@attrs.frozen
class TimerFired:
    """A timer that the core had set has run out."""

    key: str


@attrs.frozen
class PeerRestarted:
    """A role has a new actor behind it, which knows only what it has recorded."""

    role: str


@attrs.frozen(kw_only=True)
class Address:
    """Where a role is reached now."""

    address: object
    """The actor's transport address."""
    generation: int
    """How often the role has been filled; a newer one means its actor was replaced."""


@attrs.frozen(kw_only=True)
class AddressBook:
    """All roles and their addresses; sent to every child whenever one changes."""

    version: int
    entries: dict[str, Address]


@attrs.frozen(kw_only=True)
class Boot:
    """What an actor must know to start: the first message its shell receives."""

    role: str
    settings: Settings
    clock: ClockSpec
    data_dir: str
    """Directory of the journal and the log."""
    log_to_stderr: bool
    seed: int
    """For this actor's dice."""
    book: AddressBook
    venue_offset_ms: int = 0
    """How far venue time is ahead of ``clock``."""
    pause_points_dir: str | None = None
    """Where a drill arms pause points; None in every other run."""
    is_urgent: bool = False
    """Whether it is to run before whatever is not, if the system allows that."""


@attrs.frozen(kw_only=True)
class Envelope:
    """What travels between actors: a message, who sent it, and which filling of that role."""

    sender_role: str
    generation: int
    message: object = attrs.field(repr=False)  # the transport writes it out for every message


@attrs.frozen
class Assign:
    """A waiting Order actor takes this role, recovers its order and lives it."""

    role: str


@attrs.frozen
class StartChild:
    """Ask the supervisor for an actor behind a temporary role; a second request changes nothing."""

    role: str


@attrs.frozen
class ChildLost:
    """A temporary role's actor fell before it had finished; its owner must ask for it again."""

    role: str


@attrs.frozen(kw_only=True)
class Hello:
    """A child is ready: its recovery is done, and its first words to others have left."""

    role: str
    pid: int
    generation: int
    is_serving: bool = True


@attrs.frozen
class Leaving:
    """A child has finished of its own accord; it goes when it hears Dismissed."""

    role: str
    reason: str
    latencies_us: dict[str, tuple[int, ...]] = attrs.field(factory=dict)
    """Its last samples, as in Pong."""


@attrs.frozen
class Dismissed:
    """Supervisor to child: that you have finished is known; your exit is no fall."""


@attrs.frozen
class Ping:
    """The supervisor asks for a sign of life, and says what the venue's clock is ahead by."""

    number: int
    venue_offset_ms: int = 0


@attrs.frozen(kw_only=True)
class Pong:
    """A sign of life, with what ``understudy ps`` shows."""

    role: str
    number: int
    is_serving: bool
    book_version: int
    handled_count: int
    last_message_age_ms: int
    """Real time since the last message that was not a Ping."""
    latencies_us: dict[str, tuple[int, ...]]
    """Samples since the last Pong: "tick_to_signal" and "tick_to_order", real microseconds."""
    pid: int = 0
    generation: int = 0
    """With ``role`` and ``pid`` all that Hello says, in case that was lost."""


@attrs.frozen
class ServingChanged:
    """A child began to serve, or no longer can."""

    role: str
    is_serving: bool


@attrs.frozen
class VenueTimeMeasured:
    """Directory to supervisor: venue time is ahead of the sender's clock by this much.

    The sender's shell adds the correction that is already in force, so what arrives is absolute;
    the supervisor passes it on with every Ping, and every shell corrects its clock by it.
    """

    offset_ms: int


@attrs.frozen
class JournalFailed:
    """An actor could not record: no new order from now on."""

    role: str
    reason: str
