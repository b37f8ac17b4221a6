"""The difference between the venue's clock and ours, measured by one request.

``GET {clob}/time`` answers with Unix seconds as plain text. The venue read its clock at some time
between request and answer, and within the second it names, so a measurement is uncertain by half a
second plus half the round trip. Correcting by less than that would add error instead of removing
it; and a correction of up to a second does not matter to a window of minutes.

Where venue time runs faster than real time, requests and a busy exchange still take their real
milliseconds: both limits grow with the speed.
"""

from __future__ import annotations

import attrs

CORRECT_ABOVE_MS = 1_500
"""A smaller difference is ignored: most of it may be the venue's resolution of one second."""

ROUND_TRIP_LIMIT_MS = 5_000
"""A slower answer measures nothing."""

CLOCKS_AGREE_MS = 500
"""Tolerated difference between an answer's duration by our clock and by one that is never
corrected. Beyond it our clock was corrected meanwhile, or the answer waited here, and the
measurement is void."""

_SECONDS_DIGITS = 10
"""From 2001 to 2286; with fewer or more digits it is not a time in seconds."""


class TimeUnreadable(ValueError):
    """The answer contains no time; the sentence says why."""


@attrs.frozen(kw_only=True)
class VenueTimeReading:
    """One measurement."""

    skew_ms: int
    """Venue time minus ours, as estimated."""
    round_trip_ms: int
    speed: float = 1.0
    """Venue time per real time."""

    @property
    def needs_correction(self) -> bool:
        """Whether our clock is wrong by more than the measurement's uncertainty."""
        return abs(self.skew_ms) > CORRECT_ABOVE_MS * self.speed + self.round_trip_ms // 2


def skew_words(skew_ms: int, decimals: int = 0) -> str:
    """Say whose clock is wrong and which way; ``skew_ms`` is venue time minus this computer's."""
    direction = "ahead of" if skew_ms < 0 else "behind"
    seconds = f"{abs(skew_ms) / 1000:,.{decimals}f}"
    return f"this computer's clock is {seconds} s {direction} the venue's"


def read_venue_time(
    body: bytes, sent_ms: int, received_ms: int, took_ms: int, speed: float = 1.0
) -> VenueTimeReading:
    """Measure the difference by an answer.

    Args:
        body: the answer, Unix seconds.
        sent_ms: when the request was made, by our clock.
        received_ms: when the answer arrived, by our clock.
        took_ms: how long that took, in real ms, by a clock that is never corrected.
        speed: venue time per real time.

    Raises:
        TimeUnreadable: no Unix seconds, the answer took too long, or our clock was set meanwhile.
    """
    text = body.decode("ascii", errors="replace").strip().strip('"')
    if not (text.isascii() and text.isdecimal() and len(text) == _SECONDS_DIGITS):
        raise TimeUnreadable(f"{text[:40]!r} is not a time in Unix seconds")
    if took_ms > ROUND_TRIP_LIMIT_MS:
        raise TimeUnreadable(f"the answer took {took_ms:,} ms, too long to tell the time by")
    round_trip_ms = round(took_ms * speed)
    if abs(received_ms - sent_ms - round_trip_ms) > CLOCKS_AGREE_MS * speed:
        raise TimeUnreadable(
            "our clock was corrected, or stood still, while waiting for the answer"
        )
    middle_of_second_ms = int(text) * 1_000 + 500
    middle_of_trip_ms = received_ms - round_trip_ms // 2
    return VenueTimeReading(
        skew_ms=middle_of_second_ms - middle_of_trip_ms,
        round_trip_ms=round_trip_ms,
        speed=speed,
    )
