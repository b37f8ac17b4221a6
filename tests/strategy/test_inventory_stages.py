"""Hedging, bootstrap and averaging down, one step to either side of every limit."""

from __future__ import annotations

import pytest
from strategy_builders import PARAMS, bought, inputs, position, snapshot

from actors.messages.position import Holding
from actors.model import Side
from actors.settings import StrategySettings
from actors.strategy.engine import decide
from actors.strategy.position_view import PositionView
from actors.strategy.stages.averaging_down import averaging_down
from actors.strategy.stages.bootstrap import bootstrap
from actors.strategy.stages.hedging import hedging
from actors.units import shares

# Hedging


@pytest.mark.parametrize(("held", "count"), [(10, 0), (10.000_001, 1)])
def test_an_imbalance_of_exactly_the_pad_is_not_hedged(held: float, count: int) -> None:
    market = snapshot(no_ask=(550, 20))
    assert len(hedging(inputs(market, position(yes=(held, 400)))).signals) == count


@pytest.mark.parametrize(("no_ask", "count"), [(579, 1), (580, 0)])
def test_an_ask_of_exactly_the_target_is_too_dear_to_hedge(no_ask: int, count: int) -> None:
    market = snapshot(no_ask=(no_ask, 20))
    assert len(hedging(inputs(market, position(yes=(50, 400)))).signals) == count


@pytest.mark.parametrize(("cost_nanos", "count"), [(1, 1), (0, 0)])
def test_the_average_is_compared_exactly(cost_nanos: int, count: int) -> None:
    # average 400 less one nanodollar over 50 shares: no float could tell it from 400
    heavy = Holding(quantity_units=shares(50), cost_nanos=400 * shares(50) - cost_nanos)
    held = PositionView(yes=heavy)
    assert len(hedging(inputs(snapshot(no_ask=(580, 20)), held)).signals) == count


@pytest.mark.parametrize(
    ("yes", "no", "ask_size", "expected"),
    [
        ((50, 400), (0, 0), 7, 7),
        ((50, 400), (0, 0), 90, 20),
        ((130, 400), (92, 300), 90, 8),
        ((30, 400), (18, 300), 90, 12),
    ],
    ids=["ask size", "max_trade", "room to max_shares", "imbalance"],
)
def test_a_hedge_has_the_least_of_its_four_limits(
    yes: tuple[float, float], no: tuple[float, float], ask_size: float, expected: float
) -> None:
    market = snapshot(no_ask=(550, ask_size))
    verdict = hedging(inputs(market, position(yes=yes, no=no)))
    assert bought(verdict) == [("NO", 550, expected)]


def test_the_light_side_may_be_yes() -> None:
    verdict = hedging(inputs(snapshot(yes_ask=(550, 20)), position(no=(50, 400))))
    assert bought(verdict) == [("YES", 550, 20)]


def test_no_hedge_while_an_order_is_live_on_the_light_side() -> None:
    market = snapshot(no_ask=(550, 20))
    held = position(yes=(50, 400), live=[Side.NO])
    assert not hedging(inputs(market, held)).signals
    held = position(yes=(50, 400), live=[Side.YES])
    assert hedging(inputs(market, held)).signals


def test_no_hedge_when_both_sides_are_at_max_shares() -> None:
    market = snapshot(no_ask=(550, 20))
    verdict = hedging(inputs(market, position(yes=(130, 400), no=(100, 300))))
    assert "both sides are at max_shares" in verdict.reason


def test_no_hedge_when_no_one_sells_the_light_side() -> None:
    assert not hedging(inputs(snapshot(), position(yes=(50, 400)))).signals


# Bootstrap


@pytest.mark.parametrize(
    ("left_minutes", "ask", "count"),
    [
        (5.001, 399, 1),
        (5.001, 400, 0),
        (5, 399, 0),
        (5, 149, 1),
        (5, 150, 0),
        (2.001, 149, 1),
        (2, 149, 0),
        (1, 1, 0),
    ],
)
def test_each_time_zone_has_its_price_limit(left_minutes: float, ask: int, count: int) -> None:
    market = snapshot(yes_ask=(ask, 20), no_ask=(900, 20), left_minutes=left_minutes)
    assert len(bootstrap(inputs(market)).signals) == count


@pytest.mark.parametrize(
    ("left_seconds", "ask", "count"),
    [(101, 399, 1), (100, 399, 0), (100, 149, 1), (41, 149, 1), (40, 149, 0)],
)
def test_the_zones_of_a_five_minute_window_are_a_third(
    left_seconds: float, ask: int, count: int
) -> None:
    market = snapshot(
        yes_ask=(ask, 20), no_ask=(900, 20), left_minutes=left_seconds / 60, window_minutes=5
    )
    assert len(bootstrap(inputs(market)).signals) == count


def test_zone_limits_that_are_set_hold_for_every_window() -> None:
    params = StrategySettings(high_zone_minutes=3.0, kill_zone_minutes=0.5)
    for window_minutes in (5, 15):
        counts = [
            len(
                bootstrap(
                    inputs(
                        snapshot(
                            yes_ask=(ask, 20),
                            no_ask=(900, 20),
                            left_minutes=left_minutes,
                            window_minutes=window_minutes,
                        ),
                        params=params,
                    )
                ).signals
            )
            for left_minutes, ask in [(3.001, 399), (3, 399), (3, 149), (0.5, 149)]
        ]
        assert counts == [1, 0, 1, 0]


@pytest.mark.parametrize(
    ("yes_ask", "no_ask", "expected"),
    [
        ((350, 20), (350, 20), [("YES", 350, 20)]),
        ((350, 20), (340, 9), [("NO", 340, 9)]),
        (None, (340, 20), [("NO", 340, 20)]),
        ((340, 20), None, [("YES", 340, 20)]),
        (None, None, []),
    ],
)
def test_the_cheaper_side_is_begun_with(
    yes_ask: tuple[int, float] | None,
    no_ask: tuple[int, float] | None,
    expected: list[tuple[str, int, float]],
) -> None:
    market = snapshot(yes_ask=yes_ask, no_ask=no_ask)
    assert bought(bootstrap(inputs(market))) == expected


def test_nothing_is_begun_twice() -> None:
    market = snapshot(yes_ask=(350, 20), no_ask=(700, 20))
    assert not bootstrap(inputs(market, position(no=(0.000_001, 400)))).signals
    assert not bootstrap(inputs(market, position(live=[Side.YES]))).signals
    assert bootstrap(inputs(market, position(live=[Side.NO]))).signals


def test_a_first_purchase_has_at_most_max_trade() -> None:
    market = snapshot(yes_ask=(350, 500), no_ask=(700, 20))
    assert bought(bootstrap(inputs(market))) == [("YES", 350, 20)]


# Averaging down


@pytest.mark.parametrize(("ask", "count"), [(399, 1), (400, 0), (401, 0)])
def test_an_ask_of_exactly_the_average_is_not_below_it(ask: int, count: int) -> None:
    market = snapshot(yes_ask=(ask, 20))
    verdict = averaging_down(inputs(market, position(yes=(5, 400))))
    assert len(verdict.signals) == count


@pytest.mark.parametrize(("ask", "count"), [(200, 1), (199, 0)])
def test_an_ask_of_exactly_the_floor_is_still_bought(ask: int, count: int) -> None:
    market = snapshot(yes_ask=(ask, 20))
    verdict = averaging_down(inputs(market, position(yes=(5, 400))))
    assert len(verdict.signals) == count


def test_below_the_floor_the_other_side_is_not_averaged_either() -> None:
    market = snapshot(yes_ask=(199, 20), no_ask=(300, 20))
    held = position(yes=(5, 400), no=(5, 400))
    assert not averaging_down(inputs(market, held)).signals


@pytest.mark.parametrize(
    ("yes", "no", "ask_size", "expected"),
    [((5, 400), (20, 300), 7, 7), ((5, 400), (30, 300), 90, 20), ((12, 400), (8, 300), 90, 6)],
    ids=["ask size", "max_trade", "balance"],
)
def test_more_of_a_side_has_the_least_of_its_three_limits(
    yes: tuple[float, float], no: tuple[float, float], ask_size: float, expected: float
) -> None:
    market = snapshot(yes_ask=(350, ask_size), no_ask=(900, 20))
    verdict = averaging_down(inputs(market, position(yes=yes, no=no)))
    assert bought(verdict) == [("YES", 350, expected)]


@pytest.mark.parametrize("held_shares", [10, 11])
def test_nothing_is_averaged_beyond_the_balance_pad(held_shares: float) -> None:
    market = snapshot(yes_ask=(350, 20))
    verdict = averaging_down(inputs(market, position(yes=(held_shares, 400))))
    assert verdict.signals == ()
    assert "beyond the balance pad" in verdict.reason


def test_yes_is_looked_at_first_and_no_if_yes_gives_nothing() -> None:
    market = snapshot(yes_ask=(350, 20), no_ask=(350, 20))
    held = position(yes=(5, 400), no=(5, 400))
    assert bought(averaging_down(inputs(market, held))) == [("YES", 350, 10)]
    busy = position(yes=(5, 400), no=(5, 400), live=[Side.YES])
    assert bought(averaging_down(inputs(market, busy))) == [("NO", 350, 10)]


@pytest.mark.parametrize(
    ("yes", "no"), [((100, 400), (99, 300)), ((99, 400), (100, 300))], ids=["YES", "NO"]
)
def test_nothing_is_averaged_with_a_side_at_max_shares(
    yes: tuple[float, float], no: tuple[float, float]
) -> None:
    market = snapshot(yes_ask=(350, 20), no_ask=(250, 20))
    assert not averaging_down(inputs(market, position(yes=yes, no=no))).signals
    below = position(yes=(99, 400), no=(99, 300))
    assert averaging_down(inputs(market, below)).signals


def test_nothing_is_averaged_without_a_holding() -> None:
    market = snapshot(yes_ask=(350, 20), no_ask=(350, 20))
    assert not averaging_down(inputs(market)).signals


# Their order


def test_hedging_comes_before_averaging_down() -> None:
    # NO is both the light side and below its own average
    market = snapshot(no_ask=(300, 20), yes_ask=(710, 20), yes_bid=(300, 9))
    decision = decide(market, position(yes=(25, 600), no=(5, 500)), PARAMS)
    assert [signal.reason.partition(":")[0] for signal in decision.signals] == ["hedging"]


def test_what_the_oracle_drops_is_not_replaced_by_a_later_stage() -> None:
    market = snapshot(no_ask=(300, 20), yes_ask=(599, 20), yes_bid=(300, 9), ahead_dollars=20_000)
    both = position(yes=(25, 600), no=(5, 500))
    decision = decide(market, both, PARAMS)
    assert decision.signals == ()
    assert decision.passed_over[-1].startswith("oracle: model")


def test_hedging_passes_over_to_averaging_down_when_too_dear() -> None:
    market = snapshot(no_ask=(450, 20), yes_ask=(560, 20), yes_bid=(300, 9))
    decision = decide(market, position(yes=(25, 600), no=(5, 500)), PARAMS)
    assert [signal.reason.partition(":")[0] for signal in decision.signals] == ["averaging down"]
