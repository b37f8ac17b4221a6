"""Imports windows that others recorded: one line of JSON per frame, one file per window.

Those files have the books of one outcome and nothing else. Prices of the underlying are derived
from them, so that strike and result exist, and every derived frame is marked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random

from actors.units import E18
from research.recordings.derived import DerivedReference
from research.recordings.model import (
    DERIVED,
    SUFFIX,
    RecordedChannel,
    RecordedFrame,
    RecordedMarket,
    RecordedStrike,
    RecordingHead,
    RecordingNote,
    RecordingTail,
)
from research.recordings.window_files import MalformedRecording, WindowFile, frames, survey
from research.recordings.writer import RecordingWriter, gaps_between
from venue.frames import Channel
from venue.prices import PriceStreams
from venue.windows import TWAP_SECONDS
from venue.wire.gamma import FEE_RATE

LEAD_S = 70
"""Prices begin this long before the window, so that the average at its start has a history."""
_TRAIL_S = 2
"""Prices end this long after the window, because the closing average arrives a second late."""
_TICKER_PERIOD_MS = 1_000
_BATCH_NS = 2 * 10**9
_SILENCE_MS_MAX = 5_000
"""A longer time without market frames is noted as a gap."""
_STREAMS = {Channel.RTDS: RecordedChannel.RTDS, Channel.COINBASE: RecordedChannel.REFERENCE}
_HEARTBEAT = b'{"type":"heartbeat"'

_DERIVED = (
    "no price of the underlying was recorded: reference, average, strike and close are computed "
    "from the middle of the recorded books, and the result from the last of them; price grid, fee "
    "and sizes are those of the series in 2026-11"
)


class Importing:
    """Windows of one series to be imported."""

    def __init__(
        self,
        sources: Sequence[Path],
        attribution: str,
        program: str,
        was_read: Callable[[], None] = lambda: None,
    ) -> None:
        """Read every file once; the derived price of a window continues from the previous one.

        Args:
            sources: the files.
            attribution: the owner of the data, and its licence.
            program: the program that makes the recordings, with its version.
            was_read: called after each file.

        Raises:
            MalformedRecording: a file cannot be imported.
        """
        self._attribution = attribution
        self._program = program
        self._windows: list[WindowFile] = []
        for path in sources:
            self._windows.append(survey(path))
            was_read()
        self._windows.sort(key=lambda each: each.window.opens_at_ms)
        series = {(each.window.asset, each.window.minutes) for each in self._windows}
        if len(series) > 1:
            raise MalformedRecording("windows of several series cannot be imported together")

    def into(self, folder: Path) -> Iterator[tuple[Path, bool]]:
        """Write the recordings in window order; existing ones are left alone.

        Yields:
            The path, and whether it was written.

        Raises:
            MalformedRecording: a source has changed meanwhile.
            OSError: a file cannot be written.
        """
        if not self._windows:
            return
        prices = _Prices(self._windows)
        for source in self._windows:
            path = folder / f"{source.window.slug}{SUFFIX}"
            if path.exists():
                yield path, False
                continue
            unfinished = path.with_suffix(".part")
            unfinished.unlink(missing_ok=True)
            self._write(source, prices, unfinished)
            unfinished.rename(path)
            yield path, True

    def _write(self, source: WindowFile, prices: _Prices, path: Path) -> None:
        writer = RecordingWriter.create(path, self._head(source), is_synced=False)
        made = [*_books(source), *prices.frames(source)]
        made.sort(key=lambda frame: frame.received_ns)
        start = 0
        for place, frame in enumerate(made):
            if frame.received_ns - made[start].received_ns > _BATCH_NS:
                writer.write(made[start:place])
                start = place
        writer.write(made[start:])
        gaps = gaps_between(
            [frame.received_ms for frame in made if frame.channel == RecordedChannel.MARKET],
            RecordedChannel.MARKET,
            _SILENCE_MS_MAX,
            "the source has no frame of it",
        )
        strike = prices.strike(source)
        last_ns = made[-1].received_ns
        writer.note(RecordingNote(kind="strike", strike=strike), last_ns, last_ns)
        writer.finish(
            RecordingTail(
                strike=strike,
                close_e18=str(prices.average(source.window.closes_at_ms)),
                winner="YES" if source.up_won else "NO",
                evidence="derived from the last recorded books",
                spans=dict(writer.spans),
                frames=dict(writer.frames),
                payload_bytes=writer.payload_bytes,
                gaps=gaps,
            )
        )

    def _head(self, source: WindowFile) -> RecordingHead:
        window = source.window
        is_one_sided = len(source.tokens) == 1
        return RecordingHead(
            series=f"{window.asset}-{window.minutes}m",
            market=RecordedMarket(
                market_id=window.condition_id,
                slug=window.slug,
                yes_token=window.up_token,
                no_token=window.down_token,
                opens_at_ms=window.opens_at_ms,
                closes_at_ms=window.closes_at_ms,
                tick_size_ticks=10,
                minimum_size_units=5_000_000,
                minimum_notional_nanos=1_000_000_000,
                fee_rate_bps=round(FEE_RATE * 10_000),
                twap_window_s=TWAP_SECONDS,
            ),
            program=self._program,
            mirrored_token=window.down_token if is_one_sided else "",
            derived=_DERIVED,
            attribution=self._attribution,
        )


class _Prices:
    """The derived price of every second, in the form that the sources would have sent."""

    def __init__(self, windows: Sequence[WindowFile]) -> None:
        asset = windows[0].window.asset
        reference = DerivedReference(list(windows), asset)
        streams = PriceStreams(asset, _TICKER_PERIOD_MS, Random("recorded"))
        self._made: dict[int, list[RecordedFrame]] = {}
        self._averages: dict[int, int] = {}
        first_s = windows[0].window.opens_at_ms // 1000 - LEAD_S
        last_s = windows[-1].window.closes_at_ms // 1000 + _TRAIL_S
        for second in range(first_s, last_s + 1):
            price_e18 = reference.price_e18(second)
            streams.sample(second * 1000, price_e18)
            average = streams.samples.average(second)
            if average is not None:
                self._averages[second] = average
            self._made[second] = [
                _derived_frame(_STREAMS[frame.channel], frame.text.encode(), second)
                for frame in streams.publish(second * 1000, price_e18 / E18)
                if frame.channel in _STREAMS
            ]

    def frames(self, source: WindowFile) -> Iterator[RecordedFrame]:
        """All frames that belong to a window."""
        first_s = source.window.opens_at_ms // 1000 - LEAD_S
        for second in range(first_s, source.window.closes_at_ms // 1000 + _TRAIL_S + 1):
            for frame in self._made[second]:
                if not frame.payload.startswith(_HEARTBEAT):
                    yield frame

    def average(self, at_ms: int) -> int:
        """The average of the minute up to an instant, as an integer of 10**-18 dollars."""
        return self._averages[at_ms // 1000]

    def strike(self, source: WindowFile) -> RecordedStrike:
        """A window's price to beat."""
        price = str(self.average(source.window.opens_at_ms))
        return RecordedStrike(price_e18=price, source="derived from the books", origin="derived")


def attribution_beside(sources: Sequence[Path]) -> str:
    """The attribution in a README beside the files: the line that begins with ``Source:``."""
    for folder in {path.parent for path in sources}:
        for readme in sorted(folder.glob("README*")):
            for line in readme.read_text(encoding="utf-8", errors="replace").splitlines():
                if line.startswith("Source: "):
                    return line.removeprefix("Source: ").strip()
    return ""


def _books(source: WindowFile) -> Iterator[RecordedFrame]:
    for book in frames(source.path):
        at_ns = book.at_ms * 1_000_000
        yield RecordedFrame(RecordedChannel.MARKET, 0, 0, at_ns, at_ns, book.text.encode())


def _derived_frame(channel: RecordedChannel, payload: bytes, second: int) -> RecordedFrame:
    at_ns = second * 10**9
    return RecordedFrame(channel, DERIVED, 0, at_ns, at_ns, payload)
