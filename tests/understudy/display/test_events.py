"""Events as people are shown them: falls, connections, halts, fills and settled windows."""

from __future__ import annotations

import time
from collections.abc import Iterator

import attrs
import pytest
from chronicle import Chronicle, intent, trade, window
from scenes import NOW_MS, child, report, view

from actors.core import Record
from actors.execution.desk_state import Halted, Resumed, TradingStopped
from actors.messages.directory import WindowNotTraded
from actors.messages.execution import FillFailed, OrderRejected, OrderState, OutcomeUnknown
from actors.messages.halts import Halt
from actors.messages.observer import FeedSeen
from actors.model import Side
from actors.position.core import ResultCorrected
from actors.runtime.clock import Clock, ClockSpec
from actors.runtime.journal import JournalReader
from actors.supervision.messages import ChildState, Fall
from understudy.display.events import EVENTS_KEPT, EventBook

HALT = Halt(who="operator", reason="odd prices", since_ms=NOW_MS, cancels=True)


@pytest.fixture
def clock() -> Clock:
    return Clock(ClockSpec.starting_now(NOW_MS, speed=1.0))


@pytest.fixture
def book(chronicle: Chronicle, clock: Clock) -> Iterator[EventBook]:
    reader = JournalReader(chronicle.data_dir)
    yield EventBook(reader, clock)
    reader.close()


def texts(book: EventBook) -> list[str]:
    book.look(None, None)
    return [event.text for event in book.newest]


# From the journal


def test_fills_and_what_became_of_each_order_are_told_newest_first(
    chronicle: Chronicle, book: EventBook
) -> None:
    first, second = intent(1), intent(2, side=Side.NO)
    chronicle.done(first, trade(first, 8), trade(first, 12, part=2, after_ms=900))
    chronicle.done(second, trade(second, 12))
    assert texts(book) == [
        "order 2 BUY NO cancelled, 12 of 20 filled: its time to live is over",
        "order 2 BUY NO filled 12 of 20 at 0.48",
        "order 1 BUY YES filled 20 of 20 at 0.48",
        "order 1 BUY YES filled 8 of 20 at 0.48",
    ]


def test_a_settled_window_is_told_once_with_what_it_brought(
    chronicle: Chronicle, book: EventBook
) -> None:
    first = intent(1)
    chronicle.done(first, trade(first, is_maker=True))
    chronicle.settle(window(0))
    assert texts(book)[0] == "…1750000500 settled: Up won, P&L +10.40"
    chronicle.settle(window(1), winner=None)
    assert texts(book)[0] == "…1750001400 settled: void, P&L 0.00"
    assert sum("settled" in text for text in texts(book)) == 2


TROUBLES = {
    "rejected": (
        OrderRejected("order_1_0badcafe", "not enough balance"),
        "order 1 BUY YES 20 rejected: not enough balance",
    ),
    "unknown": (
        OutcomeUnknown("order_1_0badcafe", "no answer"),
        "order 1 BUY YES 20: outcome unknown: no answer",
    ),
    "failed": (
        FillFailed("order_1_0badcafe", "t1", "reverted"),
        "order 1 BUY YES: a fill is reversed: reverted",
    ),
}


@pytest.mark.parametrize(("event", "text"), TROUBLES.values(), ids=TROUBLES.keys())
def test_what_goes_wrong_with_an_order_is_told_as_trouble(
    chronicle: Chronicle, book: EventBook, event: object, text: str
) -> None:
    of = intent(1)
    chronicle.create(of)
    chronicle.save_order(event, OrderState(intent=of), NOW_MS)
    book.look(None, None)
    assert [(each.text, each.is_trouble) for each in book.newest] == [(text, True)]


DESK = {
    "halted": (Halted(HALT), "halted: odd prices (operator)"),
    "resumed": (
        Resumed(who="operator", reason="all well", lifted=(HALT,)),
        "trading again: all well (operator)",
    ),
    "stopped": (
        TradingStopped(market_id="0x000", reason="stop loss", exit_wish=None),
        "no more trading in this window: stop loss",
    ),
    "not traded": (
        WindowNotTraded(slug="btc-updown-15m-7", opens_at_ms=0, closes_at_ms=1, reason="no strike"),
        "…7 is not traded: no strike",
    ),
    "corrected": (
        ResultCorrected(
            market_id="0x000",
            slug="btc-updown-15m-7",
            before=Side.YES,
            after=None,
            pnl_before_nanos=1_000_000_000,
            pnl_after_nanos=-2_000_000_000,
            evidence="test",
        ),
        "…7: result changed from YES to void, P&L from +1.00 to -2.00",
    ),
}


@pytest.mark.parametrize(("event", "text"), DESK.values(), ids=DESK.keys())
def test_halts_and_windows_are_told(
    chronicle: Chronicle, book: EventBook, event: object, text: str
) -> None:
    chronicle.record("desk", Record(event), NOW_MS)
    assert texts(book) == [text]


def test_a_run_that_is_started_again_still_knows_what_happened_before(
    chronicle: Chronicle, clock: Clock
) -> None:
    chronicle.record("desk", Record(Halted(HALT)), NOW_MS)
    reader = JournalReader(chronicle.data_dir)
    assert texts(EventBook(reader, clock)) == ["halted: odd prices (operator)"]
    reader.close()


def test_only_the_newest_events_are_kept(chronicle: Chronicle, book: EventBook) -> None:
    for number in range(EVENTS_KEPT + 5):
        halt = attrs.evolve(HALT, reason=f"number {number}")
        chronicle.record("desk", Record(Halted(halt)), NOW_MS + number)
    told = texts(book)
    assert len(told) == EVENTS_KEPT
    assert told[0] == f"halted: number {EVENTS_KEPT + 4} (operator)"


def test_an_event_that_cannot_be_read_spoils_no_other(
    chronicle: Chronicle, book: EventBook
) -> None:
    @attrs.frozen
    class Halted:
        halt: int

    chronicle.record("desk", Record(Halted(5)), NOW_MS)
    chronicle.record("desk", Record(Resumed(who="operator", reason="fine", lifted=())), NOW_MS + 1)
    newest, unread = texts(book)
    assert newest == "trading again: fine (operator)"
    assert "cannot be read" in unread


# From the supervisor


def ago(ms: int) -> int:
    return time.monotonic_ns() // 1_000_000 - ms


def test_a_fall_is_one_event_that_is_told_anew_when_its_role_serves_again(book: EventBook) -> None:
    fall = Fall(name="market-state", pid=42, at_ms=ago(2_000))
    book.look(report(falls=(fall,)), None)
    (first,) = book.newest
    assert first.text == "market-state crashed (pid 42)"
    assert first.at_ms >= NOW_MS - 2_500
    served = attrs.evolve(fall, served_again_at_ms=fall.at_ms + 50)
    book.look(report(falls=(served,)), None)
    (again,) = book.newest
    assert again.text == "market-state crashed, serving again after 0.05 s (pid 42)"
    assert again.at_ms == first.at_ms


def test_a_fall_names_what_fell_with_it_or_why(book: EventBook) -> None:
    falls = (
        Fall(name="trading", pid=42, roles=("desk", "strategy"), was_hung=True, at_ms=ago(20)),
        Fall(name="order/order_3_0badcafe", pid=43, reason="ValueError: odd", at_ms=ago(10)),
    )
    book.look(report(falls=falls), None)
    assert [event.text for event in book.newest] == [
        "order 3 crashed: ValueError: odd",
        "trading hung and was killed (pid 42): desk, strategy",
    ]


def test_a_tree_that_fell_is_over_when_every_actor_of_the_next_one_serves(book: EventBook) -> None:
    served = tuple(child(role) for role in ("desk", "strategy"))
    book.look(report(pid=1, children=served), None)
    book.tree_crashed("supervisor")
    book.look(report(pid=1, children=served), None)  # of the tree that fell
    starting = (served[0], child("strategy", state=ChildState.STARTING))
    book.look(report(pid=2, children=starting), None)
    assert [event.text for event in book.newest] == ["supervisor crashed, every actor is restarted"]
    book.look(report(pid=2, children=served), None)
    assert book.newest[0].text.startswith("supervisor crashed, every actor serves again after 0.")


# From the observer


def test_a_lost_connection_and_its_return_are_two_events(book: EventBook) -> None:
    def seen(is_up: bool, since_ms: int, trouble: str = "") -> None:
        feed = FeedSeen(feed="market-feed", is_up=is_up, since_ms=since_ms, trouble=trouble)
        book.look(None, view(feeds=(feed,)))

    seen(True, NOW_MS)
    assert book.newest == ()
    seen(False, NOW_MS + 1_000, "connection refused")
    seen(False, NOW_MS + 1_000, "connection refused")
    seen(True, NOW_MS + 1_250)
    assert [(event.text, event.is_trouble) for event in book.newest] == [
        ("market-feed is up again after 0.25 s", False),
        ("market-feed is down: connection refused", True),
    ]
