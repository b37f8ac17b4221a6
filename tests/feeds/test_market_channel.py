import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard
from feed_builders import NOW_MS, book_frame, change_frame, frame, resolved_frame
from hypothesis import given
from hypothesis import strategies as st

from actors.feeds.market_channel import (
    Decoded,
    FinerGrid,
    MarketChannelDecoder,
    UnreadableElement,
    add_tokens_text,
    drop_tokens_text,
    subscribe_text,
)
from actors.messages.feeds import (
    BestPricesEvent,
    BookEvent,
    LastTradeEvent,
    MarketEvent,
    PriceChangeEvent,
    ResolvedEvent,
    TickSizeEvent,
)

RECORDINGS = Path(__file__).parents[3] / "shared" / "data" / "btc-updown-5m"

BOOK = BookEvent(
    "11",
    NOW_MS,
    bids=((480, 30_500_000), (470, 10_000_000)),
    asks=((520, 25_000_000), (530, 7_000_000)),
)


def decode(raw: bytes) -> list[Decoded]:
    return list(MarketChannelDecoder().decode(raw))


def is_unread(decoded: list[Decoded]) -> bool:
    (only,) = decoded
    return isinstance(only, UnreadableElement) and bool(only.reason)


def test_subscriptions_read_as_the_venue_documents_them() -> None:
    assert json.loads(subscribe_text(["1", "2"])) == {
        "type": "market",
        "assets_ids": ["1", "2"],
        "custom_feature_enabled": True,
    }
    assert json.loads(add_tokens_text(["3"])) == {
        "operation": "subscribe",
        "assets_ids": ["3"],
        "custom_feature_enabled": True,
    }
    assert json.loads(drop_tokens_text(["1"])) == {"operation": "unsubscribe", "assets_ids": ["1"]}


def test_a_book_is_decoded_best_first_and_without_empty_levels() -> None:
    assert decode(book_frame()) == [BOOK]
    shuffled = book_frame(
        bids=[{"price": "0.48", "size": "30.5"}, {"price": "0.470", "size": "10.0"}],
        asks=[
            {"price": "0.52", "size": "25"},
            {"price": "0.60", "size": "0"},
            {"price": "0.53", "size": "7"},
        ],
    )
    assert decode(shuffled) == [BOOK]


def test_a_price_change_gives_one_event_a_level_in_order() -> None:
    raw = frame(
        market="0x01",
        price_changes=[
            {"asset_id": "11", "price": "0.48", "size": "0", "side": "BUY", "hash": "a"},
            {"asset_id": "12", "price": "0.52", "size": "1.25", "side": "SELL"},
        ],
        timestamp=str(NOW_MS),
        event_type="price_change",
    )
    assert decode(raw) == [
        PriceChangeEvent("11", NOW_MS, bids=((480, 0),), asks=()),
        PriceChangeEvent("12", NOW_MS, bids=(), asks=((520, 1_250_000),)),
    ]


def test_a_price_change_reads_the_same_wherever_its_kind_stands() -> None:
    change = {"asset_id": "11", "price": "0.48", "size": "3", "side": "BUY", "hash": "a"}
    parts = {"market": "0xc", "price_changes": [change], "timestamp": str(NOW_MS)}
    last = json.dumps({**parts, "event_type": "price_change"}, separators=(",", ":")).encode()
    first = json.dumps({"event_type": "price_change", **parts}).encode()
    assert last.endswith(b'"event_type":"price_change"}')
    assert decode(last) == decode(first) == decode(b"[" + last + b"]")
    for broken in (last.replace(b'"BUY"', b'"HOLD"'), last.replace(b'"0.48"', b'"1e-2"')):
        assert is_unread(decode(broken))


@pytest.mark.parametrize(
    ("fields", "event"),
    [
        (
            {"event_type": "last_trade_price", "price": "0.456", "size": "2.5", "side": "SELL"},
            LastTradeEvent("11", NOW_MS, 456, 2_500_000, taker_buys=False),
        ),
        (
            {"event_type": "tick_size_change", "old_tick_size": "0.01", "new_tick_size": "0.001"},
            TickSizeEvent("11", NOW_MS, 1),
        ),
        (
            {"event_type": "best_bid_ask", "best_bid": "0.5", "best_ask": "0.51", "spread": "0.01"},
            BestPricesEvent("11", NOW_MS, 500, 510),
        ),
        (
            {"event_type": "best_bid_ask", "best_bid": "0", "best_ask": "1"},
            BestPricesEvent("11", NOW_MS, None, None),
        ),
        (
            {"event_type": "best_bid_ask", "best_bid": "", "best_ask": None},
            BestPricesEvent("11", NOW_MS, None, None),
        ),
    ],
)
def test_events_of_one_token(fields: dict[str, str], event: MarketEvent) -> None:
    assert decode(frame(asset_id="11", timestamp=str(NOW_MS), **fields)) == [event]


def test_a_resolution_names_market_and_winner() -> None:
    assert decode(resolved_frame()) == [ResolvedEvent("0x01", NOW_MS, "11")]


def test_an_array_is_decoded_in_its_order() -> None:
    raw = b"[" + book_frame("11") + b"," + change_frame("12") + b"]"
    book, change = decode(raw)
    assert (book.__class__, change.__class__) == (BookEvent, PriceChangeEvent)
    assert decode(b"[]") == []


def test_a_new_market_somewhere_is_of_no_interest() -> None:
    assert decode(frame(event_type="new_market", asset_id=7, timestamp=None)) == []


def test_events_of_unknown_kinds_are_counted_and_those_beside_them_kept() -> None:
    decoder = MarketChannelDecoder()
    raw = b"[" + frame(event_type="confetti", size=3) + b"," + book_frame() + b"]"
    assert decoder.decode(raw) == [BOOK]
    assert decoder.decode(frame(event_type="confetti")) == []
    assert decoder.unknown_counts == {"confetti": 2}
    assert decoder.take_new_unknown_types() == ["confetti"]
    assert decoder.take_new_unknown_types() == []


def test_the_memory_of_unknown_kinds_is_bounded() -> None:
    decoder = MarketChannelDecoder()
    for number in range(1_000):
        decoder.decode(frame(event_type=f"kind-{number}"))
    assert len(decoder.unknown_counts) == 100


MALFORMED = {
    "no JSON": b"garbage{",
    "nothing": b"",
    "cut off": book_frame()[:-20],
    "a number": b"17",
    "null": b"null",
    "a text": b'"book"',
    "no event type": frame(asset_id="11"),
    "an event type that is no text": frame(event_type=5),
    "not UTF-8": b'{"event_type":"book","asset_id":"\xff"}',
    "too deep": b"[" * 100_000,
    "a book without asset": frame(event_type="book", bids=[], asks=[], timestamp="1"),
    "a timestamp that is a number": book_frame(timestamp=NOW_MS),
    "a timestamp that is no number": book_frame(timestamp="soon"),
    "a price that is a number": book_frame(bids=[{"price": 0.48, "size": "1"}]),
    "a price that is NaN": book_frame(bids=[{"price": "NaN", "size": "1"}]),
    "a price of infinity": book_frame(asks=[{"price": "Infinity", "size": "1"}]),
    "a price below nothing": change_frame(price="-0.5"),
    "a price of a whole dollar": change_frame(price="1"),
    "a price between ticks": change_frame(price="0.5005"),
    "a size below nothing": change_frame(size="-1"),
    "a size in exponents": change_frame(size="1e3"),
    "a size too fine": change_frame(size="0.0000001"),
    "no side": change_frame().replace(b"BUY", b"HOLD"),
    "levels that are no list": book_frame(bids=None),
    "a best price beyond a dollar": frame(
        event_type="best_bid_ask", asset_id="11", timestamp="1", best_bid="1.5", best_ask="1"
    ),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_frame_is_one_that_is_unreadable_and_no_event(name: str) -> None:
    (unread,) = decode(MALFORMED[name])
    assert isinstance(unread, UnreadableElement)
    assert unread.reason
    assert unread.raw == MALFORMED[name]


def test_of_an_array_each_element_counts_by_itself() -> None:
    bad = change_frame(size="NaN")
    raw = b"[" + book_frame() + b"," + bad + b"," + resolved_frame() + b",7]"
    book, unread, resolved, number = decode(raw)
    assert (book, resolved) == (BOOK, ResolvedEvent("0x01", NOW_MS, "11"))
    assert isinstance(unread, UnreadableElement)
    assert (unread.raw, unread.is_of_a_book) == (bad, True)
    assert isinstance(number, UnreadableElement)


@pytest.mark.parametrize("kind", ["last_trade_price", "best_bid_ask", "market_resolved"])
def test_what_cannot_be_read_of_other_kinds_says_nothing_of_a_book(kind: str) -> None:
    (unread,) = decode(frame(event_type=kind, asset_id="11", timestamp="1", market="0x01"))
    assert isinstance(unread, UnreadableElement)
    assert not unread.is_of_a_book


@pytest.mark.parametrize("size", ["0.0025", "0.0001", "0.00250"])
def test_a_grid_finer_than_a_tick_is_known_as_such(size: str) -> None:
    raw = frame(event_type="tick_size_change", asset_id="11", timestamp="1", new_tick_size=size)
    assert decode(raw) == [FinerGrid("11")]


@pytest.mark.parametrize("size", ["0", "0.000", "1", "-0.01", "fine", ""])
def test_a_grid_that_is_none_is_unreadable(size: str) -> None:
    raw = frame(event_type="tick_size_change", asset_id="11", timestamp="1", new_tick_size=size)
    assert is_unread(decode(raw))


def test_a_whole_book_with_a_price_between_two_ticks_proves_a_finer_grid() -> None:
    levels = [{"price": "0.4975", "size": "1"}, {"price": "0.5", "size": "1"}]
    assert decode(book_frame(asks=levels)) == [FinerGrid("11")]
    assert is_unread(decode(book_frame(asks=[{"price": "0.5", "size": "0.0000001"}])))


@given(st.binary())
def test_no_bytes_raise_anything(raw: bytes) -> None:
    assert is_unread(decode(raw))


@given(st.data())
def test_a_frame_with_one_byte_changed_is_decoded_or_malformed(data: st.DataObject) -> None:
    raw = bytearray(data.draw(st.sampled_from([book_frame(), change_frame(), resolved_frame()])))
    raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    for event in decode(bytes(raw)):
        if isinstance(event, BookEvent):
            prices = [price for price, _ in event.bids]
            assert prices == sorted(prices, reverse=True)
            assert all(0 < p < 1000 and u > 0 for p, u in event.bids + event.asks)


def recorded_frames(path: Path) -> Iterator[bytes]:
    decompressor = zstandard.ZstdDecompressor(max_window_size=2**27)
    with path.open("rb") as packed:
        for line in io.TextIOWrapper(decompressor.stream_reader(packed), "utf-8"):
            yield json.loads(line)["raw"].encode()


def test_recorded_windows_decode_without_one_malformed_frame() -> None:
    paths = sorted(RECORDINGS.glob("*.jsonl.zst"))
    if not paths:
        pytest.skip(f"no recordings at {RECORDINGS.name}: they are not part of the repository")
    decoder = MarketChannelDecoder()
    frames_count = 0
    for path in paths[::4]:
        for raw in recorded_frames(path):
            (event,) = decoder.decode(raw)
            assert isinstance(event, BookEvent)
            assert list(event.bids) == sorted(event.bids, reverse=True)
            assert list(event.asks) == sorted(event.asks)
            frames_count += 1
    assert frames_count > 1_000
    assert not decoder.unknown_counts


ODD_LEVELS = (
    '[ {"price": "0.48", "size": "30.5"},{"price":"0.47","size":"10"} ]',
    '[{"size":"30.5","price":"0.48"},{"price":"0.47","size":"10"}]',
    '[{"price":"0.48","size":"30.5","of":[{"a":1},{"b":2}]},{"price":"0.47","size":"10"}]',
    '[{"price":"0.48","size":"30.5","of":"},{"},{"price":"0.47","size":"10","of":{"a":{}}}]',
    '[{"price":"0.48","size":"30.5"},{"price":"0.47","size":"10"},{"price":"0.46","size":"0"}]',
)


@pytest.mark.parametrize("bids", ODD_LEVELS)
def test_levels_are_read_however_they_are_written(bids: str) -> None:
    asks = '[{"price":"0.53","size":"7"},{"price":"0.52","size":"25"}]'
    head = f'"asset_id":"11","timestamp":"{NOW_MS}"'

    raw = f'[{{"event_type":"book",{head},"bids":{bids},"asks":{asks}}}]'.encode()

    assert decode(raw) == [BOOK]
    assert is_unread(decode(raw.replace(b'"30.5"', b"30.5")))
