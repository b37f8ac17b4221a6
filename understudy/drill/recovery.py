"""Whether a struck system serves again, told from what is seen of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from actors.execution.order_state import is_booked
from actors.messages.execution import OrderState
from actors.roles import order_id_of, order_role
from actors.runtime.journal import JournalReader
from actors.supervision.messages import ChildState
from understudy.drill.system import Seen


class Fallen(Protocol):
    """Who must come back, and who cannot be taken for it."""

    @property
    def roles(self) -> frozenset[str]:
        """Each must be filled again."""
        ...

    @property
    def gone(self) -> frozenset[int]:
        """Processes that nobody can live in any more."""
        ...

    @property
    def older(self) -> Mapping[str, int]:
        """Generations of those that are made again where they lived."""
        ...


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


def is_whole(seen: Seen, order_ids: Iterable[str]) -> bool:
    """Whether every role is served, and each of these orders is lived by an actor."""
    serving = {child.role for child in seen.children if child.state is ChildState.SERVING}
    return serving.issuperset(seen.permanent) and serving.issuperset(map(order_role, order_ids))


def served_since_ms(
    fallen: Fallen, seen: Seen, still_open: Collection[str], now_ms: int
) -> int | None:
    """Host monotonic time since when others serve the roles of the fallen; None if not yet.

    An order that has meanwhile closed its record needs no one any more: that counts as now.
    """
    instants = []
    for role in fallen.roles:
        order_id = order_id_of(role)
        if order_id is not None and order_id not in still_open:
            instants.append(now_ms)
            continue
        row = seen.child(role)
        if row is None or row.pid in fallen.gone or row.state is not ChildState.SERVING:
            return None
        if row.generation <= fallen.older.get(role, 0):
            return None
        instants.append(row.serving_since_ms)
    return max(instants)
