from __future__ import annotations

from pathlib import Path

from research.recordings.model import RecordedChannel, RecordedFrame, RecordedMarket, RecordingHead
from research.recordings.writer import RecordingWriter

OPENS_AT_MS = 1_776_329_400_000
SLUG = "btc-updown-5m-1776329400"


def head(**changed: object) -> RecordingHead:
    fields: dict[str, object] = {
        "series": "btc-5m",
        "program": "understudy 0.1.0",
        "market": RecordedMarket(
            market_id="0xc0",
            slug=SLUG,
            yes_token="71",
            no_token="72",
            opens_at_ms=OPENS_AT_MS,
            closes_at_ms=OPENS_AT_MS + 300_000,
            tick_size_ticks=10,
            minimum_size_units=5_000_000,
            minimum_notional_nanos=10**9,
            fee_rate_bps=700,
            twap_window_s=60,
        ),
    }
    return RecordingHead(**(fields | changed))  # type: ignore[arg-type] # changed by name


def frame(
    at_ms: int, payload: bytes = b"{}", channel: int = RecordedChannel.MARKET, **changed: int
) -> RecordedFrame:
    """Make a frame that was received so long after the window's start."""
    return RecordedFrame(
        channel=channel,
        flags=changed.get("flags", 0),
        connection=changed.get("connection", 1),
        received_ns=(OPENS_AT_MS + at_ms) * 1_000_000,
        monotonic_ns=changed.get("monotonic_ms", 50_000_000 + at_ms) * 1_000_000,
        payload=payload,
    )


def written(path: Path, *batches: list[RecordedFrame]) -> RecordingWriter:
    """Write a recording of these batches; it is not ended."""
    writer = RecordingWriter.create(path, head(), is_synced=False)
    for batch in batches:
        writer.write(batch)
    return writer
