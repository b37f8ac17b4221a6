"""Whom a blow hits, and which roles need a successor before the system serves again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import attrs

from actors.roles import SUPERVISOR, order_id_of
from actors.runtime.pause_points import Held, who
from understudy.drill.plan import ADMIN, EVERYTHING, FOREGROUND, LOGGER, ORDER, Step
from understudy.drill.recovery import PERMANENT
from understudy.drill.system import DrilledSystem, Seen

Pids = frozenset[int]

_TREES: Mapping[str, Callable[[DrilledSystem, Seen], Pids]] = {
    SUPERVISOR: lambda _system, seen: frozenset({seen.supervisor_pid}),
    ADMIN: lambda _system, seen: frozenset({seen.admin_pid}),
    FOREGROUND: lambda system, _seen: frozenset({system.foreground_pid}),
    EVERYTHING: lambda system, _seen: system.pids(),
}
"""Whoever of these falls takes all actors with it."""


@attrs.frozen(kw_only=True)
class Aim:
    """Which processes are hit, and who must come back."""

    hit: Pids
    gone: Pids
    """Who cannot be a successor: the hit, and those who fall with them."""
    roles: frozenset[str]
    """Each must be filled again, by someone else."""


def aim(
    step: Step, held: Held | None, system: DrilledSystem, seen: Seen, in_flight: Collection[str]
) -> Aim | None:
    """Say whom a step hits; None while there is nobody to hit.

    Args:
        step: what is to be done.
        held: who is held at the step's pause point; None without one.
        system: the system that is struck.
        seen: how it looks now.
        in_flight: ids of the orders that have not ended; of those that have, none is worth a blow.
    """
    target = step.blow.target
    if target in _TREES:
        hit = _TREES[target](system, seen)
        fallen = frozenset(child.pid for child in seen.children)
        return Aim(hit=hit, gone=hit | fallen, roles=frozenset(PERMANENT))
    if target == LOGGER:
        return _single(LOGGER, system.logger_pid(seen))
    if held is not None and who(held.role) == target:
        return _single(held.role, held.pid)
    if target == ORDER:
        rows = [row for row in seen.children if order_id_of(row.role) in in_flight]
        child = rows[step.pick % len(rows)] if rows else None
    else:
        child = seen.child(target)
    return _single(child.role, child.pid) if child is not None else None


def _single(role: str, pid: int | None) -> Aim | None:
    if not pid:
        return None
    return Aim(hit=frozenset({pid}), gone=frozenset({pid}), roles=frozenset({role}))
