"""Measure how many market channel frames a second the feed decodes: ``python bench/decode.py``.

Book frames are recorded ones if a recording is given (a ``.jsonl.zst`` of frames), else made up
with the same shape: 50 levels a side. Price changes are made up: two entries, mirrored, as the
venue sends them. Every frame is in memory before the clock starts; the best of five rounds counts.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import zstandard
from rich.console import Console
from rich.table import Table

from actors.feeds.market_channel import MarketChannelDecoder
from actors.feeds.messages import MarketEvent
from actors.units import price_text

FRAMES = 20_000
ROUNDS = 5
TOKENS = (str(10**76 + 1), str(10**76 + 2))
MARKET_ID = "0x" + "ab" * 32


def recorded_books(path: Path) -> list[bytes]:
    """Read the frames of a recording."""
    decompressor = zstandard.ZstdDecompressor(max_window_size=2**27)
    with path.open("rb") as packed:
        lines = io.TextIOWrapper(decompressor.stream_reader(packed), "utf-8")
        return [json.loads(line)["raw"].encode() for line in lines]


def made_up_books(count: int, dice: random.Random) -> list[bytes]:
    """Whole books, 50 levels a side, a few of which change from one to the next."""
    sizes = [_size(dice) for _ in range(100)]
    frames = []
    for number in range(count):
        for _ in range(4):
            sizes[dice.randrange(100)] = _size(dice)
        levels = [{"price": price_text(10 * (n + 1)), "size": sizes[n]} for n in range(99)]
        event = {
            "market": MARKET_ID,
            "asset_id": TOKENS[0],
            "timestamp": str(1_776_331_800_000 + number),
            "hash": "5" * 40,
            "bids": levels[:50],
            "asks": levels[:49:-1],
            "event_type": "book",
        }
        frames.append(_frame(event))
    return frames


def made_up_price_changes(count: int, dice: random.Random) -> list[bytes]:
    """One level's new total, seen from both tokens."""
    frames = []
    for number in range(count):
        price_ticks, size = 10 * dice.randint(1, 99), _size(dice)
        changes = [
            _change(TOKENS[0], price_ticks, size, "BUY"),
            _change(TOKENS[1], 1_000 - price_ticks, size, "SELL"),
        ]
        event = {
            "market": MARKET_ID,
            "price_changes": changes,
            "timestamp": str(1_776_331_800_000 + number),
            "event_type": "price_change",
        }
        frames.append(_frame(event))
    return frames


def _size(dice: random.Random) -> str:
    return f"{dice.randint(100, 2_000_000) / 100:g}"


def _change(token: str, price_ticks: int, size: str, side: str) -> dict[str, str]:
    return {
        "asset_id": token,
        "price": price_text(price_ticks),
        "size": size,
        "side": side,
        "hash": "5" * 40,
        "best_bid": "0.5",
        "best_ask": "0.51",
    }


def _frame(event: object) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode()


def frames_a_second(
    frames: Sequence[bytes], take: Callable[[list[MarketEvent]], object] | None = None
) -> float:
    """Decode all frames, and hand their events on if there is someone to take them."""
    best_s = float("inf")
    for _ in range(ROUNDS):
        decode = MarketChannelDecoder().decode
        began = time.perf_counter()
        for raw in frames:
            events = decode(raw)
            if take is not None:
                take(events)
        best_s = min(best_s, time.perf_counter() - began)
    return len(frames) / best_s


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="frames a second, decoded")
    parser.add_argument("recording", type=Path, nargs="?", help="book frames to decode")
    recording: Path | None = parser.parse_args().recording
    dice = random.Random(1)
    books = recorded_books(recording) if recording else made_up_books(FRAMES // 4, dice)
    table = Table("frames", "count", "bytes each", "frames/s", "µs each", title="decoding")
    for name, frames in (
        ("price_change", made_up_price_changes(FRAMES, dice)),
        ("book, recorded" if recording else "book", books),
    ):
        rate = frames_a_second(frames)
        size = sum(map(len, frames)) // len(frames)
        table.add_row(name, f"{len(frames):,}", f"{size:,}", f"{rate:,.0f}", f"{1e6 / rate:.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
