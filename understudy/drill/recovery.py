"""Which processes an injection hits, and whether the system serves again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

import attrs

from actors.execution.order_state import is_booked
from actors.messages.execution import OrderState
from actors.roles import SUPERVISOR, base_role, order_id_of, order_role
from actors.runtime.journal import JournalReader
from actors.runtime.pause_points import Held, who
from actors.supervision.messages import ChildState
from understudy.drill.plan import ADMIN, EVERYTHING, FOREGROUND, LOGGER, ORDER, Step
from understudy.drill.system import DrilledSystem, Seen

Pids = frozenset[int]

_TREES: Mapping[str, Callable[[DrilledSystem, Seen], Pids]] = {
    SUPERVISOR: lambda _system, seen: frozenset({seen.supervisor_pid}),
    ADMIN: lambda _system, seen: frozenset({seen.admin_pid}),
    FOREGROUND: lambda system, _seen: frozenset({system.foreground_pid}),
    EVERYTHING: lambda system, _seen: system.pids(),
}
"""Processes whose death takes all actors with it."""


@attrs.frozen(kw_only=True)
class Aim:
    """The processes to hit, and the roles that must come back."""

    hit: Pids
    gone: Pids
    """Processes that cannot be successors: those hit, and those that die with them."""
    roles: frozenset[str]
    """Each must be filled again, by another process."""
    older: Mapping[str, int] = attrs.field(factory=dict)
    """Generations of actors that are restarted in the process they lived in."""


def aim_at_actor(role: str, before: Seen) -> Aim:
    """Say what must come back after one actor's core has raised; ``before`` is the view then."""
    row = before.child(role)
    older = {role: row.generation if row is not None else 0}
    return Aim(hit=frozenset(), gone=frozenset(), roles=frozenset({role}), older=older)


def aim(
    step: Step, held: Held | None, system: DrilledSystem, seen: Seen, in_flight: Collection[str]
) -> Aim | None:
    """Choose what a step hits; None while there is nothing to hit.

    Args:
        step: the injection.
        held: pid of the process held at the step's pause point; None without one.
        system: the system under drill.
        seen: its present state.
        in_flight: ids of the orders that have not ended; only they are hit.
    """
    target = step.injection.target
    if target in _TREES:
        hit = _TREES[target](system, seen)
        fallen = frozenset(child.pid for child in seen.children)
        return Aim(hit=hit, gone=hit | fallen, roles=frozenset(seen.permanent))
    if target == LOGGER:
        return _process(LOGGER, system.logger_pid(seen), seen)
    if held is not None and who(held.role) == target:
        return _process(held.role, held.pid, seen)
    if target == ORDER:
        rows = [row for row in seen.children if order_id_of(row.role) in in_flight]
    else:
        rows = [row for row in seen.children if base_role(row.role) == target]
    if not rows:
        return None
    child = rows[step.pick % len(rows)]
    return _process(child.role, child.pid, seen)


def _process(role: str, pid: int | None, seen: Seen) -> Aim | None:
    """Aim at an actor's process, and so at all actors in it."""
    if not pid:
        return None
    there = {row.role for row in seen.children if row.pid == pid and role != LOGGER}
    fallen = {each for each in there if each in seen.permanent or order_id_of(each) is not None}
    return Aim(hit=frozenset({pid}), gone=frozenset({pid}), roles=frozenset({role}) | fallen)


def open_orders(reader: JournalReader) -> frozenset[str]:
    """Ids of the orders whose record is open."""
    return frozenset(order.intent.order_id for order in _orders(reader))


def in_flight(reader: JournalReader) -> frozenset[str]:
    """Ids of the orders that have not ended, or have fills that are not in the ledger."""
    return frozenset(
        order.intent.order_id
        for order in _orders(reader)
        if not (order.is_terminal and is_booked(order))
    )


def _orders(reader: JournalReader) -> list[OrderState]:
    values = reader.states("order", open_only=True)
    return [order for order in values if isinstance(order, OrderState)]


def unserved(seen: Seen, order_ids: Iterable[str]) -> frozenset[str]:
    """Return the permanent roles, and those of these orders, that no actor serves."""
    serving = {child.role for child in seen.children if child.state is ChildState.SERVING}
    return frozenset({*seen.permanent, *map(order_role, order_ids)}) - serving


def served_since_ms(aimed: Aim, seen: Seen, still_open: Collection[str], now_ms: int) -> int | None:
    """Host monotonic time since when others serve the roles of the dead; None if not yet.

    An order that has closed its record meanwhile needs no actor any more: that counts as now.
    """
    instants = []
    for role in aimed.roles:
        order_id = order_id_of(role)
        if order_id is not None and order_id not in still_open:
            instants.append(now_ms)
            continue
        row = seen.child(role)
        if row is None or row.pid in aimed.gone or row.state is not ChildState.SERVING:
            return None
        if row.generation <= aimed.older.get(role, 0):
            return None
        instants.append(row.serving_since_ms)
    return max(instants)
