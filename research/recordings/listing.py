"""Recordings as rows: what each covers, and whether it is intact."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import attrs

from research.recordings.model import SUFFIX, Gap
from research.recordings.places import BadRecording, list_files, size_bytes
from research.recordings.reader import Recording, open_recording


@attrs.frozen(kw_only=True)
class RecordingRow:
    """One recording, as lists show it."""

    place: str
    window: str
    """The window's slug."""
    series: str
    opens_at_ms: int
    is_ended: bool
    """Whether it has a tail; one in progress, or truncated, has none."""
    coverage: float
    """Share of the window's time with data from the market channel."""
    gaps_count: int
    gaps_ms: int
    """Length of all gaps of the market channel in the window."""
    frames: int
    strike_e18: str | None
    strike_source: str
    """The source of the strike."""
    winner: str | None
    is_derived: bool
    """Whether it contains computed frames."""
    size_bytes: int


def rows_of(folder: str | Path) -> Iterator[RecordingRow | BadRecording]:
    """Describe every recording of a folder, by name; for an invalid one, say why.

    Raises:
        BadRecording: the folder cannot be read.
    """
    for place in list_files(folder, SUFFIX):
        try:
            yield row_of(open_recording(place))
        except BadRecording as problem:
            yield problem


def row_of(recording: Recording) -> RecordingRow:
    """Describe a recording.

    Raises:
        BadRecording: it cannot be read.
    """
    head, tail = recording.head, recording.tail
    found = recording.survey if tail is None else tail
    gaps = [each for each in recording.gaps if each.channel in ("market", "all")]
    opens_at_ms, closes_at_ms = head.market.opens_at_ms, head.market.closes_at_ms
    missing_ms = sum(_overlap_ms(gap, opens_at_ms, closes_at_ms) for gap in gaps)
    first_ms, last_ms = found.spans.get("market", (closes_at_ms, closes_at_ms))
    seen_ms = max(0, min(last_ms, closes_at_ms) - max(first_ms, opens_at_ms)) - missing_ms
    return RecordingRow(
        place=str(recording.place),
        window=head.market.slug,
        series=head.series,
        opens_at_ms=opens_at_ms,
        is_ended=tail is not None,
        coverage=round(max(0, seen_ms) / (closes_at_ms - opens_at_ms), 4),
        gaps_count=len(recording.gaps),
        gaps_ms=missing_ms,
        frames=sum(found.frames.values()),
        strike_e18=None if found.strike is None else found.strike.price_e18,
        strike_source="" if found.strike is None else found.strike.origin,
        winner=None if tail is None else tail.winner,
        is_derived=bool(head.derived),
        size_bytes=size_bytes(recording.place),
    )


def faults_of(place: str | Path) -> list[str]:
    """Check a recording; return a sentence for each fault."""
    try:
        recording = open_recording(place)
        tail, survey = recording.tail, recording.survey
    except BadRecording as problem:
        return [str(problem)]
    faults = list(survey.damage)
    if tail is None:
        faults.append(f"{place} was not ended: it is in progress, or was cut off")
        return faults
    for channel in sorted(tail.frames.keys() | survey.frames.keys()):
        said, found = tail.frames.get(channel, 0), survey.frames.get(channel, 0)
        if said != found:
            faults.append(f"{place} has {found} frames of {channel}, and its tail says {said}")
    return faults


def _overlap_ms(gap: Gap, start_ms: int, end_ms: int) -> int:
    return max(0, min(gap.until_ms, end_ms) - max(gap.from_ms, start_ms))
