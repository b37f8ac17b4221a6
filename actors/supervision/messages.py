"""What foreground, supervisor and supervisor's actor say to each other."""

from __future__ import annotations

import enum

import attrs
from thespian.actors import Actor

from actors.roles import PROCESS
from actors.runtime.actor_spec import ActorSpec
from actors.runtime.clock import ClockSpec
from actors.settings import Settings


class ChildState(enum.Enum):
    """Where a child stands, as ``understudy ps`` shows it."""

    STARTING = "starting"
    SERVING = "serving"
    WAITING = "waiting"
    """Alive, but without something it needs, such as a feed that is reconnecting."""
    BACKING_OFF = "backing off"
    GIVEN_UP = "given up"
    """A strategy that fell too often: it is not made again, and its series is halted."""


@attrs.frozen(kw_only=True)
class ProcessSpec:
    """A row of the process table, in starting order."""

    name: str
    roles: tuple[str, ...]
    """Of the permanent actors in it."""
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
    processes: tuple[ProcessSpec, ...]
    orders_in: str
    """Name of the process in which orders live."""
    actors: dict[str, ActorSpec]
    """What fills each permanent role."""
    order: ActorSpec
    """What fills an order's role."""
    process_class: type[Actor]
    """The actor that a process is."""
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


@attrs.frozen
class ReplaceSettings:
    """The foreground has recorded other settings; said until a ChildrenReport has their number."""

    boot: SupervisorBoot
    """The supervisor's own with these settings, and the processes that they ask for."""


@attrs.frozen(kw_only=True)
class ChildReport:
    """One actor's row; a process without permanent actors has one too, under its own name."""

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
    process: str = ""
    """Name of the process that it lives in."""


@attrs.frozen(kw_only=True)
class Fall:
    """A process or an actor that fell, and when its successor served."""

    name: str
    """Of the process, or the actor's role."""
    pid: int
    roles: tuple[str, ...] = ()
    """Permanent actors that fell with a process of another name."""
    was_hung: bool = False
    """A process that answered nothing and was killed; otherwise it was suddenly gone."""
    reason: str = ""
    """Why an actor fell whose process lives on."""
    at_ms: int
    """Host monotonic time."""
    served_again_at_ms: int = 0
    """Host monotonic time; 0 while the successor does not serve."""


@attrs.frozen(kw_only=True)
class ChildrenReport:
    """All children, and whether the run must end."""

    request_id: int
    pid: int
    parent_pid: int = 0
    """The actor system's admin process."""
    children: tuple[ChildReport, ...]
    restarts: dict[str, int]
    """Falls since the supervisor began, of processes by their names and of actors by their roles;
    all Order actors count as "order"."""
    latencies_us: dict[str, tuple[int, ...]]
    """Samples since the last report."""
    handled_count: int
    """Messages handled by all children, past ones too."""
    refused_count: int = 0
    """Connections and frames that the sockets of all of them have refused, and the
    supervisor's."""
    escalation: str
    """Why the run must end; empty while it need not."""
    has_no_journal: bool = False
    """It must end because nothing can be recorded."""
    venue_offset_ms: int = 0
    """How far venue time was measured ahead of the run's own clock."""
    falls: tuple[Fall, ...] = ()
    """The newest ones, oldest first."""
    settings_number: int = 0
    """Of the settings that children are told."""
    is_cleared: bool
    """After ShutDown or an escalation: the desk has no live order left, or was given up on."""


# What the core wants its actor to do.


@attrs.frozen
class Spawn:
    """Make a process; ``handle`` names it from now on."""

    handle: int
    process: str


@attrs.frozen
class Tell:
    """Send a process a message, or an actor in it."""

    handle: int
    message: object
    role: str = PROCESS


@attrs.frozen
class Kill:
    """SIGKILL a process: one that does not answer, or that nobody needs any more."""

    pid: int
    is_hung: bool = True
    """Whether it may first write what led to it."""


@attrs.frozen
class Say:
    """Log a line."""

    level: str
    text: str


@attrs.frozen
class TellBook:
    """Send a process the address book as it is then; addresses are the actor's, not the core's."""

    handle: int


SupervisorEffect = Spawn | Tell | TellBook | Kill | Say
