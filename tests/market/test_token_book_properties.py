"""The order book against a plain model that recomputes everything from the whole history."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from actors.market.book import TokenBook
from actors.messages.feeds import BookEvent, PriceChangeEvent
from actors.messages.market import SNAPSHOT_DEPTH
from actors.model import Level

Event = BookEvent | PriceChangeEvent
Levels = tuple[Level, ...]

prices = st.integers(1, 12).map(lambda step: step * 10)
level_sets = st.dictionaries(prices, st.integers(0, 5), max_size=6).map(
    lambda sizes: tuple(sizes.items())
)
times = st.integers(0, 12)


def whole(token: str, at_ms: int, bids: Levels, asks: Levels) -> BookEvent:
    """A whole book of these levels, as the decoder makes it: best first, none empty."""
    kept = [[each for each in side if each[1]] for side in (bids, asks)]
    return BookEvent(token, at_ms, tuple(sorted(kept[0], reverse=True)), tuple(sorted(kept[1])))


books = st.builds(whole, st.just("up"), times, level_sets, level_sets)
changes = st.builds(PriceChangeEvent, st.just("up"), times, level_sets, level_sets)
histories = st.lists(changes | changes | changes | books, max_size=25)


def apply(book: TokenBook, event: Event) -> None:
    if isinstance(event, BookEvent):
        book.apply_book(event)
    else:
        book.apply_change(event)


def model(history: list[Event]) -> tuple[list[Level], list[Level]] | None:
    """Bids and asks, best first; None before any whole book.

    Each level is what the newest word on it says. A whole book is a word on every level.
    """
    first = next((n for n, event in enumerate(history) if isinstance(event, BookEvent)), None)
    if first is None:
        return None
    numbered = list(enumerate(history))[first:]
    sides = []
    for name, is_bid in (("bids", True), ("asks", False)):
        levels = []
        for price in range(10, 130, 10):
            words = []
            for number, event in numbered:
                sizes = dict(getattr(event, name))
                if isinstance(event, BookEvent) or price in sizes:
                    words.append((event.timestamp_ms, number, sizes.get(price, 0)))
            size = max(words)[2]
            if size:
                levels.append((price, size))
        sides.append(sorted(levels, reverse=is_bid))
    return sides[0], sides[1]


@given(histories)
def test_any_history_leaves_the_book_that_the_model_has(history: list[Event]) -> None:
    book = TokenBook()
    for length, event in enumerate(history, start=1):
        apply(book, event)
        expected = model(history[:length])
        assert book.is_synced is (expected is not None)
        bids, asks = expected or ([], [])
        view = book.view()
        assert list(view.bids) == bids[:SNAPSHOT_DEPTH]
        assert list(view.asks) == asks[:SNAPSHOT_DEPTH]
        assert book.best_bid_ticks == (bids[0][0] if bids else None)
        assert book.best_ask_ticks == (asks[0][0] if asks else None)


@given(st.data())
def test_reordered_and_duplicated_events_leave_the_same_book(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 12))
    events: list[Event] = [
        kind("up", at_ms, data.draw(level_sets), data.draw(level_sets))
        for at_ms in range(1, count + 1)
        for kind in [data.draw(st.sampled_from([whole, PriceChangeEvent]))]
    ]
    shuffled = data.draw(st.permutations(events + data.draw(st.lists(st.sampled_from(events)))))
    base = whole("up", 0, data.draw(level_sets), data.draw(level_sets))
    in_order, out_of_order = TokenBook(), TokenBook()
    for book, arrivals in ((in_order, events), (out_of_order, shuffled)):
        book.apply_book(base)
        for event in arrivals:
            apply(book, event)
    assert out_of_order.view() == in_order.view()
