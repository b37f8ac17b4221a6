from __future__ import annotations

import json
import statistics
from random import Random

import pytest

from venue.prices import PriceStreams, SecondSamples
from venue.simulation.listed_window import average_deviation, up_probability
from venue.simulation.reference import START_DOLLARS, ReferenceWalk


def test_the_average_is_the_mean_of_the_sixty_seconds_up_to_its_end() -> None:
    samples = SecondSamples()
    for second in range(1, 101):
        samples.add(second, second)

    assert samples.average(60) == sum(range(1, 61)) // 60
    assert samples.average(100) == sum(range(41, 101)) // 60


def test_an_average_with_a_missing_second_is_no_average() -> None:
    samples = SecondSamples()
    for second in range(1, 60):
        samples.add(second, 100)

    assert samples.average(60) is None
    assert samples.expected_average(60, 160) == (101, 1)


def test_an_average_is_a_plain_mean_whatever_seconds_are_missing() -> None:
    dice, samples, told = Random("gaps"), SecondSamples(), {}
    second = 1_000
    for _ in range(400):
        second += 1 if dice.random() < 0.98 else dice.randrange(1, 300)
        told[second] = dice.randrange(10**24)
        samples.add(second, told[second])
        samples.add(second, told[second])  # said again, it counts once
        for end in (second - 119, second - 30, second, second + 20, second + 90):
            known = [told[each] for each in range(end - 59, end + 1) if each in told]
            missing_count = 60 - len(known)
            mean = (sum(known) + missing_count * 7) // 60
            assert samples.expected_average(end, 7) == (mean, missing_count)
            assert samples.average(end) == (None if missing_count else mean)


@pytest.mark.parametrize(
    ("remaining_s", "variance"),
    [(300.0, 260.0), (60.0, 20.0), (30.0, 30**3 / (3 * 3600)), (0.0, 0.0), (-5.0, 0.0)],
)
def test_what_can_still_move_the_closing_average(remaining_s: float, variance: float) -> None:
    assert average_deviation(remaining_s, 2.0) == pytest.approx(2.0 * variance**0.5)


@pytest.mark.parametrize(
    ("distance", "remaining_s", "low", "high"),
    [
        (0.0, 300.0, 0.5, 0.5),
        (16.2, 300.0, 0.84, 0.845),
        (-16.2, 300.0, 0.155, 0.16),
        (0.5, 1.0, 0.99, 1.0),
        (0.0, 0.0, 0.5, 0.5),
        (1.0, 0.0, 1.0, 1.0),
    ],
)
def test_up_is_worth_the_chance_that_the_average_ends_above_the_strike(
    distance: float, remaining_s: float, low: float, high: float
) -> None:
    assert low <= up_probability(1000.0 + distance, 1000.0, remaining_s, 1.0) <= high


def test_the_walk_is_as_volatile_as_it_says() -> None:
    walk = ReferenceWalk(Random("walk"), 90_000.0, 100)
    moves = []
    for _ in range(6_000):
        before = walk.dollars
        for _ in range(10):
            walk.step()
        moves.append(walk.dollars - before)

    assert statistics.pstdev(moves) == pytest.approx(walk.volatility_dollars, rel=0.15)


def test_coinbase_stays_near_the_settling_source_but_is_not_it() -> None:
    walk = ReferenceWalk(Random("basis"), 90_000.0, 1_000)
    distances = []
    for _ in range(3_000):
        walk.step()
        distances.append(walk.coinbase_dollars - walk.price_e18 / 10**18)

    assert 1.0 < statistics.pstdev(distances) < 5.0


@pytest.mark.parametrize("asset", sorted(START_DOLLARS))
def test_every_assets_ticker_moves_in_steps_fine_enough_to_see_it(asset: str) -> None:
    walk = ReferenceWalk(Random("steps"), START_DOLLARS[asset], 1_000)
    prices = PriceStreams(asset, 1_000, Random("tickers"))
    told = set()
    for second in range(1, 101):
        walk.step()
        prices.publish(second * 1_000, walk.coinbase_dollars)
        told.add(json.loads(prices.ticker_text() or "")["price"])

    assert len(told) > 5
