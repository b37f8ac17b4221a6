"""A venue that answers the directory's questions, and a stage that lets both live in time."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from core_stage import CoreStage

from actors.directory.core import DirectoryCore
from actors.directory.messages import (
    HttpAnswered,
    HttpFailed,
    HttpGet,
    MarketClosing,
    MarketOpened,
    MarketResolved,
    Side,
)
from actors.feeds.messages import TwapTick
from actors.position.messages import Holding, PositionSnapshot, WindowSettled
from actors.roles import DESK, DIRECTORY, POSITION
from actors.units import E18

WINDOW_MS = 900_000
START_MS = 1_799_999_100_000
assert START_MS % WINDOW_MS == 0


def slug_of(start_ms: int) -> str:
    return f"btc-updown-15m-{start_ms // 1000}"


def market_id(start_ms: int = START_MS) -> str:
    return f"0x{start_ms:x}"


def iso(instant_ms: int) -> str:
    return datetime.fromtimestamp(instant_ms / 1000, UTC).isoformat().replace("+00:00", "Z")


def metadata(start_ms: int = START_MS, **changes: Any) -> dict[str, Any]:
    """A market row in the venue's form; a change to None leaves the field out."""
    row = {
        "conditionId": market_id(start_ms),
        "slug": slug_of(start_ms),
        "outcomes": '["Up", "Down"]',
        "outcomePrices": '["0.505", "0.495"]',
        "clobTokenIds": f'["up-{start_ms}", "down-{start_ms}"]',
        "eventStartTime": iso(start_ms),
        "startDate": iso(start_ms - 86_400_000),
        "endDate": iso(start_ms + WINDOW_MS),
        "active": True,
        "closed": False,
        "acceptingOrders": True,
        "enableOrderBook": True,
        "orderPriceMinTickSize": 0.01,
        "orderMinSize": 5,
        "feesEnabled": True,
        "feeSchedule": {"rate": 0.07, "exponent": 1, "takerOnly": True, "rebateRate": 0.2},
        "version": "v1",
        "cryptoMarketConfig": {"asset": "btc", "twapEnabled": True, "twapLookbackSeconds": 60},
    }
    row.update(changes)
    return {name: value for name, value in row.items() if value is not None}


def tick(at_ms: int, dollars: int = 65_000, window_s: int = 60) -> TwapTick:
    return TwapTick(price_e18=dollars * E18, timestamp_ms=at_ms, window_s=window_s)


class VenueDouble:
    """Lists every window of the grid, and decides each when told to."""

    def __init__(self) -> None:
        self.skew_ms = 0
        """How far the venue's clock is ahead of the stage's."""
        self.unreachable: str | None = None
        self.missing: set[int] = set()
        """Starts of windows that are not listed yet."""
        self.results: dict[int, tuple[str, str]] = {}
        """Outcome prices of decided windows, by start."""
        self.changes: dict[str, Any] = {}
        self.asked: list[str] = []

    def answer(self, get: HttpGet, now_ms: int) -> HttpAnswered | HttpFailed:
        self.asked.append(get.url)
        if self.unreachable is not None:
            return HttpFailed(get.request_id, self.unreachable)
        if get.url.endswith("/time"):
            seconds = (now_ms + self.skew_ms) // 1000
            return HttpAnswered(get.request_id, 200, str(seconds).encode())
        start_ms = int(get.url.rpartition("-")[2]) * 1000
        if start_ms in self.missing or start_ms % WINDOW_MS:
            return HttpAnswered(get.request_id, 404, b'{"error":"not found"}')
        row = metadata(start_ms, **self.changes)
        if start_ms in self.results:
            row |= {"closed": True, "outcomePrices": json.dumps(self.results[start_ms])}
        return HttpAnswered(get.request_id, 200, json.dumps(row).encode())

    def polls(self, start_ms: int) -> int:
        return sum(url.endswith(slug_of(start_ms)) for url in self.asked)


class DirectoryStage(CoreStage):
    """The directory, its venue, and a position that settles what it hears, if it listens."""

    def __init__(self, now_ms: int = START_MS + 60_000) -> None:
        super().__init__(DirectoryCore, DIRECTORY, now_ms=now_ms)
        self.venue = VenueDouble()
        self.position_answers = True

    def run(self, until_ms: int) -> None:
        """Let time pass; the venue and position answer at once."""
        self._answer_all()
        while (due_ms := self.next_due_ms()) is not None and due_ms <= until_ms:
            self.advance(due_ms)
            self._answer_all()
        self.advance(until_ms)

    def begin(self, *, for_ms: int = 0) -> None:
        self.start()
        self.run(self.now_ms + for_ms)

    def _answer_all(self) -> None:
        while self.commands:
            command = self.commands.pop(0)
            assert isinstance(command, HttpGet)
            self.give(self.venue.answer(command, self.now_ms))
        waiting = {m.market_id for m in self.told(POSITION, MarketResolved)}
        if self.position_answers:
            for value in self.saved("window"):
                if value.market.market_id in waiting:  # type: ignore[attr-defined]
                    self.give(settled(value.market.market_id))  # type: ignore[attr-defined]

    def openings(self, role: str = DESK) -> list[int]:
        """Starts of the windows announced to a role, each once, in order."""
        told = [message.market.opens_at_ms for message in self.told(role, MarketOpened)]
        return list(dict.fromkeys(told))

    def strikes(self, start_ms: int = START_MS, role: str = DESK) -> list[int | None]:
        """Dollars of the strikes announced for a window, without repeats."""
        told = [
            message.strike.price_e18 // E18 if message.strike else None
            for message in self.told(role, MarketOpened)
            if message.market.opens_at_ms == start_ms
        ]
        return list(dict.fromkeys(told))

    def closings(self, role: str = DESK) -> list[str]:
        return list(dict.fromkeys(message.market_id for message in self.told(role, MarketClosing)))

    def results(self) -> list[tuple[int, Side | None]]:
        """Start and winner of the windows resolved, each once, in order."""
        told = [(m.market.opens_at_ms, m.winner) for m in self.told(POSITION, MarketResolved)]
        return list(dict.fromkeys(told))


def settled(market_id: str) -> WindowSettled:
    return WindowSettled(
        market_id=market_id,
        slug="",
        winner=None,
        strike_e18=None,
        close_e18=None,
        position=PositionSnapshot(
            market_id=market_id,
            version=1,
            yes=Holding(),
            no=Holding(),
            fees_nanos=0,
            realized_nanos=0,
        ),
        payout_nanos=0,
        pnl_nanos=0,
        total_pnl_nanos=0,
    )
