"""Writes recordings: whatever ``write`` was given is on the disk when it returns."""

from __future__ import annotations

import errno
import fcntl
import io
import os
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import cattrs
import msgspec

from research.recordings.blocks import (
    END_OF_FRAME,
    MARK,
    SegmentWriter,
    last_flush,
    segment_at,
    split_by_span,
)
from research.recordings.model import (
    Gap,
    RecordedChannel,
    RecordedFrame,
    RecordingHead,
    RecordingNote,
    RecordingTail,
    channel_name,
)
from research.recordings.reader import open_recording

SEGMENT_NS = 30 * 10**9
"""Duration of a segment, which bounds the cost of damage."""
SEGMENT_BYTES = 16 * 2**20
"""Maximum payload of a segment, which a reader holds in memory."""

_CONVERTER = cattrs.Converter()


class RecordingWriter:
    """Appends to one recording."""

    def __init__(self, path: Path, speed: float, *, is_synced: bool) -> None:
        """Use ``create`` or ``resume`` instead."""
        self.path = path
        self.frames: Counter[str] = Counter()
        """Number of frames written by this writer or an earlier one, by channel."""
        self.payload_bytes = 0
        self.spans: dict[str, tuple[int, int]] = {}
        """Venue time of each channel's first and last frame."""
        self.gaps: list[Gap] = []
        self._speed = speed
        self._is_synced = is_synced
        self._file = _opened(path)
        self._segment: SegmentWriter | None = None
        self._owes_end = False
        """Whether the last segment in the file is not ended, and cannot be continued."""
        self._segment_began_ns = 0
        self._segment_bytes = 0

    @classmethod
    def create(cls, path: Path, head: RecordingHead, *, is_synced: bool = True) -> RecordingWriter:
        """Begin a recording.

        Args:
            path: the file to write, which must not exist yet.
            head: its description.
            is_synced: whether written data must also survive a power cut.

        Raises:
            OSError: it cannot be written, or the file exists.
        """
        if path.exists():
            raise FileExistsError(errno.EEXIST, "a recording exists already", str(path))
        # A reader that looks for recordings meanwhile must not find one without a head.
        beginning = path.with_name(f"{path.name}.new")
        beginning.unlink(missing_ok=True)
        beginning.touch(mode=0o600)
        writer = cls(beginning, head.speed, is_synced=is_synced)
        writer._append([_object(RecordedChannel.HEAD, head, 0, 0)])
        writer._end_segment()
        beginning.rename(path)
        writer.path = path
        return writer

    @classmethod
    def resume(
        cls, path: Path, program: str, now_ns: int, monotonic_ns: int, *, is_synced: bool = True
    ) -> RecordingWriter:
        """Continue a recording whose writer ended in the middle, and note the gap.

        Args:
            path: a recording without a tail.
            program: the program that continues it.
            now_ns: venue time, unix ns.
            monotonic_ns: the machine's monotonic clock.
            is_synced: as in ``create``.

        Raises:
            BadRecording: the file is not a recording.
            OSError: it cannot be written.
        """
        recording = open_recording(path)
        writer = cls(path, recording.head.speed, is_synced=is_synced)
        survey = recording.survey
        _end_torn_segment(path)
        writer.frames.update(survey.frames)
        writer.payload_bytes = survey.payload_bytes
        writer.spans = dict(survey.spans)
        writer.gaps += survey.gaps
        now_ms = now_ns // 1_000_000
        gap = Gap(
            from_ms=recording.market.opens_at_ms if survey.last_ms is None else survey.last_ms,
            until_ms=now_ms,
            channel="all",
            reason="the recorder ended and was started again",
        )
        writer.note(RecordingNote(kind="resumed", program=program), now_ns, monotonic_ns)
        writer.note(RecordingNote(kind="gap", gap=gap), now_ns, monotonic_ns)
        return writer

    def write(self, frames: Sequence[RecordedFrame]) -> None:
        """Append frames, in the order of their receipt.

        Raises:
            OSError: they cannot be written.
        """
        if not frames:
            return
        self._append(frames)
        for frame in frames:
            if frame.channel > RecordedChannel.TAIL:
                name, at_ms = channel_name(frame.channel), frame.received_ms
                self.frames[name] += 1
                self.payload_bytes += len(frame.payload)
                first_ms, last_ms = self.spans.get(name, (at_ms, at_ms))
                self.spans[name] = (min(first_ms, at_ms), max(last_ms, at_ms))

    def note(self, note: RecordingNote, received_ns: int, monotonic_ns: int) -> None:
        """Append an event between frames.

        Raises:
            OSError: it cannot be written.
        """
        if note.gap is not None:
            self.gaps.append(note.gap)
        self._append([note_frame(note, received_ns, monotonic_ns)])

    @classmethod
    def amend(cls, path: Path, tail: RecordingTail) -> None:
        """Replace the tail of a finished recording; the last one counts.

        Raises:
            OSError: it cannot be written.
        """
        cls(path, 1.0, is_synced=True).finish(tail)

    def finish(self, tail: RecordingTail) -> None:
        """Append the tail and close the file.

        Raises:
            OSError: it cannot be written.
        """
        self._end_segment()
        at_ns = max((last_ms for _, last_ms in tail.spans.values()), default=0) * 1_000_000
        self._append([_object(RecordedChannel.TAIL, tail, at_ns, 0)])
        self.close()

    def close(self) -> None:
        """Close the file as it is; another writer may resume it.

        Raises:
            OSError: the end of the last segment cannot be written.
        """
        if not self._file.closed:
            self._end_segment()
            self._file.close()

    def _append(self, frames: Sequence[RecordedFrame]) -> None:
        for run in split_by_span(frames):
            newest_ns = run[-1].monotonic_ns
            if (
                newest_ns - self._segment_began_ns > SEGMENT_NS
                or self._segment_bytes > SEGMENT_BYTES
            ):
                self._end_segment()
            packed = b""
            if self._segment is None:
                self._segment = SegmentWriter()
                self._segment_began_ns, self._segment_bytes = run[0].monotonic_ns, 0
                packed = self._segment.begin()
            self._segment_bytes += sum(len(frame.payload) for frame in run)
            self._put(packed + self._segment.batch(run, self._speed))

    def _end_segment(self) -> None:
        if self._segment is not None:
            self._put(self._segment.end())
            self._segment = None
        elif self._owes_end:
            self._put(b"")

    def _put(self, data: bytes) -> None:
        """Append bytes, all or none.

        A failed write leaves the compressor ahead of the file: its segment is abandoned, and ended
        by the next write.

        Raises:
            OSError: they cannot be written.
        """
        start = self._file.seek(0, os.SEEK_END)
        rest = memoryview((END_OF_FRAME if self._owes_end else b"") + data)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
            if self._is_synced:
                os.fdatasync(self._file.fileno())
        except OSError:
            is_begun = self._segment is not None and not data.startswith(MARK)
            self._segment = None
            self._owes_end = self._owes_end or is_begun
            self._file.truncate(start)
            raise
        self._owes_end = False


def _opened(path: Path) -> io.FileIO:
    """Open a file for appending by this process alone.

    Raises:
        OSError: it cannot be opened, or another process writes it.
    """
    file = path.open("ab", buffering=0)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise OSError(errno.EBUSY, "another process is recording this window", str(path)) from None
    return file


def note_frame(note: RecordingNote, received_ns: int, monotonic_ns: int) -> RecordedFrame:
    """Turn a note into a frame that is written among the others."""
    return _object(RecordedChannel.NOTE, note, received_ns, monotonic_ns)


def _object(
    channel: RecordedChannel, value: object, received_ns: int, monotonic_ns: int
) -> RecordedFrame:
    found = {
        name: each for name, each in _CONVERTER.unstructure(value).items() if each not in (None, "")
    }
    return RecordedFrame(channel, 0, 0, received_ns, monotonic_ns, msgspec.json.encode(found))


def _end_torn_segment(path: Path) -> None:
    """Cut off the incomplete part behind the last flush, and end its segment.

    Raises:
        OSError: the file cannot be written.
    """
    data = path.read_bytes()
    last, position = None, 0
    while (segment := segment_at(data, position)) is not None:
        last = segment
        position = segment.end if segment.is_whole else data.find(MARK, segment.content)
        if position < 0:
            break
    if last is None:
        return
    end = last.end if last.is_whole else last_flush(data, last)
    with path.open("r+b") as file:
        file.truncate(last.start if end is None else end)
        if end is not None and not last.is_whole:
            file.seek(0, os.SEEK_END)
            file.write(END_OF_FRAME)


def gaps_between(
    received_ms: Sequence[int], channel: RecordedChannel, silence_ms_max: int, reason: str
) -> tuple[Gap, ...]:
    """Gaps of a channel whose frames, by venue time and in order, are too far apart."""
    return tuple(
        Gap(from_ms=before, until_ms=after, channel=channel_name(channel), reason=reason)
        for before, after in pairwise(received_ms)
        if after - before > silence_ms_max
    )
