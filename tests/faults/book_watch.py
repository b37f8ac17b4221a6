"""Market state's books, held against those that the exchange shows over HTTP."""

from __future__ import annotations

from fault_stage import FaultStage

from actors.core import Send
from actors.messages.market import BookView, MarketSnapshot, SnapshotWanted
from actors.model import Side
from actors.units import TICKS_PER_DOLLAR, units_from_text


def book_shown(stage: FaultStage, side: Side) -> BookView:
    """What market state would show of a book now."""
    (answer,) = stage.market_state.handle(SnapshotWanted("a test"), stage.now_ms)
    assert isinstance(answer, Send)
    assert isinstance(answer.message, MarketSnapshot)
    return answer.message.book(side)


def is_venue_s(stage: FaultStage, side: Side) -> bool:
    """Whether our book is, level by level, the one that the exchange shows over HTTP."""
    theirs = stage.exchange.get(f"/book?token_id={stage.market.token(side)}")
    shown = book_shown(stage, side)
    for name, ours in (("bids", shown.bids), ("asks", shown.asks)):
        levels = [
            (round(float(each["price"]) * TICKS_PER_DOLLAR), units_from_text(each["size"]))
            for each in reversed(theirs[name])
        ]
        if list(ours) != levels[: len(ours)]:
            return False
    return shown.is_synced


def until_books_are_right(stage: FaultStage) -> None:
    for side in Side:
        stage.run_until(
            lambda side=side: is_venue_s(stage, side), f"the {side.value} book is right"
        )
