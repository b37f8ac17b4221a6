"""F33, F42, F44-F46: what the venue says of a window before, during and after it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from core_stage import CoreStage
from nouns import a_fill
from scenes import report, run_options
from venue_double import START_MS, WINDOW_MS, DirectoryStage, market_id, metadata, slug_of, tick

from actors.directory.gamma import decode_market
from actors.directory.reviews import REVIEWS_AFTER_MS
from actors.directory.windows import WindowFinished, WindowState, record
from actors.messages.directory import MarketOpened, MarketResolved, WindowNotTraded
from actors.messages.execution import OrderFilled
from actors.messages.feeds import TwapTickWanted
from actors.messages.position import WindowSettled
from actors.model import Action, Market, Side, StrikeOrigin
from actors.position.core import PositionCore, ResultCorrected
from actors.roles import DESK, DIRECTORY, OBSERVER, POSITION, TWAP_FEED
from actors.runtime.clock import ClockSpec
from actors.runtime.journal import Journal
from actors.runtime.journal_file import prepare
from actors.settings import Settings
from understudy.running.foreground import EndSignals, _Foreground

END_MS = START_MS + WINDOW_MS
DOLLAR = 10**9


# F33


class DirectoryAndLedger(DirectoryStage):
    """The directory, and the real ledger in the place of one that only answers."""

    def __init__(self) -> None:
        super().__init__(START_MS)
        self.position_answers = False
        self.ledger = CoreStage(PositionCore, POSITION, now_ms=START_MS)
        self.ledger.start()
        self._said_count = 0

    def _answer_all(self) -> None:
        super()._answer_all()
        said, self._said_count = self.sent[self._said_count :], len(self.sent)
        self.ledger.now_ms = self.now_ms
        for to, message in said:
            if to == POSITION:
                self.ledger.give(message)
        for settled in self.ledger.told(DIRECTORY, WindowSettled):
            self.give(settled)
        self.ledger.sent.clear()

    def buy(self, market: Market, side: Side) -> None:
        """Ten shares for 0.4 each."""
        fill = a_fill(timestamp_ms=self.now_ms)
        self.ledger.give(
            OrderFilled(
                order_id="order_1_aa", market=market, side=side, action=Action.BUY, fill=fill
            )
        )

    @property
    def corrections(self) -> list[ResultCorrected]:
        return [event for event in self.ledger.events if isinstance(event, ResultCorrected)]


@pytest.mark.parametrize("status", ["proposed", "disputed"])
@pytest.mark.parametrize("shown", [("0.5", "0.5"), ("1", "0"), ("0", "1")])
def test_f33_a_closed_market_that_is_not_resolved_has_no_result_whatever_its_prices(
    status: str, shown: tuple[str, str]
) -> None:
    stage = DirectoryAndLedger()
    stage.venue.results[START_MS], stage.venue.status = shown, status
    stage.begin()
    stage.buy(stage.told(DESK, MarketOpened)[-1].market, Side.YES)
    stage.run(END_MS + 120_000)
    assert stage.told(POSITION, MarketResolved) == []
    stage.venue.results[START_MS], stage.venue.status = ("0", "1"), "resolved"
    stage.run(END_MS + 140_000)
    assert {m.winner for m in stage.told(POSITION, MarketResolved)} == {Side.NO}
    assert stage.corrections == []


@pytest.mark.parametrize("falls", ["nobody", "directory", "ledger", "both"])
def test_f33_a_result_that_the_venue_contradicts_later_is_told_and_booked_as_a_correction_once(
    falls: str,
) -> None:
    stage = DirectoryAndLedger()
    stage.venue.results[START_MS] = stage.venue.other_results = ("1", "0")
    stage.begin()
    stage.buy(stage.told(DESK, MarketOpened)[-1].market, Side.YES)
    stage.run(END_MS + 10_000)
    stage.venue.results[START_MS] = ("0", "1")
    if falls in ("directory", "both"):
        stage.begin()
    if falls in ("ledger", "both"):
        stage.ledger.start()
    stage.run(END_MS + REVIEWS_AFTER_MS[0] + 30_000)
    (booked,) = stage.corrections
    assert (booked.before, booked.after) == (Side.YES, Side.NO)
    assert (booked.pnl_before_nanos, booked.pnl_after_nanos) == (6 * DOLLAR, -4 * DOLLAR)
    assert any("settled again" in log.text for log in stage.logs if log.level == "error")
    stage.begin()
    stage.ledger.start()
    stage.run(END_MS + REVIEWS_AFTER_MS[1] + 60_000)
    assert len(stage.corrections) == 1


# F42

NO_RATE = {"feeSchedule": {"rate": 0, "exponent": 1, "takerOnly": True}, "takerBaseFee": 1000}


@pytest.mark.parametrize("schedule", [NO_RATE["feeSchedule"], None, {"rate": None, "exponent": 1}])
def test_f42_a_fee_of_nothing_is_not_believed_and_the_exchange_is_asked_for_its_rate(
    schedule: dict[str, Any] | None,
) -> None:
    stage = DirectoryStage(START_MS)
    stage.venue.changes = {**NO_RATE, "feeSchedule": schedule}
    stage.begin()
    assert stage.told(DESK, MarketOpened)[-1].market.fee_rate_bps == 700
    (asked,) = [url for url in stage.venue.asked if "/fee-rate?" in url]
    assert asked.endswith(f"?token_id=up-{START_MS}")


@pytest.mark.parametrize(
    "answer",
    [b'{"base_fee":0}', b'{"base_fee":1000}', b'{"base_fee":null}', b"{}", b"<html>", b'{"x":7}'],
    ids=["nothing again", "the legacy takerBaseFee", "null", "no field", "no JSON", "another"],
)
def test_f42_a_window_whose_fee_stays_uncertain_is_not_traded_and_says_why(answer: bytes) -> None:
    stage = DirectoryStage(START_MS)
    stage.venue.changes, stage.venue.fee_rate = NO_RATE, answer
    stage.begin()
    stage.run(END_MS + 1_000)
    assert START_MS not in stage.openings()
    (event, *_) = [each for each in stage.events if isinstance(each, WindowNotTraded)]
    assert event.slug == slug_of(START_MS)
    assert "fee" in event.reason
    about_it = [log for log in stage.complaints if slug_of(START_MS) in log.text]
    assert len(about_it) <= 2, "once while it lasts, once at its end"


def test_f42_a_fee_that_becomes_certain_in_the_window_lets_it_be_traded() -> None:
    stage = DirectoryStage(START_MS)
    stage.venue.changes, stage.venue.fee_rate = NO_RATE, b"{}"
    stage.begin(for_ms=60_000)
    assert stage.openings() == []
    stage.venue.fee_rate = b'{"base_fee":"700"}'
    stage.run(stage.now_ms + 15_000)
    assert stage.openings() == [START_MS]
    assert stage.told(DESK, MarketOpened)[-1].market.fee_rate_bps == 700


# F44


def test_f44_a_strike_whose_tick_is_missing_is_fetched_again_and_found_in_a_snapshot() -> None:
    stage = DirectoryStage(START_MS)
    stage.begin()
    for second in (-2, -1, 1, 2, 3):
        stage.give(tick(START_MS + second * 1_000, 64_000 + second))
    stage.run(START_MS + 10_000)
    assert stage.strikes() == [None], "never a neighbour"
    assert stage.told(TWAP_FEED, TwapTickWanted) == [TwapTickWanted(START_MS, "btc")]
    stage.give(tick(START_MS, 65_000))
    assert stage.strikes() == [None, 65_000]


def test_f44_without_a_tick_the_venue_s_own_price_to_beat_is_the_strike() -> None:
    stage = DirectoryStage(START_MS)
    stage.venue.prices[START_MS] = {"priceToBeat": 65000.5}
    stage.begin()
    stage.run(START_MS + 60_000)
    found = stage.told(DESK, MarketOpened)[-1].strike
    assert found is not None
    assert (found.price_e18, found.origin) == (650005 * 10**17, StrikeOrigin.GAMMA)


def test_f44_a_window_without_a_strike_is_said_once_and_shown_with_its_reason() -> None:
    stage = DirectoryStage(START_MS)
    stage.begin()
    stage.run(END_MS - 1)
    (event,) = [each for each in stage.events if isinstance(each, WindowNotTraded)]
    assert (event.market_id, event.slug) == (market_id(), slug_of(START_MS))
    assert event in stage.told(OBSERVER, WindowNotTraded)
    (line,) = stage.complaints
    assert event.reason in line.text


# F46


@pytest.mark.parametrize(
    "changes",
    [
        {"acceptingOrders": False},
        {"closed": True},
        {"active": False},
        {"negRisk": True},
        {"enableOrderBook": False},
        {"orderPriceMinTickSize": 0.0025},
        {"orderPriceMinTickSize": 0.0001},
        {"orderPriceMinTickSize": 0.02},
    ],
    ids=str,
)
def test_f46_a_market_that_cannot_be_traded_is_not_opened_until_it_can_be(
    changes: dict[str, Any],
) -> None:
    stage = DirectoryStage(START_MS)
    stage.venue.changes = changes
    stage.begin(for_ms=60_000)
    assert stage.openings() == []
    (line,) = stage.complaints
    assert next(iter(changes)) in line.text
    assert stage.told(OBSERVER, WindowNotTraded)[-1].slug == slug_of(START_MS)
    stage.venue.changes = {}
    stage.run(stage.now_ms + 10_000)
    assert stage.openings() == [START_MS]


@pytest.mark.parametrize(
    "changes",
    [{"acceptingOrders": False}, {"closed": True}, {"orderPriceMinTickSize": 0.0025}],
    ids=str,
)
def test_f46_what_a_market_says_at_its_start_counts_not_what_it_said_shortly_before(
    changes: dict[str, Any],
) -> None:
    stage = DirectoryStage(START_MS - 60_000)
    stage.begin(for_ms=59_999)
    assert stage.venue.polls(START_MS) == 1, "it was read, and all was well"
    stage.venue.changes = changes
    stage.run(START_MS + 60_000)
    assert START_MS not in stage.openings()
    assert any(next(iter(changes)) in log.text for log in stage.complaints)
    stage.venue.changes = {}
    stage.run(stage.now_ms + 10_000)
    assert START_MS in stage.openings()


def test_f46_a_grid_that_changed_shortly_before_the_start_is_the_one_that_is_traded() -> None:
    stage = DirectoryStage(START_MS - 60_000)
    stage.begin(for_ms=59_999)
    stage.venue.changes = {"orderPriceMinTickSize": 0.001}
    stage.run(START_MS)
    assert stage.told(DESK, MarketOpened)[-1].market.tick_size_ticks == 1


@pytest.mark.parametrize(("grid", "ticks"), [(0.1, 100), (0.01, 10), (0.005, 5), (0.001, 1)])
def test_f46_a_grid_of_whole_ticks_that_the_client_knows_is_traded(grid: float, ticks: int) -> None:
    stage = DirectoryStage(START_MS)
    stage.venue.changes = {"orderPriceMinTickSize": grid}
    stage.begin()
    assert stage.told(DESK, MarketOpened)[-1].market.tick_size_ticks == ticks


def test_f46_a_window_that_never_took_orders_is_recorded_as_not_traded_with_its_reason() -> None:
    stage = DirectoryStage(START_MS)
    stage.venue.changes = {"acceptingOrders": False}
    stage.begin()
    stage.run(END_MS + 1_000)
    (event,) = [each for each in stage.events if isinstance(each, WindowNotTraded)]
    assert (event.slug, event.market_id) == (slug_of(START_MS), None)
    assert "acceptingOrders is false" in event.reason


# F45


@pytest.mark.parametrize("skew_days", [-120, 0, 120])
def test_f45_a_run_counts_windows_by_the_venue_s_clock_wherever_the_host_s_is(
    tmp_path: Path, skew_days: int
) -> None:
    prepare(tmp_path)
    clock = ClockSpec.starting_now(START_MS + 60_000)
    run = _Foreground(run_options(tmp_path), Settings(), clock, EndSignals(), str)
    skew_ms = skew_days * 86_400_000
    run._take_report(report(venue_offset_ms=skew_ms))
    under_way = DirectoryStage(START_MS + skew_ms)
    finish(tmp_path, under_way, START_MS + skew_ms)
    assert settled_count(run) == 0, "it was under way when the run began"
    finish(tmp_path, under_way, END_MS + skew_ms)
    finish(tmp_path, under_way, END_MS + skew_ms)
    assert settled_count(run) == 1, "one that is corrected settles twice, and counts once"


def settled_count(run: _Foreground) -> int:
    return run._settled.count(run._clock.offset_ms)


def finish(data_dir: Path, stage: DirectoryStage, start_ms: int) -> None:
    """Record that a window has settled."""
    body = json.dumps(metadata(start_ms)).encode()
    market = decode_market(body, slug_of(start_ms), start_ms, start_ms + WINDOW_MS)
    journal = Journal(data_dir, DIRECTORY)
    journal.claim()
    window = WindowState(market=market, settled_at_ms=start_ms + WINDOW_MS)
    journal.record(record(WindowFinished(market.market_id), window), at_ms=stage.now_ms)
    journal.close()
