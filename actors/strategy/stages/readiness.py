"""Stage 0: whether there is anything to decide on."""

from __future__ import annotations

from actors.model import Side
from actors.strategy.stage import StageInputs, Verdict, end, skip
from actors.units import price_label


def readiness(inputs: StageInputs) -> Verdict:
    """End unless the window is open and both books are synced, fresh and uncrossed.

    A book's age is that of its data. An open connection proves nothing.
    """
    if inputs.position.is_stopped:
        return end("the desk has stopped this window")
    if inputs.left_ms <= 0:
        return end("the window's time is over")
    for side in Side:
        objection = _objection(inputs, side)
        if objection:
            return end(f"the {side.value} book {objection}")
    return skip("")


def _objection(inputs: StageInputs, side: Side) -> str:
    book = inputs.market.book(side)
    if not book.is_synced:
        return "is not synced"
    age_ms = inputs.market.taken_at_ms - book.updated_at_ms
    if age_ms > inputs.params.max_book_age_ms:
        return f"is {age_ms} ms old, over max_book_age_ms {inputs.params.max_book_age_ms}"
    if book.is_crossed:
        return f"is crossed: bid {_price(book.best_bid_ticks)}, ask {_price(book.best_ask_ticks)}"
    return ""


def _price(price_ticks: int | None) -> str:
    return "none" if price_ticks is None else price_label(price_ticks)
