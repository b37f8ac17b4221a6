"""Converts the directory's view of a window to the head and tail of its recording."""

from __future__ import annotations

import attrs

from actors.messages.directory import MarketResolved
from actors.model import Market, Strike
from research.recordings.model import RecordedMarket, RecordedStrike, RecordingTail
from research.recordings.writer import RecordingWriter


def recorded_market(market: Market) -> RecordedMarket:
    """Convert a market to the form in a recording's head."""
    known = {field.name for field in attrs.fields(RecordedMarket)}
    fields = attrs.asdict(market, recurse=False)
    return RecordedMarket(**{name: value for name, value in fields.items() if name in known})


def recorded_strike(strike: Strike) -> RecordedStrike:
    """Convert a strike to the form in a recording."""
    return RecordedStrike(
        price_e18=str(strike.price_e18), source=strike.source, origin=strike.origin.value
    )


def with_result(tail: RecordingTail, result: MarketResolved | None) -> RecordingTail:
    """Add a result to a tail, if there is one."""
    if result is None:
        return tail
    return attrs.evolve(
        tail,
        winner="void" if result.winner is None else result.winner.value,
        close_e18=None if result.close_e18 is None else str(result.close_e18),
        evidence=result.evidence,
    )


def tail_of(
    writer: RecordingWriter, strike: RecordedStrike | None, result: MarketResolved | None
) -> RecordingTail:
    """Summarise what was written, and how the window ended."""
    if strike is None and result is not None and result.strike_e18 is not None:
        price = str(result.strike_e18)
        strike = RecordedStrike(price_e18=price, source=result.strike_source, origin="")
    found = RecordingTail(
        strike=strike,
        spans=dict(writer.spans),
        frames=dict(writer.frames),
        payload_bytes=writer.payload_bytes,
        gaps=tuple(writer.gaps),
    )
    return with_result(found, result)
