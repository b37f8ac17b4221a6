"""Check: the host's clock against the venue's."""

from __future__ import annotations

from actors.directory.venue_time import CORRECT_ABOVE_MS, VenueTimeReading, skew_words
from understudy.doctor.findings import Finding, failed, passed, warned
from understudy.doctor.network import Unreachable
from understudy.doctor.sight import VenueSight
from understudy.doctor.subject import Subject

NAME = "clock"

SKEW_MS_FAIL = 15_000
"""Requests and orders are signed with the host's time, and the venue refuses what is some 30 s off.

The venue does not document how much it tolerates; so half of what others have found is enough.
"""
_SET_IT = "let the host's clock follow a time server: timedatectl set-ntp true"


async def check_clock(subject: Subject, sight: VenueSight) -> Finding:
    """Measure how far the venue is ahead, and say what it means."""
    try:
        reading = await sight.reading()
    except Unreachable as problem:
        sentence = f"venue time is unknown: {problem}"
        return failed(NAME, sentence, "see the line on clob", problem.cause)
    shown = _shown(reading)
    if not reading.needs_correction:
        return passed(NAME, shown)
    if subject.is_local:
        return passed(NAME, f"{shown}; a local exchange keeps a time of its own")
    surely_ms = abs(reading.skew_ms) - reading.round_trip_ms // 2
    if surely_ms < SKEW_MS_FAIL:
        limit = f"more than {CORRECT_ABOVE_MS / 1000:g} s"
        return warned(
            NAME, f"{shown}: {limit}; runs correct venue time, but not signatures", _SET_IT
        )
    if not subject.is_live:
        return warned(NAME, f"{shown}: signed requests would be refused in live mode", _SET_IT)
    return failed(NAME, f"{shown}: the venue refuses requests that are signed so far off", _SET_IT)


def _shown(reading: VenueTimeReading) -> str:
    uncertainty_s = (500 + reading.round_trip_ms / 2) / 1000
    return f"{skew_words(reading.skew_ms, decimals=1)}, measured to {uncertainty_s:.1f} s"
