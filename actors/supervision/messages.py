"""Messages between foreground, supervisor and supervisor core."""

from __future__ import annotations

import enum

import attrs
from thespian.actors import Actor

from actors.roles import PROCESS
from actors.runtime.actor_spec import ActorSpec
from actors.runtime.clock import ClockSpec
from actors.settings import Settings


class ChildState(enum.Enum):
    """The state of a child, as ``understudy ps`` shows it."""

    STARTING = "starting"
    SERVING = "serving"
    WAITING = "waiting"
    """Alive, but without something it needs, such as a feed that is reconnecting."""
    BACKING_OFF = "backing off"
    GIVEN_UP = "given up"
    """A strategy that crashed too often: it is not restarted, and its series is halted."""


@attrs.frozen(kw_only=True)
class ProcessSpec:
    """A row of the process table, in starting order."""

    name: str
    roles: tuple[str, ...]
    """Roles of its permanent actors."""
    is_urgent: bool = False
    """Whether a tick passes through it on its way to an order."""


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
    """Name of the process of all orders."""
    actors: dict[str, ActorSpec]
    """The actor for each permanent role."""
    order: ActorSpec
    """The actor for each order."""
    process_class: type[Actor]
    """The actor class of a process."""
    pause_points_dir: str | None = None
    """Where a drill arms pause points; None in every other run."""


@attrs.frozen
class GetChildren:
    """Request the state of the children; answered with ChildrenReport."""

    request_id: int


@attrs.frozen
class GetAddress:
    """Request the address of a role; answered with an Address, or None."""

    role: str


@attrs.frozen
class ShutDown:
    """Request an orderly shutdown; answered with ChildrenReport once all orders have ended."""

    reason: str


@attrs.frozen
class ReplaceSettings:
    """Announce recorded settings; repeated until a ChildrenReport has their number."""

    boot: SupervisorBoot
    """The supervisor's own with these settings, and the processes that they require."""


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
    """Host monotonic time since which it has served without interruption; 0 while it does not."""
    process: str = ""
    """Name of its process."""


@attrs.frozen(kw_only=True)
class Fall:
    """A crash of a process or an actor, and when its successor served."""

    name: str
    """The name of the process, or the role of the actor."""
    pid: int
    roles: tuple[str, ...] = ()
    """Permanent actors that were lost with a process of another name."""
    was_hung: bool = False
    """The process stopped answering and was killed; otherwise it exited."""
    reason: str = ""
    """Why an actor crashed in a process that lives on."""
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
    """Crashes since the supervisor began, of processes by name and of actors by role; all Order
    actors count as "order"."""
    latencies_us: dict[str, tuple[int, ...]]
    """Samples since the last report."""
    handled_count: int
    """Messages handled by all children, including former ones."""
    refused_count: int = 0
    """Connections and frames refused by the sockets of all children and the supervisor."""
    escalation: str
    """Why the run must end; empty while it need not."""
    has_no_journal: bool = False
    """It must end because nothing can be recorded."""
    venue_offset_ms: int = 0
    """By how much venue time was measured to be ahead of the run's own clock."""
    falls: tuple[Fall, ...] = ()
    """The newest ones, oldest first."""
    settings_number: int = 0
    """Number of the settings that children are sent."""
    is_cleared: bool
    """After ShutDown or an escalation: the desk has no live order left, or did not answer in
    time."""


# Effects of the core.


@attrs.frozen
class Spawn:
    """Start a process, which ``handle`` identifies from now on."""

    handle: int
    process: str


@attrs.frozen
class Tell:
    """Send a message to a process, or to an actor in it."""

    handle: int
    message: object
    role: str = PROCESS


@attrs.frozen
class Kill:
    """SIGKILL a process that does not answer, or that is no longer needed."""

    pid: int
    is_hung: bool = True
    """Whether it may first write a crash file."""


@attrs.frozen
class Say:
    """Log a line."""

    level: str
    text: str


@attrs.frozen
class TellBook:
    """Send a process the current address book; addresses belong to the actor, not to the core."""

    handle: int


SupervisorEffect = Spawn | Tell | TellBook | Kill | Say
