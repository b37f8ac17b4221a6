from __future__ import annotations

import math
from pathlib import Path
from random import Random
from statistics import fmean, median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.overfitting import deflated_sharpe, expected_best_sharpe, overfitting_probability
from research.search.folds import folds_of, scores_of, walk_forward
from research.search.space import BadSpace, read_space

pytest.importorskip("optuna", reason="the extra understudy[research] is not installed")

from search_builders import PaperWorkers, four_folds, opened, plan

from research.search.study import OtherStudy, Search, TrialRow, best_of
from research.statistics import sharpe


def found(search: Search) -> list[tuple[object, ...]]:
    return [(dict(row.values), row.results, row.is_pruned) for row in search.rows]


def test_a_search_finds_what_is_best(tmp_path: Path) -> None:
    search = opened(tmp_path)
    list(search.run(48, PaperWorkers()))
    best = best_of(search.rows, four_folds())

    assert best is not None
    shares = best.values["strategy.max_trade_shares"]
    assert isinstance(shares, int)
    assert abs(shares - 25) <= 2


def test_no_trial_sees_the_held_out_windows(tmp_path: Path) -> None:
    workers = PaperWorkers()
    list(opened(tmp_path).run(12, workers))

    assert set(workers.played) == {f"window {number}" for number in range(9)}


def test_the_same_seed_comes_to_the_same_trials(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    one, other = opened(tmp_path / "a"), opened(tmp_path / "b")
    list(one.run(16, PaperWorkers()))
    list(other.run(16, PaperWorkers()))
    third = opened(tmp_path / "c", plan(seed=2))
    list(third.run(16, PaperWorkers()))

    assert found(one) == found(other)
    assert found(one) != found(third)


@pytest.mark.parametrize("stops_after", [5, 40, 100])
def test_a_search_that_was_stopped_goes_on_to_the_same_trials(
    tmp_path: Path, stops_after: int
) -> None:
    for name in ("whole", "stopped"):
        (tmp_path / name).mkdir()
    whole = opened(tmp_path / "whole")
    list(whole.run(20, PaperWorkers()))
    workers = PaperWorkers()
    workers.stops_after = stops_after
    with pytest.raises(KeyboardInterrupt):
        list(opened(tmp_path / "stopped").run(20, workers))
    again = opened(tmp_path / "stopped")
    list(again.run(20, PaperWorkers()))

    assert found(again) == found(whole)


def test_hopeless_trials_are_not_played_to_the_end(tmp_path: Path) -> None:
    search, workers = opened(tmp_path), PaperWorkers()
    list(search.run(40, workers))
    pruned = [row for row in search.rows if row.is_pruned]

    assert pruned
    assert all(0 < len(row.results) < 9 for row in pruned)
    assert len(workers.played) == sum(len(row.results) for row in search.rows) < 40 * 9


def test_a_study_of_another_search_is_refused(tmp_path: Path) -> None:
    opened(tmp_path)
    with pytest.raises(OtherStudy, match="another search"):
        opened(tmp_path, plan(name="another"))


def test_looks_at_the_held_out_part_are_counted_for_good(tmp_path: Path) -> None:
    assert opened(tmp_path).count_look() == 1
    assert opened(tmp_path).count_look() == 2
    assert opened(tmp_path).looks == 2


def test_folds_lie_in_time_and_the_last_part_is_held_out() -> None:
    folds = folds_of(12, 4, 20)

    assert folds.bounds == (0, 2, 4, 6, 9)
    assert (folds.seen_count, folds.held_out_count) == (9, 3)
    with pytest.raises(ValueError, match="too few"):
        folds_of(4, 4, 20)


@given(windows=st.integers(1, 200), count=st.integers(1, 10), percent=st.integers(0, 90))
def test_every_seen_window_is_in_one_fold(windows: int, count: int, percent: int) -> None:
    try:
        folds = folds_of(windows, count, percent)
    except ValueError:
        return
    assert folds.bounds[0] == 0
    assert list(folds.bounds) == sorted(set(folds.bounds))
    assert folds.seen_count + folds.held_out_count == windows
    assert folds.held_out_count * 100 >= windows * percent


def test_scores_in_and_out_of_sample() -> None:
    results = [1.0, 3.0, 5.0, -1.0, 2.0, 2.0, 0.0, 6.0, 3.0]
    scores = scores_of(results, four_folds())  # folds of 2, 2, 2 and 3 windows

    assert scores.each == (2, 2, 2, 3)
    assert scores.middle == 2
    assert scores.in_sample == median([2, 2, fmean(results[:6])])
    assert scores.out_of_sample == median([2, 2, 3])


def test_walking_forward_chooses_by_what_came_before_only() -> None:
    good_first = [5.0] * 4 + [-5.0] * 5
    good_later = [0.0] * 4 + [4.0] * 5
    forward = walk_forward([good_first, good_later], four_folds())

    assert forward.chosen == (0, 0, 0)  # at the last step it still has the higher mean
    assert forward.out_of_sample == (5, -5, -5)


def test_a_trial_that_was_pruned_is_never_the_best() -> None:
    good = TrialRow(number=0, values={}, results=(9.0,), is_pruned=True)
    whole = TrialRow(number=1, values={}, results=(1.0,) * 9, is_pruned=False)

    assert best_of([good, whole], four_folds()) is whole
    assert best_of([good], four_folds()) is None


def test_a_trial_that_never_traded_is_never_the_best() -> None:
    idle = TrialRow(number=0, values={}, results=(0.0,) * 9, is_pruned=False)
    loser = TrialRow(number=1, values={}, results=(-1.0,) * 9, is_pruned=False)

    assert best_of([idle, loser], four_folds()) is loser
    assert best_of([idle], four_folds()) is None


def test_the_best_of_many_without_merit_is_no_surprise() -> None:
    chance = Random(4)
    trials = [[chance.gauss(0, 1) for _ in range(100)] for _ in range(200)]
    sharpes = [each for row in trials if (each := sharpe(row)) is not None]
    best = max(trials, key=lambda row: sharpe(row) or 0)

    expected = expected_best_sharpe(sharpes)
    assert expected == pytest.approx(max(sharpes), rel=0.25)
    deflated = deflated_sharpe(best, sharpes)
    assert deflated is not None
    assert deflated < 0.95
    alone = deflated_sharpe(best, [max(sharpes)])
    assert alone is not None
    assert alone > 0.95  # had it been the only trial, it would have convinced


def test_a_single_trials_deflated_ratio_is_the_probabilistic_one() -> None:
    results = [1.0, -1.0] * 50 + [1.0] * 10
    found_ratio = sharpe(results)
    assert found_ratio is not None
    middle = fmean(results)
    spread = math.sqrt(fmean((each - middle) ** 2 for each in results))
    skewness = fmean(((each - middle) / spread) ** 3 for each in results)
    kurtosis = fmean(((each - middle) / spread) ** 4 for each in results)
    variance = 1 - skewness * found_ratio + (kurtosis - 1) / 4 * found_ratio**2
    expected = 0.5 * math.erfc(-found_ratio * math.sqrt(109) / math.sqrt(variance) / math.sqrt(2))

    assert deflated_sharpe(results, [found_ratio]) == pytest.approx(expected)


def test_overfitting_is_likely_without_merit_and_unlikely_with_it() -> None:
    chance = Random(9)
    noise = [[chance.gauss(0, 1) for _ in range(160)] for _ in range(40)]
    better = [[each + 1.5 for each in noise[0]], *noise[1:]]

    found_noise, found_better = overfitting_probability(noise), overfitting_probability(better)
    assert found_noise is not None
    assert 0.25 < found_noise < 0.85
    assert found_better == 0
    assert overfitting_probability(noise[:1]) is None


def test_a_space_is_read_with_its_kinds(tmp_path: Path) -> None:
    path = tmp_path / "space.toml"
    path.write_text(
        "[strategy]\nmax_shares = { low = 10, high = 90, step = 10 }\n"
        'oracle = { choices = ["linear", "diffusion"] }\n'
        "[strategy.parameters]\nedge = { low = 0.5, high = 8, log = true }\n"
    )
    shares, oracle, edge = read_space(path)

    assert (shares.name, shares.is_whole, shares.step) == ("strategy.max_shares", True, 10)
    assert oracle.choices == ("linear", "diffusion")
    assert (edge.name, edge.is_whole, edge.is_log) == ("strategy.parameters.edge", False, True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no settings"),
        ("a = 3", "must be a table"),
        ("[strategy]\nx = { low = 3, high = 3 }", "low must be less than high"),
        ("[strategy]\nx = { low = 0, high = 3, log = true }", "log needs a low above 0"),
        ('[strategy]\nx = { low = "a", high = 3 }', "numbers, or choices"),
        ("[strategy]\nx = { choices = [1] }", "at least two choices"),
        ("[strategy]\nx = { low = 1, high = 3, setp = 1 }", "unknown keys: setp"),
        ("[strategy]\nx = { low = 1, high = 3, step = 0 }", "step must be more than 0"),
        ("x = = 3", "is not TOML"),
    ],
)
def test_a_space_that_cannot_be_used_is_one_sentence(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "space.toml"
    path.write_text(text)

    with pytest.raises(BadSpace, match=words) as refusal:
        read_space(path)
    assert str(path) in str(refusal.value)
