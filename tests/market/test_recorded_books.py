"""The feed's decoder and the order book on real frames, against a plain recomputation."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import zstandard

from actors.feeds.market_channel import MarketChannelDecoder
from actors.market.book import TokenBook
from actors.messages.feeds import BookEvent
from actors.messages.market import SNAPSHOT_DEPTH
from actors.model import Level
from actors.units import PAYOUT_TICKS

DATA = Path(__file__).parents[2] / ".." / "shared" / "data" / "btc-updown-5m"
WINDOWS = sorted(DATA.glob("*.jsonl.zst"))

pytestmark = pytest.mark.skipif(not WINDOWS, reason="recorded windows are not beside this project")


def frames(path: Path) -> Iterator[str]:
    opener = zstandard.ZstdDecompressor(max_window_size=2**27)
    with path.open("rb") as packed:
        for line in io.TextIOWrapper(opener.stream_reader(packed), encoding="utf-8"):
            yield json.loads(line)["raw"]


def plain_levels(levels: list[dict[str, str]], *, is_bid: bool) -> list[Level]:
    """Best first, straight from the frame's texts."""
    exact = [
        (int(Decimal(level["price"]) * 1_000), int(Decimal(level["size"]) * 1_000_000))
        for level in levels
        if Decimal(level["size"])
    ]
    return sorted(exact, reverse=is_bid)[:SNAPSHOT_DEPTH]


def mirrored(event: BookEvent) -> BookEvent:
    """The other token's book: a bid at p there is an ask at 1 - p here."""
    return BookEvent(
        f"mirror of {event.token}",
        event.timestamp_ms,
        bids=tuple((PAYOUT_TICKS - price, size) for price, size in event.asks),
        asks=tuple((PAYOUT_TICKS - price, size) for price, size in event.bids),
    )


@pytest.mark.parametrize("path", WINDOWS[::4], ids=lambda path: path.name.partition(".")[0])
def test_recorded_books_and_their_mirrors_are_those_of_the_frames(path: Path) -> None:
    decoder = MarketChannelDecoder()
    books: dict[str, TokenBook] = {}
    frame_count = 0
    for raw in frames(path):
        plain: Any = json.loads(raw)
        (event,) = decoder.decode(raw.encode())
        assert isinstance(event, BookEvent)
        book = books.setdefault(event.token, TokenBook())
        mirror = books.setdefault(f"mirror of {event.token}", TokenBook())
        assert book.apply_book(event)
        assert mirror.apply_book(mirrored(event))

        bids = plain_levels(plain["bids"], is_bid=True)
        asks = plain_levels(plain["asks"], is_bid=False)
        view = book.view()
        assert (list(view.bids), list(view.asks)) == (bids, asks)
        assert view.updated_at_ms == int(plain["timestamp"])
        assert not view.is_crossed
        assert mirror.best_bid_ticks == (PAYOUT_TICKS - asks[0][0] if asks else None)
        assert mirror.best_ask_ticks == (PAYOUT_TICKS - bids[0][0] if bids else None)
        assert mirror.view().best_ask_units == view.best_bid_units
        frame_count += 1
    assert frame_count > 2_000
