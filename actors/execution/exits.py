"""The desk's own sales, which reduce risk when a window is stopped or the position is flattened.

Both kinds are fill-and-kill orders, one at a time. Each is priced at the best bid of a book that
was requested from market state immediately before, since an older bid may be gone. A sale that
misses is repeated at the next bid, once a round; without a bid it waits for one.
"""

from __future__ import annotations

import attrs

from actors.core import Effects, Send
from actors.execution.desk_memory import DeskMemory, TradedWindow
from actors.execution.desk_state import DeskWindow
from actors.execution.holdings import excess_of
from actors.messages.execution import OrderIntent
from actors.messages.halts import halts_of
from actors.messages.market import MarketSnapshot, SnapshotWanted
from actors.messages.position import PositionSnapshot
from actors.messages.strategy import TradeSignal, TradeSignals
from actors.model import Action, Side, TimeInForce
from actors.roles import DESK, MARKET_STATE
from actors.units import UNITS_PER_SHARE, price_label, size_text

EXIT_ATTEMPTS_MAX = 10
"""Failed sales on one position after which it is kept until the window ends."""
EXIT_PRIORITY = 3
"""The same priority as the stop loss itself."""

_FLATTEN = "flatten"
_SIZE_STEP_UNITS = UNITS_PER_SHARE // 100
"""The venue accepts sizes in hundredths of a share."""


@attrs.frozen(kw_only=True)
class PlannedSale:
    """A sale to make as soon as there is a buyer, and its reason."""

    side: Side
    units: int
    why: str
    basis: str = ""
    tick_ns: int = 0


def ask_for_books(desk: DeskMemory) -> Effects:
    """Request the book of each window in which something is to be sold."""
    return [
        Send(desk.settings.role(MARKET_STATE, series), SnapshotWanted(DESK))
        for series, traded in desk.windows.items()
        if next_sale(desk, traded) is not None
    ]


def next_sale(desk: DeskMemory, traded: TradedWindow) -> PlannedSale | None:
    """Return what to sell in a window now; None while something else is in progress.

    Flattening takes precedence over a stop loss.
    """
    market = traded.market
    is_flattened = any(halt.flattens for halt in halts_of(desk.state.halts, market.series))
    window = desk.state.window(traded.market_id)
    if traded.is_over or not (is_flattened or window.exit_wish):
        return None
    position = desk.position(traded.market_id)
    if position is None:
        return None
    if desk.unconfirmed is not None:
        return None  # a pending cancel would also cancel the sale
    if desk.open_orders.live(traded.market_id) or traded.exit_attempts == EXIT_ATTEMPTS_MAX:
        return None
    if is_flattened:
        return _flatten_sale(position)
    if desk.halt_reason(market):
        return None
    return _stop_loss_sale(window, position)


def _stop_loss_sale(window: DeskWindow, position: PositionSnapshot) -> PlannedSale | None:
    """Return the sale of a stopped window's holding; None if nothing one-sided is held."""
    wish = window.exit_wish
    if wish is None:
        return None
    held_units = position.holding(wish.side).quantity_units
    if held_units <= 0 or position.holding(wish.side.other).quantity_units:
        return None
    return PlannedSale(
        side=wish.side,
        units=held_units,
        why="stop loss exit",
        basis=f"stop loss reached on position version {wish.position_version}",
        tick_ns=wish.tick_ns,
    )


def _flatten_sale(position: PositionSnapshot) -> PlannedSale | None:
    """Return the sale of what one side holds beyond the other; None without an excess."""
    excess = excess_of(position)
    if excess is None:
        return None
    return PlannedSale(side=excess.side, units=excess.units, why=_FLATTEN)


def is_flatten_sale(intent: OrderIntent) -> bool:
    """Return whether an order is a sale made by flattening."""
    return intent.priority == EXIT_PRIORITY and intent.reason.startswith(f"{_FLATTEN}: ")


def sale_into(
    snapshot: MarketSnapshot,
    sale: PlannedSale,
    position: PositionSnapshot,
    max_book_age_ms: int,
    now_ms: int,
) -> TradeSignals | str:
    """Return the desk's own signal to sell into this book, or why there is none."""
    side, book = sale.side, snapshot.book(sale.side)
    age_ms, bid_ticks = now_ms - book.updated_at_ms, book.best_bid_ticks
    if not book.is_synced or book.is_crossed:
        return f"the {side.value} book is not in order"
    if age_ms > max_book_age_ms:
        return f"the {side.value} book is {age_ms} ms old, over max_book_age_ms {max_book_age_ms}"
    if bid_ticks is None:
        return f"no one buys {side.value}"
    units = sale.units // _SIZE_STEP_UNITS * _SIZE_STEP_UNITS
    price = price_label(bid_ticks)
    bid = f"{side.value} bid {price} x {size_text(book.best_bid_units)}"
    signal = TradeSignal(
        side=side,
        action=Action.SELL,
        time_in_force=TimeInForce.FAK,
        price_ticks=bid_ticks,
        size_units=units,
        priority=EXIT_PRIORITY,
        reason=f"{sale.why}: sell {size_text(units)} {side.value} at the bid {price}",
        best_bid_ticks=bid_ticks,
    )
    return TradeSignals(
        signals_id=0,
        market_id=position.market_id,
        signals=(signal,),
        position_version=position.version,
        snapshot_sequence=0,
        snapshot_at_ms=now_ms,
        passed_over=(),
        basis=f"{sale.basis}, {bid}" if sale.basis else bid,
        tick_ns=sale.tick_ns,
    )
