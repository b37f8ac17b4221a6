"""The default strategy decides on the recorded hour what it decided when this was written.

A decision is all that leaves the actor for the desk and the observer: orders, sizes, reasons, stop
losses, and what was passed over. The defaults' digest was taken before strategies had a contract;
the other was taken anew when the volatility's samples became the last prices of whole seconds.
"""

from __future__ import annotations

import hashlib
import io
import json
import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import attrs
import pytest
import zstandard
from msgspec.structs import replace
from nouns import a_market, a_position

from actors.core import Send
from actors.feeds.market_channel import MarketChannelDecoder
from actors.market.book import TokenBook
from actors.messages.execution import OpenOrders
from actors.messages.feeds import BookEvent
from actors.messages.lifecycle import Started
from actors.messages.market import MarketSnapshot
from actors.messages.position import Holding
from actors.messages.strategy import Evaluated, StopLossTriggered, TradeSignals
from actors.model import Market, Side, Strike
from actors.roles import DESK, OBSERVER
from actors.settings import Settings, StrategySettings
from actors.strategy.core import StrategyCore
from actors.units import E18, PAYOUT_TICKS

DATA = Path(__file__).parents[2] / ".." / "shared" / "data" / "btc-updown-5m"
WINDOWS = sorted(DATA.glob("*.jsonl.zst"))

pytestmark = pytest.mark.skipif(not WINDOWS, reason="recorded windows are not beside this project")

DEFAULTS = StrategySettings(max_book_age_ms=15_000)
"""Frames reach a reader up to ten seconds late in these recordings."""
OTHERS = attrs.evolve(
    DEFAULTS,
    oracle="diffusion",
    arbitrage_fees=False,
    bootstrap_high_ticks=600,
    max_trade_shares=7,
    stop_loss_ticks=20,
    on_stop_loss="exit",
)
STRIKE_E18 = 100_000 * E18
EVERY = 3
"""Of so many frames one is played: the whole hour would take ten seconds."""


class Hour:
    """One strategy over some windows; what it orders is filled at once, and the desk agrees."""

    def __init__(self, rules: StrategySettings) -> None:
        self._core = StrategyCore("strategy", Settings(strategy=rules), random.Random(1))
        self._core.handle(Started(), 0)
        self._version = 0
        self._digest = hashlib.sha256()
        self.order_count = 0
        self.stop_count = 0

    @property
    def digest(self) -> str:
        return self._digest.hexdigest()

    def play(self, path: Path) -> None:
        market = _market(path)
        books = {side: TokenBook() for side in Side}
        self._held = {side: Holding() for side in Side}
        self._answered, self._is_stopped = 0, False
        self._tell_position(market, market.opens_at_ms)
        strike = Strike(price_e18=STRIKE_E18, source="test", timestamp_ms=market.opens_at_ms)
        for number, (now_ms, event) in enumerate(_events(path), 1):
            mid_ticks = _apply(books, event)
            snapshot = MarketSnapshot(
                sequence=number,
                market=market,
                taken_at_ms=now_ms,
                yes=books[Side.YES].view(),
                no=books[Side.NO].view(),
                reference_e18=STRIKE_E18 + int(mid_ticks - 500) * E18 // 5,
                reference_at_ms=now_ms // 1000 * 1000,
                strike=strike,
                tick_ns=number,
            )
            self._hand(market, snapshot, now_ms)

    def _hand(self, market: Market, message: object, now_ms: int) -> None:
        for effect in self._core.handle(message, now_ms):
            if isinstance(effect, Send) and effect.to in (DESK, OBSERVER):
                self._take(market, effect, now_ms)

    def _take(self, market: Market, sent: Send, now_ms: int) -> None:
        match sent.message:
            case TradeSignals() as said:
                self._note(now_ms, sent.to, said.passed_over, said.basis, said.position_version)
                for each in said.signals:
                    self._note(each.side, each.price_ticks, each.size_units, each.priority)
                    self._note(each.action, each.reason, each.best_bid_ticks, each.best_ask_ticks)
                if sent.to == DESK:
                    self._fill(said)
                    self._answered = said.signals_id
                    self._tell_position(market, now_ms)
            case StopLossTriggered() as said:
                self._note(now_ms, sent.to, said.side, said.best_bid_ticks, said.held_units)
                self._note(said.on_stop_loss, said.position_version)
                if sent.to == DESK:
                    self.stop_count += 1
                    self._is_stopped = True
                    self._tell_orders(market, now_ms)
            case Evaluated() as said:
                self._note(now_ms, said.passed_over, said.is_final, said.signals_count)
                self._note(said.model_ticks, said.model_basis)

    def _note(self, *values: object) -> None:
        self._digest.update(repr(values).encode())

    def _fill(self, said: TradeSignals) -> None:
        for each in said.signals:
            known = self._held[each.side]
            self.order_count += 1
            self._held[each.side] = Holding(
                quantity_units=known.quantity_units + each.size_units,
                cost_nanos=known.cost_nanos + each.size_units * each.price_ticks,
            )

    def _tell_position(self, market: Market, now_ms: int) -> None:
        self._version += 1
        position = a_position(
            market.market_id,
            version=self._version,
            yes=self._held[Side.YES],
            no=self._held[Side.NO],
        )
        self._hand(market, position, now_ms)
        self._tell_orders(market, now_ms)

    def _tell_orders(self, market: Market, now_ms: int) -> None:
        orders = OpenOrders(
            market_id=market.market_id,
            live=(),
            is_stopped=self._is_stopped,
            answers_signals_id=self._answered,
        )
        self._hand(market, orders, now_ms)


def _market(path: Path) -> Market:
    slug = path.name.partition(".")[0]
    opens_at_ms = int(slug.rpartition("-")[2]) * 1000
    return a_market(
        opens_at_ms,
        5,
        market_id=slug,
        slug=slug,
        yes_token="up",
        no_token="down",
        tick_size_ticks=1,
    )


def _events(path: Path) -> Iterator[tuple[int, BookEvent]]:
    """When a frame was received, and the Up token's book in it."""
    decoder = MarketChannelDecoder()
    opener = zstandard.ZstdDecompressor(max_window_size=2**27)
    with path.open("rb") as packed:
        lines = io.TextIOWrapper(opener.stream_reader(packed), encoding="utf-8")
        for line in islice(lines, 0, None, EVERY):
            frame = json.loads(line)
            (event,) = decoder.decode(frame["raw"].encode())
            if isinstance(event, BookEvent):
                yield round(frame["recv_ts"] * 1000), event


def _apply(books: dict[Side, TokenBook], event: BookEvent) -> float:
    """Apply Up's book and its mirror; returns Up's middle price."""
    mirrored = replace(
        event,
        bids=tuple((PAYOUT_TICKS - price, size) for price, size in event.asks),
        asks=tuple((PAYOUT_TICKS - price, size) for price, size in event.bids),
    )
    books[Side.YES].apply_book(event)
    books[Side.NO].apply_book(mirrored)
    bid_ticks = event.bids[0][0] if event.bids else 0
    ask_ticks = event.asks[0][0] if event.asks else PAYOUT_TICKS
    return (bid_ticks + ask_ticks) / 2


@pytest.mark.parametrize(
    ("rules", "windows", "order_count", "stop_count", "digest"),
    [
        (
            DEFAULTS,
            WINDOWS,
            18,
            8,
            "bf60d7508ebe94ebb68573cac62ec04c3442510d746ecb7664e03456099d1077",
        ),
        (
            OTHERS,
            WINDOWS[::4],
            3,
            2,
            "4996ad09b03f0a674c400c39870122874d26aa064206346650cffad5475013d9",
        ),
    ],
    ids=["defaults", "other settings"],
)
def test_the_pair_strategy_decides_as_it_always_has(
    rules: StrategySettings, windows: list[Path], order_count: int, stop_count: int, digest: str
) -> None:
    hour = Hour(rules)
    for path in windows:
        hour.play(path)
    assert (hour.order_count, hour.stop_count, hour.digest) == (order_count, stop_count, digest)
