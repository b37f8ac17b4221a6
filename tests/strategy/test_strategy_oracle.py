from __future__ import annotations

import math
import random
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from strategy_builders import FLAT, PARAMS, STRIKE_DOLLARS, position, snapshot

from actors.messages.market import MarketSnapshot
from actors.model import Side
from actors.settings import StrategySettings
from actors.strategy.engine import decide
from actors.strategy.oracle import fair_value_ticks
from actors.strategy.stage import StageInputs
from actors.strategy.volatility import LONGEST_GAP_MS, WARM_UP_MS, Volatility
from actors.units import E18

DIFFUSION = StrategySettings(oracle="diffusion")


def model(
    market: MarketSnapshot, params: StrategySettings = PARAMS, sigma_dollars: float | None = None
) -> float | None:
    inputs = StageInputs(market=market, position=FLAT, params=params, sigma_dollars=sigma_dollars)
    return fair_value_ticks(inputs)[0]


# The linear model


@pytest.mark.parametrize(
    ("ahead_dollars", "left_minutes", "expected"),
    [
        (0, 10, 500),
        (-10_000, 10, 380),
        (10_000, 10, 620),
        (5_000, 0, 600),
        (5_000, 15, 550),
        (-90_000, 1, 10),
        (90_000, 1, 990),
    ],
)
def test_the_linear_model(ahead_dollars: float, left_minutes: float, expected: float) -> None:
    market = snapshot(ahead_dollars=ahead_dollars, left_minutes=left_minutes)
    assert model(market) == pytest.approx(expected)


def test_the_linear_model_takes_the_windows_own_length() -> None:
    market = snapshot(ahead_dollars=5_000, left_minutes=5, window_minutes=5)
    assert model(market) == 550


@pytest.mark.parametrize(
    ("ahead_dollars", "kept"), [(-7_500, True), (-7_500.01, False)], ids=["400", "below 400"]
)
def test_a_yes_buy_is_dropped_below_its_limit_and_not_at_it(
    ahead_dollars: float, kept: bool
) -> None:
    # 7.5 of 15 minutes left: 50 x 1.5 = $75 a tick
    market = snapshot(
        yes_ask=(350, 20), no_ask=(700, 20), left_minutes=7.5, ahead_dollars=ahead_dollars
    )
    assert bool(decide(market, FLAT, PARAMS).signals) is kept


@pytest.mark.parametrize(
    ("ahead_dollars", "kept"), [(7_500, True), (7_500.01, False)], ids=["600", "above 600"]
)
def test_a_no_buy_is_dropped_above_its_limit_and_not_at_it(
    ahead_dollars: float, kept: bool
) -> None:
    market = snapshot(
        yes_ask=(700, 20), no_ask=(350, 20), left_minutes=7.5, ahead_dollars=ahead_dollars
    )
    assert bool(decide(market, FLAT, PARAMS).signals) is kept


def test_a_model_against_the_other_side_drops_nothing() -> None:
    market = snapshot(yes_ask=(350, 20), no_ask=(700, 20), ahead_dollars=50_000)
    assert decide(market, FLAT, PARAMS).signals


# The diffusion model


def test_the_diffusion_model_is_the_value_of_a_digital_option() -> None:
    market = snapshot(ahead_dollars=100, left_minutes=4)
    # one standard deviation: sigma $50 a root minute, 4 minutes
    assert model(market, DIFFUSION, 50.0) == pytest.approx(841.3447, abs=1e-3)
    market = snapshot(ahead_dollars=-100, left_minutes=4)
    assert model(market, DIFFUSION, 50.0) == pytest.approx(158.6553, abs=1e-3)


@pytest.mark.parametrize(("ahead_dollars", "expected"), [(0, 500), (9_999, 990), (-9_999, 10)])
def test_the_diffusion_model_is_even_at_the_strike_and_clamped(
    ahead_dollars: float, expected: float
) -> None:
    assert model(snapshot(ahead_dollars=ahead_dollars), DIFFUSION, 10.0) == expected


def test_without_a_volatility_there_is_no_diffusion_model() -> None:
    assert model(snapshot(), DIFFUSION, None) is None
    assert model(snapshot(), PARAMS, None) == 500


# Without a model

NO_MODEL: list[dict[str, Any]] = [
    {"reference_e18": None},
    {"reference_at_ms": 0},
    {"strike": None},
]


@pytest.mark.parametrize("lack", NO_MODEL, ids=["no reference", "old reference", "no strike"])
def test_without_a_model_only_hedging_passes(lack: dict[str, Any]) -> None:
    first = snapshot(yes_ask=(350, 20), no_ask=(700, 20))
    assert decide(first, FLAT, PARAMS).signals
    assert not decide(replace(first, **lack), FLAT, PARAMS).signals

    average = snapshot(yes_ask=(350, 20), yes_bid=(340, 20), no_ask=(700, 20))
    held = position(yes=(5, 400))
    assert decide(average, held, PARAMS).signals
    assert not decide(replace(average, **lack), held, PARAMS).signals

    hedge = snapshot(no_ask=(550, 20), yes_bid=(440, 20), **lack)
    (signal,) = decide(hedge, position(yes=(50, 400)), PARAMS).signals
    assert signal.side is Side.NO


def test_a_strike_that_names_no_source_is_no_strike() -> None:
    market = snapshot(yes_ask=(350, 20), no_ask=(700, 20))
    assert market.strike is not None
    unproven = replace(market, strike=attrs.evolve(market.strike, source=""))
    assert model(market) == 500
    assert model(unproven) is None


def test_with_a_model_against_it_even_a_hedge_is_dropped() -> None:
    market = snapshot(no_ask=(550, 20), yes_bid=(440, 20), ahead_dollars=20_000)
    assert not decide(market, position(yes=(50, 400)), PARAMS).signals


@pytest.mark.parametrize(("age_ms", "is_known"), [(4_999, True), (5_000, False)])
def test_a_reference_must_be_younger_than_its_limit(age_ms: int, is_known: bool) -> None:
    market = snapshot()
    market = replace(market, reference_at_ms=market.taken_at_ms - age_ms)
    assert (model(market) is not None) is is_known


# Volatility


def walk(volatility: Volatility, dollars_a_step: float, steps: int, step_ms: int = 1_000) -> None:
    """Let the price jump up and down by as much every step."""
    for step in range(steps + 1):
        price = STRIKE_DOLLARS + dollars_a_step * (step % 2)
        volatility.update(round(price * 100) * E18 // 100, 1_000_000 + step * step_ms)


def test_volatility_is_unknown_until_the_price_was_watched_for_a_minute() -> None:
    early, ready = Volatility(5.0), Volatility(5.0)
    walk(early, 3.0, WARM_UP_MS // 1_000)
    walk(ready, 3.0, WARM_UP_MS // 1_000 + 1)  # a second counts when the next one has begun
    assert early.sigma_dollars is None
    assert ready.sigma_dollars is not None


def test_volatility_of_a_steady_jump_is_exact_from_the_start() -> None:
    volatility = Volatility(5.0)
    walk(volatility, 3.0, 61)
    # $3 a second is 3 x sqrt(60) a root minute
    assert volatility.sigma_dollars == pytest.approx(3.0 * math.sqrt(60))


def test_volatility_does_not_depend_on_how_often_a_random_walk_is_sampled() -> None:
    dice = random.Random(7)
    fine, coarse = Volatility(60.0), Volatility(60.0)
    price_cents = STRIKE_DOLLARS * 100
    for second in range(20_000):
        price_cents += round(dice.gauss(0, 200))
        fine.update(price_cents * E18 // 100, second * 1_000)
        if second % 4 == 0:
            coarse.update(price_cents * E18 // 100, second * 1_000)
    assert fine.sigma_dollars == pytest.approx(2 * math.sqrt(60), rel=0.1)
    assert coarse.sigma_dollars == pytest.approx(2 * math.sqrt(60), rel=0.1)


def test_a_sample_weighs_half_after_the_half_life() -> None:
    volatility = Volatility(1.0)
    walk(volatility, 4.0, 600)
    before = volatility.sigma_dollars
    assert before is not None
    last_ms = 1_000_000 + 600_000
    for second in range(1, 61):  # a minute without any move
        volatility.update(STRIKE_DOLLARS * E18, last_ms + second * 1_000)
    assert volatility.sigma_dollars == pytest.approx(before / math.sqrt(2), rel=0.01)


def test_of_each_second_only_the_last_price_counts_and_none_out_of_order() -> None:
    volatility, plain = Volatility(5.0), Volatility(5.0)
    walk(plain, 3.0, 61)
    for step in range(62):
        price = STRIKE_DOLLARS + 3.0 * (step % 2)
        at_ms = 1_000_000 + step * 1_000
        volatility.update(50_000 * E18, at_ms)
        volatility.update(round(price) * E18, at_ms + 999)
        volatility.update(60_000 * E18, at_ms - 400)
    assert volatility.sigma_dollars == plain.sigma_dollars


@given(skipped=st.sets(st.integers(0, 999)))
def test_who_misses_prices_in_the_middle_of_seconds_has_the_same_volatility(
    skipped: set[int],
) -> None:
    dice = random.Random(3)
    whole, part = Volatility(5.0), Volatility(5.0)
    for number in range(1_000):  # ten a second
        price_e18 = (90_000 + dice.randrange(50)) * E18
        whole.update(price_e18, number * 100)
        if number not in skipped or number % 10 == 9:
            part.update(price_e18, number * 100)
    assert part.sigma_dollars == whole.sigma_dollars is not None


def test_a_silence_does_not_count_as_watching() -> None:
    volatility = Volatility(5.0)
    gaps = WARM_UP_MS // LONGEST_GAP_MS
    walk(volatility, 3.0, gaps, step_ms=60_000)
    assert volatility.sigma_dollars is None


def test_a_price_that_never_moves_has_no_volatility_to_reckon_with() -> None:
    volatility = Volatility(5.0)
    walk(volatility, 0.0, 300)
    assert volatility.sigma_dollars is None


@pytest.mark.parametrize("left_minutes", [-0.001, -15, -60])
@pytest.mark.parametrize("params", [PARAMS, DIFFUSION], ids=["linear", "diffusion"])
def test_there_is_no_model_once_the_windows_time_is_over(
    params: StrategySettings, left_minutes: float
) -> None:
    assert model(snapshot(left_minutes=left_minutes), params, 20.0) is None


def test_the_diffusion_model_ends_with_the_window() -> None:
    assert model(snapshot(left_minutes=0), DIFFUSION, 20.0) is None
