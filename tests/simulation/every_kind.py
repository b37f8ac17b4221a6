"""A strategy that uses every kind of order there is, by the clock; it is to be tested, not to earn.

For campaigns too: ``understudy simulate --use tests/simulation/every_kind.py:EveryKind``, with
``--mode live`` as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from understudy.strategy import (
    Action,
    Cancel,
    Context,
    Decision,
    Order,
    Side,
    Strategy,
    TimeInForce,
    parameter,
)

_TURN_MS = 1_500
_SIZE_UNITS = 10_000_000
_LAST_MS = 20_000


class EveryKind(Strategy):
    """Another kind of order in each turn; what rests is taken back some turns later."""

    orders_per_side: ClassVar[int] = 2

    buys_at_once: bool = parameter(True, "whether purchases are FAK and FOK as well")

    def evaluate(self, context: Context) -> Decision:
        """Decide by the time alone what to try next."""
        if context.unready_reason() or context.left_ms < _LAST_MS:
            return Decision(reasons=("not now",))
        turn = context.now_ms // _TURN_MS
        cancels = (
            tuple(Cancel(order_id=each.order_id, reason="its turn") for each in context.orders)
            if turn % 5 == 0
            else ()
        )
        orders = tuple(each for each in _orders(context, turn) if self._may_be(each))
        return Decision(orders=orders, cancels=cancels)

    def _may_be(self, order: Order) -> bool:
        may_rest = order.time_in_force.may_rest
        return self.buys_at_once or order.action is Action.SELL or may_rest


def _orders(context: Context, turn: int) -> Iterator[Order]:
    side = _side(context, turn)
    book, grid_ticks = context.book(side), context.market.tick_size_ticks
    bid_ticks, ask_ticks = book.best_bid_ticks, book.best_ask_ticks
    if bid_ticks is None or ask_ticks is None:
        return
    match turn % 8:
        case 0:
            yield _order(side, bid_ticks, is_post_only=True)
        case 1:
            yield _order(side, ask_ticks, time_in_force=TimeInForce.FAK)
        case 2:
            yield _order(side, ask_ticks, time_in_force=TimeInForce.FOK)
        case 3:
            yield _order(side, ask_ticks)
        case 4:
            yield _order(
                side,
                bid_ticks - grid_ticks,
                time_in_force=TimeInForce.GTD,
                time_to_live_ms=150_000,
            )
        case 5:
            for each in Side:
                limit_ticks = context.book(each).best_ask_ticks
                if limit_ticks is not None:
                    kind = TimeInForce.FOK
                    yield _order(each, limit_ticks, time_in_force=kind, pair=f"pair {turn}")
        case 6 if context.sellable_units(side) >= _SIZE_UNITS:
            kind = TimeInForce.FAK
            yield _order(side, bid_ticks, action=Action.SELL, time_in_force=kind)
        case 7 if context.sellable_units(side) >= _SIZE_UNITS:
            yield _order(side, ask_ticks, action=Action.SELL, is_post_only=True)


def _side(context: Context, turn: int) -> Side:
    side = Side.YES if turn // 8 % 2 else Side.NO
    is_cheap = (context.book(side).best_bid_ticks or 0) <= 100
    return side.other if is_cheap else side  # the venue takes no order of less than a dollar


def _order(
    side: Side,
    price_ticks: int,
    *,
    action: Action = Action.BUY,
    time_in_force: TimeInForce = TimeInForce.GTC,
    is_post_only: bool = False,
    time_to_live_ms: int | None = None,
    pair: str | None = None,
) -> Order:
    return Order(
        side=side,
        price_ticks=price_ticks,
        size_units=_SIZE_UNITS,
        action=action,
        time_in_force=time_in_force,
        is_post_only=is_post_only,
        time_to_live_ms=time_to_live_ms,
        pair=pair,
        reason=f"{action.value} {time_in_force.value}",
    )
