"""Contents of a recording: its head, its frames, notes between them, and its tail.

Head, notes and tail are JSON objects whose keys are the fields below. A reader ignores keys that it
does not know, so that later versions may add some; every field that was added has a default.
"""

from __future__ import annotations

import enum

import attrs
import msgspec

FORMAT_VERSION = 1
SUFFIX = ".rec"
"""A recording's file is named after its window: ``btc-updown-5m-1776329400.rec``."""

DERIVED = 1
"""Flag of a frame that no source has sent: it was computed, as ``derived`` in the head says."""
REDACTED = 2
"""Flag of a frame from which secrets or ids of its owner were removed."""


class RecordedChannel(enum.IntEnum):
    """The source of a frame; the numbers are those in the file."""

    HEAD = 1
    NOTE = 2
    TAIL = 3
    MARKET = 16
    """The venue's market channel: books, price changes, trades."""
    REFERENCE = 17
    """Coinbase's feed."""
    RTDS = 18
    """The venue's older price stream."""
    POLYBOLT = 19
    """The venue's newer price stream."""
    USER = 20
    """The venue's channel of the account's own orders and trades."""
    GAMMA = 32
    """Answers of the venue's metadata service over HTTP; see ``RecordedFrame.payload``."""
    CLOB = 33
    """Answers of the exchange over HTTP."""
    WEBSITE = 34
    """Answers of the venue's website: a price to beat that may be corrected later."""


class RecordedFrame(msgspec.Struct, frozen=True, gc=False):
    """One frame as it arrived."""

    channel: int
    """A ``RecordedChannel``, or the number of one added by a later version."""
    flags: int
    """Sum of ``DERIVED`` and ``REDACTED``."""
    connection: int
    """Number of the connection it arrived on; a note says when that was opened. 0: none."""
    received_ns: int
    """Venue time of its receipt: unix time in ns, by the recording machine's clock, corrected by
    the venue's own time."""
    monotonic_ns: int
    """The machine's monotonic clock at its receipt; it restarts with each boot."""
    payload: bytes
    """The frame, verbatim. An answer over HTTP is one line of JSON, ``{"url", "status"}``, followed
    by the body."""

    @property
    def received_ms(self) -> int:
        """Venue time of its receipt, unix ms."""
        return self.received_ns // 1_000_000

    @property
    def is_derived(self) -> bool:
        """Whether it was computed, not received."""
        return bool(self.flags & DERIVED)


@attrs.frozen(kw_only=True)
class RecordedMarket:
    """A window's market, as described by its metadata when the recording began."""

    market_id: str
    """The condition id."""
    slug: str
    yes_token: str
    no_token: str
    opens_at_ms: int
    """Venue time, unix ms; likewise the end."""
    closes_at_ms: int
    tick_size_ticks: int
    """10 for a grid of $0.01, 1 for $0.001."""
    minimum_size_units: int
    """Millionths of a share."""
    minimum_notional_nanos: int
    """Minimum value of a marketable order, in $0.000000001."""
    fee_rate_bps: int
    """Taker fee rate in ten-thousandths: 700 is 0.07."""
    twap_window_s: int
    """Length of the average that determines strike and close."""
    taker_delay_ms: int | None = None
    """How long the venue delays a marketable order; None: the metadata does not say."""


@attrs.frozen(kw_only=True)
class RecordingHead:
    """The description of a recording, before its first frame."""

    format: int = FORMAT_VERSION
    series: str
    """Asset and length of a window, such as ``btc-5m``."""
    market: RecordedMarket
    program: str
    """The program that wrote the file, with its version."""
    clock_offset_ms: int = 0
    """How far venue time was ahead of the machine's clock when the file was begun; included in
    ``received_ns``."""
    speed: float = 1.0
    """Venue seconds per second of the machine: 1, except for a local exchange that runs faster."""
    mirrored_token: str = ""
    """The outcome whose book is not recorded, because it mirrors the other one's (a bid at p is an
    ask at 1 - p). Empty: both were recorded."""
    derived: str = ""
    """How the frames with the flag ``DERIVED`` were made; empty if there are none."""
    attribution: str = ""
    """The owner of this data and its licence; empty: the recorder's own."""


@attrs.frozen(kw_only=True)
class Gap:
    """A period in which something was not recorded."""

    from_ms: int
    """Venue time of the last frame before it."""
    until_ms: int
    """Venue time of the first frame after it."""
    channel: str
    """Name of the channel, in lower case; ``all`` while nothing was recorded."""
    reason: str
    """One sentence, without its full stop."""


@attrs.frozen(kw_only=True)
class RecordedStrike:
    """The price to beat and its source."""

    price_e18: str
    """Dollars times 10**18, as a string: it exceeds the exact range of JSON numbers."""
    source: str
    """Such as "twap-60s tick of the window's start, polybolt"."""
    origin: str
    """``tick``, ``gamma``, ``website``; or ``derived``."""


@attrs.frozen(kw_only=True)
class RecordingTail:
    """What was known of a window when its recording ended."""

    strike: RecordedStrike | None = None
    close_e18: str | None = None
    """The closing price, in the strike's units; None if it was not proven."""
    winner: str | None = None
    """``YES``, ``NO`` or ``void``; None if no result came before the recording ended."""
    evidence: str = ""
    """Source of the result; empty without one."""
    spans: dict[str, tuple[int, int]] = attrs.field(factory=dict)
    """Venue time, unix ms, of each channel's first and last frame, by its name in lower case."""
    frames: dict[str, int] = attrs.field(factory=dict)
    """Number of frames by channel, its name in lower case."""
    payload_bytes: int = 0
    gaps: tuple[Gap, ...] = ()


@attrs.frozen(kw_only=True)
class RecordingNote:
    """An event between frames."""

    kind: str
    """``opened`` or ``closed``, of a connection; ``gap``; ``strike``; or ``resumed`` by another
    process."""
    connection: int = 0
    channel: str = ""
    """The channel of the connection."""
    url: str = ""
    """The address of the connection."""
    reason: str = ""
    """Why it was closed, or what is missing."""
    gap: Gap | None = None
    strike: RecordedStrike | None = None
    program: str = ""
    """The program that continues the recording."""


def channel_name(channel: int) -> str:
    """Name a channel in lower case; one of a later version by its number."""
    try:
        return RecordedChannel(channel).name.lower()
    except ValueError:
        return f"channel {channel}"
