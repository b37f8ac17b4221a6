from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from venue_double import START_MS, WINDOW_MS, DirectoryStage, market_id, settled, slug_of, tick

from actors.directory.reviews import (
    CORRECTIONS_MAX,
    LATE_GAP_MS,
    REFUSALS_MAX,
    REVIEWS_AFTER_MS,
    ResultContradicted,
    ResultReviewed,
)
from actors.directory.windows import WindowFinished
from actors.messages.directory import HttpAnswered, HttpFailed, MarketResolved
from actors.model import Side
from actors.roles import POSITION

END_MS = START_MS + WINDOW_MS
LAST_LOOK_MS = END_MS + REVIEWS_AFTER_MS[-1] + 120_000


@pytest.fixture
def stage() -> DirectoryStage:
    stage = DirectoryStage()
    stage.venue.results[START_MS] = stage.venue.other_results = ("1", "0")
    return stage


def revisions(stage: DirectoryStage) -> list[tuple[int, Side | None]]:
    told = [(m.revision, m.winner) for m in of_the_window(stage)]
    return list(dict.fromkeys(told))


def of_the_window(stage: DirectoryStage) -> list[MarketResolved]:
    return [m for m in stage.told(POSITION, MarketResolved) if m.market_id == market_id()]


def reviews(stage: DirectoryStage) -> list[ResultReviewed]:
    found = [each for each in stage.events if isinstance(each, ResultReviewed)]
    return [each for each in found if each.market_id == market_id()]


def looks(stage: DirectoryStage) -> int:
    return stage.venue.polls(START_MS)


@pytest.mark.parametrize("status", ["proposed", "disputed", "challenged", "requested"])
@pytest.mark.parametrize("prices", [("0.5", "0.5"), ("0", "1"), ("1", "0")])
def test_f33_what_is_proposed_or_disputed_is_no_result(
    stage: DirectoryStage, status: str, prices: tuple[str, str]
) -> None:
    stage.venue.results[START_MS], stage.venue.status = prices, status
    stage.begin()
    stage.run(END_MS + 60_000)
    assert of_the_window(stage) == []
    stage.venue.results[START_MS], stage.venue.status = ("1", "0"), "resolved"
    stage.run(END_MS + 90_000)
    assert revisions(stage) == [(0, Side.YES)]


def test_f33_a_window_that_stays_disputed_for_long_is_said_once(stage: DirectoryStage) -> None:
    stage.venue.status = "disputed"
    stage.begin()
    stage.run(END_MS + 3_600_000)
    told = [log.text for log in stage.complaints if "has not resolved it" in log.text]
    assert len([text for text in told if slug_of(START_MS) in text]) == 1
    stage.venue.status = "resolved"
    stage.run(stage.now_ms + 30_000)
    assert revisions(stage) == [(0, Side.YES)]


def test_f33_a_settled_window_is_looked_at_again_some_times_and_then_let_be(
    stage: DirectoryStage,
) -> None:
    stage.begin()
    stage.run(LAST_LOOK_MS)
    assert [each.number for each in reviews(stage)] == [1, 2, 3, 4]
    assert all(each.is_confirmed for each in reviews(stage))
    asked = looks(stage)
    stage.run(LAST_LOOK_MS + 3_600_000)
    assert looks(stage) == asked


def test_f33_a_result_that_is_contradicted_is_told_recorded_and_said_to_the_ledger_again(
    stage: DirectoryStage,
) -> None:
    stage.begin()
    stage.run(END_MS + 10_000)
    assert revisions(stage) == [(0, Side.YES)]
    stage.venue.results[START_MS] = ("0", "1")
    stage.run(END_MS + 120_000)
    assert revisions(stage) == [(0, Side.YES), (1, Side.NO)]
    (event,) = [each for each in stage.events if isinstance(each, ResultContradicted)]
    assert (event.before, event.after) == (Side.YES, Side.NO)
    assert any(log.level == "error" and "settled as YES" in log.text for log in stage.logs)
    finished = [e for e in stage.events if e == WindowFinished(market_id())]
    assert len(finished) == 2


def test_f33_a_correction_is_said_until_the_ledger_has_settled_by_it_also_over_restarts(
    stage: DirectoryStage,
) -> None:
    stage.begin()
    stage.run(END_MS + 10_000)
    stage.position_answers = False
    stage.venue.results[START_MS] = ("0.5", "0.5")
    stage.run(END_MS + 120_000)
    stage.start()
    stage.run(stage.now_ms + 10_000)
    assert revisions(stage)[-1] == (1, None)
    stage.give(settled(market_id(), revision=0))
    stage.forget()
    stage.run(stage.now_ms + 10_000)
    assert of_the_window(stage), "an answer to the first result is none to the second"
    stage.give(settled(market_id(), revision=1))
    stage.forget()
    stage.run(stage.now_ms + 10_000)
    assert of_the_window(stage) == []


def test_f33_a_result_that_is_withdrawn_without_another_is_told_and_not_undone(
    stage: DirectoryStage,
) -> None:
    stage.begin()
    stage.run(END_MS + 10_000)
    stage.venue.status = "disputed"
    stage.run(END_MS + 120_000)
    assert revisions(stage) == [(0, Side.YES)]
    assert [each.is_confirmed for each in reviews(stage)] == [False]
    assert any("no longer says" in log.text for log in stage.complaints)


def test_f33_a_result_that_changes_for_ever_is_left_to_a_person(stage: DirectoryStage) -> None:
    stage.begin()
    stage.run(END_MS + 10_000)
    for number in range(CORRECTIONS_MAX + 3):
        stage.venue.results[START_MS] = (str(number % 2), str(1 - number % 2))
        stage.run(stage.now_ms + 70_000)
    assert len(revisions(stage)) == CORRECTIONS_MAX + 1
    assert any("check it yourself" in log.text for log in stage.complaints)
    asked = looks(stage)
    stage.run(LAST_LOOK_MS)
    assert looks(stage) == asked


def test_a_look_that_gets_no_answer_is_taken_again(stage: DirectoryStage) -> None:
    stage.begin()
    stage.run(END_MS + 30_000)
    stage.venue.unreachable = "no route to host"
    stage.run(END_MS + 200_000)
    assert reviews(stage) == []
    stage.venue.unreachable = None
    stage.run(END_MS + 500_000)
    assert [each.number for each in reviews(stage)] == [1]


def test_a_settled_window_that_the_venue_shows_no_more_is_let_be_after_the_last_look(
    stage: DirectoryStage,
) -> None:
    stage.begin()
    stage.run(END_MS + 10_000)
    stage.venue.missing.add(START_MS)
    asked = looks(stage)
    stage.run(LAST_LOOK_MS)
    assert looks(stage) == asked + len(REVIEWS_AFTER_MS)
    assert [each.is_confirmed for each in reviews(stage)] == [False] * len(REVIEWS_AFTER_MS)
    assert not any("404" in log.text for log in stage.complaints)
    stage.begin(for_ms=3_600_000)
    assert looks(stage) == asked + len(REVIEWS_AFTER_MS)


@pytest.mark.parametrize(
    "answer",
    [
        HttpAnswered("", 200, b"[]"),
        HttpAnswered("", 200, b"\xff"),
        HttpAnswered("", 500, b"{}"),
        HttpFailed("", "the answer is too long", was_answered=True),
    ],
)
def test_a_settled_window_of_which_no_answer_can_be_read_is_let_be_and_told_in_two_lines(
    stage: DirectoryStage, answer: HttpAnswered | HttpFailed
) -> None:
    stage.begin()
    stage.run(END_MS + 30_000)
    stage.venue.unreadable[START_MS] = answer
    asked, told = looks(stage), len(stage.complaints)
    stage.run(LAST_LOOK_MS + 3_600_000)
    assert looks(stage) <= asked + REFUSALS_MAX * len(REVIEWS_AFTER_MS)
    assert [each.is_confirmed for each in reviews(stage)] == [False] * len(reviews(stage))
    assert reviews(stage)[-1].number == len(REVIEWS_AFTER_MS)
    lines = [log.text for log in stage.complaints[told:] if "no strike" not in log.text]
    assert len(lines) == 2
    assert lines[0].endswith("asking again")
    assert lines[1].endswith("its result is kept")
    asked = looks(stage)
    stage.run(stage.now_ms + 3_600_000)
    assert looks(stage) == asked


def test_a_look_that_some_answers_say_nothing_to_is_taken_with_the_first_that_does(
    stage: DirectoryStage,
) -> None:
    stage.begin()
    stage.run(END_MS + 30_000)
    stage.venue.unreadable[START_MS] = HttpAnswered("", 503, b"")
    stage.run(END_MS + 180_000)
    assert reviews(stage) == []
    stage.venue.unreadable.clear()
    stage.venue.results[START_MS] = ("0", "1")
    stage.run(END_MS + 600_000)
    assert revisions(stage) == [(0, Side.YES), (1, Side.NO)]


def test_looks_that_fell_due_while_nothing_ran_are_one_and_those_of_many_windows_follow_each_other(
    stage: DirectoryStage,
) -> None:
    stage.begin()
    stage.run(END_MS + WINDOW_MS + 30_000)
    asked = looks(stage), stage.venue.polls(END_MS)
    stage.now_ms = LAST_LOOK_MS + WINDOW_MS
    stage.begin(for_ms=LATE_GAP_MS - 1)
    assert (looks(stage), stage.venue.polls(END_MS)) == (asked[0] + 1, asked[1])
    stage.run(stage.now_ms + 3_600_000)
    assert (looks(stage), stage.venue.polls(END_MS)) == (asked[0] + 1, asked[1] + 1)
    assert reviews(stage)[-1].number == len(REVIEWS_AFTER_MS)


@settings(max_examples=10)
@given(st.lists(st.integers(0, 700_000), max_size=6))
def test_f33_whenever_the_directory_falls_each_look_is_taken_once_and_no_correction_is_lost(
    falls_ms: list[int],
) -> None:
    stage = DirectoryStage()
    stage.venue.results[START_MS] = stage.venue.other_results = ("1", "0")
    stage.begin()
    stage.run(END_MS + 5_000)
    for at_ms in sorted(falls_ms):
        stage.run(max(stage.now_ms, END_MS + at_ms))
        stage.venue.results[START_MS] = ("0", "1")
        stage.begin()
    stage.run(stage.now_ms + REVIEWS_AFTER_MS[-2] + REVIEWS_AFTER_MS[-1] + 300_000)
    winners = [winner for _, winner in revisions(stage)]
    assert winners in ([Side.YES], [Side.YES, Side.NO])
    if winners == [Side.YES, Side.NO]:
        assert len([e for e in stage.events if isinstance(e, ResultContradicted)]) == 1
    numbers = [each.number for each in reviews(stage)]
    assert numbers[-4:] == [1, 2, 3, 4]


# The venue's own prices


@pytest.mark.parametrize(
    ("prices", "named"),
    [
        ({"priceToBeat": 65000, "finalPrice": 65100}, []),
        ({"priceToBeat": 65000.0000000001, "finalPrice": 65100.0}, []),
        ({"priceToBeat": 65034.5, "finalPrice": 65100}, ["strike"]),
        ({"priceToBeat": 65034.5, "finalPrice": 65066}, ["strike", "close"]),
        ({"priceToBeat": None, "finalPrice": None}, []),
    ],
)
def test_a_strike_or_close_that_is_not_the_venue_s_is_told_after_the_window(
    stage: DirectoryStage, prices: dict[str, float | None], named: list[str]
) -> None:
    stage.begin()
    stage.give(tick(START_MS, 65_000))
    stage.run(END_MS)
    stage.give(tick(END_MS, 65_100))
    stage.venue.prices[START_MS] = json.loads(json.dumps(prices))
    stage.run(END_MS + 900_000)
    told = [log.text for log in stage.complaints if log.level == "error"]
    assert len(told) == len(named)
    assert all(f"our {name} was" in text for name, text in zip(named, told, strict=True))
