from __future__ import annotations

import attrs
import pytest
from venue_double import START_MS, WINDOW_MS, DirectoryStage, market_id, slug_of, tick

from actors.core import Record, Send
from actors.directory.core import PREFETCH_MS
from actors.directory.listings import OPENING_LIMIT_MS
from actors.messages.directory import MarketClosing, MarketOpened, MarketResolved
from actors.messages.feeds import POLYBOLT
from actors.model import Side
from actors.roles import (
    DESK,
    EXECUTOR,
    MARKET_FEED,
    MARKET_STATE,
    OBSERVER,
    POSITION,
    RECORDER,
    STRATEGY,
)
from actors.series import SeriesSettings, window_start_ms
from actors.units import E18

END_MS = START_MS + WINDOW_MS
OPENED_READERS = (MARKET_FEED, MARKET_STATE, DESK, POSITION, OBSERVER, RECORDER, EXECUTOR)
CLOSING_READERS = (MARKET_FEED, MARKET_STATE, DESK, EXECUTOR, OBSERVER)


@pytest.fixture
def stage() -> DirectoryStage:
    return DirectoryStage()


# Slugs


def test_a_slug_names_asset_length_and_start() -> None:
    series = SeriesSettings(asset="eth", window_minutes=5)
    assert series.slug(1_784_851_200_000) == "eth-updown-5m-1784851200"


@pytest.mark.parametrize(("after_ms", "start_ms"), [(0, END_MS), (-1, START_MS), (1, END_MS)])
def test_a_boundary_belongs_to_the_window_it_opens(after_ms: int, start_ms: int) -> None:
    assert window_start_ms(END_MS + after_ms, WINDOW_MS) == start_ms


# Opening


def test_the_window_under_way_is_found_by_its_slug_and_announced_to_all_who_trade_it(
    stage: DirectoryStage,
) -> None:
    assert not stage.core.is_serving
    stage.begin()
    for role in OPENED_READERS:
        assert stage.openings(role) == [START_MS]
    assert stage.openings(STRATEGY) == []
    assert stage.core.is_serving


def test_an_opening_is_recorded_before_it_is_said(stage: DirectoryStage) -> None:
    stage.start()
    stage.run(stage.now_ms)
    effects = stage.give(tick(START_MS))
    assert isinstance(effects[0], Record)
    assert {each.to for each in effects if isinstance(each, Send)} == set(OPENED_READERS)
    assert [type(event) for event in stage.events] == [MarketOpened, MarketOpened]


def test_a_market_that_is_not_listed_yet_is_asked_for_until_it_is_with_one_complaint(
    stage: DirectoryStage,
) -> None:
    stage.venue.missing = {START_MS}
    stage.begin(for_ms=60_000)
    assert not stage.core.is_serving
    assert 10 <= stage.venue.polls(START_MS) <= 25
    assert [log.level for log in stage.logs] == ["warning"]
    assert "404" in stage.logs[0].text
    stage.venue.missing = set()
    stage.run(stage.now_ms + 5_000)
    assert stage.openings() == [START_MS]
    assert [log.level for log in stage.logs[:2]] == ["warning", "info"]


def test_metadata_that_cannot_be_used_is_refused_with_its_sentence_and_asked_for_again(
    stage: DirectoryStage,
) -> None:
    stage.venue.changes = {"version": "v9"}
    stage.begin(for_ms=20_000)
    assert stage.openings() == []
    assert len(stage.logs) == 1
    assert "v9" in stage.logs[0].text
    stage.venue.changes = {}
    stage.run(stage.now_ms + 10_000)
    assert stage.openings() == [START_MS]


def test_a_window_that_was_never_listed_is_given_up_at_its_end_and_the_next_one_traded(
    stage: DirectoryStage,
) -> None:
    stage.venue.missing = {START_MS}
    stage.begin()
    stage.run(END_MS)
    assert stage.openings() == [END_MS]
    assert any("never traded" in log.text for log in stage.logs)
    asked = stage.venue.polls(START_MS)
    stage.run(END_MS + 60_000)
    assert stage.venue.polls(START_MS) == asked


def test_the_next_window_is_read_ahead_and_nothing_else_is(stage: DirectoryStage) -> None:
    stage.begin()
    stage.run(END_MS - PREFETCH_MS - 1)
    assert stage.venue.polls(END_MS) == 0
    stage.run(END_MS - 1)
    assert stage.venue.polls(END_MS) == 1
    assert stage.openings() == [START_MS]


def test_windows_follow_each_other_without_a_gap(stage: DirectoryStage) -> None:
    for number in range(4):
        stage.venue.results[START_MS + number * WINDOW_MS] = ("1", "0")
    stage.begin()
    for number in range(1, 5):
        boundary_ms = START_MS + number * WINDOW_MS
        stage.run(boundary_ms - 1)
        stage.forget()
        stage.run(boundary_ms)
        said = dict.fromkeys(type(message) for to, message in stage.sent if to == DESK)
        assert list(said) == [MarketClosing, MarketOpened]
        assert stage.openings() == [boundary_ms]
        assert stage.closings() == [market_id(boundary_ms - WINDOW_MS)]
        assert stage.core.is_serving
        stage.run(boundary_ms + 60_000)
        assert stage.results() == [(boundary_ms - WINDOW_MS, Side.YES)]
    unfinished = [w for w in stage.saved("window") if w.settled_at_ms is None]  # type: ignore[attr-defined]
    assert len(unfinished) == 1


def test_metadata_that_comes_late_opens_the_window_late(stage: DirectoryStage) -> None:
    stage.venue.missing = {END_MS}
    stage.begin()
    stage.run(END_MS + 20_000)
    assert stage.closings() == [market_id()]
    assert not stage.core.is_serving
    stage.give(tick(END_MS, 70_000))
    stage.venue.missing = set()
    stage.run(END_MS + 30_000)
    assert stage.openings() == [START_MS, END_MS]
    assert stage.strikes(END_MS) == [70_000]


def test_an_announcement_that_was_lost_is_made_again(stage: DirectoryStage) -> None:
    stage.begin()
    stage.forget()
    stage.run(stage.now_ms + 10_000)
    assert all(stage.openings(role) == [START_MS] for role in OPENED_READERS)
    assert stage.events == []
    stage.run(END_MS)
    stage.forget()
    stage.run(END_MS + 10_000)
    assert all(stage.closings(role) == [market_id()] for role in CLOSING_READERS)


# Strike and close


def test_the_strike_is_the_average_of_the_windows_own_second(stage: DirectoryStage) -> None:
    stage.begin()
    stage.give(tick(START_MS, 65_000))
    opened = stage.told(EXECUTOR, MarketOpened)[-1]
    assert opened.strike is not None
    assert opened.strike.price_e18 == 65_000 * E18
    assert opened.strike.timestamp_ms == START_MS
    assert "twap-60s" in opened.strike.source


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(tick(START_MS - 1), id="before the start"),
        pytest.param(tick(START_MS + 1_000), id="a second late"),
        pytest.param(tick(START_MS + 20), id="in the second of the start, but not at it"),
        pytest.param(tick(START_MS, window_s=30), id="an average of another length"),
    ],
)
def test_f23_a_price_without_proof_of_its_source_is_no_strike(
    stage: DirectoryStage, wrong: object
) -> None:
    stage.begin()
    stage.give(wrong)
    assert stage.strikes() == [None]


def test_f23_a_market_that_names_no_average_never_has_a_strike(stage: DirectoryStage) -> None:
    stage.venue.changes = {"cryptoMarketConfig": {"twapEnabled": False}}
    stage.begin()
    stage.give(tick(START_MS))
    assert stage.strikes() == [None]


def test_a_strike_that_comes_late_is_announced_when_it_comes(stage: DirectoryStage) -> None:
    stage.begin()
    stage.run(START_MS + 300_000)
    stage.give(tick(START_MS, 65_000))
    assert stage.strikes() == [None, 65_000]
    assert stage.strikes(role=POSITION) == [None, 65_000]


def test_a_tick_seen_before_the_window_was_known_still_proves_its_strike(
    stage: DirectoryStage,
) -> None:
    stage.start()
    stage.give(tick(START_MS, 65_000))
    stage.run(stage.now_ms)
    assert stage.strikes() == [65_000]


def test_only_the_tick_of_exactly_the_boundary_proves_anything(stage: DirectoryStage) -> None:
    stage.begin()
    for after_ms in (-1_000, -1, 1, 20, 900, 1_000):
        stage.give(tick(START_MS + after_ms, 65_009))
    assert stage.strikes() == [None]
    stage.give(tick(START_MS, 65_001))
    assert stage.strikes() == [None, 65_001]


def test_of_two_ticks_of_one_second_the_first_stands_and_the_difference_is_an_error(
    stage: DirectoryStage,
) -> None:
    stage.begin()
    stage.give(tick(START_MS, 65_001))
    stage.give(tick(START_MS, 65_002))
    assert stage.strikes() == [None, 65_001]
    assert [log.level for log in stage.complaints] == ["error"]
    assert "65002" in stage.complaints[0].text


def test_polybolts_word_corrects_that_of_rtds_once_and_not_the_other_way_round(
    stage: DirectoryStage,
) -> None:
    stage.begin()
    old, new = tick(START_MS, 65_001), attrs.evolve(tick(START_MS, 65_002), source=POLYBOLT)
    for each in (old, new, new, old):
        stage.give(each)
    assert stage.strikes() == [None, 65_001, 65_002]
    opened = stage.told(EXECUTOR, MarketOpened)[-1]
    assert opened.strike is not None
    assert opened.strike.source.endswith("polybolt")
    said = [log.text for log in stage.complaints]
    assert len(said) == 3
    assert said[0].endswith("PolyBolt's counts")
    assert "it was 65001" in said[1]
    assert said[2].endswith("the first is kept")


def test_a_tick_told_again_says_nothing_new(stage: DirectoryStage) -> None:
    stage.begin()
    stage.give(tick(START_MS))
    assert stage.give(tick(START_MS)) == []


def test_the_close_of_one_window_is_the_strike_of_the_next(stage: DirectoryStage) -> None:
    stage.begin()
    stage.give(tick(START_MS, 65_000))
    stage.run(END_MS)
    stage.give(tick(END_MS, 65_100))
    stage.venue.results[START_MS] = ("1", "0")
    stage.run(END_MS + 10_000)
    result = stage.told(POSITION, MarketResolved)[0]
    assert (result.strike_e18, result.close_e18) == (65_000 * E18, 65_100 * E18)
    assert stage.strikes(END_MS) == [None, 65_100]


@pytest.mark.parametrize(
    ("close", "prices", "is_surprise"),
    [
        (65_000, ("1", "0"), False),
        (64_999, ("0", "1"), False),
        (64_999, ("1", "0"), True),
        (65_000, ("0", "1"), True),
        (64_999, ("0.5", "0.5"), False),
    ],
)
def test_a_result_that_our_own_ticks_contradict_is_taken_and_reported(
    stage: DirectoryStage, close: int, prices: tuple[str, str], is_surprise: bool
) -> None:
    stage.begin()
    stage.give(tick(START_MS, 65_000))
    stage.run(END_MS)
    stage.give(tick(END_MS, close))
    stage.venue.results[START_MS] = prices
    stage.run(END_MS + 10_000)
    assert len(stage.results()) == 1
    assert [log.level for log in stage.complaints] == ["error"] * is_surprise


@pytest.mark.parametrize("failure", ["HTTP 404", "no connection"])
def test_a_window_opens_as_it_was_known_when_it_cannot_be_read_at_its_start(failure: str) -> None:
    stage = DirectoryStage(START_MS - 60_000)
    stage.begin(for_ms=59_999)
    if failure == "HTTP 404":
        stage.venue.missing = {START_MS}
    else:
        stage.venue.unreachable = failure
    stage.run(START_MS)
    assert START_MS in stage.openings()
    assert any("not read again" in log.text for log in stage.logs)


def test_an_opening_waits_no_longer_than_its_limit_for_an_answer() -> None:
    stage = DirectoryStage(START_MS - 60_000)
    stage.begin(for_ms=59_999)
    stage.advance(START_MS + OPENING_LIMIT_MS - 1)
    assert START_MS not in stage.openings()
    stage.advance(START_MS + OPENING_LIMIT_MS)
    assert START_MS in stage.openings()
    stage.venue.changes = {"closed": True}
    stage.run(stage.now_ms + 60_000)
    assert [log for log in stage.complaints if slug_of(START_MS) in log.text] == []
