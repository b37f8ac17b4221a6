"""Messages of the supervisor to processes: starting a process and its actors."""

from __future__ import annotations

import attrs

from actors.messages.lifecycle import AddressBook
from actors.runtime.actor_spec import ActorSpec
from actors.runtime.clock import ClockSpec
from actors.settings import Settings


@attrs.frozen(kw_only=True)
class Boot:
    """The first message to a process: everything it needs to start."""

    process: str
    """The process's name."""
    roles: tuple[str, ...]
    """Roles of its permanent actors, in starting order."""
    actors: dict[str, ActorSpec]
    """The spec of each of these roles."""
    order: ActorSpec
    """The spec of an order's role."""
    settings: Settings
    clock: ClockSpec
    data_dir: str
    """Directory of the journal and the log."""
    log_to_stderr: bool
    seed: int
    """Seed of its actors' random numbers."""
    book: AddressBook
    venue_offset_ms: int = 0
    """By how much venue time is ahead of ``clock``."""
    pause_points_dir: str | None = None
    """Where a drill arms pause points; None in every other run."""
    is_urgent: bool = False
    """Whether it should run before processes that are not urgent, if the system allows that."""


@attrs.frozen
class EndActor:
    """Supervisor to process: end an actor whose series is no longer traded."""

    role: str


@attrs.frozen
class StartActor:
    """Supervisor to process: start this role's actor, or repeat its Hello.

    The role is an order's, or that of an actor whose core has raised.
    """

    role: str
