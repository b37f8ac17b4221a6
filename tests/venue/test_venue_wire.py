from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.series import ASSETS, LENGTHS, SeriesSettings
from actors.units import shares
from venue.windows import Window, window_slug, window_start_ms
from venue.wire import coinbase, market, rtds
from venue.wire.book import PublishedBook
from venue.wire.gamma import MarketStatus, clob_market, event_row, market_row
from venue.wire.text import json_text

OPENS_AT_MS = 1_784_851_200_000
WINDOW = Window.at("btc", 5, OPENS_AT_MS)


@pytest.fixture
def book() -> PublishedBook:
    book = PublishedBook("0xc0", "71")
    book.replace([(480, shares(30)), (470, 12_500_000)], [(520, shares(25)), (530, shares(60))])
    return book


def test_a_windows_ids_follow_from_its_slug_alone() -> None:
    again = Window.at("btc", 5, OPENS_AT_MS)

    assert WINDOW.slug == "btc-updown-5m-1784851200"
    assert again == WINDOW
    assert len(WINDOW.condition_id) == 66
    assert WINDOW.up_token.isdecimal()
    assert WINDOW.up_token != WINDOW.down_token
    assert Window.at("btc", 15, OPENS_AT_MS).up_token != WINDOW.up_token


@pytest.mark.parametrize(("minutes", "length_ms"), [(5, 300_000), (15, 900_000)])
def test_windows_start_at_multiples_of_their_length(minutes: int, length_ms: int) -> None:
    start_ms = window_start_ms(minutes, OPENS_AT_MS + 123_456)

    assert start_ms % length_ms == 0
    assert 0 <= OPENS_AT_MS + 123_456 - start_ms < length_ms


@given(
    hour=st.integers(min_value=420_768, max_value=613_608),
    asset=st.sampled_from(ASSETS),
    minutes=st.sampled_from(sorted(LENGTHS)),
)
def test_a_trader_finds_every_window_by_its_name_from_2018_to_2040(
    hour: int, asset: str, minutes: int
) -> None:
    start_ms = window_start_ms(minutes, hour * 3_600_000)

    series = SeriesSettings(asset=asset, window_minutes=minutes)

    assert series.slug(start_ms) == window_slug(asset, minutes, start_ms)


def test_a_rest_book_lists_the_best_prices_last_and_everything_as_text(
    book: PublishedBook,
) -> None:
    body = json.loads(json_text(book.summary(1_700_000_000_123)))

    assert list(body) == [
        "market",
        "asset_id",
        "timestamp",
        "hash",
        "bids",
        "asks",
        "min_order_size",
        "tick_size",
        "neg_risk",
        "last_trade_price",
    ]
    assert (body["timestamp"], body["tick_size"]) == ("1700000000123", "0.01")


def test_the_book_hash_is_the_sha1_of_the_book_with_an_empty_hash(book: PublishedBook) -> None:
    plain = (
        '{"market":"0xc0","asset_id":"71","timestamp":"5","hash":"",'
        '"bids":[{"price":"0.47","size":"12.5"},{"price":"0.48","size":"30"}],'
        '"asks":[{"price":"0.53","size":"60"},{"price":"0.52","size":"25"}],'
        '"min_order_size":"5","tick_size":"0.01","neg_risk":false,"last_trade_price":""}'
    )

    assert book.hash(5) == hashlib.sha1(plain.encode(), usedforsecurity=False).hexdigest()


def test_a_level_is_replaced_removed_and_kept_in_order(book: PublishedBook) -> None:
    book.set_level(True, 475, shares(1))
    book.set_level(True, 480, 0)
    book.set_level(True, 479, 0)
    book.set_level(False, 520, shares(2))

    assert book.bids() == [(475, shares(1)), (470, 12_500_000)]
    assert book.asks() == [(520, shares(2)), (530, shares(60))]
    assert (book.best_bid_ticks, book.best_ask_ticks) == (475, 520)


def test_a_price_change_names_the_new_total_of_both_tokens(book: PublishedBook) -> None:
    mirror = PublishedBook("0xc0", "72")
    mirror.set_level(False, 520, shares(30))
    changes = [
        market.LevelChange(book, True, 480, shares(30)),
        market.LevelChange(mirror, False, 520, shares(30)),
    ]

    event = json.loads(market.price_change_text(changes, 9))

    assert (event["event_type"], event["market"], event["timestamp"]) == (
        "price_change",
        "0xc0",
        "9",
    )
    first, second = event["price_changes"]
    assert first == {
        "asset_id": "71",
        "price": "0.48",
        "size": "30",
        "side": "BUY",
        "hash": book.hash(9),
        "best_bid": "0.48",
        "best_ask": "0.52",
    }
    assert (second["side"], second["price"], second["best_bid"]) == ("SELL", "0.52", "0")


def test_a_trade_and_a_new_grid_are_told_as_text(book: PublishedBook) -> None:
    trade = json.loads(
        market.last_trade_text(
            book,
            price_ticks=520,
            size_units=shares(7),
            taker_buys=True,
            timestamp_ms=9,
            transaction_hash="0xab",
        )
    )
    book.tick_size_ticks = 1
    change = json.loads(market.tick_size_change_text(book, "0.01", 9))

    assert (trade["price"], trade["size"], trade["side"]) == ("0.52", "7", "BUY")
    assert (change["old_tick_size"], change["new_tick_size"]) == ("0.01", "0.001")


def test_an_empty_side_has_the_end_of_the_scale_as_its_best_price() -> None:
    event = json.loads(market.best_bid_ask_text(PublishedBook("0xc0", "71"), 9))

    assert (event["best_bid"], event["best_ask"], event["spread"]) == ("0", "1", "1")


def test_a_market_row_hides_its_lists_in_text_and_names_its_window() -> None:
    row = market_row(MarketStatus(window=WINDOW, best_bid_ticks=480, best_ask_ticks=500))

    assert json.loads(row["clobTokenIds"]) == [WINDOW.up_token, WINDOW.down_token]
    assert json.loads(row["outcomes"]) == ["Up", "Down"]
    assert json.loads(row["outcomePrices"]) == ["0.49", "0.51"]
    assert row["eventStartTime"] == "2026-07-24T00:00:00Z"
    assert row["endDate"] == "2026-07-24T00:05:00Z"
    assert row["cryptoMarketConfig"]["twapLookbackSeconds"] == 60
    assert row["feeSchedule"]["rate"] == 0.07
    assert (row["orderPriceMinTickSize"], row["orderMinSize"]) == (0.01, 5)
    assert (row["closed"], row["acceptingOrders"]) == (False, True)
    assert "closedTime" not in row


@pytest.mark.parametrize(("up_won", "prices"), [(True, ["1", "0"]), (False, ["0", "1"])])
def test_a_resolved_market_row_says_who_won_and_when(up_won: bool, prices: list[str]) -> None:
    status = MarketStatus(
        window=WINDOW,
        up_won=up_won,
        resolved_at_ms=WINDOW.resolves_at_ms,
        strike_e18=90_000 * 10**18,
        close_e18=90_001 * 10**18,
    )
    row: dict[str, Any] = event_row(status)

    assert row["slug"] == WINDOW.slug
    assert row["eventMetadata"] == {"priceToBeat": 90_000.0, "finalPrice": 90_001.0}
    (inner,) = row["markets"]
    assert json.loads(inner["outcomePrices"]) == prices
    assert inner["closedTime"] == "2026-07-24 00:05:16+00"
    assert (inner["closed"], inner["umaResolutionStatus"]) == (True, "resolved")


def test_the_clob_row_leaves_out_what_is_false() -> None:
    row = clob_market(MarketStatus(window=WINDOW, tick_size_ticks=1))

    assert (row["c"], row["mts"], row["mos"], row["itode"]) == (WINDOW.condition_id, 0.001, 5, True)
    assert row["t"] == [{"t": WINDOW.up_token, "o": "Up"}, {"t": WINDOW.down_token, "o": "Down"}]
    assert row["fd"] == {"r": 0.07, "e": 1, "to": True}
    assert "nr" not in row


def test_an_average_is_told_with_its_exact_value() -> None:
    text = rtds.price_text(rtds.TWAP_TOPIC, "btc/usd", 65_026_457_815 * 10**12, 7_000, 8_000)

    assert json.loads(text) == {
        "topic": "crypto_prices_twap_sixty",
        "type": "update",
        "timestamp": 8_000,
        "payload": {
            "symbol": "btc/usd",
            "timestamp": 7_000,
            "value": 65_026.457815,
            "full_accuracy_value": "65026457815000000000000",
            "window_s": 60,
        },
    }


def test_a_ticker_is_told_as_coinbase_tells_it() -> None:
    tick = coinbase.Tick(
        product="BTC-USD",
        sequence=9,
        trade_id=4,
        price_places=2,
        price_steps=9_000_007,
        open_steps=9_000_000,
        low_steps=8_999_900,
        high_steps=9_000_100,
        size_satoshi=1_230_000,
        taker_buys=True,
        at_ms=OPENS_AT_MS + 1,
    )

    event = json.loads(coinbase.ticker_text(tick))
    heartbeat = json.loads(coinbase.heartbeat_text(tick, OPENS_AT_MS))

    assert (event["price"], event["best_bid"], event["best_ask"]) == (
        "90000.07",
        "90000.06",
        "90000.07",
    )
    assert (event["last_size"], event["side"]) == ("0.01230000", "buy")
    assert event["time"] == "2026-07-24T00:00:00.001000Z"
    assert heartbeat["last_trade_id"] == event["trade_id"]
