from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from random import Random

import attrs
import pytest
from backtest_builders import (
    STRIKE_E18,
    book_payload,
    ticker_frame,
    walking_frames,
    write_window,
)
from recording_builders import OPENS_AT_MS, frame

from actors.backtest_settings import BacktestSettings
from actors.messages.execution import OrderState
from actors.model import Side
from actors.settings import ExecutionSettings, Settings
from research.backtest.runner import BacktestPlan, PlayedWindow, recordings_at, run_backtest
from research.recordings import BadRecording
from research.recordings.model import RecordedFrame

SEEDS = (3, 4, 5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three windows in which the default strategy finds something to do."""
    made = tmp_path_factory.mktemp("recordings")
    for number, seed in enumerate(SEEDS):
        write_window(made, walking_frames(seed), number=number)
    return made


def played(folder: Path, jobs: int = 1, **changed: object) -> list[PlayedWindow]:
    plan = attrs.evolve(BacktestPlan(settings=Settings()), **changed)
    return list(run_backtest(plan, recordings_at([folder]), jobs))


def decisions(orders: Sequence[OrderState]) -> list[tuple[object, ...]]:
    return [
        (
            each.intent.created_at_ms,
            each.intent.side,
            each.intent.price_ticks,
            each.intent.size_units,
        )
        for each in orders
    ]


def test_windows_are_traded_settled_and_add_up(folder: Path) -> None:
    windows = [each.outcome for each in played(folder)]

    assert [each.market.opens_at_ms for each in windows] == [
        OPENS_AT_MS,
        OPENS_AT_MS + 300_000,
        OPENS_AT_MS + 600_000,
    ]
    assert sum(len(each.orders) for each in windows) > 0
    for each in windows:
        assert each.is_settled
        assert each.winner is Side.YES
        assert each.strike_e18 == STRIKE_E18
        assert each.errors == ()
        paid = sum(
            fill.price_ticks * fill.size_units + fill.fee_nanos
            for order in each.orders
            for fill in order.fills
        )
        assert each.pnl_nanos == each.payout_nanos - paid
        assert all(order.is_terminal for order in each.orders)


def test_the_same_seed_and_files_give_the_same_whatever_the_jobs(folder: Path) -> None:
    settings = Settings(backtest=BacktestSettings(latency_jitter_ms=300))
    alone = played(folder, settings=settings)

    assert played(folder, jobs=2, settings=settings) == alone


def test_another_seed_draws_other_latencies(folder: Path) -> None:
    settings = Settings(backtest=BacktestSettings(latency_jitter_ms=2_000))
    one = played(folder, settings=settings, seed=1)
    other = played(folder, settings=settings, seed=2)

    def times(windows: list[PlayedWindow]) -> list[int]:
        return [
            fill.timestamp_ms
            for each in windows
            for order in each.outcome.orders
            for fill in order.fills
        ]

    assert times(one) != times(other)


def test_what_comes_later_changes_no_decision(tmp_path: Path) -> None:
    """Cut the recording off at random instants: until then everything is decided alike."""
    frames = walking_frames(3)
    (tmp_path / "whole").mkdir()
    write_window(tmp_path / "whole", frames)
    (whole,) = played(tmp_path / "whole")
    known = decisions(whole.outcome.orders)
    assert known
    chance = Random(11)
    for number in range(6):
        cut_ms = chance.randrange(20_000, 290_000)
        cut = tmp_path / f"cut{number}"
        cut.mkdir()
        kept = [each for each in frames if each.received_ms <= OPENS_AT_MS + cut_ms]
        write_window(cut, kept, winner="NO")
        (shorter,) = played(cut)
        before = [each for each in known if int(str(each[0])) <= OPENS_AT_MS + cut_ms]
        found = decisions(shorter.outcome.orders)

        assert found[: len(before)] == before
        assert len(found) == len(before)


def test_one_account_may_trade_all_windows_in_turn(folder: Path) -> None:
    windows = played(folder, is_continuous=True)

    assert len(windows) == len(SEEDS)
    numbers = [
        int(order.intent.order_id.split("_")[1])
        for each in windows
        for order in each.outcome.orders
    ]
    assert numbers == sorted(numbers)
    assert len(set(numbers)) == len(numbers)  # one desk counted them


def test_paper_orders_fill_by_the_rules_of_a_run_on_paper(folder: Path) -> None:
    settings = Settings(backtest=BacktestSettings(fill_model="paper"))
    fills = [
        fill
        for each in played(folder, settings=settings)
        for order in each.outcome.orders
        for fill in order.fills
    ]

    assert fills
    assert all(fill.trade_id.startswith("paper-") for fill in fills)


def test_an_order_leaves_after_the_way_to_the_venue_and_its_delay(folder: Path) -> None:
    settings = Settings(
        execution=ExecutionSettings(latency_ms=400), backtest=BacktestSettings(taker_delay_ms=100)
    )
    waits = [
        fill.timestamp_ms - order.intent.created_at_ms
        for each in played(folder, settings=settings)
        for order in each.outcome.orders
        for fill in order.fills
        if not fill.is_maker
    ]

    assert waits
    assert min(waits) == 500


def test_a_result_that_was_not_recorded_follows_from_the_averages(tmp_path: Path) -> None:
    write_window(tmp_path, walking_frames(3), winner=None)
    (window,) = played(tmp_path)

    assert window.outcome.winner is Side.YES  # the close is above the strike
    assert window.outcome.evidence == "the recorded averages at both ends"


def test_the_average_may_overrule_the_recorded_result(tmp_path: Path) -> None:
    write_window(tmp_path, walking_frames(3), winner="NO")
    twap = Settings(backtest=BacktestSettings(settlement="twap"))

    assert played(tmp_path)[0].outcome.winner is Side.NO
    assert played(tmp_path, settings=twap)[0].outcome.winner is Side.YES


def test_the_model_is_asked_about_once_a_second(folder: Path) -> None:
    (window, *_) = played(folder)
    known = [each for each in window.outcome.predictions if each.model_ticks is not None]

    assert 200 < len(known) <= 301
    assert all(each.market_ticks is not None for each in known)


def test_frames_that_cannot_be_read_are_counted_and_passed_over(tmp_path: Path) -> None:
    frames = [*walking_frames(3), frame(60_000, b'{"event_type":"book","asset_id":"71"}')]
    write_window(tmp_path, frames)
    (window,) = played(tmp_path)

    assert window.outcome.unreadable_count == 1
    assert window.outcome.is_settled


def test_books_recorded_before_the_window_are_shown_at_its_start(tmp_path: Path) -> None:
    early: list[RecordedFrame] = [
        ticker_frame(-3_000, 70_000, 1),
        frame(-2_000, book_payload([(480, 100)], [(490, 100)], -2_000)),
    ]
    write_window(tmp_path, [*early, ticker_frame(100, 70_000, 2), ticker_frame(900, 70_001, 3)])
    (window,) = played(tmp_path)

    assert window.outcome.predictions[0].market_ticks == 485


def test_a_recording_that_begins_late_in_its_window_loses_none_of_its_prices(
    tmp_path: Path,
) -> None:
    late = [each for each in walking_frames(3) if each.received_ms >= OPENS_AT_MS + 120_000]
    write_window(tmp_path, late)
    (window,) = played(tmp_path)

    known = [each for each in window.outcome.predictions if each.model_ticks is not None]
    assert 178_000 < known[0].left_ms <= 180_000


def test_several_recordings_of_one_window_are_refused(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "btc-updown-5m-1776329400.rec"
    copy.write_bytes((folder / copy.name).read_bytes())

    with pytest.raises(BadRecording, match="are of the same window"):
        recordings_at([folder, copy])


@pytest.mark.parametrize(
    ("name", "words"), [("x.jsonl", "is not a recording"), ("", "no recording")]
)
def test_what_is_no_recording_is_one_sentence(tmp_path: Path, name: str, words: str) -> None:
    place = tmp_path / name
    if name:
        place.write_text(json.dumps({}))

    with pytest.raises(BadRecording, match=words):
        recordings_at([place])
