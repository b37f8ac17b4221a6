"""The built-in strategy ``maker``: rests a bid on each outcome, around the fair value of YES.

*Fair value.* The window pays YES if the average of the underlying's last ``w`` seconds ends at or
above the strike. For a price that moves as a Brownian motion without drift, the average over the
last ``w`` of a time ``T`` has the variance sigma^2 (T - 2w/3), so YES is worth 1000 Phi((reference
- strike) / (sigma sqrt(T - 2w/3))). Source: the integral of the motion's covariance over that
interval; with w = 0 it is the textbook value of a digital option.

*Quotes.* A bid on YES at fair - half spread, one on NO at 1000 - fair - half spread; both are
shifted against the inventory, so that the side held in excess is bought later and its counterpart
sooner. Both are post-only: a maker pays no fee, and a quote must not take.

*Re-quoting.* A bid that is ``requote_ticks`` or more from its target is cancelled, and placed again
once its end is known. Before the window's end, and whenever a price or the strike is missing,
everything is cancelled and nothing is quoted, because whoever sees the price first trades with the
orders that still rest.
"""

from __future__ import annotations

import math
from typing import ClassVar

import attrs

from actors.messages.execution import OwnOrder
from actors.model import Side
from actors.strategy.contract import Cancel, Context, Decision, FairValue, Order, Strategy
from actors.strategy.parameters import parameter
from actors.units import E18, PAYOUT_TICKS, price_label, shares, size_text

_MS_PER_MINUTE = 60_000
_SIZE_STEP_UNITS = 10_000
"""The venue accepts sizes in hundredths of a share."""
_SURE_TICKS = 1.0
"""A fair value nearer than this to 0 or 1000 is beyond what the model can tell."""


@attrs.frozen
class _Quote:
    """The target of a bid; without a size there is none, and the text says why."""

    price_ticks: int
    size_units: int
    text: str


class MakerStrategy(Strategy):
    """Earns the spread by buying both outcomes below their fair values."""

    name: ClassVar[str] = "maker"

    half_spread_ticks: int = parameter(
        20, "each bid stands so far below the fair value", least=1, most=500
    )
    quote_shares: int = parameter(10, "size of a bid", least=1, most=1_000_000)
    max_excess_shares: int = parameter(
        40,
        "most that is held of one outcome beyond the other",
        least=1,
        most=1_000_000,
    )
    skew_ticks: int = parameter(
        20, "shift of both bids against the inventory when the excess is full", least=0, most=500
    )
    requote_ticks: int = parameter(
        10, "a bid so far from where it should be is placed anew", least=1, most=500
    )
    quiet_s: int = parameter(75, "nothing rests in the window's last seconds", least=0, most=900)
    most_behind_ticks: int = parameter(
        40, "no bid stands further than this from the best one", least=0, most=500
    )
    least_price_ticks: int = parameter(150, "no bid below this", least=1, most=999)
    most_price_ticks: int = parameter(850, "no bid above this", least=1, most=999)
    quote_lifetime_ms: int = parameter(
        15_000, "a bid that nothing disturbs is placed anew after this", least=100, most=900_000
    )
    max_reference_age_ms: int = parameter(
        3_000, "with an older reference price nothing rests", least=1, most=3_600_000
    )
    sigma_half_life_minutes: float = parameter(
        5.0, "half-life of the volatility", least=0.01, most=10_000
    )

    def volatility_half_life_minutes(self) -> float:
        """Return the parameter."""
        return self.sigma_half_life_minutes

    def evaluate(self, context: Context) -> Decision:
        """Cancel misplaced bids, and bid where nothing rests."""
        value = self.fair_value(context)
        silence = context.unready_reason() or self._end_is_near(context)
        if silence or value.yes_ticks is None:
            reason = silence or value.basis
            return Decision(
                cancels=_cancels(context.orders, reason), reasons=(reason,), is_final=True
            )
        orders: list[Order] = []
        cancels: list[Cancel] = []
        reasons: list[str] = []
        for side in Side:
            quote = self._quote(context, side, value.yes_ticks)
            working = context.orders_on(side)
            if not working and quote.size_units:
                orders.append(self._order(side, quote, value))
            elif working:
                cancels += _cancels(working, self._objection(working[0], quote))
            reasons.append(f"{side.value}: {quote.text}")
        return Decision(orders=tuple(orders), cancels=tuple(cancels), reasons=tuple(reasons))

    def fair_value(self, context: Context) -> FairValue:
        """Value YES by the reference price, the strike, the time left and the volatility."""
        snapshot, sigma_dollars = context.snapshot, context.sigma_dollars
        if snapshot.reference_e18 is None:
            return FairValue(None, "no reference price")
        age_ms = context.now_ms - snapshot.reference_at_ms
        if age_ms > self.max_reference_age_ms:
            return FairValue(None, f"the reference price is {age_ms} ms old")
        if snapshot.strike is None or not snapshot.strike.source:
            return FairValue(None, "no strike from a proven source")
        if not sigma_dollars:
            return FairValue(None, "the reference price's volatility is not known yet")
        moving_ms = context.left_ms - context.market.twap_window_s * 1000 * 2 / 3
        if moving_ms <= 0:
            return FairValue(None, "the average that settles the window is nearly complete")
        ahead_dollars = (snapshot.reference_e18 - snapshot.strike.price_e18) / E18
        deviation = sigma_dollars * math.sqrt(moving_ms / _MS_PER_MINUTE)
        ticks = PAYOUT_TICKS * 0.5 * (1 + math.erf(ahead_dollars / deviation / math.sqrt(2)))
        basis = (
            f"reference - strike = ${ahead_dollars:.2f}, sigma ${sigma_dollars:.2f} a root minute, "
            f"{context.left_ms / 1000:.0f} s left"
        )
        if not _SURE_TICKS < ticks < PAYOUT_TICKS - _SURE_TICKS:
            return FairValue(None, f"it is as good as decided: {basis}")
        return FairValue(ticks, basis)

    def _end_is_near(self, context: Context) -> str:
        if context.left_ms > self.quiet_s * 1000:
            return ""
        return f"quiet: {context.left_ms / 1000:.0f} s left, quiet_s {self.quiet_s}"

    def _quote(self, context: Context, side: Side, yes_ticks: float) -> _Quote:
        """Return the target of a bid on this outcome."""
        market, position = context.market, context.position
        fair_ticks = yes_ticks if side is Side.YES else PAYOUT_TICKS - yes_ticks
        held_units = position.quantity_units(side)
        excess_units = held_units - position.quantity_units(side.other)
        shift_ticks = self.skew_ticks * excess_units / shares(self.max_excess_shares)
        grid_ticks = market.tick_size_ticks
        wanted_ticks = math.floor((fair_ticks - self.half_spread_ticks - shift_ticks) / grid_ticks)
        price_ticks, nearest_ticks = self._within(context, side, wanted_ticks * grid_ticks)
        at = f"bid {price_label(price_ticks)}, fair {price_label(fair_ticks)}"
        if not self.least_price_ticks <= price_ticks <= self.most_price_ticks:
            return _Quote(price_ticks, 0, f"{at} is outside of the prices that are quoted")
        if nearest_ticks is None or price_ticks < nearest_ticks - self.most_behind_ticks:
            return _Quote(price_ticks, 0, f"{at} is too far behind the book")
        units = min(
            shares(self.quote_shares),
            context.limits.max_trade_units,
            context.limits.max_shares_units - held_units,
            shares(self.max_excess_shares) - excess_units,
        )
        units -= units % _SIZE_STEP_UNITS
        is_small = units * price_ticks < market.minimum_notional_nanos
        if is_small or units < max(1, market.minimum_size_units):
            return _Quote(price_ticks, 0, f"{at}: no room, {size_text(max(0, units))} shares")
        return _Quote(price_ticks, units, f"{at}, {size_text(excess_units)} held in excess")

    def _within(self, context: Context, side: Side, price_ticks: int) -> tuple[int, int | None]:
        """Return a bid's price where the book lets it rest, and the price beside which it rests."""
        book, grid_ticks = context.book(side), context.market.tick_size_ticks
        bid_ticks, ask_ticks = book.best_bid_ticks, book.best_ask_ticks
        if ask_ticks is not None:
            price_ticks = min(price_ticks, ask_ticks - grid_ticks)
        if bid_ticks is None:
            return price_ticks, ask_ticks
        ahead_ticks = self.most_behind_ticks // grid_ticks * grid_ticks
        return min(price_ticks, bid_ticks + ahead_ticks), bid_ticks

    def _order(self, side: Side, quote: _Quote, value: FairValue) -> Order:
        return Order(
            side=side,
            price_ticks=quote.price_ticks,
            size_units=quote.size_units,
            is_post_only=True,
            time_to_live_ms=self.quote_lifetime_ms,
            reason=f"quote: {quote.text}; {value.basis}",
        )

    def _objection(self, order: OwnOrder, quote: _Quote) -> str:
        """Return why a bid is misplaced; empty if it may stay."""
        if not quote.size_units:
            return quote.text
        away_ticks = quote.price_ticks - order.price_ticks
        if abs(away_ticks) < self.requote_ticks:
            return ""
        at, to = price_label(order.price_ticks), price_label(quote.price_ticks)
        return f"re-quote: it stands at {at} and should at {to}"


def _cancels(orders: tuple[OwnOrder, ...], reason: str) -> tuple[Cancel, ...]:
    """Cancel those orders that are not being cancelled already; none without a reason."""
    if not reason:
        return ()
    return tuple(
        Cancel(order_id=order.order_id, reason=reason)
        for order in orders
        if not order.is_cancelling
    )
