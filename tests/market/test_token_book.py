from __future__ import annotations

import pytest

from actors.market.book import TokenBook
from actors.messages.feeds import BookEvent, PriceChangeEvent
from actors.messages.market import SNAPSHOT_DEPTH, BookView
from actors.model import Level


def whole(at_ms: int, bids: tuple[Level, ...] = (), asks: tuple[Level, ...] = ()) -> BookEvent:
    return BookEvent("up", at_ms, bids, asks)


def change(
    at_ms: int, *, bids: tuple[Level, ...] = (), asks: tuple[Level, ...] = ()
) -> PriceChangeEvent:
    return PriceChangeEvent("up", at_ms, bids, asks)


@pytest.fixture
def book() -> TokenBook:
    """A synced book of time 100: bids 480 and 470, asks 500 and 510."""
    made = TokenBook()
    assert made.apply_book(whole(100, ((480, 30), (470, 20)), ((500, 10), (510, 40))))
    return made


def test_a_book_begins_unsynced_and_empty() -> None:
    assert TokenBook().view() == BookView()


def test_changes_before_the_first_whole_book_are_counted_and_not_applied() -> None:
    book = TokenBook()
    assert not book.apply_change(change(90, bids=((480, 5),)))
    assert book.early_count == 1
    assert book.view() == BookView()


def test_a_whole_book_replaces_what_was_there(book: TokenBook) -> None:
    assert book.apply_book(whole(101, ((450, 7),), ()))
    assert book.view() == BookView(bids=((450, 7),), is_synced=True, updated_at_ms=101)


def test_a_change_sets_the_new_total_of_its_level(book: TokenBook) -> None:
    assert book.apply_change(change(101, bids=((470, 99),)))
    assert book.view().bids == ((480, 30), (470, 99))


def test_a_better_level_becomes_the_best(book: TokenBook) -> None:
    book.apply_change(change(101, bids=((490, 1),), asks=((495, 2),)))
    assert (book.best_bid_ticks, book.best_ask_ticks) == (490, 495)


def test_a_worse_level_does_not(book: TokenBook) -> None:
    book.apply_change(change(101, bids=((460, 1),), asks=((515, 2),)))
    assert (book.best_bid_ticks, book.best_ask_ticks) == (480, 500)


def test_the_first_level_of_an_empty_side_is_its_best() -> None:
    book = TokenBook()
    book.apply_book(whole(100))
    book.apply_change(change(101, bids=((460, 1),), asks=((515, 2),)))
    assert (book.best_bid_ticks, book.best_ask_ticks) == (460, 515)


def test_the_next_level_is_the_best_when_the_best_goes(book: TokenBook) -> None:
    book.apply_change(change(101, bids=((480, 0),), asks=((500, 0),)))
    assert (book.best_bid_ticks, book.best_ask_ticks) == (470, 510)
    book.apply_change(change(102, bids=((470, 0),), asks=((510, 0),)))
    assert (book.best_bid_ticks, book.best_ask_ticks) == (None, None)


def test_removing_a_level_that_is_not_there_changes_nothing_to_see(book: TokenBook) -> None:
    before = book.view()
    book.apply_change(change(100, bids=((475, 0),)))
    assert book.view() == before


def test_a_duplicate_leaves_the_book_as_it_is(book: TokenBook) -> None:
    event = change(101, bids=((490, 1),))
    book.apply_change(event)
    before = book.view()
    book.apply_change(event)
    assert book.view() == before


def test_a_change_older_than_the_whole_book_is_stale(book: TokenBook) -> None:
    assert not book.apply_change(change(99, bids=((490, 1),)))
    assert book.stale_count == 1
    assert book.best_bid_ticks == 480


def test_a_change_older_than_its_levels_newest_is_stale(book: TokenBook) -> None:
    book.apply_change(change(105, bids=((480, 0),)))
    assert not book.apply_change(change(104, bids=((480, 77),)))
    assert book.stale_count == 1
    assert book.best_bid_ticks == 470


def test_a_late_change_of_another_level_still_counts(book: TokenBook) -> None:
    book.apply_change(change(105, bids=((480, 0),)))
    assert book.apply_change(change(104, bids=((470, 0),)))
    assert book.best_bid_ticks is None
    assert book.updated_at_ms == 105, "the book is as young as its newest event"


def test_among_equal_timestamps_the_later_arrival_counts(book: TokenBook) -> None:
    book.apply_change(change(100, bids=((480, 5),)))
    book.apply_change(change(100, bids=((480, 6),)))
    assert book.view().bids[0] == (480, 6)
    book.apply_book(whole(100, ((480, 7),)))
    assert book.view().bids[0] == (480, 7)


def test_a_whole_book_older_than_the_last_one_is_stale(book: TokenBook) -> None:
    before = book.view()
    assert not book.apply_book(whole(99, ((300, 1),), ((301, 1),)))
    assert book.stale_count == 1
    assert book.view() == before


def test_a_late_whole_book_keeps_what_single_levels_were_told_since(book: TokenBook) -> None:
    book.apply_change(change(110, bids=((480, 0), (475, 3)), asks=((505, 4),)))
    assert book.apply_book(whole(105, ((480, 30), (470, 21)), ((500, 11),)))
    view = book.view()
    assert view.bids == ((475, 3), (470, 21))
    assert view.asks == ((500, 11), (505, 4))
    assert view.updated_at_ms == 110


def test_a_void_book_is_empty_until_a_whole_one_comes_whatever_its_time(book: TokenBook) -> None:
    book.void()
    assert book.view() == BookView(updated_at_ms=100)
    assert not book.apply_change(change(200, bids=((480, 1),)))
    assert book.apply_book(whole(50, ((460, 1),)))
    assert book.view().bids == ((460, 1),)


@pytest.mark.parametrize(("bid", "is_crossed"), [(499, False), (500, True), (501, True)])
def test_a_bid_at_the_ask_crosses_the_book(book: TokenBook, bid: int, is_crossed: bool) -> None:
    book.apply_change(change(101, bids=((bid, 1),)))
    assert book.is_crossed is is_crossed
    assert book.view().is_crossed is is_crossed


def test_a_one_sided_book_is_not_crossed(book: TokenBook) -> None:
    book.apply_book(whole(101, ((990, 1),)))
    assert not book.is_crossed


def test_a_view_is_only_so_deep(book: TokenBook) -> None:
    asks = tuple((500 + step, step + 1) for step in range(30))
    bids = tuple((499 - step, step + 1) for step in range(30))
    book.apply_book(whole(101, bids, asks))
    assert book.view().asks == asks[:SNAPSHOT_DEPTH]
    assert book.view().bids == bids[:SNAPSHOT_DEPTH]


def test_an_unchanged_book_is_viewed_without_making_it_again(book: TokenBook) -> None:
    assert book.view() is book.view()
