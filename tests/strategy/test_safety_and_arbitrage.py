"""Readiness, safety stages and arbitrage, one step to either side of every limit."""

from __future__ import annotations

import pytest
from strategy_builders import FLAT, FREE, bought, inputs, make_market, position, snapshot

from actors.model import Side
from actors.settings import StrategySettings
from actors.strategy.engine import decide
from actors.strategy.position_view import PositionView
from actors.strategy.stages.arbitrage import arbitrage
from actors.strategy.stages.profit_lock import profit_lock
from actors.strategy.stages.readiness import readiness
from actors.strategy.stages.stop_loss import stop_loss

# Readiness


@pytest.mark.parametrize(("age_ms", "is_final"), [(1_999, False), (2_000, False), (2_001, True)])
def test_a_book_may_be_as_old_as_its_limit(age_ms: int, is_final: bool) -> None:
    market = snapshot(yes_ask=(450, 10), no_ask=(500, 10), book_age_ms=age_ms)
    assert readiness(inputs(market)).is_final is is_final


@pytest.mark.parametrize(("bid", "is_final"), [(449, False), (450, True), (451, True)])
def test_a_bid_at_the_ask_is_a_crossed_book(bid: int, is_final: bool) -> None:
    market = snapshot(yes_bid=(bid, 10), yes_ask=(450, 10), no_ask=(560, 10))
    assert readiness(inputs(market)).is_final is is_final


# Profit lock


@pytest.mark.parametrize(
    ("fees_nanos", "is_locked"), [(5_000_000_000, False), (4_999_999_999, True)]
)
def test_a_profit_of_exactly_nothing_locks_nothing(fees_nanos: int, is_locked: bool) -> None:
    held = position(yes=(50, 400), no=(50, 500), fees_nanos=fees_nanos)
    assert profit_lock(inputs(snapshot(), held)).is_final is is_locked


@pytest.mark.parametrize(
    ("no_bid", "is_locked"),
    [(None, False), ((250, 1), False), ((251, 1), True)],
    ids=["no bid counts 0", "bid 250 brings it to 0", "bid 251 above"],
)
def test_the_excess_counts_at_its_best_bid(
    no_bid: tuple[int, float] | None, is_locked: bool
) -> None:
    # 10 pairs pay 10,000; cost 5,000 + 10,000; 20 NO in excess at 250 bring 5,000
    held = position(yes=(10, 500), no=(30, 10_000 / 30))
    assert profit_lock(inputs(snapshot(no_bid=no_bid), held)).is_final is is_locked


def test_a_one_sided_holding_locks_no_profit_however_cheap() -> None:
    held = position(yes=(50, 1))
    assert not profit_lock(inputs(snapshot(yes_bid=(900, 50)), held)).is_final


# Stop loss


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize(("bid", "is_reached"), [((250, 5), False), ((249, 5), True), (None, True)])
def test_the_stop_loss_is_reached_below_its_price_and_without_a_bid(
    side: Side, bid: tuple[int, float] | None, is_reached: bool
) -> None:
    if side is Side.YES:
        market, held = snapshot(yes_bid=bid), position(yes=(1, 400))
    else:
        market, held = snapshot(no_bid=bid), position(no=(1, 400))
    verdict = stop_loss(inputs(market, held))
    assert (verdict.stop_loss is not None) is is_reached
    assert verdict.is_final is is_reached
    if verdict.stop_loss is not None:
        assert verdict.stop_loss.side is side
        assert verdict.stop_loss.best_bid_ticks == (bid[0] if bid else 0)


@pytest.mark.parametrize("held", [FLAT, position(yes=(50, 400), no=(1, 400))])
def test_the_stop_loss_looks_only_at_one_sided_holdings(held: PositionView) -> None:
    assert stop_loss(inputs(snapshot(), held)).stop_loss is None


def test_the_stop_loss_tells_what_is_to_become_of_the_position() -> None:
    params = StrategySettings(on_stop_loss="exit")
    verdict = stop_loss(inputs(snapshot(), position(yes=(1, 400)), params))
    assert verdict.stop_loss is not None
    assert verdict.stop_loss.on_stop_loss == "exit"


# Arbitrage


@pytest.mark.parametrize(("no_ask", "count"), [(549, 2), (550, 0), (551, 0)])
def test_a_pair_that_costs_exactly_its_payout_is_not_bought(no_ask: int, count: int) -> None:
    market = snapshot(yes_ask=(450, 10), no_ask=(no_ask, 10))
    assert len(arbitrage(inputs(market, params=FREE)).signals) == count


def test_with_fees_a_pair_at_the_middle_must_cost_less_than_965() -> None:
    # 482 + 483 and 17.48 + 17.48 of fees come to 999.96; one tick more is too dear
    assert arbitrage(inputs(snapshot(yes_ask=(482, 10), no_ask=(483, 10)))).signals
    assert not arbitrage(inputs(snapshot(yes_ask=(483, 10), no_ask=(483, 10)))).signals


@pytest.mark.parametrize(("fee_rate_bps", "count"), [(18_749, 2), (18_750, 0)])
def test_fees_that_bring_a_pair_to_exactly_1000_leave_nothing(
    fee_rate_bps: int, count: int
) -> None:
    # two legs at 200: 400 + 2 x 1.875 x 160 = 1000
    market = make_market(fee_rate_bps=fee_rate_bps)
    dear = snapshot(yes_ask=(200, 10), no_ask=(200, 10), market=market)
    assert len(arbitrage(inputs(dear)).signals) == count


@pytest.mark.parametrize("live", [[Side.YES], [Side.NO], list(Side)])
def test_no_pair_is_bought_while_an_order_is_live(live: list[Side]) -> None:
    market = snapshot(yes_ask=(450, 10), no_ask=(500, 10))
    assert not arbitrage(inputs(market, position(live=live), FREE)).signals


def test_no_pair_is_bought_when_both_sides_are_held() -> None:
    market = snapshot(yes_ask=(450, 10), no_ask=(500, 10))
    both = position(yes=(1, 900), no=(1, 900))
    assert not arbitrage(inputs(market, both, FREE)).signals
    assert arbitrage(inputs(market, position(yes=(1, 900)), FREE)).signals


@pytest.mark.parametrize(
    ("yes_size", "no_size", "expected"), [(8, 30, 8), (30, 9, 9), (30, 40, 20)]
)
def test_both_legs_have_the_least_of_both_sizes_and_max_trade(
    yes_size: float, no_size: float, expected: float
) -> None:
    market = snapshot(yes_ask=(450, yes_size), no_ask=(500, no_size))
    assert bought(arbitrage(inputs(market, params=FREE))) == [
        ("YES", 450, expected),
        ("NO", 500, expected),
    ]


@pytest.mark.parametrize("missing", ["yes_ask", "no_ask"])
def test_a_pair_needs_both_asks(missing: str) -> None:
    quotes = {"yes_ask": (10, 10), "no_ask": (10, 10)}
    del quotes[missing]
    assert not arbitrage(inputs(snapshot(**quotes), params=FREE)).signals  # type: ignore[arg-type] # quotes only


def test_an_arbitrage_is_not_shown_to_the_oracle() -> None:
    market = snapshot(yes_ask=(450, 10), no_ask=(500, 10), ahead_dollars=-90_000)
    assert len(decide(market, FLAT, FREE).signals) == 2
