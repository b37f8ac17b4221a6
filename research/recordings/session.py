"""Recordings in progress: assigns frames to the files of windows, and notes what is missing."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

import attrs
import msgspec

from actors.messages.directory import MarketResolved
from actors.messages.recorder import (
    CapturedAnswer,
    CapturedClosing,
    CapturedFrames,
    CapturedItem,
    CapturedOpening,
)
from actors.model import Market, Strike
from actors.series import series_of
from research.recordings.description import (
    recorded_market,
    recorded_strike,
    tail_of,
    with_result,
)
from research.recordings.model import (
    REDACTED,
    SUFFIX,
    Gap,
    RecordedChannel,
    RecordedFrame,
    RecordedStrike,
    RecordingHead,
    RecordingNote,
)
from research.recordings.places import BadRecording
from research.recordings.reader import open_recording
from research.recordings.writer import RecordingWriter, note_frame

LEAD_NS = 90 * 10**9
"""A recording contains this much of the prices and answers before its window: the strike is a
minute's average, and metadata is read ahead."""
TRAIL_NS = 10 * 10**9
"""And this much after its window."""
SILENCE_MS_MAX = 5_000
"""A continuous source that is silent for longer has left a gap."""
WAITING_BYTES_MAX = 64 * 2**20
"""Payload of a window that may wait for the disk."""
_TALKATIVE = frozenset({"market", "rtds", "polybolt"})
_PRICES = frozenset({"reference", "rtds", "polybolt"})
_CONNECTIONS_MAX = 2**16 - 1
_BROKEN_SUFFIX = ".unreadable"


@attrs.frozen(kw_only=True)
class Recorder:
    """Identity and clock of the recorder."""

    program: str
    """Name and version of the program."""
    unix_ns: Callable[[int], int]
    """Venue time, unix ns, at an instant of the monotonic clock."""
    monotonic_ns: Callable[[], int]
    offset_ms: Callable[[], int]
    """How far venue time is ahead of the machine's clock now."""
    speed: float = 1.0
    is_synced: bool = True


@attrs.define
class _Window:
    """One window's file while it is written."""

    market: Market
    writer: RecordingWriter
    names: tuple[bytes, ...]
    """Every frame about this window and no other contains one of these."""
    symbols: tuple[bytes, ...]
    """Every price of its underlying contains one of these."""
    strike: RecordedStrike | None = None
    waiting: list[RecordedFrame] = attrs.field(factory=list)
    last_ms: dict[str, int] = attrs.field(factory=dict)
    """Venue time of each channel's newest frame."""
    closed: dict[str, str] = attrs.field(factory=dict)
    """Why a channel's connection was lost, until it sends again."""


class RecordingSession:
    """Collects captured frames, and writes them on ``flush``."""

    def __init__(self, folder: Path, recorder: Recorder) -> None:
        self._folder = folder
        self._recorder = recorder
        self._windows: dict[str, _Window] = {}
        self._before: deque[tuple[str, RecordedFrame]] = deque()
        """Prices and answers of the last minutes, by channel: the next window needs them too."""
        self._numbers: dict[tuple[str, str], int] = {}
        """Numbers of the open connections."""
        self._connections_count = 0

    @property
    def paths(self) -> set[Path]:
        """Files in progress."""
        return {window.writer.path for window in self._windows.values()}

    # Windows

    def begin(self, market: Market, strike: Strike | None) -> None:
        """Record a window from now on; if it is recorded already, note the strike.

        Raises:
            OSError: its file cannot be written.
        """
        window = self._windows.get(market.market_id)
        if window is None:
            window = self._open(market)
            if window is None:
                return
            self._windows[market.market_id] = window
        found = None if strike is None else recorded_strike(strike)
        if found is not None and found != window.strike:
            window.strike = found
            self._note(window, RecordingNote(kind="strike", strike=found))

    def end(self, market: Market, result: MarketResolved | None) -> Path | None:
        """End a window's recording; return its file, or None if there is none to end.

        Raises:
            OSError: it cannot be written.
            BadRecording: it was begun by another process, and cannot be read.
        """
        window = self._windows.pop(market.market_id, None)
        if window is None:
            return self._end_late(market, result)
        self._write(window)
        window.writer.finish(tail_of(window.writer, window.strike, result))
        return window.writer.path

    def close(self) -> None:
        """Write what waits, and leave the files for a successor.

        Raises:
            OSError: something cannot be written.
        """
        for window in self._windows.values():
            self._write(window)
            window.writer.close()

    def _open(self, market: Market) -> _Window | None:
        path = self._folder / f"{market.slug}{SUFFIX}"
        writer = self._resumed(path) if path.exists() else None
        if path.exists() and writer is None:
            return None
        writer = writer or self._created(path, market)
        asset = market.slug.partition("-")[0]
        window = _Window(
            market=market,
            writer=writer,
            names=tuple(
                name.encode()
                for name in (market.market_id, market.yes_token, market.no_token, market.slug)
            ),
            symbols=tuple(
                symbol.encode()
                for symbol in (f"{asset}usd", f"{asset}/usd", f"{asset}-usd".upper())
            ),
        )
        if not writer.frames:
            self._write_lead(window)
        return window

    def _created(self, path: Path, market: Market) -> RecordingWriter:
        recorder = self._recorder
        head = RecordingHead(
            series=series_of(market.slug),
            market=recorded_market(market),
            program=recorder.program,
            clock_offset_ms=recorder.offset_ms(),
            speed=recorder.speed,
        )
        return RecordingWriter.create(path, head, is_synced=recorder.is_synced)

    def _resumed(self, path: Path) -> RecordingWriter | None:
        """Continue a file; None if it was ended. An unreadable one is renamed aside."""
        recorder = self._recorder
        at_ns = recorder.monotonic_ns()
        try:
            if open_recording(path).tail is not None:
                return None
            return RecordingWriter.resume(
                path,
                recorder.program,
                recorder.unix_ns(at_ns),
                at_ns,
                is_synced=recorder.is_synced,
            )
        except BadRecording:
            path.rename(path.with_name(path.name + _BROKEN_SUFFIX))
            return None

    def _write_lead(self, window: _Window) -> None:
        since_ns = window.market.opens_at_ms * 1_000_000 - LEAD_NS
        lead = [
            frame
            for channel, frame in self._before
            if frame.received_ns >= since_ns and self._concerns(window, channel, frame)
        ]
        at_ns = lead[0].monotonic_ns if lead else self._recorder.monotonic_ns()
        for (channel, _), number in self._numbers.items():
            note = RecordingNote(kind="opened", connection=number, channel=channel)
            window.waiting.append(note_frame(note, self._recorder.unix_ns(at_ns), at_ns))
        window.waiting += lead

    def _end_late(self, market: Market, result: MarketResolved | None) -> Path | None:
        path = self._folder / f"{market.slug}{SUFFIX}"
        if not path.exists():
            return None
        recording = open_recording(path)
        if recording.tail is not None:
            tail = with_result(recording.tail, result)
            if tail != recording.tail:
                RecordingWriter.amend(path, tail)
            return path
        strike = recording.survey.strike
        at_ns = self._recorder.monotonic_ns()
        writer = RecordingWriter.resume(
            path, self._recorder.program, self._recorder.unix_ns(at_ns), at_ns
        )
        writer.finish(tail_of(writer, strike, result))
        return path

    # Frames

    def keep(self, items: Iterable[CapturedItem]) -> None:
        """Collect captured frames, in the order of receipt."""
        for item in items:
            match item:
                case CapturedFrames():
                    self._keep_frames(item)
                case CapturedAnswer():
                    self._keep_answer(item)
                case CapturedOpening():
                    self._open_connection(item.channel, item.connection, item.arrived_ns)
                case CapturedClosing():
                    self._close_connection(item)

    def flush(self) -> None:
        """Write everything that was collected.

        Raises:
            OSError: something cannot be written; it is kept until it can be.
        """
        for window in self._windows.values():
            self._write(window)

    def _keep_frames(self, item: CapturedFrames) -> None:
        channel, flags = RecordedChannel[item.channel.upper()], REDACTED * item.is_redacted
        number = self._numbers.get((item.channel, item.connection))
        if number is None:  # it was open before the recorder started
            first_ns = item.frames[0][1]
            number = self._open_connection(item.channel, item.connection, first_ns)
        unix_ns = self._recorder.unix_ns
        for raw, arrived_ns in item.frames:
            frame = RecordedFrame(channel, flags, number, unix_ns(arrived_ns), arrived_ns, raw)
            self._keep(item.channel, frame)

    def _keep_answer(self, item: CapturedAnswer) -> None:
        about = msgspec.json.encode({"url": item.url, "status": item.status})
        at_ns = item.arrived_ns
        channel = RecordedChannel[item.channel.upper()]
        payload = about + b"\n" + item.body
        frame = RecordedFrame(channel, 0, 0, self._recorder.unix_ns(at_ns), at_ns, payload)
        self._keep(item.channel, frame)

    def _keep(self, channel: str, frame: RecordedFrame) -> None:
        for window in self._windows.values():
            if self._concerns(window, channel, frame):
                self._look_for_gap(window, channel, frame)
                window.waiting.append(frame)
        if channel not in ("market", "user"):
            self._before.append((channel, frame))
            while self._before[0][1].received_ns < frame.received_ns - LEAD_NS:
                self._before.popleft()

    def _concerns(self, window: _Window, channel: str, frame: RecordedFrame) -> bool:
        payload = frame.payload
        if any(name in payload for name in window.names):
            return True
        market = window.market
        if frame.received_ns > market.closes_at_ms * 1_000_000 + TRAIL_NS:
            return False
        if channel in _PRICES:
            symbols = window.symbols
            return any(symbol in payload for symbol in symbols) or not self._names_another(
                payload, symbols
            )
        is_of_some_market = b'"market"' in payload or b'"asset_id"' in payload
        if channel == "market":
            return not is_of_some_market
        return not any(
            name in payload
            for other in self._windows.values()
            if other is not window
            for name in other.names
        ) and not (channel == "gamma" and b"-updown-" in payload)

    def _names_another(self, payload: bytes, symbols: tuple[bytes, ...]) -> bool:
        return any(
            symbol in payload
            for other in self._windows.values()
            if other.symbols != symbols
            for symbol in other.symbols
        )

    # Connections and gaps

    def _open_connection(self, channel: str, connection: str, at_ns: int) -> int:
        self._connections_count = self._connections_count % _CONNECTIONS_MAX + 1
        number = self._numbers[channel, connection] = self._connections_count
        self._note_all(RecordingNote(kind="opened", connection=number, channel=channel), at_ns)
        return number

    def _close_connection(self, item: CapturedClosing) -> None:
        number = self._numbers.pop((item.channel, item.connection), 0)
        for window in self._windows.values():
            window.closed[item.channel] = item.reason
        note = RecordingNote(
            kind="closed", connection=number, channel=item.channel, reason=item.reason
        )
        self._note_all(note, item.arrived_ns)

    def _look_for_gap(self, window: _Window, channel: str, frame: RecordedFrame) -> None:
        now_ms = frame.received_ms
        last_ms = window.last_ms.get(channel)
        window.last_ms[channel] = now_ms
        reason = window.closed.pop(channel, "")
        if last_ms is None or now_ms > window.market.closes_at_ms + TRAIL_NS // 1_000_000:
            return
        is_silent = channel in _TALKATIVE and now_ms - last_ms > SILENCE_MS_MAX
        if not reason and not is_silent:
            return
        reason = reason or "nothing came on an open connection"
        gap = Gap(from_ms=last_ms, until_ms=now_ms, channel=channel, reason=reason)
        window.writer.gaps.append(gap)
        note = RecordingNote(kind="gap", gap=gap)
        window.waiting.append(note_frame(note, frame.received_ns, frame.monotonic_ns))

    def _note_all(self, note: RecordingNote, at_ns: int) -> None:
        for window in self._windows.values():
            window.waiting.append(note_frame(note, self._recorder.unix_ns(at_ns), at_ns))

    def _note(self, window: _Window, note: RecordingNote) -> None:
        at_ns = self._recorder.monotonic_ns()
        window.waiting.append(note_frame(note, self._recorder.unix_ns(at_ns), at_ns))

    def _write(self, window: _Window) -> None:
        if not window.waiting:
            return
        window.waiting.sort(key=lambda frame: frame.monotonic_ns)
        try:
            window.writer.write(window.waiting)
        except OSError:
            _keep_within_limit(window)
            raise
        window.waiting = []


def _keep_within_limit(window: _Window) -> None:
    """If too much waits, drop it and note the gap."""
    waiting = window.waiting
    if sum(len(frame.payload) for frame in waiting) <= WAITING_BYTES_MAX:
        return
    first, last = waiting[0], waiting[-1]
    gap = Gap(
        from_ms=first.received_ms,
        until_ms=last.received_ms,
        channel="all",
        reason="it could not be written",
    )
    window.writer.gaps.append(gap)
    note = RecordingNote(kind="gap", gap=gap)
    window.waiting = [note_frame(note, last.received_ns, last.monotonic_ns)]
