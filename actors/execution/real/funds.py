"""How much money the account can still spend, between two readings of its balance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from actors.execution.real.live_order import LiveOrder
from actors.execution.real.user_channel import Settlement
from actors.messages.execution import OrderIntent
from actors.model import Action
from actors.units import dollars_text, taker_fee_nanos

_NANOS_PER_CASH_UNIT = 1_000
"""The venue's money has six decimals."""


class Funds:
    """The balance that was read last, and what has moved and what is spoken for since.

    The balance may lag behind trades; so this refuses only what is surely too dear, and the venue
    has the last word.
    """

    def __init__(self) -> None:
        self._base_nanos: int | None = None

    def take(self, cash_units: int, orders: Iterable[LiveOrder]) -> None:
        """Start over from a balance that was read, which shows what open purchases have spent.

        They are spoken for whole, so what they have spent must not be missing here as well.
        """
        self._base_nanos = cash_units * _NANOS_PER_CASH_UNIT - _flow_nanos(orders)

    def let_go(self, live: LiveOrder) -> None:
        """An order that is over is known no more: what its trades moved stays counted."""
        if self._base_nanos is not None:
            self._base_nanos += _flow_nanos([live])

    def objection(self, intent: OrderIntent, orders: Iterable[LiveOrder]) -> str:
        """Say why an order cannot be paid, with the taker's fee; empty if it can, or may."""
        if self._base_nanos is None or intent.action is not Action.BUY:
            return ""
        known = list(orders)
        spoken_for_nanos = sum(_cost_nanos(live.intent) for live in known if not live.is_final)
        moved_nanos = _flow_nanos(_without_open_purchases(known))
        free_nanos = self._base_nanos + moved_nanos - spoken_for_nanos
        cost_nanos = _cost_nanos(intent)
        if cost_nanos <= free_nanos:
            return ""
        return (
            f"it may cost ${dollars_text(cost_nanos)} with the fee, and the account has "
            f"${dollars_text(max(0, free_nanos))} to spend"
        )


def _cost_nanos(intent: OrderIntent) -> int:
    """Most that a purchase may cost; an order that has traded in part is counted whole."""
    if intent.action is not Action.BUY:
        return 0
    price_ticks, units = intent.price_ticks, intent.size_units
    return price_ticks * units + taker_fee_nanos(price_ticks, units, intent.market.fee_rate_bps)


def _without_open_purchases(orders: Iterable[LiveOrder]) -> Iterator[LiveOrder]:
    return (live for live in orders if live.is_final or live.intent.action is not Action.BUY)


def _flow_nanos(orders: Iterable[LiveOrder]) -> int:
    """Money that came in by trades, minus what went out."""
    flow_nanos = 0
    for live in orders:
        sign = -1 if live.intent.action is Action.BUY else 1
        for trade in live.trades:
            if trade.settlement is not Settlement.FAILED:
                fill = trade.fill
                flow_nanos += sign * fill.price_ticks * fill.size_units - fill.fee_nanos
    return flow_nanos
