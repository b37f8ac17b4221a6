"""A venue that answers the directory's questions, and a stage that lets both live in time."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import attrs
from core_stage import CoreStage
from nouns import a_position

from actors.core import Log
from actors.directory.core import DirectoryCore
from actors.messages.directory import (
    HttpAnswered,
    HttpFailed,
    HttpGet,
    MarketClosing,
    MarketOpened,
    MarketResolved,
)
from actors.messages.feeds import TwapTick
from actors.messages.position import WindowSettled
from actors.model import Side
from actors.roles import DESK, DIRECTORY, POSITION
from actors.settings import Settings
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


def iso_exact(instant_ms: int) -> str:
    instant = datetime.fromtimestamp(instant_ms / 1000, UTC)
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")


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
        self.unreadable: dict[int, HttpAnswered | HttpFailed] = {}
        """Answers in place of the metadata, by start; their request id counts nothing."""
        self.results: dict[int, tuple[str, str]] = {}
        """Outcome prices of windows, by start; shown from their end on."""
        self.other_results: tuple[str, str] | None = None
        """Of all windows that have none of their own; None: they are not decided."""
        self.status: str | None = "resolved"
        """umaResolutionStatus of windows that have prices as if decided."""
        self.changes: dict[str, Any] = {}
        self.fee_rate: bytes = b'{"base_fee":700}'
        self.prices: dict[int, dict[str, Any]] = {}
        """eventMetadata of windows, by start."""
        self.website: dict[int, HttpAnswered] = {}
        """The website's answers, by start; their request id counts nothing."""
        self.asked: list[str] = []

    def answer(self, get: HttpGet, now_ms: int) -> HttpAnswered | HttpFailed:
        self.asked.append(get.url)
        if self.unreachable is not None:
            return HttpFailed(get.request_id, self.unreachable)
        if get.url.endswith("/time"):
            seconds = (now_ms + self.skew_ms) // 1000
            return HttpAnswered(get.request_id, 200, str(seconds).encode())
        if "/fee-rate?" in get.url:
            return HttpAnswered(get.request_id, 200, self.fee_rate)
        if "/crypto-price?" in get.url:
            return self._website_answer(get)
        start_ms = int(get.url.rpartition("-")[2]) * 1000
        if start_ms in self.unreadable and "/markets/slug/" in get.url:
            return attrs.evolve(self.unreadable[start_ms], request_id=get.request_id)
        if start_ms in self.missing or start_ms % WINDOW_MS:
            return HttpAnswered(get.request_id, 404, b'{"error":"not found"}')
        if "/events/slug/" in get.url:
            event = {"slug": slug_of(start_ms), "eventMetadata": self.prices.get(start_ms)}
            return HttpAnswered(get.request_id, 200, json.dumps(event).encode())
        row = metadata(start_ms, **self.changes)
        prices = self.results.get(start_ms, self.other_results)
        if prices is not None and now_ms + self.skew_ms >= start_ms + WINDOW_MS:
            row |= {"closed": True, "outcomePrices": json.dumps(prices)}
            row |= {"umaResolutionStatus": self.status}
        return HttpAnswered(get.request_id, 200, json.dumps(row).encode())

    def polls(self, start_ms: int) -> int:
        return sum(url.endswith(f"/markets/slug/{slug_of(start_ms)}") for url in self.asked)

    def asked_for(self, part: str) -> int:
        return sum(part in url for url in self.asked)

    def _website_answer(self, get: HttpGet) -> HttpAnswered:
        for start_ms, answer in self.website.items():
            if f"eventStartTime={iso_exact(start_ms)}&" in get.url:
                return attrs.evolve(answer, request_id=get.request_id)
        return HttpAnswered(get.request_id, 200, b'{"openPrice":null,"closePrice":null}')


class DirectoryStage(CoreStage):
    """The directory, its venue, and a position that settles what it hears, if it listens."""

    def __init__(self, now_ms: int = START_MS + 60_000, settings: Settings | None = None) -> None:
        super().__init__(DirectoryCore, DIRECTORY, settings, now_ms=now_ms)
        self.venue = VenueDouble()
        self.position_answers = True
        self._heard_count = 0

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
        if self.position_answers:
            said, self._heard_count = self.sent[self._heard_count :], len(self.sent)
            for to, message in said:
                if to == POSITION and isinstance(message, MarketResolved):
                    self.give(settled(message.market_id, message.revision))

    def forget(self) -> None:
        super().forget()
        self._heard_count = 0

    @property
    def complaints(self) -> list[Log]:
        """What was logged, beyond what goes as it should."""
        return [log for log in self.logs if log.level != "info"]

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


def settled(market_id: str, revision: int = 0) -> WindowSettled:
    return WindowSettled(
        market_id=market_id,
        slug="",
        winner=None,
        strike_e18=None,
        close_e18=None,
        position=a_position(market_id),
        payout_nanos=0,
        pnl_nanos=0,
        total_pnl_nanos=0,
        revision=revision,
    )
