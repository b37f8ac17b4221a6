"""The limits on orders, and how much of each is used, from the status of a running system.

The desk decides on figures of its own (``actors/execution/risk.py``); these are for watchers.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from actors.execution.desk_state import DeskState
from actors.execution.risk import MINUTE_MS
from actors.messages.execution import OrderState
from actors.messages.observer import View
from actors.messages.position import MS_PER_DAY
from actors.model import Action, Side
from actors.units import NANOS_PER_DOLLAR, UNITS_PER_SHARE
from understudy.display.status import Status


@attrs.frozen
class LimitUse:
    """One limit, in the unit of its key."""

    limit: str
    """The key's name."""
    allowed: float
    used: float


def day_loss_nanos(status: Status) -> int:
    """The loss of the present UTC day over all windows; 0 for a gain, or if unknown."""
    views = (each.seen for each in status.by_series.values())
    positions = [each.position for each in views if each.position is not None]
    position = max(positions, key=lambda each: each.ledger_version, default=None)
    if position is None or position.day != status.now_ms // MS_PER_DAY:
        return 0
    return max(0, -position.day_pnl_nanos)


def limit_uses(status: Status, desk: DeskState | None) -> Iterator[LimitUse]:
    """Every limit that is used between orders; the price band is not."""
    view, risk, strategy = status.view, status.settings.risk, status.settings.strategy
    yield LimitUse(
        "max_day_loss_dollars",
        risk.max_day_loss_dollars,
        day_loss_nanos(status) / NANOS_PER_DOLLAR,
    )
    minute_count = 0 if desk is None else desk.created_in_minute(status.now_ms // MINUTE_MS)
    yield LimitUse("max_orders_per_minute", risk.max_orders_per_minute, minute_count)
    if view is None:
        return
    orders = view.live_orders
    yield LimitUse("max_open_orders", status.settings.execution.max_open_orders, len(orders))
    values = (each.intent.price_ticks * each.intent.size_units for each in orders)
    largest_nanos = max(values, default=0)
    yield LimitUse("max_order_dollars", risk.max_order_dollars, largest_nanos / NANOS_PER_DOLLAR)
    if risk.max_account_dollars is not None:
        costs = (_window_cost_nanos(each.seen) for each in status.by_series.values())
        yield LimitUse(
            "max_account_dollars", risk.max_account_dollars, sum(costs) / NANOS_PER_DOLLAR
        )
    largest_units = max((order.intent.size_units for order in orders), default=0)
    yield LimitUse("max_trade_shares", strategy.max_trade_shares, largest_units / UNITS_PER_SHARE)
    windows = [dict(_of_window(each)) for each in status.by_series.values()]
    for limit in ("max_window_dollars", "max_shares"):  # where it is closest to the limit
        allowed, used = max((each[limit] for each in windows), key=lambda use: use[1] / use[0])
        yield LimitUse(limit, allowed, used)


def _of_window(status: Status) -> Iterator[tuple[str, tuple[float, float]]]:
    """The limits of a series' window with their use."""
    view, risk, strategy = status.seen, status.settings.risk, status.settings.strategy
    cost_dollars = _window_cost_nanos(view) / NANOS_PER_DOLLAR
    yield "max_window_dollars", (risk.max_window_dollars, cost_dollars)
    units = max(_units(view, side) for side in Side)
    yield "max_shares", (strategy.max_shares, units / UNITS_PER_SHARE)


def _purchases(view: View) -> list[OrderState]:
    """Purchases under way in the newest window."""
    market_id = view.opened.market_id if view.opened is not None else ""
    return [
        order
        for order in view.live_orders
        if order.intent.action is Action.BUY and order.intent.market.market_id == market_id
    ]


def _window_cost_nanos(view: View) -> int:
    under_way = sum(each.intent.price_ticks * each.leaves_units for each in _purchases(view))
    position = view.position
    return under_way + (position.yes.cost_nanos + position.no.cost_nanos if position else 0)


def _units(view: View, side: Side) -> int:
    under_way = sum(each.leaves_units for each in _purchases(view) if each.intent.side is side)
    return under_way + (view.position.holding(side).quantity_units if view.position else 0)
