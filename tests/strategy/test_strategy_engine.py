from __future__ import annotations

import pytest
from msgspec.structs import replace
from strategy_builders import FLAT, FREE, PARAMS, make_market, position, snapshot

from actors.messages.strategy import StopLossTriggered, TradeSignal
from actors.model import Action, Side
from actors.settings import StrategySettings
from actors.strategy.engine import decide, evaluate_strategy
from actors.strategy.saying import basis_text
from actors.units import shares

# The plan's worked cases, in its order.


def test_worked_case_a_cheap_pair_gives_two_signals_of_the_same_size() -> None:
    market = snapshot(yes_ask=(450, 10), no_ask=(500, 10))
    signals = evaluate_strategy(market, FLAT, FREE)
    assert signals is not None
    assert [summary(signal) for signal in signals] == [
        (Side.YES, 450, shares(10), 0),
        (Side.NO, 500, shares(10), 0),
    ]
    assert all(signal.action is Action.BUY for signal in signals)


def test_worked_case_a_cheap_first_side_is_bought() -> None:
    market = snapshot(yes_ask=(350, 20), no_ask=(700, 20), left_minutes=6)
    assert only_signal(market, FLAT) == (Side.YES, 350, shares(20), 2)


def test_worked_case_nothing_is_begun_in_the_kill_zone() -> None:
    market = snapshot(yes_ask=(350, 20), no_ask=(700, 20), left_minutes=1)
    assert evaluate_strategy(market, FLAT, PARAMS) is None


def test_worked_case_the_light_side_is_hedged() -> None:
    market = snapshot(yes_ask=(450, 20), yes_bid=(440, 20), no_ask=(550, 20))
    assert only_signal(market, position(yes=(50, 400))) == (Side.NO, 550, shares(20), 2)


def test_worked_case_a_won_window_is_left_alone() -> None:
    market = snapshot(yes_ask=(450, 10), no_ask=(500, 10))
    decision = decide(market, position(yes=(50, 400), no=(50, 500)), FREE)
    assert decision.signals == ()
    assert decision.passed_over == (
        "profit lock: $5.00 is locked in, whichever side wins",  # 5,000 ticks x shares
    )


def test_worked_case_a_fallen_one_sided_holding_reaches_the_stop_loss() -> None:
    market = snapshot(yes_bid=(200, 30), yes_ask=(210, 30), no_ask=(550, 20))
    held = position(yes=(50, 400))
    assert evaluate_strategy(market, held, PARAMS) is None
    assert decide(market, held, PARAMS).stop_loss == StopLossTriggered(
        market_id="0xmarket",
        side=Side.YES,
        best_bid_ticks=200,
        held_units=shares(50),
        on_stop_loss="halt",
        position_version=3,
        tick_ns=77,
    )


def test_worked_case_a_reference_far_below_the_strike_drops_yes_buys() -> None:
    market = snapshot(yes_ask=(350, 20), no_ask=(700, 20), left_minutes=10, ahead_dollars=-10_000)
    decision = decide(market, FLAT, PARAMS)
    assert decision.signals == ()
    assert "model 0.38 < oracle_block_yes 0.40" in decision.passed_over[-1]


# What holds whatever the stage.


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize(
    "change",
    [{"is_synced": False}, {"updated_at_ms": 0}, {"bids": ((450, shares(5)),)}],
    ids=["not synced", "old", "crossed"],
)
def test_nothing_is_decided_unless_both_books_are_sound(
    side: Side, change: dict[str, object]
) -> None:
    market = snapshot(yes_ask=(450, 10), no_ask=(450, 10))
    assert evaluate_strategy(market, FLAT, FREE) is not None
    field = side.value.lower()
    unsound = replace(market, **{field: replace(market.book(side), **change)})
    decision = decide(unsound, FLAT, FREE)
    assert decision.signals == ()
    assert decision.passed_over[0].startswith(f"readiness: the {side.value} book is ")


def test_a_stopped_window_gives_nothing_even_below_the_stop_loss() -> None:
    market = snapshot(yes_bid=(100, 30), yes_ask=(110, 30), no_ask=(900, 20))
    stopped = replace(position(yes=(50, 400)), is_stopped=True)
    decision = decide(market, stopped, PARAMS)
    assert decision.signals == ()
    assert decision.stop_loss is None


@pytest.mark.parametrize("left_minutes", [0, -1])
def test_a_window_whose_time_is_over_gives_nothing(left_minutes: float) -> None:
    market = snapshot(yes_ask=(300, 20), no_ask=(300, 20), left_minutes=left_minutes)
    assert evaluate_strategy(market, FLAT, FREE) is None


def test_every_stage_that_gave_nothing_says_why() -> None:
    market = snapshot(yes_ask=(500, 20), yes_bid=(490, 20), no_ask=(510, 20), no_bid=(500, 20))
    decision = decide(market, position(yes=(5, 450)), PARAMS)
    assert [reason.partition(":")[0] for reason in decision.passed_over] == [
        "profit lock",
        "stop loss",
        "arbitrage",
        "hedging",
        "bootstrap",
        "averaging down",
    ]


def test_a_signal_says_the_numbers_that_decided_it() -> None:
    market = snapshot(yes_ask=(350, 20), no_ask=(700, 20), left_minutes=6)
    (signal,) = decide(market, FLAT, PARAMS).signals
    for number in ("0.35", "bootstrap_high 0.40", "6.00 minutes", "size 20", "model 0.50"):
        assert number in signal.reason


def test_the_basis_shows_books_holdings_and_reference_in_one_line() -> None:
    market = snapshot(yes_bid=(440, 10), yes_ask=(450, 2.5), left_minutes=6, ahead_dollars=12.5)
    text = basis_text(market, position(yes=(50, 400), live=[Side.NO]))
    assert text == (
        "YES bid 0.44 x 10, ask 0.45 x 2.5, held 50 at 0.4000; "
        "NO bid none, ask none, held 0, order live; "
        "reference 100012.50, strike 100000.00 (tick); 360.0 s left"
    )


# Minimum size and notional.


def test_a_signal_below_the_minimum_size_is_dropped_with_its_reason() -> None:
    market = snapshot(yes_ask=(350, 4.99), no_ask=(700, 20), left_minutes=6)
    decision = decide(market, FLAT, PARAMS)
    assert decision.signals == ()
    assert any("4.99 shares, the market's minimum is 5" in why for why in decision.passed_over)


def test_a_signal_of_exactly_the_minimum_size_is_kept() -> None:
    market = snapshot(yes_ask=(350, 5), no_ask=(700, 20), left_minutes=6)
    assert only_signal(market, FLAT) == (Side.YES, 350, shares(5), 2)


def test_a_signal_below_the_minimum_notional_is_dropped_with_its_reason() -> None:
    market = snapshot(yes_ask=(199, 5), no_ask=(850, 20), left_minutes=6)
    decision = decide(market, FLAT, PARAMS)
    assert decision.signals == ()
    assert any("$0.995, the market's minimum is $1" in why for why in decision.passed_over)


def test_a_signal_of_exactly_the_minimum_notional_is_kept() -> None:
    market = snapshot(yes_ask=(200, 5), no_ask=(850, 20), left_minutes=6)
    assert only_signal(market, FLAT) == (Side.YES, 200, shares(5), 2)


def test_a_pair_with_one_leg_too_small_is_dropped_whole() -> None:
    market = snapshot(yes_ask=(150, 5), no_ask=(450, 20), left_minutes=10, ahead_dollars=-20_000)
    decision = decide(market, FLAT, FREE)
    assert decision.signals == ()
    assert "but the YES order is too small: $0.75" in decision.passed_over[2]


def test_a_pair_too_small_to_place_does_not_keep_a_holding_from_being_hedged() -> None:
    market = snapshot(yes_ask=(400, 1), yes_bid=(390, 9), no_ask=(550, 20))
    assert only_signal(market, position(yes=(50, 400)), FREE) == (Side.NO, 550, shares(20), 2)


def test_sizes_are_rounded_down_to_hundredths_of_a_share() -> None:
    market = snapshot(yes_ask=(350, 7.129_999), no_ask=(700, 20), left_minutes=6)
    assert only_signal(market, FLAT) == (Side.YES, 350, 7_120_000, 2)


def test_a_size_finer_than_the_venue_can_express_gives_nothing() -> None:
    tiny = make_market(minimum_size_units=0, minimum_notional_nanos=0)
    market = snapshot(yes_ask=(350, 0.009_999), no_ask=(700, 20), left_minutes=6, market=tiny)
    assert evaluate_strategy(market, FLAT, PARAMS) is None


def summary(signal: TradeSignal) -> tuple[Side, int, int, int]:
    return signal.side, signal.price_ticks, signal.size_units, signal.priority


def only_signal(
    market: object, held: object, params: StrategySettings = PARAMS
) -> tuple[Side, int, int, int]:
    signals = evaluate_strategy(market, held, params)  # type: ignore[arg-type] # test shorthand
    assert signals is not None
    (signal,) = signals
    return summary(signal)
