"""Reads recordings: ``open_recording(path) -> Recording``.

Opening reads only the first bytes, so that opening many is fast; everything else is read on
request.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from itertools import chain
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeVar

import attrs
import cattrs
import msgspec

from research.recordings.blocks import MARK, DamagedSegment, Segment, batches_of, segment_at
from research.recordings.model import (
    FORMAT_VERSION,
    Gap,
    RecordedChannel,
    RecordedFrame,
    RecordedMarket,
    RecordedStrike,
    RecordingHead,
    RecordingNote,
    RecordingTail,
    channel_name,
)
from research.recordings.places import BadRecording, read_all, read_end, read_start

LATE_NS_MAX = 2_000_000_000
"""Frames of different connections may be stored out of the order of receipt, but never behind a
frame that was received this much later."""

_T = TypeVar("_T")
_CONVERTER = cattrs.Converter()
_by_receipt = attrgetter("received_ns")


@attrs.frozen(kw_only=True)
class Survey:
    """The contents of a whole file."""

    notes: tuple[RecordingNote, ...]
    frames: dict[str, int]
    """Frames by channel, its name in lower case."""
    payload_bytes: int
    spans: dict[str, tuple[int, int]]
    """Venue time, unix ms, of each channel's first and last frame."""
    damage: tuple[str, ...]
    """A sentence for each place that cannot be read; a truncated file is not damaged."""

    @property
    def last_ms(self) -> int | None:
        """Venue time of the last frame; None if there is none."""
        return max((last_ms for _, last_ms in self.spans.values()), default=None)

    @property
    def strike(self) -> RecordedStrike | None:
        """The last strike noted."""
        return next((note.strike for note in reversed(self.notes) if note.strike), None)

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """The gaps noted."""
        return tuple(note.gap for note in self.notes if note.gap is not None)


class Recording:
    """One recorded window."""

    def __init__(self, place: str | Path, head: RecordingHead) -> None:
        self.place = place
        self.head = head

    @property
    def market(self) -> RecordedMarket:
        """The window's market: the head's."""
        return self.head.market

    @cached_property
    def tail(self) -> RecordingTail | None:
        """What was known of the window in the end; None if its recording was not finished.

        Raises:
            BadRecording: the file cannot be read any more, or the tail makes no sense.
        """
        end = read_end(self.place)
        start = end.rfind(MARK)
        data = end[start:] if start >= 0 else read_all(self.place)
        for frame in chain.from_iterable(chain.from_iterable(_segments(data, []))):
            if frame.channel == RecordedChannel.TAIL:
                return _structured(frame, RecordingTail, self.place)
        return None

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """When something was not recorded; for an unfinished recording, as far as noted."""
        return self.tail.gaps if self.tail is not None else self.survey.gaps

    @cached_property
    def survey(self) -> Survey:
        """The contents of the whole file, and its damage; reads the file.

        Raises:
            BadRecording: the file cannot be read.
        """
        damage: list[str] = []
        notes: list[RecordingNote] = []
        counts: Counter[str] = Counter()
        payload_bytes = 0
        spans: dict[str, tuple[int, int]] = {}
        for batch in chain.from_iterable(_segments(read_all(self.place), damage)):
            for frame in batch:
                if frame.channel == RecordedChannel.NOTE:
                    notes.append(_structured(frame, RecordingNote, self.place))
                elif frame.channel > RecordedChannel.TAIL:
                    name, at_ms = channel_name(frame.channel), frame.received_ms
                    counts[name] += 1
                    payload_bytes += len(frame.payload)
                    first_ms, last_ms = spans.get(name, (at_ms, at_ms))
                    spans[name] = (min(first_ms, at_ms), max(last_ms, at_ms))
        return Survey(
            notes=tuple(notes),
            frames=dict(counts),
            payload_bytes=payload_bytes,
            spans=spans,
            damage=tuple(f"{self.place} is damaged {sentence}" for sentence in damage),
        )

    def frames(self) -> Iterator[RecordedFrame]:
        """Read all frames, and the notes among them, in the order of receipt.

        Payloads are returned as stored; the caller decodes them if needed. Damage is skipped;
        ``survey.damage`` lists it.

        Raises:
            BadRecording: the file cannot be read.
        """
        waiting: list[RecordedFrame] = []
        for segment in _segments(read_all(self.place), []):
            for batch in segment:
                waiting += batch
            if not waiting:
                continue
            waiting.sort(key=_by_receipt)
            sure_ns = waiting[-1].received_ns - LATE_NS_MAX
            sure_count = bisect_right(waiting, sure_ns, key=_by_receipt)
            yield from filter(_is_shown, waiting[:sure_count])
            del waiting[:sure_count]
        yield from filter(_is_shown, waiting)


def open_recording(place: str | Path) -> Recording:
    """Open a recording: a path, or an address that fsspec supports (``s3://bucket/name.rec``).

    Raises:
        BadRecording: it cannot be read, is not a recording, or has a later format.
    """
    start = read_start(place)
    if not start.startswith(MARK):
        raise BadRecording(f"{place} is not a recording: it does not begin like one")
    for frame in chain.from_iterable(chain.from_iterable(_segments(start, []))):
        if frame.channel != RecordedChannel.HEAD:
            break
        version = _json(frame, place).get("format")
        if not isinstance(version, int) or version > FORMAT_VERSION:
            raise BadRecording(
                f"{place} is a recording of format {version}: this version reads {FORMAT_VERSION}"
            )
        return Recording(place, _structured(frame, RecordingHead, place))
    raise BadRecording(f"{place} is a recording without a readable head")


def _segments(data: bytes, damage: list[str]) -> Iterator[Iterator[list[RecordedFrame]]]:
    """Iterate over segments as batches; exhaust each before the next. Adds to ``damage``."""
    position = 0
    while position < len(data):
        segment = segment_at(data, position)
        following = data.find(MARK, position if segment is None else segment.content)
        end = len(data) if following < 0 else following
        if segment is None:
            if not MARK.startswith(data[position:]):
                lost = f"{end - position} bytes are not part of a recording"
                damage.append(f"at byte {position}: {lost}")
            position = end
            continue
        found_count = len(damage)
        is_torn = not segment.is_whole and following < 0
        yield _batches(data, segment, damage, is_torn=is_torn)
        if not (segment.is_whole or is_torn or len(damage) > found_count):
            damage.append(f"at byte {segment.end}: a segment is not ended")
        is_sound = segment.is_whole and len(damage) == found_count
        position = segment.end if is_sound else end


def _batches(
    data: bytes, segment: Segment, damage: list[str], *, is_torn: bool
) -> Iterator[list[RecordedFrame]]:
    try:
        yield from batches_of(data, segment, is_torn=is_torn)
    except DamagedSegment as problem:
        where = f"in the segment from byte {segment.start} to {segment.end}"
        damage.append(f"{where}: {problem}; everything before that was read")


def _json(frame: RecordedFrame, place: str | Path) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(frame.payload)
    except (msgspec.DecodeError, RecursionError) as problem:
        raise BadRecording(f"{place}: {channel_name(frame.channel)}: {problem}") from None
    if not isinstance(found, dict):
        raise BadRecording(f"{place}: {channel_name(frame.channel)} is not a JSON object")
    return found


def _structured(frame: RecordedFrame, kind: type[_T], place: str | Path) -> _T:
    try:
        return _CONVERTER.structure(_json(frame, place), kind)
    except (cattrs.BaseValidationError, ValueError, TypeError, KeyError) as problem:
        what = "; ".join(cattrs.transform_error(problem)) if _is_group(problem) else str(problem)
        raise BadRecording(f"{place}: {channel_name(frame.channel)}: {what}") from None


def _is_group(problem: Exception) -> bool:
    return isinstance(problem, cattrs.BaseValidationError)


def _is_shown(frame: RecordedFrame) -> bool:
    return frame.channel != RecordedChannel.HEAD and frame.channel != RecordedChannel.TAIL
