"""F33, F42 and F46 over HTTP: the directory and the ledger beside the local exchange."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from live_stage import WINDOW_MS, RunningExchange
from venue_watch import DirectoryOnHttp

from actors.core import Record, Send
from actors.messages.directory import MarketOpened, MarketResolved, WindowNotTraded
from actors.messages.lifecycle import Started
from actors.model import Side
from actors.position.core import PositionCore, ResultCorrected
from actors.roles import DESK, DIRECTORY, POSITION
from actors.settings import Settings

pytestmark = pytest.mark.processes

SPEED = 20.0
AHEAD_MS = 100_000
"""The exchange begins so long before a window: it decides a minute before what is odd about it."""

WINDOWS = 3
"""So many windows suffer: of those that are listed when the command comes, some may count."""


class DirectoryAndLedgerOnHttp(DirectoryOnHttp):
    """A real ledger settles what the directory hears of the exchange."""

    def __init__(self, exchange: RunningExchange) -> None:
        super().__init__(exchange)
        self._ledger = PositionCore(POSITION, Settings(), random.Random(1))
        self._ledger.handle(Started(()), 0)
        self._answers: list[object] = []
        """What the ledger has said to the directory, and it has not heard yet."""
        self.corrections: list[ResultCorrected] = []

    def run_until(self, condition: Callable[[], Any], what: str) -> None:
        def look() -> Any:
            while self._answers:
                self.tell(self._answers.pop(0))
            return condition()

        super().run_until(look, what)

    def _post(self, sender: str, to: str, message: object) -> None:
        super()._post(sender, to, message)
        if to == POSITION:
            self._settle(message)

    def _settle(self, message: object) -> None:
        for effect in self._ledger.handle(message, self.now_ms):
            if isinstance(effect, Record) and isinstance(effect.event, ResultCorrected):
                self.corrections.append(effect.event)
            if isinstance(effect, Send) and effect.to == DIRECTORY:
                self._answers.append(effect.message)

    def results(self) -> dict[int, Side | None]:
        """Winners of the window under way at the start, by revision."""
        told = self.messages(MarketResolved)
        return {m.revision: m.winner for m in told if m.market_id == told[0].market_id}

    def not_traded_with(self, words: str) -> WindowNotTraded:
        """Wait until a window is said not to be traded for that reason.

        It is the next one, or on a busy machine one of those after it that suffer as well.
        """
        found: list[WindowNotTraded] = []

        def told() -> list[WindowNotTraded]:
            found[:] = [
                each
                for each in self.messages(WindowNotTraded)
                if words in each.reason and each.closes_at_ms > self.now_ms
            ]
            return found

        self.run_until(told, f"a window is said not to be traded: {words}")
        return found[-1]

    def openings(self) -> list[int]:
        told = [each for each in self.sent if each.to == DESK]
        found = [each.message for each in told if isinstance(each.message, MarketOpened)]
        return sorted({each.market.opens_at_ms for each in found})


def exchange_before_a_boundary(left_ms: int, speed: float = SPEED) -> RunningExchange:
    return RunningExchange(speed=speed, starts_after_ms=WINDOW_MS - left_ms)


def winner_at(exchange: RunningExchange, slug: str) -> Side:
    row = exchange.get(f"/markets/slug/{slug}")
    assert row["umaResolutionStatus"] == "resolved"
    return {"1": Side.YES, "0": Side.NO}[json.loads(row["outcomePrices"])[0]]


def test_f33_what_the_exchange_proposes_and_disputes_is_no_result_and_what_it_decides_counts() -> (
    None
):
    with exchange_before_a_boundary(20_000, speed=8.0) as exchange:
        exchange.inject(kind="proposed_result", for_ms=30_000, count=WINDOWS)
        with DirectoryAndLedgerOnHttp(exchange) as stage:
            stage.run_until(lambda: stage.messages(MarketResolved), "the window is resolved")
            market = stage.messages(MarketResolved)[0].market
            assert stage.now_ms >= market.closes_at_ms + 30_000
            assert stage.results() == {0: winner_at(exchange, market.slug)}


def test_f33_a_result_that_the_exchange_overturns_is_booked_as_a_correction() -> None:
    # Slowly, for a busy machine must hear of the first result before it is overturned.
    with exchange_before_a_boundary(20_000, speed=8.0) as exchange:
        exchange.inject(kind="overturned_result", for_ms=40_000, count=WINDOWS)
        with DirectoryAndLedgerOnHttp(exchange) as stage:
            stage.run_until(lambda: stage.corrections, "the contradiction is booked")
            market = stage.messages(MarketResolved)[0].market
            winner = winner_at(exchange, market.slug)
            assert stage.results() == {0: winner.other, 1: winner}
            (booked,) = stage.corrections
            assert (booked.before, booked.after) == (winner.other, winner)


def test_f42_the_exchange_s_own_rate_counts_where_its_metadata_says_nothing() -> None:
    with exchange_before_a_boundary(AHEAD_MS) as exchange:
        exchange.inject(kind="unsure_fees", count=WINDOWS)
        with DirectoryAndLedgerOnHttp(exchange) as stage:
            stage.run_until(lambda: len(stage.openings()) == 2, "the next window opens")
            market = stage.messages(MarketOpened)[-1].market
            row = exchange.get(f"/markets/slug/{market.slug}")
            assert (row["feesEnabled"], row["feeSchedule"]["rate"]) == (True, 0)
            assert market.fee_rate_bps == 700


def test_f42_without_any_rate_the_exchange_s_window_is_not_traded() -> None:
    with exchange_before_a_boundary(AHEAD_MS) as exchange:
        exchange.inject(kind="unknown_fees", count=WINDOWS)
        with DirectoryAndLedgerOnHttp(exchange) as stage:
            told = stage.not_traded_with("its fee is unknown")
            assert told.opens_at_ms not in stage.openings()


def test_f46_a_window_that_the_exchange_is_not_ready_for_is_told_and_opened_when_it_is() -> None:
    with exchange_before_a_boundary(AHEAD_MS) as exchange:
        exchange.inject(kind="not_accepting", for_ms=60_000, count=WINDOWS)
        with DirectoryAndLedgerOnHttp(exchange) as stage:
            start_ms = stage.not_traded_with("acceptingOrders").opens_at_ms
            assert start_ms not in stage.openings()
            stage.run_until(lambda: start_ms in stage.openings(), "it is opened in the end")
            assert exchange.clock.now_ms() >= start_ms + 60_000
