"""Sales of the desk's own: what takes risk away when a window is stopped or trading is flattened.

Both are fill-and-kill orders at a bid, one at a time. The stop loss sells at the bid that
triggered it; a flatten asks market state for the book each time and sells at its best bid.
"""

from __future__ import annotations

import attrs

from actors.directory.messages import Side
from actors.execution.desk_state import DeskWindow
from actors.execution.holdings import excess_of
from actors.market.messages import MarketSnapshot
from actors.position.messages import PositionSnapshot
from actors.strategy.messages import Action, TradeSignal, TradeSignals
from actors.units import UNITS_PER_SHARE, price_text, size_text

EXIT_ATTEMPTS_MAX = 10
"""Exits on one position that may miss; after that it is kept to the window's end."""
EXIT_PRIORITY = 3
"""Safety, as the stop loss itself."""

_SIZE_STEP_UNITS = UNITS_PER_SHARE // 100
"""The venue takes sizes in hundredths of a share."""


@attrs.frozen(kw_only=True)
class Sale:
    """What is to be sold, and why."""

    side: Side
    units: int
    bid_ticks: int
    why: str
    basis: str
    tick_ns: int = 0

    def signals(self, position: PositionSnapshot, now_ms: int) -> TradeSignals:
        """The desk's own signal for it, computed on this position."""
        units = self.units // _SIZE_STEP_UNITS * _SIZE_STEP_UNITS
        reason = (
            f"{self.why}: sell {size_text(units)} {self.side.value} "
            f"at the bid {price_text(self.bid_ticks)}"
        )
        sale = TradeSignal(
            side=self.side,
            action=Action.SELL,
            price_ticks=self.bid_ticks,
            size_units=units,
            priority=EXIT_PRIORITY,
            reason=reason,
            best_bid_ticks=self.bid_ticks,
        )
        return TradeSignals(
            signals_id=0,
            market_id=position.market_id,
            signals=(sale,),
            position_version=position.version,
            snapshot_sequence=0,
            snapshot_at_ms=now_ms,
            passed_over=(),
            basis=self.basis,
            tick_ns=self.tick_ns,
        )


def stop_loss_sale(window: DeskWindow, position: PositionSnapshot) -> Sale | None:
    """The sale that a stopped window's wish comes to; None if nothing one-sided is held."""
    wish = window.exit_wish
    if wish is None or wish.best_bid_ticks == 0:
        return None
    held_units = position.holding(wish.side).quantity_units
    if held_units <= 0 or position.holding(wish.side.other).quantity_units:
        return None
    return Sale(
        side=wish.side,
        units=held_units,
        bid_ticks=wish.best_bid_ticks,
        why="stop loss exit",
        basis=f"stop loss reached on position version {wish.position_version}",
        tick_ns=wish.tick_ns,
    )


def flatten_sale(
    snapshot: MarketSnapshot, position: PositionSnapshot, max_book_age_ms: int, now_ms: int
) -> Sale | str | None:
    """The sale of a one-sided excess into this book; why there is none; None without an excess."""
    excess = excess_of(position)
    if excess is None:
        return None
    side, book = excess.side, snapshot.book(excess.side)
    age_ms = now_ms - book.updated_at_ms
    if not book.is_synced or book.is_crossed:
        return f"the {side.value} book is not in order"
    if age_ms > max_book_age_ms:
        return f"the {side.value} book is {age_ms} ms old, allowed are {max_book_age_ms}"
    if book.best_bid_ticks is None:
        return f"no one buys {side.value}"
    return Sale(
        side=side,
        units=excess.units,
        bid_ticks=book.best_bid_ticks,
        why="flatten",
        basis=f"{side.value} bid {book.best_bid_ticks} x {size_text(book.best_bid_units)}",
    )
