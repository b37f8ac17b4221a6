"""What a flatten sold, at what price, and the result against the shares' cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from actors.execution.exits import is_flatten_sale
from actors.messages.execution import OrderState
from actors.model import Market, Side
from actors.position.ledger import fold
from actors.units import average_label, dollars_text, size_text
from understudy.display.wording import cents_text, exact_money, size_label
from understudy.reading.archive import Archive
from understudy.reading.orders import standing_fills


@attrs.frozen(kw_only=True)
class FlattenSale:
    """Everything that a flatten has sold of one window's side."""

    market: Market
    side: Side
    size_units: int
    proceeds_nanos: int
    """Before the fee."""
    fees_nanos: int
    result_nanos: int | None
    """Proceeds minus fees minus average cost; None before the ledger has booked every fill."""

    @property
    def words(self) -> str:
        """Describe the sale in one line for people."""
        sold = (
            f"sold {size_label(self.size_units)} {self.side.value} of {self.market.slug} at "
            f"{average_label(self.proceeds_nanos, self.size_units)} on average, "
            f"for ${cents_text(self.proceeds_nanos)} less ${cents_text(self.fees_nanos)} in fees"
        )
        if self.result_nanos is None:
            return f"{sold}; the ledger has not booked all of it yet"
        result = exact_money(self.result_nanos).plain
        return f"{sold}; against what they had cost before fees: {result}"

    @property
    def json(self) -> dict[str, Any]:
        """Describe the sale in exact texts: money in dollars, sizes in shares."""
        result = self.result_nanos
        return {
            "market": self.market.market_id,
            "slug": self.market.slug,
            "side": self.side.value,
            "size": size_text(self.size_units),
            "proceeds": dollars_text(self.proceeds_nanos),
            "fees": dollars_text(self.fees_nanos),
            "result": None if result is None else dollars_text(result),
        }


def flatten_sales(archive: Archive, since_ms: int) -> list[FlattenSale]:
    """Sum up what flattening has sold since a moment of venue time, oldest window first.

    Raises:
        JournalError: a row cannot be decoded.
    """
    sold: dict[tuple[str, Side], list[OrderState]] = {}
    for order in archive.orders():  # last changed first
        if order.updated_at_ms < since_ms:
            break
        intent = order.intent
        if intent.created_at_ms >= since_ms and is_flatten_sale(intent) and order.filled_units:
            sold.setdefault((intent.market.market_id, intent.side), []).append(order)
    return [_added_up(archive, orders) for orders in reversed(sold.values())]


def _added_up(archive: Archive, orders: Sequence[OrderState]) -> FlattenSale:
    first = orders[0].intent
    fills = [fill for order in orders for fill in standing_fills(order)]
    return FlattenSale(
        market=first.market,
        side=first.side,
        size_units=sum(fill.size_units for fill in fills),
        proceeds_nanos=sum(fill.price_ticks * fill.size_units for fill in fills),
        fees_nanos=sum(fill.fee_nanos for fill in fills),
        result_nanos=_result_nanos(archive, orders),
    )


def _result_nanos(archive: Archive, orders: Sequence[OrderState]) -> int | None:
    """The window's realized P&L with these orders' fills, minus that without them."""
    if any(order.unbooked for order in orders):
        return None
    market_id = orders[0].intent.market.market_id
    ledgers = (each for each in archive.windows(market=market_id))
    entries = next(each.entries for each in ledgers if each.market.market_id == market_id)
    ours = {order.intent.order_id for order in orders}
    after = fold(entries)
    before = fold(entry for entry in entries if entry.order_id not in ours)
    realized_nanos = after.realized_nanos - before.realized_nanos
    return realized_nanos - (after.fees_nanos - before.fees_nanos)
