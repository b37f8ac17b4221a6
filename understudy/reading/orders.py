"""Orders as a list: a table for people, exact texts for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

import attrs
from rich.table import Table
from rich.text import Text

from actors.execution.order_state import is_booked
from actors.messages.execution import OrderState, OrderStatus
from actors.model import FillDetail
from actors.shown_text import shown
from actors.units import dollars_text, price_text, size_text
from understudy.display.screen import listing
from understudy.display.wording import price_label, size_label, status_label, what_text
from understudy.reading.moments import iso_text, moment_label

_STATUS_STYLES = {
    OrderStatus.FILLED: "green",
    OrderStatus.CANCELLED: "dim",
    OrderStatus.REJECTED: "red",
    OrderStatus.UNKNOWN: "bold red",
}


def is_open(order: OrderState) -> bool:
    """Whether an order owns its side: it lives, or the ledger lacks a fill of it."""
    return not (order.is_terminal and is_booked(order))


def standing_fills(order: OrderState) -> tuple[FillDetail, ...]:
    """The fills that were not reversed."""
    return tuple(fill for fill in order.fills if fill.trade_id not in order.reversed_trade_ids)


@attrs.frozen(kw_only=True)
class FillRatio:
    """How much of the ordered size was traded, over orders that have ended."""

    orders_count: int = 0
    touched_count: int = 0
    """Orders with any fill that stands."""
    ordered_units: int = 0
    filled_units: int = 0

    @classmethod
    def of(cls, orders: Iterable[OrderState]) -> FillRatio:
        """Sum up the orders that have ended; open ones may still fill."""
        ended = [order for order in orders if order.is_terminal]
        return cls(
            orders_count=len(ended),
            touched_count=sum(order.filled_units > 0 for order in ended),
            ordered_units=sum(order.intent.size_units for order in ended),
            filled_units=sum(order.filled_units for order in ended),
        )

    def __add__(self, other: FillRatio) -> FillRatio:
        """Combine both."""
        return FillRatio(
            orders_count=self.orders_count + other.orders_count,
            touched_count=self.touched_count + other.touched_count,
            ordered_units=self.ordered_units + other.ordered_units,
            filled_units=self.filled_units + other.filled_units,
        )

    @property
    def ratio(self) -> Fraction | None:
        """Filled over ordered size; None if nothing was ordered."""
        return Fraction(self.filled_units, self.ordered_units) if self.ordered_units else None


def by_status(orders: Iterable[OrderState]) -> dict[str, int]:
    """Number of orders by status."""
    return dict(sorted(Counter(order.status.value for order in orders).items()))


def status_text(order: OrderState) -> Text:
    """Write an order's status."""
    return Text(status_label(order.status), _STATUS_STYLES.get(order.status, "yellow"))


def filled_label(order: OrderState) -> str:
    """Write how much of an order is filled, such as ``6 of 20``."""
    return f"{size_label(order.filled_units)} of {size_label(order.intent.size_units)}"


def one_line(words: str) -> Text:
    """Make a line that is the first to be truncated where there is little room."""
    return Text(shown(words), no_wrap=True, overflow="ellipsis")


def order_cells(order: OrderState) -> list[str | Text]:
    """Cells of an order: time, id, action, limit, filled size, average price, status."""
    intent, average = order.intent, order.average_price_ticks
    return [
        moment_label(intent.created_at_ms),
        intent.order_id,
        what_text(intent.action, intent.side),
        price_label(intent.price_ticks),
        filled_label(order),
        "" if average is None else price_label(average),
        status_text(order),
    ]


def orders_table(orders: Sequence[OrderState], *, wide: bool) -> Table:
    """Draw orders, one row each; with window, priority and reason if there is room."""
    headings = ("created", "order", "what", "limit", "filled", "at", "status")
    table = listing(*headings, right=("limit", "filled", "at"))
    if wide:
        table.add_column("P", no_wrap=True)
        table.add_column("window", no_wrap=True)
        table.add_column("why", style="dim")
    for order in orders:
        intent, cells = order.intent, order_cells(order)
        if wide:
            cells += [str(intent.priority), intent.market.slug, one_line(intent.reason)]
        table.add_row(*cells)
    return table


def order_json(order: OrderState) -> dict[str, Any]:
    """Describe an order in exact texts: prices and money in dollars, sizes in shares."""
    intent = order.intent
    return {
        "order": intent.order_id,
        "market": intent.market.market_id,
        "slug": intent.market.slug,
        "action": intent.action.value,
        "side": intent.side.value,
        "limit": price_text(intent.price_ticks),
        "size": size_text(intent.size_units),
        "filled": size_text(order.filled_units),
        "notional": dollars_text(order.notional_nanos),
        "fees": dollars_text(sum(fill.fee_nanos for fill in standing_fills(order))),
        "status": order.status.value,
        "is_open": is_open(order),
        "time_in_force": intent.time_in_force.value,
        "post_only": intent.is_post_only,
        "priority": intent.priority,
        "reason": intent.reason,
        "pair": intent.pair_id,
        "venue_order": order.venue_order_id,
        "created": iso_text(intent.created_at_ms),
        "expires": iso_text(intent.expires_at_ms),
        "updated": iso_text(order.updated_at_ms),
        "cancel_reason": order.cancel_reason,
        "end_reason": order.end_reason,
    }
