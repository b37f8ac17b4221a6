"""F34, F35, F37, F38, F46: frames that cannot be read, that contradict each other, or that stop."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from core_stage import CoreStage
from feed_builders import NOW_MS, book_frame, frame, received
from frames_stage import WINDOW, FramesStage

from actors.feeds.connection import Connect, Connected, Phase
from actors.feeds.reference_feed import ReferenceFeedCore
from actors.messages.feeds import FeedStale, ReferencePrice
from actors.model import Side
from actors.roles import MARKET_STATE, REFERENCE_FEED
from actors.units import E18, shares

YES, NO = WINDOW.yes_token, WINDOW.no_token


def book(token: str, bid: str = "0.40", ask: str = "0.45", at_ms: int = NOW_MS) -> bytes:
    levels = {"bids": [{"price": bid, "size": "30"}], "asks": [{"price": ask, "size": "30"}]}
    return book_frame(token, at_ms, market=WINDOW.market_id, **levels)


def change(*levels: tuple[str, str, str, str], at_ms: int = NOW_MS + 1) -> bytes:
    """A price_change of (token, price, size, side) entries, its kind last, as nearly all are."""
    entries = [
        {"asset_id": token, "price": price, "size": size, "side": side}
        for token, price, size, side in levels
    ]
    parts = {"market": WINDOW.market_id, "price_changes": entries, "timestamp": str(at_ms)}
    return json.dumps({**parts, "event_type": "price_change"}, separators=(",", ":")).encode()


@pytest.fixture
def synced() -> FramesStage:
    """Both books are there: YES 0.40 / 0.45, NO 0.55 / 0.60."""
    stage = FramesStage()
    stage.arrive(b"[" + book(YES) + b"," + book(NO, "0.55", "0.60") + b"]")
    assert stage.book(Side.YES).best_ask_ticks == 450
    assert stage.book(Side.NO).best_ask_ticks == 600
    return stage


# F34


def test_f34_a_sequence_that_begins_anew_while_trades_go_on_stops_no_price() -> None:
    stage = coinbase()
    heard = []
    for second, sequence in enumerate((26_941_143, 26_941_144, 624_086, 624_087, 624_088)):
        stage.now_ms = NOW_MS + second * 1_000
        heard.append(ticker(stage, sequence, 100_000 + second, 7_000 + second))
        stage.give(received(stage.core, heard[-1]))
    assert dollars_told(stage) == [100_000, 100_001, 100_002, 100_003, 100_004]
    assert [log.text for log in stage.logs] == [
        "Coinbase's sequence restarted: 624086 after 26941144"
    ]
    stage.give(received(stage.core, *heard[:2]))
    assert dollars_told(stage)[5:] == [], "what is old by trade and time is not told again"
    assert stage.core.is_serving


# F35


@pytest.mark.parametrize("trades_go_on", [True, False])
def test_f35_heartbeats_do_not_hide_that_the_prices_have_stopped(trades_go_on: bool) -> None:
    stage = coinbase()
    stage.give(received(stage.core, ticker(stage, 1, 100_000, 1)))
    for second in range(1, 3_601):
        stage.advance(NOW_MS + second * 1_000)
        last_trade_id = second if trades_go_on else 1
        stage.give(received(stage.core, heartbeat(last_trade_id)))
        open_wanted(stage)
    connections = sum(isinstance(each, Connect) for each in stage.commands)
    assert 90 <= connections <= 200, "tried again and again, more and more rarely"
    stale = [each for to, each in stage.sent if to == MARKET_STATE and isinstance(each, FeedStale)]
    assert connections - 1 <= len(stale) <= connections
    assert stale[0].age_ms == (10_000 if trades_go_on else 60_000)
    assert all("no price for" in log.text for log in stage.logs)
    assert not stage.core.is_serving
    stage.advance(stage.now_ms + 40_000)
    open_wanted(stage)
    stage.give(received(stage.core, ticker(stage, 9_000, 100_100, 9_000)))
    assert dollars_told(stage) == [100_000, 100_100]
    assert stage.core.is_serving


def test_f35_a_book_that_stands_still_while_the_other_moves_is_asked_for_again(
    synced: FramesStage,
) -> None:
    for second in range(1, 25):
        synced.arrive(change((NO, "0.60", str(second), "SELL"), at_ms=NOW_MS + second * 1_000))
        synced.pass_time(1_000)
        if synced.connections == 2:
            break
    assert second >= 20
    assert not synced.book(Side.YES).is_synced
    assert (
        synced.logged("requesting fresh books: the YES book is in doubt: it stands still while")
        == 1
    )


def coinbase() -> CoreStage:
    """A reference feed whose connection has just opened."""
    stage = CoreStage(ReferenceFeedCore, REFERENCE_FEED, now_ms=NOW_MS)
    stage.start()
    open_wanted(stage)
    return stage


def open_wanted(stage: CoreStage) -> None:
    """Open the connection that the feed has asked for last, if it still waits for it."""
    wanted = next(each for each in reversed(stage.commands) if isinstance(each, Connect))
    if stage.core.connection.phase is Phase.CONNECTING:
        stage.give(Connected(wanted.epoch))


def ticker(stage: CoreStage, sequence: int, dollars: int, trade_id: int) -> bytes:
    """A trade of this moment."""
    moment = datetime.fromtimestamp(stage.now_ms / 1_000, UTC)
    return frame(
        type="ticker",
        sequence=sequence,
        product_id="BTC-USD",
        price=str(dollars),
        time=moment.isoformat(),
        trade_id=trade_id,
    )


def heartbeat(last_trade_id: int) -> bytes:
    return frame(type="heartbeat", last_trade_id=last_trade_id, product_id="BTC-USD", sequence=1)


def dollars_told(stage: CoreStage) -> list[int]:
    prices = [each for _, each in stage.sent if isinstance(each, ReferencePrice)]
    return [price.price_e18 // E18 for price in prices]


# F37

UNREADABLE = {
    "a price off the grid": (YES, "0.4975", "30", "SELL"),
    "a price that is none": (YES, "", "30", "SELL"),
    "no size": (YES, "0.47", "NaN", "SELL"),
    "no side": (YES, "0.47", "30", "?"),
    "the other token's": (NO, "0.5025", "30", "BUY"),
}


@pytest.mark.parametrize("entry", UNREADABLE.values(), ids=UNREADABLE)
def test_f37_a_price_change_that_cannot_be_read_puts_the_books_in_doubt_at_once(
    synced: FramesStage, entry: tuple[str, str, str, str]
) -> None:
    synced.arrive(change((YES, "0.45", "0", "SELL"), entry))
    for side in Side:
        assert not synced.book(side).is_synced
        assert synced.book(side).best_ask_ticks is None, "nothing to trade on"
    assert synced.logged("a change of the books is unreadable") == 1
    synced.reconnect()
    assert synced.connections == 2
    synced.arrive(b"[" + book(YES, ask="0.50") + b"," + book(NO, "0.50", "0.60") + b"]")
    assert synced.book(Side.YES).best_ask_ticks == 500
    assert synced.book(Side.YES).is_synced


def test_f37_what_cannot_be_read_of_others_leaves_our_books_as_they_are(
    synced: FramesStage,
) -> None:
    foreign = change(("9" * 77, "0.4975", "30", "SELL"))
    foreign = foreign.replace(WINDOW.market_id.encode(), b"0xelse")
    nonsense = [b"INVALID OPERATION", b"{garbled", b"17", b"null", b"\xff\xfe"]
    synced.arrive(foreign, *nonsense, change((YES, "0.45", "5", "SELL")))
    assert synced.book(Side.YES).asks == ((450, shares(5)),)
    assert synced.connections == 1
    assert synced.malformed_count == 6


def test_f37_a_frame_of_ours_that_is_cut_off_is_as_bad_as_an_unreadable_one(
    synced: FramesStage,
) -> None:
    synced.arrive(change((YES, "0.45", "0", "SELL"))[:-30])
    assert not synced.book(Side.YES).is_synced
    synced.reconnect()
    assert synced.connections == 2


def test_f37_changes_that_stay_unreadable_are_asked_for_more_and_more_rarely(
    synced: FramesStage,
) -> None:
    bad = change((YES, "0.47", "NaN", "SELL"))
    for connections in range(2, 12):
        synced.arrive(bad)
        assert not synced.book(Side.YES).is_synced
        synced.pass_time(30_000)
        assert synced.connections == connections
        synced.connect()
    assert synced.feed.timers["watchdog"] > synced.feed.now_ms


# F38


def test_f38_a_malformed_element_of_an_array_takes_no_other_with_it() -> None:
    stage = FramesStage()
    lacking = frame(event_type="last_trade_price", asset_id=YES, timestamp=str(NOW_MS), size="3")
    stage.arrive(b"[" + b",".join([book(YES), lacking, book(NO, "0.55", "0.60")]) + b"]")
    assert stage.book(Side.YES).asks == ((450, shares(30)),)
    assert stage.book(Side.NO).asks == ((600, shares(30)),)
    assert stage.book(Side.YES).is_synced
    assert stage.malformed_count == 1
    stage.pass_time(10_000)
    assert stage.connections == 1
    assert stage.logged("1 malformed messages skipped") == 1


@pytest.mark.parametrize("bad", [b"null", b"7", b"[]", b'"text"', b"{}", b'{"event_type":9}'])
def test_f38_elements_that_are_no_events_take_no_other_with_them(bad: bytes) -> None:
    stage = FramesStage()
    stage.arrive(b"[" + b",".join([bad, book(YES), bad, book(NO, "0.55", "0.60"), bad]) + b"]")
    assert stage.book(Side.YES).is_synced
    assert stage.book(Side.NO).is_synced
    assert stage.connections == 1


# F46


@pytest.mark.parametrize("size", ["0.0025", "0.0001"])
def test_f46_on_a_grid_finer_than_a_tick_a_window_is_traded_no_more_and_that_is_said_once(
    synced: FramesStage, size: str
) -> None:
    grid = frame(
        event_type="tick_size_change",
        asset_id=YES,
        market=WINDOW.market_id,
        old_tick_size="0.01",
        new_tick_size=size,
        timestamp=str(NOW_MS + 1),
    )
    fine = change((YES, "0.4975", "30", "SELL"), at_ms=NOW_MS + 2)
    synced.arrive(grid, fine, book(YES, at_ms=NOW_MS + 3), book(NO, "0.55", "0.60"))
    for _ in range(20):
        for side in Side:
            assert not synced.book(side).is_synced
            assert synced.book(side).best_ask_ticks is None
        synced.pass_time(5_000)
        synced.arrive(fine, book(YES, at_ms=synced.feed.now_ms))
    assert synced.logged("is no longer traded: the venue's prices there are finer than $0.001") == 1
    assert synced.connections == 1
    assert synced.malformed_count == 0


def test_f46_a_book_with_prices_between_two_ticks_proves_a_finer_grid() -> None:
    stage = FramesStage()
    stage.arrive(b"[" + book(YES, ask="0.4975") + b"," + book(NO, "0.5025", "0.60") + b"]")
    assert not stage.book(Side.YES).is_synced
    assert stage.logged("is no longer traded") == 1
    stage.renew_market_state()
    assert stage.logged("is no longer traded") == 2, "a new market state says it, too"
    assert stage.connections == 1


def test_f46_grids_of_whole_ticks_are_traded(synced: FramesStage) -> None:
    for size, ticks in (("0.001", 1), ("0.005", 5), ("0.1", 100)):
        synced.arrive(
            frame(event_type="tick_size_change", asset_id=YES, timestamp="1", new_tick_size=size),
            book(YES, "0.40", "0.50", at_ms=NOW_MS + ticks),
        )
        assert synced.snapshot().market.tick_size_ticks == ticks
        assert synced.book(Side.YES).is_synced
