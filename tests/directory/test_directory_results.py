from __future__ import annotations

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from venue_double import START_MS, WINDOW_MS, DirectoryStage, market_id, settled, slug_of, tick

from actors.core import Record
from actors.directory.core import POLL_MS, SETTLE_REPEAT_MS
from actors.messages.directory import (
    HttpAnswered,
    MarketOpened,
    MarketResolved,
    VenueSkew,
    VenueUnreachable,
)
from actors.messages.feeds import ResolvedEvent
from actors.messages.lifecycle import PeerRestarted, VenueTimeMeasured
from actors.model import Side
from actors.roles import DESK, EXECUTOR, MARKET_FEED, MARKET_STATE, OBSERVER, POSITION, SUPERVISOR
from actors.series import window_start_ms

END_MS = START_MS + WINDOW_MS
OPENED_READERS = (MARKET_FEED, MARKET_STATE, DESK, POSITION, OBSERVER, EXECUTOR)


@pytest.fixture
def stage() -> DirectoryStage:
    return DirectoryStage()


# Resolution


@pytest.mark.parametrize(
    ("prices", "winner"),
    [(("1", "0"), Side.YES), (("0", "1"), Side.NO), (("0.5", "0.5"), None)],
)
def test_a_closed_window_is_asked_for_until_the_venue_has_decided(
    stage: DirectoryStage, prices: tuple[str, str], winner: Side | None
) -> None:
    stage.begin()
    stage.run(END_MS + 40_000)
    assert stage.results() == []
    asked = stage.venue.polls(START_MS)
    assert 15 <= asked <= 25
    stage.venue.results[START_MS] = prices
    stage.run(stage.now_ms + 2 * POLL_MS)
    assert stage.results() == [(START_MS, winner)]
    assert slug_of(START_MS) in stage.told(POSITION, MarketResolved)[0].evidence
    assert len(stage.told(OBSERVER, MarketResolved)) == 1


def test_a_venue_that_takes_hours_is_asked_less_often(stage: DirectoryStage) -> None:
    stage.begin()
    stage.run(END_MS + 3_600_000)
    assert stage.venue.polls(START_MS) < 400


def test_a_result_that_cannot_be_read_is_asked_for_each_minute_told_once_and_taken(
    stage: DirectoryStage,
) -> None:
    stage.begin()
    stage.venue.unreadable[START_MS] = HttpAnswered("", 200, b'{"closed": "perhaps"}')
    stage.run(END_MS + 3_600_000)
    assert 50 <= stage.venue.polls(START_MS) <= 100
    assert len([log for log in stage.complaints if "unreadable" in log.text]) == 1
    stage.venue.unreadable.clear()
    stage.venue.results[START_MS] = ("1", "0")
    stage.run(stage.now_ms + 80_000)
    assert (START_MS, Side.YES) in stage.results()


def test_the_streams_hint_has_the_result_asked_for_at_once(stage: DirectoryStage) -> None:
    stage.begin()
    stage.run(END_MS + 100)
    stage.venue.results[START_MS] = ("0", "1")
    stage.give(ResolvedEvent(market_id(), END_MS + 100, f"down-{START_MS}"))
    stage.run(END_MS + 100)
    assert stage.results() == [(START_MS, Side.NO)]


def test_a_hint_about_an_open_or_unknown_window_is_no_result(stage: DirectoryStage) -> None:
    stage.begin()
    assert stage.give(ResolvedEvent(market_id(), stage.now_ms, f"up-{START_MS}")) == []
    assert stage.give(ResolvedEvent("0xother", stage.now_ms, "up")) == []


def test_the_result_is_said_until_position_has_settled_it(stage: DirectoryStage) -> None:
    stage.position_answers = False
    stage.venue.results[START_MS] = ("1", "0")
    stage.begin()
    stage.run(END_MS + POLL_MS + 5 * SETTLE_REPEAT_MS)
    assert len(stage.told(POSITION, MarketResolved)) == 6
    effects = stage.give(settled(market_id()))
    assert isinstance(effects[0], Record)
    stage.forget()
    stage.run(stage.now_ms + 20_000)
    assert stage.told(POSITION, MarketResolved) == []
    assert stage.give(settled(market_id())) == []


def test_a_settlement_of_a_window_that_is_not_resolved_changes_nothing(
    stage: DirectoryStage,
) -> None:
    stage.begin()
    assert stage.give(settled(market_id())) == []
    assert stage.core.is_serving


def test_an_answer_that_comes_after_the_result_changes_nothing(stage: DirectoryStage) -> None:
    stage.venue.results[START_MS] = ("1", "0")
    stage.begin()
    stage.run(END_MS + 10_000)
    late = HttpAnswered(f"poll/{market_id()}@{END_MS}", 200, b"{}")
    assert stage.give(late) == []
    stage.forget()
    stage.give(HttpAnswered(f"find/{START_MS}@{START_MS}", 200, b"{}"))
    assert (stage.sent, stage.events, stage.logs) == ([], [], [])


# Recovery


def test_a_restart_carries_on_with_the_open_window_and_its_proven_strike(
    stage: DirectoryStage,
) -> None:
    stage.begin()
    stage.give(tick(START_MS, 65_000))
    stage.forget()
    stage.venue.unreachable = "no route to host"
    stage.start()
    assert stage.strikes() == [65_000]
    assert stage.core.is_serving


def test_a_window_that_closed_while_the_directory_was_down_is_closed_and_settled(
    stage: DirectoryStage,
) -> None:
    stage.begin()
    stage.venue.results = {START_MS: ("0", "1")}
    stage.now_ms = END_MS + 3 * WINDOW_MS + 5_000
    stage.forget()
    stage.begin(for_ms=10_000)
    assert stage.closings() == [market_id()]
    assert stage.results() == [(START_MS, Side.NO)]
    assert stage.openings() == [END_MS + 3 * WINDOW_MS]
    assert [log.text for log in stage.logs] == []


def test_a_result_that_was_recorded_and_not_settled_is_said_again_after_a_restart(
    stage: DirectoryStage,
) -> None:
    stage.position_answers = False
    stage.venue.results[START_MS] = ("1", "0")
    stage.begin()
    stage.run(END_MS + 10_000)
    first = stage.told(POSITION, MarketResolved)[0]
    stage.forget()
    stage.start()
    assert stage.told(POSITION, MarketResolved) == [first]
    assert stage.closings() == []


def test_a_window_is_never_opened_twice(stage: DirectoryStage) -> None:
    stage.begin()
    stage.begin(for_ms=60_000)
    assert [type(event) for event in stage.events].count(MarketOpened) == 1
    assert stage.venue.polls(START_MS) == 1


@pytest.mark.parametrize("role", OPENED_READERS)
def test_a_peer_that_restarts_is_told_the_open_window_again(
    stage: DirectoryStage, role: str
) -> None:
    stage.begin()
    stage.forget()
    stage.give(PeerRestarted(role))
    assert stage.openings(role) == [START_MS]
    assert {to for to, _ in stage.sent} == {role}


def test_a_peer_that_restarts_after_the_close_is_told_of_it(stage: DirectoryStage) -> None:
    stage.begin()
    stage.run(END_MS)
    stage.forget()
    stage.give(PeerRestarted(EXECUTOR))
    assert stage.closings(EXECUTOR) == [market_id()]
    assert stage.openings(EXECUTOR) == [END_MS]


@settings(max_examples=60)
@given(st.lists(st.integers(0, 3 * WINDOW_MS), max_size=8))
def test_a_restart_at_any_instant_loses_no_window_and_no_strike(restarts_ms: list[int]) -> None:
    stage = DirectoryStage(START_MS + 1_000)
    boundaries = [START_MS + n * WINDOW_MS for n in range(4)]
    for number, start_ms in enumerate(boundaries[:3]):
        stage.venue.results[start_ms] = (str(number % 2), str(1 - number % 2))
    moments = sorted({*boundaries, *(START_MS + 1_000 + at for at in restarts_ms)})
    stage.begin()
    for moment in moments:
        stage.run(max(stage.now_ms, moment))
        if moment in boundaries:
            stage.give(tick(moment, 60_000 + (moment - START_MS) // WINDOW_MS))
        else:
            stage.begin()
    stage.run(boundaries[3] + 20_000)
    assert stage.openings() == boundaries
    assert stage.results() == [
        (boundaries[0], Side.NO),
        (boundaries[1], Side.YES),
        (boundaries[2], Side.NO),
    ]
    assert [stage.strikes(start_ms)[-1] for start_ms in boundaries] == [
        60_000,
        60_001,
        60_002,
        60_003,
    ]
    assert len([e for e in stage.events if isinstance(e, MarketResolved)]) == 3


# Venue time


def test_no_window_is_opened_before_the_venues_time_is_known(stage: DirectoryStage) -> None:
    stage.venue.unreachable = "no route to host"
    stage.begin(for_ms=120_000)
    assert stage.openings() == []
    assert [log.text for log in stage.logs] == ["no route to host; asking again"]
    assert len(stage.venue.asked) < 20
    assert set(stage.told(OBSERVER, VenueUnreachable)) == {VenueUnreachable("no route to host")}
    stage.venue.unreachable = None
    stage.run(stage.now_ms + 40_000)
    assert stage.openings() == [START_MS]


@pytest.mark.parametrize("skew_ms", [-40_000, 40_000])
def test_f26_a_clock_that_is_wrong_is_corrected_before_anything_is_traded(skew_ms: int) -> None:
    # 20 s from a boundary: by our own clock it is the wrong window.
    wrong_ms = END_MS - skew_ms // 2
    stage = DirectoryStage(now_ms=wrong_ms)
    stage.venue.skew_ms = skew_ms
    stage.begin(for_ms=100)
    assert stage.openings() == []
    measured = stage.told(SUPERVISOR, VenueTimeMeasured)[-1].offset_ms
    assert abs(measured - skew_ms) <= 600
    assert stage.told(OBSERVER, VenueSkew)[-1] == VenueSkew(measured)
    stage.correct_clock(measured)
    stage.venue.skew_ms -= measured
    stage.run(stage.now_ms + 45_000)
    assert stage.openings()[0] == window_start_ms(wrong_ms + skew_ms, WINDOW_MS)


@pytest.mark.parametrize(
    ("took_ms", "complaint"),
    [(105_000, "took 105,000 ms, too long"), (20, "our clock was corrected, or stood still")],
)
def test_f26_nothing_is_measured_by_an_answer_during_which_our_clock_was_corrected(
    stage: DirectoryStage, took_ms: int, complaint: str
) -> None:
    stage.start()
    asked = next(each for each in stage.commands if "/time" in each.url)  # type: ignore[attr-defined]
    answer = stage.venue.answer(asked, stage.now_ms)  # type: ignore[arg-type]
    stage.correct_clock(-100_000)
    stage.give(attrs.evolve(answer, took_ms=took_ms))
    assert complaint in stage.logs[-1].text
    assert stage.told(SUPERVISOR, VenueTimeMeasured) == stage.told(OBSERVER, VenueSkew) == []
    stage.commands.clear()
    stage.run(stage.now_ms + 5_000)
    assert abs(stage.told(OBSERVER, VenueSkew)[-1].skew_ms) <= 500


def test_f26_the_skew_is_measured_every_minute_and_small_ones_are_left_alone(
    stage: DirectoryStage,
) -> None:
    stage.venue.skew_ms = 900
    stage.begin(for_ms=299_000)
    assert len(stage.told(OBSERVER, VenueSkew)) == 5
    assert stage.told(SUPERVISOR, VenueTimeMeasured) == []


def test_an_unreadable_time_is_asked_for_again(stage: DirectoryStage) -> None:
    stage.start()
    request = stage.commands.pop()
    stage.give(HttpAnswered(request.request_id, 200, b"<html>"))  # type: ignore[attr-defined]
    assert "<html>" in stage.logs[0].text
    stage.run(stage.now_ms + 5_000)
    assert stage.openings() == [START_MS]


def test_a_question_without_any_answer_is_asked_again(stage: DirectoryStage) -> None:
    stage.start()
    stage.commands.clear()
    stage.run(stage.now_ms + 30_000)
    assert stage.openings() == [START_MS]
