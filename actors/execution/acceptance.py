"""Whether the desk carries signals out: one rule a function, each giving a reason or None.

All signals of one message are judged together. One that is refused refuses them all, so that a
pair's legs are taken together or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import attrs

from actors.messages.strategy import TradeSignal, TradeSignals
from actors.model import Market, Side
from actors.units import PAYOUT_TICKS, dollars_text, price_text, size_text

_FINE_GRID_BELOW_TICKS = 40
_FINE_GRID_ABOVE_TICKS = 960
"""Beyond these the venue may refine a market's grid to one tick at any time; whether it has, only
the venue can say. Source: Polymarket documentation, tick_size_change."""


_NUMBERS_NEARBY = 1 << 12
"""Signals so near in number come from one process of the strategy, whose first number is chance."""


@attrs.frozen(kw_only=True)
class Circumstances:
    """What the rules look at besides the signals."""

    now_ms: int
    market: Market
    """The window that is traded."""
    is_over: bool
    """The window's end was announced."""
    halt_reason: str
    stop_reason: str
    position_version: int | None
    """Of the newest position heard of this window since the desk started; None before one."""
    required_version: int
    accepted: tuple[int, int]
    """(snapshot_at_ms, signals_id) of the signals last carried out."""
    busy: Mapping[Side, str]
    """Order id by the side it owns."""
    max_book_age_ms: int


Rule = Callable[[TradeSignals, Circumstances], str | None]


def refusal(signals: TradeSignals, at: Circumstances) -> str | None:
    """Say why the signals are not carried out; None if they are."""
    for rule in _RULES:
        reason = rule(signals, at)
        if reason is not None:
            return reason
    return None


def sale_refusal(signal: TradeSignal, at: Circumstances) -> str | None:
    """Say why a holding is not sold now; None if it is.

    A sale of the desk's own takes risk away: the rules on new risk do not hold for it.
    """
    return _over(at) or _too_cheap(signal, at.market)


def _trading_is_halted(_signals: TradeSignals, at: Circumstances) -> str | None:
    return _halted(at)


def _halted(at: Circumstances) -> str | None:
    return f"trading is halted: {at.halt_reason}" if at.halt_reason else None


def _window_is_traded(signals: TradeSignals, at: Circumstances) -> str | None:
    if signals.market_id != at.market.market_id:
        return f"they are for {signals.market_id}, the open window is {at.market.slug}"
    if at.stop_reason:
        return f"{at.market.slug} is stopped: {at.stop_reason}"
    return _over(at)


def _over(at: Circumstances) -> str | None:
    is_over = at.is_over or at.now_ms >= at.market.closes_at_ms
    return f"{at.market.slug} is over" if is_over else None


def _position_is_known(signals: TradeSignals, at: Circumstances) -> str | None:
    if at.position_version is None:
        return "the position of this window is not known yet"
    if signals.position_version < at.required_version:
        return (
            f"stale: computed on position version {signals.position_version}, and fills of "
            f"finished orders are in version {at.required_version}"
        )
    if at.position_version < at.required_version:
        return (
            f"the position heard last is version {at.position_version}, and fills of finished "
            f"orders are in version {at.required_version}"
        )
    return None


def _snapshot_is_fresh(signals: TradeSignals, at: Circumstances) -> str | None:
    if _were_carried_out(signals, at):
        return "they, or newer ones, were carried out already"
    age_ms = at.now_ms - signals.snapshot_at_ms
    if age_ms > at.max_book_age_ms:
        return f"their snapshot is {age_ms} ms old, over max_book_age_ms {at.max_book_age_ms}"
    if -age_ms > at.max_book_age_ms:
        return f"their snapshot is {-age_ms} ms ahead: it was taken before the clock was set back"
    return None


def _were_carried_out(signals: TradeSignals, at: Circumstances) -> bool:
    """Whether they are a late copy of the signals last carried out, or of older ones.

    A strategy counts its signals up from a number by chance, so those of one process are known by
    their numbers, whatever the clock says. Those of another are older if their snapshot is, unless
    the one last carried out lies in the future: then the clock was set back since.
    """
    accepted_at_ms, accepted_id = at.accepted
    behind_count = accepted_id - signals.signals_id
    if abs(behind_count) < _NUMBERS_NEARBY:
        return behind_count >= 0
    return signals.snapshot_at_ms <= accepted_at_ms <= at.now_ms


def _sides_are_free(signals: TradeSignals, at: Circumstances) -> str | None:
    sides = [signal.side for signal in signals.signals]
    if len(set(sides)) < len(sides):
        return "two of them are for the same side"
    for side in sides:
        if side in at.busy:
            return f"{side.value} is busy with {at.busy[side]}"
    return None


def _venue_takes_them(signals: TradeSignals, at: Circumstances) -> str | None:
    return _first(_unacceptable(signal, at.market) for signal in signals.signals)


def _unacceptable(signal: TradeSignal, market: Market) -> str | None:
    if signal.size_units < max(1, market.minimum_size_units):
        return (
            f"{signal.side.value} size {size_text(signal.size_units)} is below the market's "
            f"minimum {size_text(market.minimum_size_units)}"
        )
    return _off_grid(signal, market) or _too_cheap(signal, market)


def _off_grid(signal: TradeSignal, market: Market) -> str | None:
    price_ticks = signal.price_ticks
    text = f"{signal.side.value} price {price_text(price_ticks)}"
    if not 0 < price_ticks < PAYOUT_TICKS:
        return f"{text} is not between 0 and 1"
    is_grid_known = _FINE_GRID_BELOW_TICKS <= price_ticks <= _FINE_GRID_ABOVE_TICKS
    if is_grid_known and price_ticks % market.tick_size_ticks:
        return f"{text} is off the market's grid of {price_text(market.tick_size_ticks)}"
    return None


def _too_cheap(signal: TradeSignal, market: Market) -> str | None:
    notional_nanos = signal.price_ticks * signal.size_units
    if notional_nanos < max(1, market.minimum_notional_nanos):
        return (
            f"{signal.side.value} order of ${dollars_text(notional_nanos)} is below the market's "
            f"minimum ${dollars_text(market.minimum_notional_nanos)}"
        )
    return None


def _first(reasons: Iterable[str | None]) -> str | None:
    return next((reason for reason in reasons if reason is not None), None)


_RULES: tuple[Rule, ...] = (
    _trading_is_halted,
    _window_is_traded,
    _position_is_known,
    _snapshot_is_fresh,
    _sides_are_free,
    _venue_takes_them,
)
