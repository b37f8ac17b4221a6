"""Decoded recordings kept between trials: the same results, in bounded memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from actors.settings import Settings
from research.backtest.kept_tapes import KeptTape, TapeShelf
from research.backtest.runner import BacktestPlan, play_window
from tests.research.backtest_builders import walking_frames, write_window

RESULT = "result"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return write_window(tmp_path, walking_frames(3, until_ms=60_000))


def test_a_kept_tape_plays_to_the_same_outcome_each_time(place: Path) -> None:
    plan, shelf = BacktestPlan(settings=Settings()), TapeShelf(10**9)

    fresh = play_window(plan, place)
    first, again = (play_window(plan, place, shelf) for _ in range(2))

    assert first == again == fresh
    assert isinstance(shelf.tape(place, RESULT)[0], KeptTape)


def test_what_was_used_longest_ago_gives_way(place: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = write_window(tmp_path / "other", walking_frames(4, until_ms=60_000))
    one = TapeShelf(10**9).tape(place, RESULT)[0]
    assert isinstance(one, KeptTape)
    shelf = TapeShelf(one.size_bytes * 3 // 2)

    first, _ = shelf.tape(place, RESULT)
    assert shelf.tape(place, RESULT)[0] is first
    shelf.tape(other, RESULT)

    assert shelf.tape(place, RESULT)[0] is not first


def test_a_tape_that_is_too_large_is_read_each_time(place: Path) -> None:
    tape, _ = TapeShelf(1_000).tape(place, RESULT)

    assert not isinstance(tape, KeptTape)
    assert sum(1 for _ in tape.moments()) > 10
