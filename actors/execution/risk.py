"""The risk gate: limits that hold whatever the strategy wants, one function each.

It checks orders that add risk. The desk's own sales (the exit of a stop loss, a flatten) reduce
risk and are not checked here. What open purchases may still cost counts in full, so a limit holds
however they end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import attrs

from actors.messages.position import PositionSnapshot
from actors.messages.strategy import TradeSignal, TradeSignals
from actors.model import Action, Side
from actors.settings import Settings
from actors.units import NANOS_PER_DOLLAR, dollars_text, price_text, shares, size_text

MINUTE_MS = 60_000


@attrs.frozen(kw_only=True)
class Purchase:
    """An open purchase, as far as the position may not include it yet."""

    side: Side
    units: int
    price_ticks: int


@attrs.frozen(kw_only=True)
class Exposure:
    """The risk already taken, in the window and on the day."""

    position: PositionSnapshot
    purchases: tuple[Purchase, ...]
    account_cost_nanos: int | None = None
    """``cost_nanos`` summed over the open windows of all series; None if one is unknown."""
    live_count: int
    """Number of live orders in all windows."""
    minute_count: int
    """Orders created in this minute of the clock."""
    day_loss_nanos: int

    def units(self, side: Side) -> int:
        """Return the shares of a side that are held or being bought."""
        under_way = sum(each.units for each in self.purchases if each.side is side)
        return self.position.holding(side).quantity_units + under_way

    @property
    def cost_nanos(self) -> int:
        """What the window's shares have cost plus what open purchases may cost."""
        return cost_nanos(self.position, self.purchases)


def cost_nanos(position: PositionSnapshot, purchases: Iterable[Purchase]) -> int:
    """Return what a window's shares have cost plus what its open purchases may cost."""
    under_way = sum(each.units * each.price_ticks for each in purchases)
    return position.yes.cost_nanos + position.no.cost_nanos + under_way


@attrs.frozen
class BrokenLimit:
    """A limit that signals would break."""

    limit: str
    """The limit's key."""
    reason: str


Limit = Callable[[TradeSignals, Exposure, Settings], str | None]


def broken_limit(
    signals: TradeSignals, exposure: Exposure, settings: Settings
) -> BrokenLimit | None:
    """Return the first limit that the signals would break, those that halt first."""
    broken = []
    for name, limit in _LIMITS.items():
        reason = limit(signals, exposure, settings)
        if reason is not None:
            broken.append(BrokenLimit(name, f"{reason} {name} {_allowed(name, settings)}"))
    halting = [each for each in broken if each.limit in settings.risk.halt_on]
    return next(iter([*halting, *broken]), None)


def _order_value(signals: TradeSignals, _at: Exposure, settings: Settings) -> str | None:
    most_nanos = settings.risk.max_order_dollars * NANOS_PER_DOLLAR
    for signal in signals.signals:
        if _value_nanos(signal) > most_nanos:
            return f"{signal.side.value} order of ${dollars_text(_value_nanos(signal))} is over"
    return None


def _order_size(signals: TradeSignals, _at: Exposure, settings: Settings) -> str | None:
    for signal in signals.signals:
        if signal.size_units > shares(settings.strategy.max_trade_shares):
            return f"{signal.side.value} order of {size_text(signal.size_units)} shares is over"
    return None


def _window_cost(signals: TradeSignals, at: Exposure, settings: Settings) -> str | None:
    more_nanos = sum(map(_value_nanos, _purchases(signals)))
    cost = at.cost_nanos + more_nanos
    if more_nanos and cost > settings.risk.max_window_dollars * NANOS_PER_DOLLAR:
        return f"the window would cost ${dollars_text(cost)}, over"
    return None


def _account_cost(signals: TradeSignals, at: Exposure, settings: Settings) -> str | None:
    most_dollars = settings.risk.max_account_dollars
    more_nanos = sum(map(_value_nanos, _purchases(signals)))
    if most_dollars is None or not more_nanos:
        return None
    if at.account_cost_nanos is None:
        return "another series' position is not known yet, so the total could be over"
    cost = at.account_cost_nanos + more_nanos
    if cost > most_dollars * NANOS_PER_DOLLAR:
        return f"the open windows would cost ${dollars_text(cost)} together, over"
    return None


def _position(signals: TradeSignals, at: Exposure, settings: Settings) -> str | None:
    for signal in _purchases(signals):
        units = at.units(signal.side) + signal.size_units
        if units > shares(settings.strategy.max_shares):
            return f"{signal.side.value} would come to {size_text(units)} shares, over"
    return None


def _open_orders(signals: TradeSignals, at: Exposure, settings: Settings) -> str | None:
    count = len(signals.signals)
    if at.live_count + count > settings.execution.max_open_orders:
        return f"{at.live_count} orders are live, {count} more would be over"
    return None


def _order_rate(signals: TradeSignals, at: Exposure, settings: Settings) -> str | None:
    count = len(signals.signals)
    if at.minute_count + count > settings.risk.max_orders_per_minute:
        return f"{at.minute_count} orders were created this minute, {count} more would be over"
    return None


def _day_loss(signals: TradeSignals, at: Exposure, settings: Settings) -> str | None:
    is_reached = at.day_loss_nanos >= settings.risk.max_day_loss_dollars * NANOS_PER_DOLLAR
    if is_reached and any(_purchases(signals)):
        return f"${dollars_text(at.day_loss_nanos)} were lost this day (UTC), which reaches"
    return None


def _price_band(signals: TradeSignals, _at: Exposure, settings: Settings) -> str | None:
    for signal in signals.signals:
        name, best_ticks = _best_price(signal)
        text = f"{signal.side.value} price {price_text(signal.price_ticks)}"
        if best_ticks is None:
            return f"without a best {name}, {text} cannot be checked against"
        if abs(signal.price_ticks - best_ticks) > settings.risk.price_band_ticks:
            return f"{text} is further from the best {name} {price_text(best_ticks)} than"
    return None


def _best_price(signal: TradeSignal) -> tuple[str, int | None]:
    """Return the price with which an order is compared: where it would trade, or rest."""
    sides = [("ask", signal.best_ask_ticks), ("bid", signal.best_bid_ticks)]
    if (signal.action is Action.BUY) is signal.is_post_only:
        sides.reverse()
    if signal.is_post_only and sides[0][1] is None:
        return sides[1]  # nothing rests there yet
    return sides[0]


def _purchases(signals: TradeSignals) -> Iterable[TradeSignal]:
    return (signal for signal in signals.signals if signal.action is Action.BUY)


def _value_nanos(signal: TradeSignal) -> int:
    return signal.price_ticks * signal.size_units


def _allowed(name: str, settings: Settings) -> int | None:
    """Return a limit's value, whichever section it is in."""
    sections = (settings.risk, settings.strategy, settings.execution)
    value: int | None = next(getattr(each, name) for each in sections if hasattr(each, name))
    return value


_LIMITS: Mapping[str, Limit] = {
    "max_order_dollars": _order_value,
    "max_trade_shares": _order_size,
    "max_window_dollars": _window_cost,
    "max_account_dollars": _account_cost,
    "max_shares": _position,
    "max_open_orders": _open_orders,
    "max_orders_per_minute": _order_rate,
    "max_day_loss_dollars": _day_loss,
    "price_band_ticks": _price_band,
}
"""By key, in the order of ``RISK_LIMITS``."""
