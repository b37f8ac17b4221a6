"""The files that ``understudy strategy new`` writes: a strategy that works, and its test."""

from __future__ import annotations

STRATEGY = '''"""{title}: buys YES or NO when it is cheap, and sells what has become dear."""

from __future__ import annotations

from understudy.strategy import (
    Action,
    Context,
    Decision,
    Order,
    Side,
    Strategy,
    TimeInForce,
    parameter,
)


class {class_name}(Strategy):
    """Buys below one price and sells above another. A beginning, not a way to earn money."""

    contract = 1
    name = "{name}"

    buy_below_ticks: int = parameter(300, "an outcome is bought below this", least=1, most=999)
    sell_above_ticks: int = parameter(700, "what is held is sold above this", least=1, most=999)
    size_shares: int = parameter(10, "size of an order", least=5, most=1_000)

    def evaluate(self, context: Context) -> Decision:
        """Decide from the context alone; the same context always gives the same decision."""
        reason = context.unready_reason()
        if reason:
            return Decision(reasons=(reason,), is_final=True)
        reasons = []
        for side in Side:
            order, reason = self._order(context, side)
            if order is not None:
                return Decision(orders=(order,))
            reasons.append(f"{{side.value}}: {{reason}}")
        return Decision(reasons=tuple(reasons))

    def _order(self, context: Context, side: Side) -> tuple[Order | None, str]:
        """One order on this outcome, or why there is none."""
        if context.orders_on(side):
            return None, "an order is at work"
        book, market = context.book(side), context.market
        bid_ticks, ask_ticks = book.best_bid_ticks, book.best_ask_ticks
        for_sale_units = context.sellable_units(side)
        if bid_ticks is not None and bid_ticks > self.sell_above_ticks and for_sale_units:
            units = min(for_sale_units, context.limits.max_trade_units)
            units -= units % 10_000  # the venue takes hundredths of a share
            if units * bid_ticks >= market.minimum_notional_nanos:
                return self._sale(side, bid_ticks, units), ""
        if ask_ticks is None or ask_ticks >= self.buy_below_ticks:
            return None, f"the ask {{ask_ticks}} is not below {{self.buy_below_ticks}}"
        room_units = context.limits.max_shares_units - context.position.quantity_units(side)
        wanted_units = self.size_shares * 1_000_000
        units = min(wanted_units, context.limits.max_trade_units, room_units)
        if units < market.minimum_size_units or units * ask_ticks < market.minimum_notional_nanos:
            return None, "no room, or too little for the venue"
        reason = f"ask {{ask_ticks}} < buy_below_ticks {{self.buy_below_ticks}}"
        return Order(side=side, price_ticks=ask_ticks, size_units=units, reason=reason), ""

    def _sale(self, side: Side, bid_ticks: int, units: int) -> Order:
        return Order(
            side=side,
            action=Action.SELL,
            price_ticks=bid_ticks,
            size_units=units,
            time_in_force=TimeInForce.FAK,
            reason=f"bid {{bid_ticks}} > sell_above_ticks {{self.sell_above_ticks}}",
        )
'''

TEST = '''"""Tests of {name}; run them with pytest."""

from __future__ import annotations

from pathlib import Path

from actors.strategy.choice import make_strategy
from understudy.strategy import Side
from understudy.strategy.check import check_file, example_context, settings_of_file

FILE = Path(__file__).with_name("{file_name}")


def test_it_keeps_the_contract() -> None:
    assert check_file(FILE) == []


def test_it_buys_what_is_cheap_and_nothing_else() -> None:
    strategy = make_strategy(settings_of_file(FILE))
    cheap = strategy.evaluate(example_context(yes_bid=(240, 50), yes_ask=(250, 50)))
    assert [(order.side, order.price_ticks) for order in cheap.orders] == [(Side.YES, 250)]
    assert strategy.evaluate(example_context()).orders == ()
'''


def strategy_text(name: str) -> str:
    """The file of a new strategy."""
    title = name.replace("_", " ").capitalize()
    return STRATEGY.format(title=title, class_name=class_name(name), name=name)


def test_text(name: str) -> str:
    """The file of its test."""
    return TEST.format(name=name, file_name=f"{name}.py")


def class_name(name: str) -> str:
    """``my_idea`` becomes ``MyIdea``."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_") if part)
