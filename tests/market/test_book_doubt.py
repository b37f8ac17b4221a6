from __future__ import annotations

import pytest

from actors.market.book import TokenBook
from actors.market.book_health import MISSING_PATIENCE_MS, PATIENCE_MS, STANDSTILL_MS, BookHealth
from actors.messages.feeds import BestPricesEvent, BookEvent, PriceChangeEvent


@pytest.fixture
def book() -> TokenBook:
    """A book of time 100 with bid 480 and ask 500."""
    made = TokenBook()
    made.apply_book(BookEvent("up", 100, ((480, 1),), ((500, 1),)))
    return made


def best(at_ms: int, bid: int | None = 480, ask: int | None = 500) -> BestPricesEvent:
    return BestPricesEvent("up", at_ms, bid, ask)


def test_a_sound_book_is_in_no_doubt(book: TokenBook) -> None:
    health = BookHealth(0)
    for now_ms in range(0, 10_000, 500):
        health.look(book, now_ms)
        health.compare(book, best(100 + now_ms), now_ms)
        assert health.complaint(now_ms) == ""
        assert not health.lacks_book(now_ms)


@pytest.mark.parametrize(("lasted_ms", "is_wrong"), [(PATIENCE_MS - 1, False), (PATIENCE_MS, True)])
def test_a_book_that_stays_crossed_is_in_doubt(
    book: TokenBook, lasted_ms: int, is_wrong: bool
) -> None:
    health = BookHealth(0)
    book.apply_book(BookEvent("up", 101, ((500, 1),), ((500, 1),)))
    health.look(book, 5_000)
    health.look(book, 5_000 + lasted_ms)
    assert bool(health.complaint(5_000 + lasted_ms)) is is_wrong


def test_a_book_crossed_again_is_given_its_time_again(book: TokenBook) -> None:
    health = BookHealth(0)
    crossed = BookEvent("up", 101, ((500, 1),), ((500, 1),))
    sound = BookEvent("up", 101, ((480, 1),), ((500, 1),))
    for now_ms, event in ((0, crossed), (900, sound), (950, crossed), (1_900, crossed)):
        book.apply_book(event)
        health.look(book, now_ms)
        assert health.complaint(now_ms) == ""


def test_a_book_that_stands_still_while_the_other_moves_is_in_doubt(book: TokenBook) -> None:
    health = BookHealth(0)
    health.look(book, 1_000, book.updated_at_ms + STANDSTILL_MS - 1)
    health.look(book, 2_000, book.updated_at_ms + STANDSTILL_MS)
    health.look(book, 9_000, book.updated_at_ms + STANDSTILL_MS)
    assert health.complaint(2_000 + STANDSTILL_MS - 1) == ""
    assert "stands still" in health.complaint(2_000 + STANDSTILL_MS)
    book.apply_change(PriceChangeEvent("up", 100 + STANDSTILL_MS, ((470, 1),), ()))
    health.look(book, 12_000, 100 + STANDSTILL_MS)
    assert health.complaint(30_000) == ""


def test_best_prices_that_go_on_contradicting_bring_a_book_in_doubt(book: TokenBook) -> None:
    health = BookHealth(0)
    health.compare(book, best(101, bid=470), 0)
    assert health.complaint(0) == ""
    health.compare(book, best(102, bid=470), PATIENCE_MS - 1)
    assert health.complaint(PATIENCE_MS - 1) == ""
    health.compare(book, best(103, bid=None), PATIENCE_MS)
    assert "(480, 500)" in health.complaint(PATIENCE_MS)


def test_one_agreement_ends_a_contradiction(book: TokenBook) -> None:
    health = BookHealth(0)
    health.compare(book, best(101, ask=510), 0)
    health.compare(book, best(102), 900)
    health.compare(book, best(103, ask=510), 1_500)
    health.compare(book, best(104, ask=510), 2_400)
    assert health.complaint(2_400) == ""


def test_best_prices_of_the_books_own_time_are_held_against_it(book: TokenBook) -> None:
    health = BookHealth(0)
    health.compare(book, best(100, bid=470), 0)
    health.compare(book, best(100, bid=470), PATIENCE_MS)
    assert health.complaint(PATIENCE_MS) != ""


def test_best_prices_older_than_the_book_prove_nothing(book: TokenBook) -> None:
    health = BookHealth(0)
    health.compare(book, best(99, bid=470), 0)
    health.compare(book, best(99, bid=470), 5_000)
    assert health.complaint(5_000) == ""


def test_a_missing_book_is_missed_after_a_while() -> None:
    health, book = BookHealth(1_000), TokenBook()
    health.look(book, 1_500)
    assert not health.lacks_book(1_000 + MISSING_PATIENCE_MS - 1)
    assert health.lacks_book(1_000 + MISSING_PATIENCE_MS)


def test_a_book_lost_later_is_missed_from_then_on(book: TokenBook) -> None:
    health = BookHealth(0)
    health.look(book, 10)
    book.void()
    health.look(book, 9_000)
    assert not health.lacks_book(9_000 + MISSING_PATIENCE_MS - 1)
    assert health.lacks_book(9_000 + MISSING_PATIENCE_MS)


@pytest.mark.parametrize("what", ["missing", "crossed", "behind", "contradicted"])
def test_a_clock_set_back_leaves_what_is_wrong_as_old_as_it_was(book: TokenBook, what: str) -> None:
    health = BookHealth(50_000)
    if what == "missing":
        book.void()
    elif what == "crossed":
        book.apply_book(BookEvent("up", 101, ((500, 1),), ((500, 1),)))
    newest_at_ms = book.updated_at_ms + (STANDSTILL_MS if what == "behind" else 0)
    health.look(book, 50_000, newest_at_ms)
    contradiction = best(102, bid=470)
    if what == "contradicted":
        health.compare(book, contradiction, 50_000)
    health.clock_set_back(30_000)
    waits_ms = {"missing": MISSING_PATIENCE_MS, "behind": STANDSTILL_MS}.get(what, PATIENCE_MS)
    for now_ms, is_wrong in ((20_000 + waits_ms - 1, False), (20_000 + waits_ms, True)):
        if what == "contradicted":
            health.compare(book, contradiction, now_ms)
        assert (health.lacks_book(now_ms) or bool(health.complaint(now_ms))) is is_wrong
