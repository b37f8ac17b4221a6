"""The desk's rules for signals: one function per rule, each returning a reason to refuse, or None.

Some rules concern the whole message: whether the data behind it may still be traded on. The others
concern each signal in it, or each pair of signals, whose legs are accepted together or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import attrs

from actors.messages.strategy import TradeSignal, TradeSignals
from actors.model import Action, Market, Side, TimeInForce
from actors.units import PAYOUT_TICKS, dollars_text, price_text, size_text

_FINE_GRID_BELOW_TICKS = 40
_FINE_GRID_ABOVE_TICKS = 960
"""Beyond these the venue may refine a market's grid to one tick at any time, and only the venue can
say whether it has. Source: Polymarket documentation, tick_size_change."""


GTD_LEAST_MS = 125_000
"""Shortest life of a GTD order. The official client refuses an expiration less than three minutes
ahead, and the venue ends the order one minute before the expiration; the rest allows for
latency."""

_NUMBERS_NEARBY = 1 << 12
"""Signals whose numbers are this close come from one process of the strategy, whose first number is
random."""


@attrs.frozen(kw_only=True)
class Circumstances:
    """What the rules use besides the signals."""

    now_ms: int
    market: Market
    """The window that is traded."""
    is_over: bool
    """Whether the window's end was announced."""
    halt_reason: str
    stop_reason: str
    position_version: int | None
    """Version of the newest position of this window since the desk started; None before one."""
    required_version: int
    accepted: tuple[int, int]
    """(snapshot_at_ms, signals_id) of the signals last carried out."""
    busy: Mapping[Side, tuple[str, ...]]
    """Ids of the open orders, by the side that they keep busy."""
    sellable_units: Mapping[Side, int]
    """Shares held and not already on sale."""
    order_ttl_ms: int
    max_book_age_ms: int
    settings_number: int


Rule = Callable[[TradeSignals, Circumstances], str | None]


def refusal(signals: TradeSignals, at: Circumstances) -> str | None:
    """Return why a whole message is refused; None if its signals may be judged one by one."""
    return _first(rule(signals, at) for rule in _RULES_OF_A_MESSAGE)


def group_refusal(group: TradeSignals, at: Circumstances) -> str | None:
    """Return why a signal, or a pair, is refused; None if the venue would accept it."""
    return _first(rule(group, at) for rule in _RULES_OF_A_GROUP)


def groups_of(message: TradeSignals) -> tuple[TradeSignals, ...]:
    """Split a message into groups that are accepted together or not at all, in their order."""
    groups: dict[object, list[TradeSignal]] = {}
    for number, signal in enumerate(message.signals):
        groups.setdefault(number if signal.pair is None else signal.pair, []).append(signal)
    if len(groups) == 1:
        return (message,)
    return tuple(attrs.evolve(message, signals=tuple(group)) for group in groups.values())


def sale_refusal(signal: TradeSignal, at: Circumstances) -> str | None:
    """Return why a holding is not sold now; None if it may be.

    The desk's own sales reduce risk: the rules about new risk do not apply to them.
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
            f"the newest known position is version {at.position_version}, and fills of finished "
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


def _settings_are_the_same(signals: TradeSignals, at: Circumstances) -> str | None:
    if signals.settings_number != at.settings_number:
        return (
            f"decided by settings {signals.settings_number}, and settings {at.settings_number} "
            "are in force here"
        )
    return None


def _were_carried_out(signals: TradeSignals, at: Circumstances) -> bool:
    """Return whether this is a late copy of the signals last carried out, or of older ones.

    A strategy numbers its signals from a random start, so those of one process are recognised by
    their numbers, whatever the clock says. Those of another process are older if their snapshot is,
    unless the snapshot of the last ones lies in the future: then the clock was set back since.
    """
    accepted_at_ms, accepted_id = at.accepted
    behind_count = accepted_id - signals.signals_id
    if abs(behind_count) < _NUMBERS_NEARBY:
        return behind_count >= 0
    return signals.snapshot_at_ms <= accepted_at_ms <= at.now_ms


def _is_whole_pair(group: TradeSignals, _at: Circumstances) -> str | None:
    count = len(group.signals)
    pair = group.signals[0].pair
    if pair is not None and count != 2:
        return f"the pair {pair!r} has {count} legs, and must have two"
    return None


def _sides_are_free(group: TradeSignals, at: Circumstances) -> str | None:
    most = group.orders_per_side
    for side in dict.fromkeys(signal.side for signal in group.signals):
        wanted = sum(signal.side is side for signal in group.signals)
        working = at.busy.get(side, ())
        if len(working) + wanted <= most:
            continue
        if most > 1:
            return (
                f"{side.value} has {len(working)} working orders, {wanted} more would be over "
                f"orders_per_side {most}"
            )
        if working:
            return f"{side.value} is busy with {working[-1]}"
        return "two of them are for the same side"
    return None


def _sales_are_covered(group: TradeSignals, at: Circumstances) -> str | None:
    """Refuse to sell more than is held and not already on sale."""
    for side, free_units in at.sellable_units.items():
        sold_units = sum(
            signal.size_units
            for signal in group.signals
            if signal.side is side and signal.action is Action.SELL
        )
        if sold_units > free_units:
            return (
                f"{size_text(sold_units)} {side.value} are to be sold, and "
                f"{size_text(free_units)} are held and not on sale already"
            )
    return None


def _lifetimes_are_possible(group: TradeSignals, at: Circumstances) -> str | None:
    return _first(_impossible_lifetime(signal, at) for signal in group.signals)


def _impossible_lifetime(signal: TradeSignal, at: Circumstances) -> str | None:
    kind = signal.time_in_force
    if signal.is_post_only and not kind.may_rest:
        return f"a {kind.value} order cannot be post-only: it never rests"
    lifetime_ms = at.order_ttl_ms if signal.time_to_live_ms is None else signal.time_to_live_ms
    if lifetime_ms <= 0:
        return f"a time to live of {lifetime_ms} ms ends at once"
    left_ms = min(lifetime_ms, at.market.closes_at_ms - at.now_ms)
    if kind is TimeInForce.GTD and left_ms < GTD_LEAST_MS:
        return (
            f"a GTD order of {left_ms} ms is too short: the venue accepts none that ends within "
            f"{GTD_LEAST_MS} ms"
        )
    return None


def _venue_takes_them(group: TradeSignals, at: Circumstances) -> str | None:
    return _first(_unacceptable(signal, at.market) for signal in group.signals)


def _unacceptable(signal: TradeSignal, market: Market) -> str | None:
    least_units = market.minimum_size_units if signal.time_in_force.may_rest else 1
    if signal.size_units < max(1, least_units):
        return (
            f"{signal.side.value} size {size_text(signal.size_units)} is below the market's "
            f"minimum {size_text(least_units)}"
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


_RULES_OF_A_MESSAGE: tuple[Rule, ...] = (
    _trading_is_halted,
    _window_is_traded,
    _position_is_known,
    _snapshot_is_fresh,
    _settings_are_the_same,
)

_RULES_OF_A_GROUP: tuple[Rule, ...] = (
    _is_whole_pair,
    _sides_are_free,
    _sales_are_covered,
    _lifetimes_are_possible,
    _venue_takes_them,
)
