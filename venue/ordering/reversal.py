"""Taking a trade back: what a doomed trade brought is kept aside, so that it can be returned."""

from __future__ import annotations

from collections.abc import Iterator

from venue.engine import Ledger
from venue.engine.accounts import Leg
from venue.engine.messages import MakerFill, Traded


def keep_aside(ledger: Ledger, market_id: str, trade: Traded) -> bool:
    """Reserve what each party of a trade got by it; False, and nothing is reserved, if one cannot.

    A wallet cannot spend what it will have to give back, as on the real chain it never has it.
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
    """Undo a trade whose gains were kept aside: every leg the other way round, and the fee."""
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
    """What a leg's proceeds were reduced by: only a selling taker's are."""
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
