from __future__ import annotations

import copy
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.execution.real.user_channel import (
    Settlement,
    UserOrder,
    UserTrade,
    decode,
    order_of,
    trade_of,
)
from actors.feeds.decoding import MalformedFrame
from actors.model import Action
from actors.units import UNITS_PER_SHARE, shares

TRADE: dict[str, Any] = {
    "event_type": "trade",
    "type": "TRADE",
    "id": "28c4d2eb-bbea-40e7-a9f0-b2fdb56b2c2e",
    "taker_order_id": "0xABCD",
    "market": "0xmarket",
    "asset_id": "yes",
    "side": "BUY",
    "size": "10",
    "price": "0.57",
    "fee_rate_bps": "0",
    "status": "MATCHED",
    "match_time": "1795372939",
    "last_update": "1795372939",
    "outcome": "Up",
    "owner": "key",
    "trader_side": "TAKER",
    "maker_orders": [
        {
            "order_id": "0xEF01",
            "owner": "other",
            "maker_address": "0xFFAA",
            "matched_amount": "10",
            "price": "0.57",
            "asset_id": "yes",
            "side": "SELL",
        }
    ],
}
ORDER: dict[str, Any] = {
    "event_type": "order",
    "type": "PLACEMENT",
    "id": "0xABCD",
    "market": "0xmarket",
    "asset_id": "yes",
    "side": "BUY",
    "original_size": "10",
    "size_matched": "0",
    "price": "0.57",
    "status": "LIVE",
    "created_at": "1795372939",
}


def frame(*rows: object) -> bytes:
    return msgspec.json.encode(list(rows) if len(rows) != 1 else rows[0])


def only(row: object) -> Any:
    events, problems = decode(frame(row))
    assert problems == []
    (event,) = events
    return event


def taken(trade: UserTrade) -> tuple[int, int, Action]:
    """The taker's price, size and side."""
    assert trade.taker is not None
    return trade.taker.price_ticks, trade.taker.size_units, trade.taker.action


def test_a_trade_is_read_whole() -> None:
    trade = only(TRADE)
    assert isinstance(trade, UserTrade)
    assert trade.settlement is Settlement.MATCHED
    assert trade.taker_order_id == "0xabcd"
    assert taken(trade) == (570, shares(10), Action.BUY)
    assert trade.is_ours_as_taker
    assert trade.matched_at_ms == 1_795_372_939_000
    (maker,) = trade.makers
    assert (maker.order_id, maker.wallet, maker.action) == ("0xef01", "0xffaa", Action.SELL)


def test_an_order_is_read_whole() -> None:
    order = only(ORDER)
    assert isinstance(order, UserOrder)
    assert (order.order_id, order.status) == ("0xabcd", "LIVE")
    assert (order.original_units, order.matched_units) == (shares(10), 0)
    assert not order.is_cancellation
    assert not order.is_matched


@pytest.mark.parametrize(
    ("told", "read"),
    [
        ("MATCHED", Settlement.MATCHED),
        ("MATCHED_NOT_BROADCASTED", Settlement.MATCHED),
        ("MINED", Settlement.MINED),
        ("RETRYING", Settlement.RETRYING),
        ("TRADE_STATUS_CONFIRMED", Settlement.CONFIRMED),
        ("failed", Settlement.FAILED),
        ("SOMETHING_NEW", Settlement.MATCHED),
        (None, Settlement.MATCHED),
    ],
)
def test_how_far_a_trade_has_settled_is_read_in_every_form(told: str, read: Settlement) -> None:
    assert only(TRADE | {"status": told}).settlement is read


@pytest.mark.parametrize(
    ("told", "read_ms"),
    [
        ("1795372939", 1_795_372_939_000),
        (1795372939, 1_795_372_939_000),
        ("1795372939123", 1_795_372_939_123),
        ("2026-11-22T18:02:19+00:00", 1_795_370_539_000),
        ("2026-11-22T18:02:19Z", 1_795_370_539_000),
        ("2026-11-22T18:02:19", 1_795_370_539_000),
        ("soon", None),
        ("", None),
        (None, None),
        ("0", None),
    ],
)
def test_a_moment_is_read_in_seconds_milliseconds_and_words(told: object, read_ms: int) -> None:
    assert only(TRADE | {"match_time": told}).matched_at_ms == read_ms


def test_the_other_spelling_of_the_match_time_is_read_too() -> None:
    row = {**TRADE, "matchtime": "1795372939"}
    del row["match_time"]
    assert only(row).matched_at_ms == 1_795_372_939_000


@pytest.mark.parametrize(
    "changes",
    [
        {"size": 10},
        {"size": 10.0},
        {"size": "10.000000"},
        {"size": "1e1"},
        {"price": 0.57},
        {"price": ".57"},
        {"status": "CONFIRMED", "fee_rate_bps": ""},
        {"trader_side": "taker"},
        {"side": "buy"},
        {"transaction_hash": None, "bucket_index": "3"},
    ],
)
def test_numbers_and_words_are_read_in_every_form(changes: dict[str, Any]) -> None:
    trade = only(TRADE | changes)
    assert taken(trade) == (570, shares(10), Action.BUY)
    assert trade.is_ours_as_taker


@pytest.mark.parametrize(
    ("action", "told", "ticks"),
    [("BUY", "0.5705", 571), ("SELL", "0.5705", 570), ("BUY", "0.57", 570), ("SELL", "0.57", 570)],
)
def test_an_average_price_between_ticks_is_rounded_against_its_owner(
    action: str, told: str, ticks: int
) -> None:
    assert taken(only(TRADE | {"side": action, "price": told}))[0] == ticks


@pytest.mark.parametrize(
    ("maker_token", "taker_side", "implied"),
    [
        ("yes", "BUY", Action.SELL),
        ("yes", "SELL", Action.BUY),
        ("no", "BUY", Action.BUY),
        ("no", "SELL", Action.SELL),
    ],
)
def test_a_maker_s_missing_side_follows_from_the_tokens(
    maker_token: str, taker_side: str, implied: Action
) -> None:
    row = copy.deepcopy(TRADE) | {"side": taker_side}
    row["maker_orders"][0] |= {"asset_id": maker_token, "side": None}
    assert only(row).makers[0].action is implied


@pytest.mark.parametrize(
    ("changes", "is_cancellation"),
    [
        ({"type": "CANCELLATION"}, True),
        ({"type": "CANCELLATION", "status": ""}, True),
        ({"status": "CANCELED"}, True),
        ({"status": "CANCELED_MARKET_RESOLVED"}, True),
        ({"status": "ORDER_STATUS_CANCELED_EXPIRED_ORDER"}, True),
        ({"status": "cancelled"}, True),
        ({"status": "INVALID"}, True),
        ({"type": "UPDATE", "status": "LIVE"}, False),
        ({"status": "DELAYED"}, False),
        ({"status": "UNMATCHED"}, False),
        ({"status": None}, False),
    ],
)
def test_an_order_s_end_is_read_in_every_form(
    changes: dict[str, Any], is_cancellation: bool
) -> None:
    assert only(ORDER | changes).is_cancellation is is_cancellation


def test_a_cancel_that_does_not_say_its_size_says_none() -> None:
    # As in published captures: killed orders come with an empty size and milliseconds.
    row = ORDER | {"type": "CANCELLATION", "size_matched": "", "created_at": "1795372939123"}
    assert only(row).matched_units is None


@pytest.mark.parametrize("size", ["10", "4", "9.997714", "", None])
def test_a_matched_order_need_not_have_matched_whole(size: str | None) -> None:
    assert only(ORDER | {"status": "MATCHED", "size_matched": size}).is_matched


def test_of_a_frame_everything_readable_is_read_and_the_rest_is_named() -> None:
    broken = TRADE | {"id": ""}
    events, problems = decode(frame(ORDER, broken, 7, TRADE, {"event_type": "news"}))
    assert [type(event) for event in events] == [UserOrder, UserTrade]
    assert len(problems) == 2


@pytest.mark.parametrize("raw", [b"", b"{", b"PONG", b"\xff", b"nul"])
def test_a_frame_that_is_no_json_is_named(raw: bytes) -> None:
    events, problems = decode(raw)
    assert events == []
    assert len(problems) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"size": "0"},
        {"size": "-3"},
        {"size": "NaN"},
        {"size": None},
        {"price": "1.01"},
        {"price": "Infinity"},
        {"side": "LEND"},
        {"taker_order_id": None},
    ],
)
def test_a_taker_s_part_without_what_a_fill_needs_spoils_no_maker_s(
    changes: dict[str, Any],
) -> None:
    trade = trade_of(TRADE | changes)
    assert trade.taker is None
    assert [part.order_id for part in trade.makers] == ["0xef01"]
    (unread,) = trade.unread
    assert unread.order_id == ("" if "taker_order_id" in changes else "0xabcd")


@pytest.mark.parametrize(
    "maker",
    [
        {"matched_amount": ""},
        {"matched_amount": "0"},
        {"matched_amount": None},
        {"price": "high"},
        {"order_id": None},
    ],
)
def test_a_maker_s_part_without_what_a_fill_needs_spoils_no_other(maker: dict[str, Any]) -> None:
    row = copy.deepcopy(TRADE)
    row["maker_orders"].append(row["maker_orders"][0] | {"order_id": "0xother"} | maker)
    trade = trade_of(row)
    assert taken(trade) == (570, shares(10), Action.BUY)
    assert [part.order_id for part in trade.makers] == ["0xef01"]
    (unread,) = trade.unread
    assert unread.wallet == "0xffaa"


@pytest.mark.parametrize("makers", [{"0": {}}, [7], "none", [None]])
def test_strange_maker_orders_are_named_and_spoil_nothing(makers: object) -> None:
    trade = trade_of(TRADE | {"maker_orders": makers})
    assert taken(trade) == (570, shares(10), Action.BUY)
    assert (trade.makers, len(trade.unread)) == ((), 1)


def test_a_trade_without_an_id_is_refused() -> None:
    with pytest.raises(MalformedFrame):
        trade_of(TRADE | {"id": ""})


@pytest.mark.parametrize("change", [{}, {"associate_trades": None}, {"associate_trades": []}])
def test_an_order_need_not_name_its_trades(change: dict[str, Any]) -> None:
    # From 2026-12-14 on the venue may leave them out.
    assert order_of(ORDER | change).matched_units == 0


def test_missing_maker_orders_are_none() -> None:
    assert trade_of(TRADE | {"maker_orders": None}).makers == ()


def test_an_order_without_an_id_is_refused() -> None:
    with pytest.raises(MalformedFrame):
        order_of(ORDER | {"id": None})


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from(sorted({*TRADE, *ORDER})), _ANY))
def test_no_row_however_strange_raises_anything_else(changes: dict[str, Any]) -> None:
    for row in (TRADE | changes, ORDER | changes):
        events, problems = decode(frame(row))
        assert len(events) + len(problems) <= 1
        for event in events:
            if isinstance(event, UserTrade):
                for part in (*filter(None, [event.taker]), *event.makers):
                    assert 0 < part.size_units < 10**15 * UNITS_PER_SHARE
                    assert 0 <= part.price_ticks <= 1000


@given(st.binary(max_size=60))
def test_no_bytes_however_strange_raise_anything(raw: bytes) -> None:
    decode(raw)
