"""How a process, and an actor in it, is begun: what the supervisor says to processes."""

from __future__ import annotations

import attrs

from actors.messages.lifecycle import AddressBook
from actors.runtime.actor_spec import ActorSpec
from actors.runtime.clock import ClockSpec
from actors.settings import Settings


@attrs.frozen(kw_only=True)
class Boot:
    """What a process must know to start: the first message it receives."""

    process: str
    """Its name."""
    roles: tuple[str, ...]
    """Of the permanent actors that live in it, in the order of their start."""
    actors: dict[str, ActorSpec]
    """What fills each of these roles."""
    order: ActorSpec
    """What fills an order's role."""
    settings: Settings
    clock: ClockSpec
    data_dir: str
    """Directory of the journal and the log."""
    log_to_stderr: bool
    seed: int
    """For its actors' dice."""
    book: AddressBook
    venue_offset_ms: int = 0
    """How far venue time is ahead of ``clock``."""
    pause_points_dir: str | None = None
    """Where a drill arms pause points; None in every other run."""
    is_urgent: bool = False
    """Whether it is to run before whatever is not, if the system allows that."""


@attrs.frozen
class EndActor:
    """Supervisor to process: let an actor go whose series is traded no more."""

    role: str


@attrs.frozen
class StartActor:
    """Supervisor to process: have an actor in this role, or say Hello for it again.

    The role is an order's, or that of an actor whose core has raised.
    """

    role: str
