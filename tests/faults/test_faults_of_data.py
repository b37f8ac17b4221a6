"""F23, F24, F26-F28: a strike without proof, a new price grid, a wrong clock, a bad disk."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest
from book_watch import until_books_are_right
from core_stage import CoreStage
from fault_stage import FaultStage, LivelyExchange
from journalled_stage import JournalledStage
from live_stage import LIMIT_S, WINDOW_MS, RunningExchange
from msgspec.structs import replace
from other_trader import OtherTrader
from strategy_builders import FLAT, snapshot
from supervised_stage import SupervisedActors, told
from venue_double import START_MS, DirectoryStage, tick
from venue_watch import DirectoryOnHttp

from actors.directory.core import DirectoryCore
from actors.execution.real.messages import PostOrder
from actors.market.core import MarketStateCore
from actors.messages.directory import MarketOpened, VenueSkew
from actors.messages.execution import OrderStatus
from actors.messages.feeds import BookEvent, MarketBatch, ReferencePrice, TickSizeEvent
from actors.messages.lifecycle import Ping, VenueTimeMeasured
from actors.messages.market import MarketSnapshot
from actors.model import Side
from actors.roles import DESK, DIRECTORY, MARKET_STATE, STRATEGY
from actors.settings import RiskSettings, StrategySettings
from actors.strategy.engine import decide
from actors.units import E18, shares
from understudy.drill.processes import wait_for

pytestmark = pytest.mark.processes


# F23


def strategy_s_word(opened: MarketOpened) -> tuple[int, str]:
    """How many signals the strategy gives in a window that was told so, and what it passed over."""
    market_state = CoreStage(MarketStateCore, MARKET_STATE, now_ms=START_MS + 60_000)
    market_state.start()
    market_state.give(opened)
    strike = market_state.told(STRATEGY, MarketSnapshot)[-1].strike
    cheap = snapshot(yes_ask=(300, 50), no_ask=(720, 50), yes_bid=(290, 50), no_bid=(700, 50))
    decision = decide(replace(cheap, strike=strike), FLAT, StrategySettings())
    return len(decision.signals), " ".join(decision.passed_over)


@pytest.mark.parametrize(
    "unproven",
    [
        tick(START_MS, window_s=300),
        tick(START_MS + 1_500),
        tick(START_MS + 300),
        tick(START_MS - 100),
    ],
    ids=["an average of another length", "too late", "beside the second", "too early"],
)
def test_f23_a_price_that_is_no_proof_gives_no_strike_and_the_oracle_has_no_model(
    unproven: object,
) -> None:
    assert not DirectoryCore.accepts(ReferencePrice), "a spot price never reaches the directory"
    stage = DirectoryStage()
    stage.begin()
    stage.give(unproven)
    stage.run(stage.now_ms + 30_000)
    assert stage.strikes() == [None]
    count, passed_over = strategy_s_word(stage.told(DESK, MarketOpened)[-1])
    assert count == 0
    assert "no strike from a proven source" in passed_over

    stage.give(tick(START_MS, dollars=100_000))
    proven = stage.told(DESK, MarketOpened)[-1]
    assert proven.strike is not None
    assert proven.strike.source == "twap-60s tick of the window's start, rtds"
    assert proven.strike.price_e18 == 100_000 * E18
    assert strategy_s_word(proven)[0] == 1


# F24


def test_f24_when_the_grid_becomes_finer_the_book_is_rebuilt_and_new_prices_obey_it(
    lively: LivelyExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    sections = {
        "strategy": StrategySettings(max_trade_shares=40, max_book_age_ms=10_000),
        "risk": RiskSettings(price_band_ticks=1000),
    }
    with FaultStage(lively, sections=sections) as stage:
        stage.watch_market()
        fine = attrs.evolve(stage.signal(size=40), price_ticks=35)
        refused = stage.want(fine)[0]
        assert stage.ends(refused) is OrderStatus.REJECTED
        assert "breaks the minimum tick size 0.01" in stage.state(refused).end_reason
        coarse = stage.want(attrs.evolve(fine, price_ticks=30))[0]
        stage.reaches(coarse, OrderStatus.ACCEPTED)

        stage.sent.clear()
        monkeypatch.setattr("venue.simulation.market.FINE_BEYOND_TICKS", 500)
        stage.run_until(lambda: shows_grid(stage, 1), "the new grid is shown, with whole books")
        events = [event for batch in stage.told(MarketBatch) for event in batch.events]
        (first, *_) = [n for n, event in enumerate(events) if isinstance(event, TickSizeEvent)]
        assert {each.token for each in events[first:] if isinstance(each, BookEvent)} == {
            stage.market.yes_token,
            stage.market.no_token,
        }
        until_books_are_right(stage)
        other = attrs.evolve(stage.signal(Side.NO, size=40), price_ticks=35)
        accepted = stage.want(other)[0]
        stage.reaches(accepted, OrderStatus.ACCEPTED)
        assert stage.commanded(PostOrder)[-1].order_id == accepted
        assert {order["price_ticks"] for order in stage.books["orders"]} == {30, 35}
        stage.hold_against_the_exchange()


def is_whole(shown: MarketSnapshot) -> bool:
    return shown.yes.is_synced and shown.no.is_synced


def shows_grid(stage: FaultStage, grid_ticks: int) -> bool:
    newest = stage.told(MarketSnapshot)[-1:]
    return (
        any(shown.market.tick_size_ticks == grid_ticks and is_whole(shown) for shown in newest)
        and stage.executor._gate.markets.get(newest[0].market.series) == newest[0].market
    )


# F26


@pytest.mark.parametrize("is_ahead", [True, False], ids=["venue ahead", "venue behind"])
def test_f26_the_window_and_the_time_left_follow_the_venue_s_clock_and_the_skew_is_shown(
    is_ahead: bool,
) -> None:
    with BeforeABoundary(120_000 if is_ahead else 2_000) as exchange:
        skew_ms = 240_000 if is_ahead else -240_000
        if not is_ahead:
            exchange.wait_for_boundary()
        exchange.inject(kind="clock_skew", for_ms=skew_ms)
        with DirectoryOnHttp(exchange) as directory:
            directory.run_until(lambda: directory.messages(VenueTimeMeasured), "it is measured")
            measured = directory.messages(VenueTimeMeasured)[0]
            assert abs(measured.offset_ms - skew_ms) < 5_000
            directory.run_until(lambda: directory.messages(MarketOpened), "a window opens")
            market = directory.messages(MarketOpened)[0].market
            venue_s = int(exchange.get("/time"))
            assert market.opens_at_ms <= venue_s * 1_000 < market.closes_at_ms
            assert not market.opens_at_ms <= exchange.clock.now_ms() < market.closes_at_ms
            assert abs(directory.now_ms - venue_s * 1_000) < 5_000
            skews = [each.skew_ms for each in directory.messages(VenueSkew)]
            assert abs(skews[0] - skew_ms) < 5_000
            assert abs(skews[-1]) < 5_000

    supervised = SupervisedActors(DIRECTORY, DESK)
    pings = told(supervised.say(DIRECTORY, measured), Ping)
    assert {ping.message.venue_offset_ms for ping in pings} == {measured.offset_ms}
    assert len(pings) >= 2


class BeforeABoundary(RunningExchange):
    """An exchange shortly before one window ends and the next begins; it is slow, so that the time
    that a busy machine takes is little by its clock."""

    def __init__(self, left_ms: int) -> None:
        super().__init__(speed=2.0, starts_after_ms=WINDOW_MS - left_ms)
        self._boundary_ms = self._options.origin_ms() + left_ms

    def wait_for_boundary(self) -> None:
        has_begun = wait_for(
            lambda: int(self.get("/time")) * 1_000 >= self._boundary_ms, LIMIT_S, 0.02
        )
        assert has_begun, "the next window never begins"


# F27


def test_f27_on_a_full_disk_what_rests_is_taken_back_and_nothing_new_is_taken(
    exchange: RunningExchange, tmp_path: Path
) -> None:
    with JournalledStage(exchange, tmp_path) as stage, OtherTrader(stage) as other:
        filled, resting = stage.resting(Side.YES, above_ask=-10), stage.resting(Side.NO)
        for order_id in (filled, resting):
            stage.reaches(order_id, OrderStatus.ACCEPTED)
        with stage.full_disk():
            other.sell_into_bids(Side.YES, stage.state(filled).intent.price_ticks)
            stage.run_until(lambda: is_cancelled(stage, resting), "it is taken back")
            post_count = len(stage.commanded(PostOrder))
            stage.say(stage.signal(Side.NO))
            stage.deliver_all()
            assert "cannot record" in stage.refusals[-1]
            assert len(stage.commanded(PostOrder)) == post_count
            assert any("nothing can be recorded" in log.text for log in stage.logs)
        stage.fall_all()
        stage.logs.clear()
        stage.recover()
        assert stage.ends(resting) is OrderStatus.CANCELLED
        assert stage.ends(filled) is OrderStatus.FILLED
        stage.hold_against_the_exchange()


def is_cancelled(stage: FaultStage, order_id: str) -> bool:
    venue_order_id = stage.live(order_id).venue_order_id
    orders = {order["order_id"]: order["status"] for order in stage.books["orders"]}
    return orders[venue_order_id].startswith("CANCEL")


# F28


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9])
def test_f28_after_a_power_cut_the_last_whole_record_counts_and_the_venue_tells_the_rest(
    exchange: RunningExchange, tmp_path: Path, share: float
) -> None:
    whole_dir, torn_dir = tmp_path / "whole", tmp_path / "torn"
    whole_dir.mkdir()
    with JournalledStage(exchange, whole_dir) as stage, OtherTrader(stage) as other:
        order_id = stage.resting(above_ask=-10)
        stage.reaches(order_id, OrderStatus.ACCEPTED)
        known_bytes = stage.log_bytes
        other.sell_into_bids(Side.YES, stage.state(order_id).intent.price_ticks)
        assert stage.ends(order_id) is OrderStatus.FILLED
        torn_bytes = known_bytes + int((stage.log_bytes - known_bytes) * share)
        stage.lose_power(torn_dir, torn_bytes)
        stage.recover()
        stage.run_until(lambda: stage.held(Side.YES) == shares(10), "the fill is booked again")
        stage.run_until(lambda: stage.is_free(Side.YES), "the order is over")
        stage.hold_against_the_exchange()
