"""What foreground, supervisor and supervisor's actor say to each other."""

from __future__ import annotations

import enum

import attrs
from thespian.actors import Actor

from actors.runtime.clock import ClockSpec
from actors.settings import Settings


class ChildKind(enum.Enum):
    """What follows when a child falls."""

    PERMANENT = "permanent"
    TEMPORARY = "temporary"


class ChildState(enum.Enum):
    """Where a child stands, as ``understudy ps`` shows it."""

    STARTING = "starting"
    SERVING = "serving"
    WAITING = "waiting"
    """Alive, but without something it needs, such as a feed that is reconnecting."""
    BACKING_OFF = "backing off"


@attrs.frozen
class ChildSpec:
    """A row of the child table: a role and the shell that fills it, in starting order."""

    role: str
    shell: type[Actor]
    is_urgent: bool = False
    """Whether a tick waits for it on its way to an order."""


@attrs.frozen(kw_only=True)
class SupervisorBoot:
    """First message to the supervisor, from the foreground process."""

    settings: Settings
    clock: ClockSpec
    data_dir: str
    log_to_stderr: bool
    seed: int
    children: tuple[ChildSpec, ...]
    order_shell: type[Actor]
    pause_points_dir: str | None = None
    """Where a drill arms pause points; None in every other run."""


@attrs.frozen
class GetChildren:
    """The foreground asks how the children are; answered with ChildrenReport."""

    request_id: int


@attrs.frozen
class GetAddress:
    """The foreground asks where a role is; answered with an Address, or None."""

    role: str


@attrs.frozen
class ShutDown:
    """The foreground wants an orderly end; answered with ChildrenReport once orders are over."""

    reason: str


@attrs.frozen(kw_only=True)
class ChildReport:
    """One child's row."""

    role: str
    pid: int
    state: ChildState
    generation: int
    restarts: int
    uptime_ms: int
    last_message_age_ms: int
    handled_count: int
    serving_since_ms: int = 0
    """Host monotonic time since when it has served without a break; 0 while it does not."""


@attrs.frozen(kw_only=True)
class ChildrenReport:
    """All children, and whether the run must end."""

    request_id: int
    pid: int
    parent_pid: int = 0
    """The actor system's admin process."""
    children: tuple[ChildReport, ...]
    restarts: dict[str, int]
    """Falls by role since the supervisor began; all Order actors count as "order"."""
    latencies_us: dict[str, tuple[int, ...]]
    """Samples since the last report."""
    handled_count: int
    """Messages handled by all children, past ones too."""
    escalation: str
    """Why the run must end; empty while it need not."""
    has_no_journal: bool = False
    """It must end because nothing can be recorded."""
    venue_offset_ms: int = 0
    """How far venue time was measured ahead of the run's own clock."""
    is_cleared: bool
    """After ShutDown or an escalation: the desk has no live order left, or was given up on."""


# What the core wants its actor to do.


@attrs.frozen
class Spawn:
    """Make an actor; ``handle`` names it from now on."""

    handle: int
    role: str


@attrs.frozen
class Tell:
    """Send a child a message."""

    handle: int
    message: object


@attrs.frozen
class Kill:
    """SIGKILL a child that does not answer."""

    pid: int


@attrs.frozen
class Say:
    """Log a line."""

    level: str
    text: str


@attrs.frozen
class TellBook:
    """Send a child the address book as it is then; addresses are the actor's, not the core's."""

    handle: int


SupervisorEffect = Spawn | Tell | TellBook | Kill | Say
