"""Reads recorded windows of others: one line per frame, one file per window.

A line is ``{"recv_ts": <unix seconds>, "raw": "<a book frame, verbatim>"}``; the file's name is the
window's slug with ``.jsonl`` or ``.jsonl.zst``.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import attrs
import msgspec
import zstandard

from actors.units import PAYOUT_TICKS
from venue.amounts import BadAmount, price_text, size_text, ticks_from_text, units_from_text
from venue.windows import Window
from venue.wire.text import PRICE_TEXTS

_NAME = re.compile(r"([a-z]+)-updown-(5|15)m-(\d+)\.jsonl(\.zst)?")
_WINDOW_SIZE = 2**27
"""The recordings are compressed with a long window."""


class MalformedRecording(Exception):
    """A file is not a valid recording; the text names the file, and the line if there is one."""


@attrs.frozen
class RecordedBook:
    """One recorded frame: a token's whole book."""

    at_ms: int
    """Unix ms of its receipt."""
    timestamp_ms: int
    token: str
    market: str
    bids: tuple[tuple[int, int], ...]
    """(price_ticks, size_units), in the order of the frame."""
    asks: tuple[tuple[int, int], ...]
    text: str
    """The frame, verbatim."""

    @property
    def mid_ticks(self) -> float:
        """Mid price; an empty side counts as its end of the scale."""
        best_bid = max((price for price, _ in self.bids), default=0)
        best_ask = min((price for price, _ in self.asks), default=PAYOUT_TICKS)
        return (best_bid + best_ask) / 2


@attrs.frozen
class WindowFile:
    """The contents of one file: a window, and Up's mid price second by second."""

    path: Path
    window: Window
    tokens: tuple[str, ...]
    """Outcomes whose books it has, the most frequent first."""
    mids: dict[int, float]
    """Last mid price, in ticks, of each unix second that has a frame."""
    last_mid_ticks: float

    @property
    def up_won(self) -> bool:
        """The outcome that the last prices show."""
        return self.last_mid_ticks >= PAYOUT_TICKS / 2


class _Line(msgspec.Struct):
    recv_ts: float
    raw: str


class _Level(msgspec.Struct):
    price: str
    size: str


class _Book(msgspec.Struct):
    event_type: str
    market: str
    asset_id: str
    timestamp: str
    bids: list[_Level]
    asks: list[_Level]


_decode_line = msgspec.json.Decoder(_Line).decode
_decode_book = msgspec.json.Decoder(_Book).decode
_TICKS = {text: price_ticks for price_ticks, text in enumerate(PRICE_TEXTS)}


def survey(path: Path) -> WindowFile:
    """Read a whole file once: check it, and find its window and the course of its price.

    Raises:
        MalformedRecording: the name, a line or the file as a whole is not as described above.
    """
    asset, minutes, start_s = _named(path)
    tokens: Counter[str] = Counter()
    markets = set()
    mids_by_token: dict[str, dict[int, float]] = {}
    for book in frames(path):
        tokens[book.token] += 1
        markets.add(book.market)
        mids_by_token.setdefault(book.token, {})[book.at_ms // 1000] = book.mid_ticks
    if not tokens:
        raise MalformedRecording(f"{path} has no frames")
    if len(tokens) > 2 or len(markets) > 1:
        raise MalformedRecording(f"{path} mixes several markets: a file is one window")
    ranked = [token for token, _ in tokens.most_common()]
    window = Window.at(asset, minutes, start_s * 1000)
    mids = mids_by_token[ranked[0]]
    return WindowFile(
        path=path,
        window=attrs.evolve(
            window,
            condition_id=markets.pop(),
            up_token=ranked[0],
            down_token=ranked[1] if len(ranked) > 1 else window.down_token,
        ),
        tokens=tuple(ranked),
        mids=mids,
        last_mid_ticks=mids[max(mids)],
    )


def frames(path: Path) -> Iterator[RecordedBook]:
    """Read a file frame by frame.

    Raises:
        MalformedRecording: it cannot be read, or a line is not a recorded book.
    """
    number = 0
    try:
        for line in _lines(path):
            number += 1
            yield _recorded_book(line)
    except (msgspec.DecodeError, BadAmount, RecursionError, ValueError) as error:
        raise MalformedRecording(f"{path}, line {number}: {error}") from None
    except (OSError, zstandard.ZstdError) as error:
        raise MalformedRecording(f"{path}, after line {number}: {error}") from None


def _named(path: Path) -> tuple[str, int, int]:
    match = _NAME.fullmatch(path.name)
    if match is None:
        raise MalformedRecording(
            f"{path} is not named after a window, such as btc-updown-5m-1776329400.jsonl.zst"
        )
    return match[1], int(match[2]), int(match[3])


def _lines(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        if path.suffix != ".zst":
            yield from io.TextIOWrapper(file, encoding="utf-8")
            return
        decompressor = zstandard.ZstdDecompressor(max_window_size=_WINDOW_SIZE)
        with decompressor.stream_reader(file) as reader:
            yield from io.TextIOWrapper(reader, encoding="utf-8")


def _recorded_book(line: str) -> RecordedBook:
    outer = _decode_line(line)
    book = _decode_book(outer.raw)
    if book.event_type != "book":
        raise ValueError(f"{book.event_type!r} is not a book")
    return RecordedBook(
        at_ms=round(outer.recv_ts * 1000),
        timestamp_ms=int(book.timestamp),
        token=book.asset_id,
        market=book.market,
        bids=_levels(book.bids),
        asks=_levels(book.asks),
        text=outer.raw,
    )


def _levels(levels: list[_Level]) -> tuple[tuple[int, int], ...]:
    read = tuple(
        (_TICKS.get(level.price) or ticks_from_text(level.price), units_from_text(level.size))
        for level in levels
    )
    for price_ticks, size_units in read:
        if not 0 < price_ticks < PAYOUT_TICKS or size_units <= 0:
            raise ValueError(
                f"{size_text(size_units)} shares at {price_text(price_ticks)} is not a valid level"
            )
    return read
