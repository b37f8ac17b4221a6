from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import attrs
from nouns import an_intent
from recording_builders import OPENS_AT_MS, frame, head

from actors.backtest_settings import BacktestSettings
from actors.messages.execution import OrderIntent
from actors.messages.feeds import BookEvent
from actors.model import Level, Market
from actors.runtime.scheduler import Scheduler
from actors.settings import ExecutionSettings, Settings
from actors.units import price_text, shares
from research.backtest.executor import PlaceOrder, VenueNews, WithdrawOrder
from research.backtest.tape import market_of
from research.backtest.venue import RecordedVenue
from research.recordings.model import (
    DERIVED,
    RecordedChannel,
    RecordedFrame,
    RecordedStrike,
    RecordingNote,
    RecordingTail,
)
from research.recordings.reader import Recording
from research.recordings.writer import RecordingWriter

STRIKE_E18 = 70_000 * 10**18
UP, DOWN = "71", "72"
MARKET: Market = market_of(Recording("", head()))


def book_payload(
    bids: Iterable[tuple[int, int]], asks: Iterable[tuple[int, int]], at_ms: int, token: str = UP
) -> bytes:
    """Write a whole book of (ticks, shares) as the venue does, worst prices first."""

    def told(levels: Iterable[tuple[int, int]], *, is_bid: bool) -> list[dict[str, str]]:
        ordered = sorted(levels, reverse=not is_bid)
        return [{"price": price_text(price), "size": str(size)} for price, size in ordered]

    event = {
        "event_type": "book",
        "market": "0xc0",
        "asset_id": token,
        "bids": told(bids, is_bid=True),
        "asks": told(asks, is_bid=False),
        "timestamp": str(OPENS_AT_MS + at_ms),
        "hash": "",
    }
    return json.dumps(event, separators=(",", ":")).encode()


def trade_payload(
    price_ticks: int, size: int, at_ms: int, *, taker_buys: bool, token: str = UP
) -> bytes:
    event = {
        "market": "0xc0",
        "asset_id": token,
        "price": price_text(price_ticks),
        "size": str(size),
        "side": "BUY" if taker_buys else "SELL",
        "timestamp": str(OPENS_AT_MS + at_ms),
        "event_type": "last_trade_price",
    }
    return json.dumps(event, separators=(",", ":")).encode()


def ticker_frame(at_ms: int, dollars: float, sequence: int) -> RecordedFrame:
    second = (OPENS_AT_MS + at_ms) / 1000
    event = {
        "type": "ticker",
        "sequence": sequence,
        "product_id": "BTC-USD",
        "price": f"{dollars:.2f}",
        "trade_id": sequence,
        "time": datetime.fromtimestamp(second, UTC).isoformat().replace("+00:00", "Z"),
    }
    return frame(at_ms, json.dumps(event).encode(), RecordedChannel.REFERENCE)


def walking_frames(seed: int, until_ms: int = 300_000) -> list[RecordedFrame]:
    """A window whose Up price wanders, with its mirror, trades and a reference that leads it."""
    chance = Random(seed)
    frames = []
    middle = 500.0
    for second in range(-70, until_ms // 1000 + 2):
        dollars = 70_000 + (middle - 500) * 0.4
        frames.append(ticker_frame(second * 1000, dollars, 1_000 + second))
        if second < 0:
            continue
        for part in range(4):
            at_ms = second * 1000 + 37 + part * 240 + chance.randrange(60)
            middle = min(930.0, max(70.0, middle + chance.gauss(0, 6)))
            bid = int(middle // 10 * 10)
            gap = 10 if chance.random() < 0.9 else 20
            bids = [(bid - 10 * i, chance.randrange(5, 400)) for i in range(6) if bid > 10 * i]
            asks = [(bid + gap + 10 * i, chance.randrange(5, 400)) for i in range(6)]
            asks = [each for each in asks if each[0] < 1000]
            frames.append(frame(at_ms, book_payload(bids, asks, at_ms - 5)))
            if chance.random() < 0.5:
                is_buy = chance.random() < 0.5
                price = asks[0][0] if is_buy else bids[0][0]
                size = chance.randrange(1, 60)
                told = trade_payload(price, size, at_ms - 5, taker_buys=is_buy)
                frames.append(frame(at_ms, told))
    return frames


def write_window(
    folder: Path,
    frames: Iterable[RecordedFrame],
    *,
    number: int = 0,
    winner: str | None = "YES",
    is_strike_noted: bool = True,
) -> Path:
    """Write a recording of the window that opens so many windows after the first one."""
    shift_ms = number * 300_000
    opens_ms = OPENS_AT_MS + shift_ms
    market = attrs.evolve(
        head().market,
        market_id=f"0xc{number}",
        slug=f"btc-updown-5m-{opens_ms // 1000}",
        opens_at_ms=opens_ms,
        closes_at_ms=opens_ms + 300_000,
    )
    path = folder / f"{market.slug}.rec"
    writer = RecordingWriter.create(path, head(market=market, mirrored_token=DOWN), is_synced=False)
    strike = RecordedStrike(price_e18=str(STRIKE_E18), source="a tick", origin="tick")
    made = sorted(frames, key=lambda each: each.received_ns)
    moved = [_moved(each, shift_ms) for each in made]
    is_noted = not is_strike_noted
    for each in moved:
        if not is_noted and each.received_ms >= opens_ms + 1_500:
            note = RecordingNote(kind="strike", strike=strike)
            writer.note(note, each.received_ns, each.monotonic_ns)
            is_noted = True
        writer.write([each])
    writer.finish(
        RecordingTail(
            strike=strike,
            close_e18=str(STRIKE_E18 + 10**18),
            winner=winner,
            evidence="a test",
            spans=dict(writer.spans),
            frames=dict(writer.frames),
            payload_bytes=writer.payload_bytes,
            gaps=(),
        )
    )
    return path


def _moved(each: RecordedFrame, shift_ms: int) -> RecordedFrame:
    if not shift_ms:
        return each
    return RecordedFrame(
        channel=each.channel,
        flags=each.flags & DERIVED,
        connection=each.connection,
        received_ns=each.received_ns + shift_ms * 1_000_000,
        monotonic_ns=each.monotonic_ns + shift_ms * 1_000_000,
        payload=each.payload,
    )


class VenueStage:
    """A recorded venue by itself: a test shows it books and sends it orders."""

    def __init__(
        self, *, out_ms: int = 100, recorded_delay_ms: int | None = None, **model: object
    ) -> None:
        settings = Settings(
            execution=ExecutionSettings(latency_ms=out_ms),
            backtest=BacktestSettings(**{"latency_back_ms": 10, **model}),  # type: ignore[arg-type] # by name
        )
        self.scheduler = Scheduler(OPENS_AT_MS)
        self.venue = RecordedVenue(MARKET, settings, self.scheduler, Random(7), recorded_delay_ms)
        self.news: list[VenueNews] = []
        self.venue.tell = self.news.append

    def show(self, bids: Iterable[Level], asks: Iterable[Level], token: str = UP) -> None:
        """Show a whole book of (ticks, shares)."""
        event = BookEvent(token, self.scheduler.now_ms, _units(bids), _units(asks))
        self.venue.show([event])

    def pass_ms(self, span_ms: int) -> None:
        self.scheduler.run_until(self.scheduler.now_ms + span_ms)

    def place(self, order_id: str = "order_1_0000000a", **changed: object) -> OrderIntent:
        intent = attrs.evolve(intent_of(order_id), created_at_ms=self.scheduler.now_ms, **changed)
        self.venue.perform(PlaceOrder(intent))
        return intent

    def withdraw(self, order_id: str = "order_1_0000000a") -> None:
        self.venue.perform(WithdrawOrder(order_id, "a test"))

    def told(self, kind: type) -> list[VenueNews]:
        return [each for each in self.news if isinstance(each, kind)]


def intent_of(order_id: str) -> OrderIntent:
    return an_intent(
        MARKET,
        order_id=order_id,
        price_ticks=500,
        size_units=shares(20),
        created_at_ms=OPENS_AT_MS,
        expires_at_ms=OPENS_AT_MS + 300_000,
        reason="a test: it wants one",
    )


def _units(levels: Iterable[Level]) -> tuple[Level, ...]:
    return tuple((price, shares(size)) for price, size in levels)
