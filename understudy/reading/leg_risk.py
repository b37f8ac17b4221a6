"""Leg risk: an arbitrage pair is at risk while one leg is filled and the other is not.

A pair's *gap* is how much more one leg has filled than the other. Later fills of other orders can
cover it: a purchase of the missing side, or a sale of the excess side, by whatever rule. One fill
covers each share once, the oldest gap first. What remains uncovered loses its price and fee if the
other side wins: that is the money at risk.
"""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import attrs

from actors.messages.execution import OrderState
from actors.model import Action, FillDetail, Market, Side
from understudy.reading.orders import standing_fills


class LegEnd(enum.Enum):
    """How a pair ended."""

    NOT_FILLED = "not filled"
    BOTH_LEGS = "both legs"
    """Both legs filled alike; between their fills there may have been a gap."""
    COVERED = "covered"
    """Fills of other orders covered the gap."""
    WINDOW_END = "kept to the end"
    """The window ended before the gap was covered."""
    ONE_LEGGED = "one-legged now"


@attrs.frozen(kw_only=True)
class PairRisk:
    """One arbitrage pair: its largest gap, how long it lasted, and the money at risk."""

    yes: OrderState
    no: OrderState
    one_legged_ms: int
    """Total venue time during which part of it was uncovered."""
    worst_units: int
    """Most shares uncovered at once."""
    worst_nanos: int
    """Most money at risk at once: cost and fees of the uncovered shares, rounded up."""
    end: LegEnd

    @property
    def market(self) -> Market:
        """The pair's window."""
        return self.yes.intent.market

    @property
    def created_at_ms(self) -> int:
        """When the pair was ordered."""
        return self.yes.intent.created_at_ms


@attrs.frozen
class _Move:
    """A fill, with its order."""

    order_id: str
    side: Side
    action: Action
    fill: FillDetail


class _Pair:
    """A pair while its window's fills are processed in time order."""

    def __init__(self, yes: OrderState, no: OrderState) -> None:
        self.yes, self.no = yes, no
        self.order_ids = {yes.intent.order_id, no.intent.order_id}
        self.one_legged_ms = self.worst_units = self.worst_nanos = 0
        self._filled_units = dict.fromkeys(Side, 0)
        self._paid_nanos = dict.fromkeys(Side, 0)
        self._covered_units = 0
        self._changed_at_ms = 0

    @property
    def excess_side(self) -> Side:
        """The side that has filled more; YES if they are equal."""
        filled = self._filled_units
        return Side.YES if filled[Side.YES] >= filled[Side.NO] else Side.NO

    @property
    def open_units(self) -> int:
        """The uncovered size now."""
        return self._gap_units - self._covered_units

    @property
    def _gap_units(self) -> int:
        return abs(self._filled_units[Side.YES] - self._filled_units[Side.NO])

    def fill(self, move: _Move) -> None:
        """Apply a fill of one of its legs."""
        self.pass_time(move.fill.timestamp_ms)
        excess_before = self.excess_side
        self._filled_units[move.side] += move.fill.size_units
        self._paid_nanos[move.side] += (
            move.fill.price_ticks * move.fill.size_units + move.fill.fee_nanos
        )
        if self.excess_side is not excess_before:
            self._covered_units = 0
        self._covered_units = min(self._covered_units, self._gap_units)
        self._note_worst()

    def cover(self, units: int, at_ms: int) -> int:
        """Cover the gap with up to this many shares; return how many were used."""
        self.pass_time(at_ms)
        taken_units = min(units, self.open_units)
        self._covered_units += taken_units
        return taken_units

    def pass_time(self, now_ms: int) -> None:
        """Count the time since the last change, if something was uncovered."""
        if self.open_units:
            self.one_legged_ms += max(0, now_ms - self._changed_at_ms)
        self._changed_at_ms = max(now_ms, self._changed_at_ms)

    def _note_worst(self) -> None:
        side = self.excess_side
        if not self.open_units:
            return
        paid_nanos, filled_units = self._paid_nanos[side], self._filled_units[side]
        self.worst_units = max(self.worst_units, self.open_units)
        self.worst_nanos = max(self.worst_nanos, -(-paid_nanos * self.open_units // filled_units))

    def result(self, now_ms: int) -> PairRisk:
        """Return the result, as of a moment."""
        closes_at_ms = self.yes.intent.market.closes_at_ms
        self.pass_time(min(now_ms, closes_at_ms))
        return PairRisk(
            yes=self.yes,
            no=self.no,
            one_legged_ms=self.one_legged_ms,
            worst_units=self.worst_units,
            worst_nanos=self.worst_nanos,
            end=self._end(is_over=now_ms >= closes_at_ms),
        )

    def _end(self, *, is_over: bool) -> LegEnd:
        if self.open_units:
            return LegEnd.WINDOW_END if is_over else LegEnd.ONE_LEGGED
        if self._covered_units:
            return LegEnd.COVERED
        return LegEnd.BOTH_LEGS if any(self._filled_units.values()) else LegEnd.NOT_FILLED


def leg_risks(orders: Iterable[OrderState], now_ms: int) -> tuple[PairRisk, ...]:
    """Measure every arbitrage pair among all orders, oldest first.

    Args:
        orders: every order, since those that are not legs may cover a gap.
        now_ms: venue time until which an open gap is counted, at most to its window's end.
    """
    by_market: defaultdict[str, list[OrderState]] = defaultdict(list)
    for order in orders:
        by_market[order.intent.market.market_id].append(order)
    risks = [risk for each in by_market.values() for risk in _in_one_market(each, now_ms)]
    return tuple(sorted(risks, key=lambda risk: risk.created_at_ms))


def _in_one_market(orders: Sequence[OrderState], now_ms: int) -> list[PairRisk]:
    pairs = _pairs({order.intent.order_id: order for order in orders})
    if not pairs:
        return []
    for move in sorted(_moves(orders), key=lambda move: (move.fill.timestamp_ms, move.order_id)):
        own = [pair for pair in pairs if move.order_id in pair.order_ids]
        if own:
            own[0].fill(move)
        else:
            _cover(pairs, move)
    return [pair.result(now_ms) for pair in pairs]


def _pairs(orders: Mapping[str, OrderState]) -> list[_Pair]:
    """The pairs of which both legs are recorded, oldest first."""
    pairs = []
    for order in sorted(orders.values(), key=lambda order: order.intent.created_at_ms):
        partner = orders.get(order.intent.pair_id or "")
        if partner is not None and order.intent.side is Side.YES:
            pairs.append(_Pair(yes=order, no=partner))
    return pairs


def _moves(orders: Iterable[OrderState]) -> Iterable[_Move]:
    for order in orders:
        intent = order.intent
        for fill in standing_fills(order):
            yield _Move(intent.order_id, intent.side, intent.action, fill)


def _cover(pairs: Iterable[_Pair], move: _Move) -> None:
    """Apply another order's fill to the gaps of pairs, the oldest first."""
    relieved_side = move.side.other if move.action is Action.BUY else move.side
    left_units = move.fill.size_units
    for pair in pairs:
        if pair.excess_side is relieved_side:
            left_units -= pair.cover(left_units, move.fill.timestamp_ms)
