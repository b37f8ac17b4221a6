from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from strategy_builders import book, make_market, snapshot

from actors.messages.market import MarketSnapshot
from actors.messages.position import Holding
from actors.model import Side
from actors.settings import StrategySettings
from actors.strategy.engine import decide, evaluate_strategy
from actors.strategy.position_view import PositionView
from actors.units import PAYOUT_TICKS, shares

quotes = st.none() | st.tuples(
    st.integers(1, 999), st.integers(1, 200_000_000).map(lambda units: units / 1_000_000)
)
holdings = st.just(Holding()) | st.builds(
    Holding,
    quantity_units=st.integers(1, shares(130)),
    cost_nanos=st.integers(0, 130_000_000_000),
)
positions = st.builds(
    PositionView,
    yes=holdings,
    no=holdings,
    fees_nanos=st.integers(0, 3_000_000_000),
    live_sides=st.frozensets(st.sampled_from(Side)),
    position_version=st.integers(0, 99),
    is_stopped=st.booleans(),
)
params = st.builds(
    StrategySettings,
    arbitrage_fees=st.booleans(),
    oracle=st.sampled_from(["linear", "diffusion"]),
    max_trade_shares=st.sampled_from([1, 5, 20, 60]),
)


@st.composite
def snapshots(draw: st.DrawFn) -> MarketSnapshot:
    made = snapshot(
        left_minutes=draw(st.floats(-1, 15)),
        market=make_market(minimum_notional_nanos=draw(st.sampled_from([0, 1_000_000_000]))),
        ahead_dollars=draw(st.sampled_from([-20_000, -40, 0, 40, 20_000])),
    )
    at_ms = made.taken_at_ms - draw(st.sampled_from([0, 0, 0, 1_500, 2_001]))
    views = {
        side.value.lower(): book(
            bid=draw(quotes), ask=draw(quotes), at_ms=at_ms, is_synced=draw(st.booleans())
        )
        for side in Side
    }
    if draw(st.booleans()):  # most random books are crossed; see to it that many are sound
        views = {
            name: replace(
                view,
                is_synced=True,
                bids=tuple(bid for bid in view.bids if not view.is_crossed),
            )
            for name, view in views.items()
        }
    strike = draw(st.sampled_from([made.strike, None]))
    return replace(made, strike=strike, **views)


inputs = (snapshots(), positions, params, st.none() | st.floats(0.01, 500))


@given(*inputs)
def test_nothing_is_ever_signalled_on_an_unsound_book_or_a_stopped_window(
    market: MarketSnapshot, held: PositionView, chosen: StrategySettings, sigma: float | None
) -> None:
    signals = evaluate_strategy(market, held, chosen, sigma)
    if signals is None:
        return
    assert signals
    assert not held.is_stopped
    assert market.market.closes_at_ms > market.taken_at_ms
    for view in (market.yes, market.no):
        assert view.is_synced
        assert not view.is_crossed
        assert market.taken_at_ms - view.updated_at_ms <= chosen.max_book_age_ms


@given(*inputs)
def test_every_signal_buys_a_free_side_at_its_best_ask_within_all_limits(
    market: MarketSnapshot, held: PositionView, chosen: StrategySettings, sigma: float | None
) -> None:
    for signal in evaluate_strategy(market, held, chosen, sigma) or ():
        view = market.book(signal.side)
        assert signal.price_ticks == view.best_ask_ticks
        assert 0 < signal.size_units <= view.best_ask_units
        assert signal.size_units <= shares(chosen.max_trade_shares)
        assert signal.size_units % 10_000 == 0
        assert signal.size_units >= market.market.minimum_size_units
        assert signal.price_ticks * signal.size_units >= market.market.minimum_notional_nanos
        assert signal.side not in held.live_sides
        assert signal.reason


@given(*inputs)
def test_a_pair_has_two_equal_legs_that_cost_less_than_they_pay(
    market: MarketSnapshot, held: PositionView, chosen: StrategySettings, sigma: float | None
) -> None:
    signals = evaluate_strategy(market, held, chosen, sigma) or ()
    if len(signals) < 2:
        assert all(signal.priority == 2 for signal in signals)
        return
    yes, no = signals
    assert (yes.side, no.side) == (Side.YES, Side.NO)
    assert yes.size_units == no.size_units
    assert yes.priority == no.priority == 0
    assert yes.price_ticks + no.price_ticks < PAYOUT_TICKS
    assert not (held.yes.quantity_units and held.no.quantity_units)


@given(*inputs)
def test_hedging_never_builds_a_side_beyond_max_shares_or_past_balance(
    market: MarketSnapshot, held: PositionView, chosen: StrategySettings, sigma: float | None
) -> None:
    for signal in evaluate_strategy(market, held, chosen, sigma) or ():
        if signal.reason.startswith("hedging"):
            after = held.quantity_units(signal.side) + signal.size_units
            assert after <= shares(chosen.max_shares)
            assert after <= held.quantity_units(signal.side.other)


@given(*inputs)
def test_averaging_down_keeps_within_the_balance_pad(
    market: MarketSnapshot, held: PositionView, chosen: StrategySettings, sigma: float | None
) -> None:
    for signal in evaluate_strategy(market, held, chosen, sigma) or ():
        if signal.reason.startswith("averaging down"):
            other = held.quantity_units(signal.side.other)
            after = held.quantity_units(signal.side) + signal.size_units
            assert after <= other + shares(chosen.balance_pad_shares)
            assert signal.price_ticks >= chosen.floor_ticks


@given(*inputs)
def test_the_same_inputs_give_the_same_decision_and_a_stop_loss_no_signal(
    market: MarketSnapshot, held: PositionView, chosen: StrategySettings, sigma: float | None
) -> None:
    first = decide(market, held, chosen, sigma)
    assert decide(market, held, chosen, sigma) == first
    assert first.signals or first.passed_over
    if first.stop_loss is not None:
        assert not first.signals
