"""Settlement of trades: one is mined and confirmed, or fails and is reversed, or is rounded.

The steps are drawn from the exchange's seed and the trade's id when it is matched. The proceeds of
a trade that will fail are reserved, so that they can be returned.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from random import Random

import attrs
from msgspec.structs import replace

from venue.engine import Ledger
from venue.engine.clearing import fee_nanos
from venue.engine.ledger import Leg
from venue.engine.messages import MakerFill, MarketRules, Traded


class TradeStatus(enum.Enum):
    """Status of a trade, in the venue's words."""

    MATCHED = "MATCHED"
    MINED = "MINED"
    CONFIRMED = "CONFIRMED"
    """Final, except for a trade that fails late."""
    RETRYING = "RETRYING"
    FAILED = "FAILED"
    """Final: the shares never arrive, or are taken back."""


FINAL_STATUSES = frozenset({TradeStatus.CONFIRMED, TradeStatus.FAILED})

_MINED_AFTER_MS = (1_000, 4_000)
_CONFIRMED_AFTER_MS = (2_000, 6_000)
_TROUBLED_AFTER_MS = (1_000, 3_000)
_FAILED_AFTER_MS = (2_000, 6_000)
_FAILED_LATE_AFTER_MS = (1_000, 20_000)


class Fate(enum.Enum):
    """How a trade settles."""

    SOUND = "sound"
    RETRIED = "retried"
    FAILED = "failed"
    FAILED_LATE = "failed_late"
    """Fails after it was confirmed."""

    @property
    def is_failure(self) -> bool:
        """Whether money and shares are returned in the end."""
        return self in (Fate.FAILED, Fate.FAILED_LATE)


_COURSES = {
    Fate.SOUND: (
        (TradeStatus.MINED, _MINED_AFTER_MS),
        (TradeStatus.CONFIRMED, _CONFIRMED_AFTER_MS),
    ),
    Fate.RETRIED: (
        (TradeStatus.RETRYING, _TROUBLED_AFTER_MS),
        (TradeStatus.MINED, _MINED_AFTER_MS),
        (TradeStatus.CONFIRMED, _CONFIRMED_AFTER_MS),
    ),
    Fate.FAILED: (
        (TradeStatus.RETRYING, _TROUBLED_AFTER_MS),
        (TradeStatus.FAILED, _FAILED_AFTER_MS),
    ),
    Fate.FAILED_LATE: (
        (TradeStatus.MINED, _MINED_AFTER_MS),
        (TradeStatus.CONFIRMED, _CONFIRMED_AFTER_MS),
        (TradeStatus.FAILED, _FAILED_LATE_AFTER_MS),
    ),
}


@attrs.frozen
class SettlementStep:
    """A trade's next status, and when it takes effect."""

    status: TradeStatus
    at_ms: int


def settlement_of(
    seed: int, trade_id: str, matched_at_ms: int, fate: Fate, latest_ms: int
) -> tuple[SettlementStep, ...]:
    """Draw the steps of a trade.

    A failure happens by ``latest_ms``, before the market pays out; other outcomes may come later.
    """
    dice = Random(f"{seed}/settlement/{trade_id}")
    at_ms = matched_at_ms
    steps = []
    for status, (least_ms, most_ms) in _COURSES[fate]:
        at_ms += dice.randint(least_ms, most_ms)
        if fate.is_failure:
            at_ms = min(at_ms, latest_ms)
        steps.append(SettlementStep(status, at_ms))
    return tuple(steps)


def keep_aside(ledger: Ledger, market_id: str, trade: Traded) -> bool:
    """Reserve the proceeds of each party of a trade; if one cannot, return False, reserve nothing.

    A wallet cannot spend what it will have to return; on the real chain it never has it.
    """
    kept: list[tuple[Leg, int]] = []
    for leg, size_units in _legs(trade):
        if not _reserve(ledger, market_id, leg, size_units, _fee_of(trade, leg)):
            for other, units in kept:
                _release(ledger, market_id, other, units, _fee_of(trade, other))
            return False
        kept.append((leg, size_units))
    return True


def take_back(ledger: Ledger, market_id: str, trade: Traded) -> None:
    """Undo a trade whose proceeds were reserved: reverse every leg, and refund the fee."""
    for leg, size_units in _legs(trade):
        _release(ledger, market_id, leg, size_units, _fee_of(trade, leg))
    ledger.refund_fee(trade.taker_owner, trade.fee_nanos)
    for fill in trade.maker_fills:
        taker, maker = _taker_leg(trade), _maker_leg(fill)
        ledger.settle(market_id, fill.size_units, _opposite(taker), _opposite(maker))


def _legs(trade: Traded) -> Iterator[tuple[Leg, int]]:
    yield _taker_leg(trade), trade.size_units
    for fill in trade.maker_fills:
        yield _maker_leg(fill), fill.size_units


def _taker_leg(trade: Traded) -> Leg:
    return Leg(trade.taker_owner, trade.outcome, trade.is_buy, trade.price_ticks)


def _maker_leg(fill: MakerFill) -> Leg:
    return Leg(fill.owner, fill.outcome, fill.is_buy, fill.price_ticks)


def _opposite(leg: Leg) -> Leg:
    return Leg(leg.owner, leg.outcome, not leg.is_buy, leg.price_ticks)


def _fee_of(trade: Traded, leg: Leg) -> int:
    """The fee taken out of a leg's proceeds: only a selling taker's is."""
    return trade.fee_nanos if leg == _taker_leg(trade) and not leg.is_buy else 0


def _reserve(ledger: Ledger, market_id: str, leg: Leg, size_units: int, fee_nanos: int) -> bool:
    if leg.is_buy:
        return ledger.reserve_shares(leg.owner, market_id, leg.outcome, size_units)
    return ledger.reserve_cash(leg.owner, leg.price_ticks * size_units - fee_nanos)


def _release(ledger: Ledger, market_id: str, leg: Leg, size_units: int, fee_nanos: int) -> None:
    if leg.is_buy:
        ledger.release_shares(leg.owner, market_id, leg.outcome, size_units)
    else:
        ledger.release_cash(leg.owner, leg.price_ticks * size_units - fee_nanos)


def size_in(traded: Traded, order_id: str) -> int:
    """An order's share of a trade, in units."""
    if traded.taker_order_id == order_id:
        return traded.size_units
    return sum(fill.size_units for fill in traded.maker_fills if fill.order_id == order_id)


def resized(
    ledger: Ledger, rules: MarketRules, traded: Traded, order_id: str, change_units: int
) -> Traded | None:
    """Make an order have traded more or less with a simulated trader, with all consequences.

    Args:
        ledger: carries the change out.
        rules: the market's.
        traded: the match, which is settled already.
        order_id: the order whose part changes.
        change_units: how much it changes; negative to make it smaller.

    Returns:
        The trade as it is now; None, with nothing changed, if the order's owner cannot afford
        it or has met no simulated trader.
    """
    maker = counterpart(ledger, traded, order_id)
    if maker is None or maker.size_units + change_units <= 0:
        return None
    size_units = traded.size_units + change_units
    is_taker = traded.taker_order_id == order_id
    fee_change_nanos = _fee_change_nanos(rules, traded, size_units) if is_taker else 0
    sign = 1 if change_units > 0 else -1
    taker_leg = Leg(
        traded.taker_owner, traded.outcome, traded.is_buy is (sign > 0), traded.price_ticks
    )
    maker_leg = Leg(maker.owner, maker.outcome, maker.is_buy is (sign > 0), maker.price_ticks)
    own_leg = taker_leg if is_taker else maker_leg
    if not _affords(ledger, rules.market_id, own_leg, abs(change_units), fee_change_nanos):
        return None
    ledger.settle(rules.market_id, abs(change_units), taker_leg, maker_leg)
    if fee_change_nanos > 0:
        fee_change_nanos = ledger.charge_fee(traded.taker_owner, fee_change_nanos)
    else:
        ledger.refund_fee(traded.taker_owner, -fee_change_nanos)
    return replace(
        traded,
        size_units=size_units,
        fee_nanos=traded.fee_nanos + fee_change_nanos,
        maker_fills=tuple(
            replace(fill, size_units=fill.size_units + change_units) if fill is maker else fill
            for fill in traded.maker_fills
        ),
    )


def _fee_change_nanos(rules: MarketRules, traded: Traded, size_units: int) -> int:
    """How much a client's fee changes, in nanodollars; that of a simulated taker is not counted."""
    due_nanos = fee_nanos(traded.price_ticks, size_units, rules.fee_rate_bps)
    return due_nanos - traded.fee_nanos


def counterpart(ledger: Ledger, traded: Traded, order_id: str) -> MakerFill | None:
    """Find the maker's part that would change with an order's: its own, or a simulated trader's.

    None if the order has met no simulated trader in this trade: trades between clients are exact.
    """
    if traded.taker_order_id == order_id:
        fills = [fill for fill in traded.maker_fills if ledger.account(fill.owner).is_unlimited]
    elif ledger.account(traded.taker_owner).is_unlimited:
        fills = [fill for fill in traded.maker_fills if fill.order_id == order_id]
    else:
        fills = []
    return fills[-1] if fills else None


def _affords(ledger: Ledger, market_id: str, leg: Leg, size_units: int, fee_nanos: int) -> bool:
    """Whether an owner has that much free of open orders."""
    if leg.is_buy:
        cost_nanos = leg.price_ticks * size_units + fee_nanos
        return cost_nanos <= ledger.account(leg.owner).free_nanos
    return size_units <= ledger.free_shares_units(leg.owner, market_id, leg.outcome)
