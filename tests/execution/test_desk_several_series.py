"""One desk that holds the windows of several series, of one account."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from desk_stage import Desk, bids, refusals
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from order_builders import MARKET, T0, position, sent, signal, signals, stop_loss
from several_series import several

from actors.core import Effects
from actors.messages.directory import MarketClosing, MarketOpened
from actors.messages.execution import CancelRequested, OpenOrders
from actors.messages.halts import (
    OPERATOR,
    CancelEverything,
    FlattenHoldings,
    GetHalts,
    HaltStatus,
    HaltTrading,
    ResumeTrading,
)
from actors.messages.lifecycle import PeerRestarted, TimerFired
from actors.messages.market import SnapshotWanted
from actors.messages.position import Holding, PositionSnapshot
from actors.model import Market, Side
from actors.roles import EXECUTOR, REPLY
from actors.settings import ExecutionSettings, RiskSettings, Settings
from actors.units import NANOS_PER_DOLLAR, shares

START_S = T0 // 1000
BTC = attrs.evolve(MARKET, slug=f"btc-updown-15m-{START_S}")
ETH = attrs.evolve(
    MARKET,
    market_id="0xeth",
    slug=f"eth-updown-5m-{START_S}",
    yes_token="eth-yes",
    no_token="eth-no",
)
SOL = attrs.evolve(
    MARKET,
    market_id="0xsol",
    slug=f"sol-updown-5m-{START_S}",
    yes_token="sol-yes",
    no_token="sol-no",
)
BTC_STRATEGY, ETH_STRATEGY = "strategy/btc-15m", "strategy/eth-5m"
ROUND = TimerFired("round")


class WideDesk(Desk):
    """A desk of an account that trades BTC and ETH, and SOL if asked."""

    def __init__(self, *markets: Market, risk: RiskSettings | None = None, **changed: Any) -> None:
        names = [market.series for market in markets]
        base = Settings(risk=risk or RiskSettings(), execution=ExecutionSettings(**changed))
        super().__init__()
        self.settings = several(*names, base=base)
        self.restart()
        for market in markets:
            self.feed(MarketOpened(market=market, strike=None))
            self.feed(at(market, 1))


def at(market: Market, version: int, **changes: Any) -> PositionSnapshot:
    return attrs.evolve(position(version), market_id=market.market_id, **changes)


def wants(market: Market, *each: Any, **changes: Any) -> Any:
    return signals(*(each or (signal(Side.YES),)), market_id=market.market_id, **changes)


def both(**changed: Any) -> WideDesk:
    return WideDesk(BTC, ETH, **changed)


def excess(market: Market, version: int = 2) -> PositionSnapshot:
    held = Holding(quantity_units=shares(20), cost_nanos=8 * NANOS_PER_DOLLAR)
    return at(market, version, yes=held)


def cancelled(effects: Effects) -> set[str]:
    return {each.order_id for each in sent(effects, CancelRequested)}


def status(desk: Desk) -> HaltStatus:
    (answer,) = sent(desk.feed(GetHalts(1)), HaltStatus, REPLY)
    assert isinstance(answer, HaltStatus)
    return answer


def test_each_series_trades_its_own_window_with_its_own_numbering() -> None:
    desk = both()
    assert refusals(desk.feed(wants(BTC, signals_id=900, at_ms=T0))) == []
    assert refusals(desk.feed(wants(ETH, signals_id=5, at_ms=T0 - 50))) == []
    assert "already" in refusals(desk.feed(wants(ETH, signals_id=5, at_ms=T0 - 50)))[0]


def test_what_was_carried_out_in_each_series_survives_a_restart() -> None:
    desk = both()
    desk.feed(wants(ETH, signals_id=5))
    desk.restart()
    for market in (BTC, ETH):
        desk.feed(MarketOpened(market=market, strike=None))
        desk.feed(at(market, 1))
    assert "already" in refusals(desk.feed(wants(ETH, signals_id=5)))[0]
    assert refusals(desk.feed(wants(BTC, signals_id=5))) == []


def test_a_strategy_is_told_of_its_own_series_only() -> None:
    effects = both().feed(wants(ETH))
    assert {each.market_id for each in sent(effects, OpenOrders, ETH_STRATEGY)} == {"0xeth"}
    assert sent(effects, OpenOrders, BTC_STRATEGY) == []


def test_a_window_that_closes_stops_its_series_only() -> None:
    desk = both()
    desk.feed(MarketClosing(ETH.market_id))
    assert "is over" in refusals(desk.feed(wants(ETH)))[0]
    assert refusals(desk.feed(wants(BTC))) == []


def test_the_next_window_of_one_series_leaves_the_others_position_known() -> None:
    desk = both()
    later = attrs.evolve(
        ETH, market_id="0xeth2", slug=f"eth-updown-5m-{START_S + 300}",
        closes_at_ms=ETH.closes_at_ms + 300_000,
    )  # fmt: skip
    desk.feed(MarketOpened(market=later, strike=None))
    assert refusals(desk.feed(wants(BTC))) == []


def test_signals_for_a_window_that_is_not_open_are_answered_to_who_sent_them() -> None:
    desk = both()
    effects = desk.feed(wants(SOL, signals_id=77))
    assert "no open window" in refusals(effects)[0]
    (answer,) = sent(effects, OpenOrders, REPLY)
    assert answer.answers_signals_id == 77
    assert sent(effects, OpenOrders, BTC_STRATEGY) == sent(effects, OpenOrders, ETH_STRATEGY) == []


def test_a_new_strategy_is_told_its_own_window() -> None:
    desk = both()
    told = desk.feed(PeerRestarted(ETH_STRATEGY))
    assert [each.market_id for each in sent(told, OpenOrders)] == ["0xeth"]


def test_a_halt_of_one_series_cancels_and_stops_that_series_only() -> None:
    desk = both(mode="live")
    desk.feed(wants(BTC))
    (order,) = desk.accept(signal(Side.YES), market_id=ETH.market_id)
    halt = HaltTrading("odd prices", cancel=True, who=OPERATOR, series="eth-5m")
    effects = desk.feed(halt)
    assert cancelled(effects) == {order.order_id}
    assert sent(effects, CancelEverything, EXECUTOR) == []
    assert "halted" in refusals(desk.feed(wants(ETH, signal(Side.NO))))[0]
    assert refusals(desk.feed(wants(BTC, signal(Side.NO), signals_id=9))) == []


def test_a_halt_without_a_series_stops_everything_and_resume_of_one_does_not_lift_it() -> None:
    desk = both()
    desk.feed(HaltTrading("enough", cancel=False, who=OPERATOR))
    desk.feed(HaltTrading("odd", cancel=False, who=OPERATOR, series="eth-5m"))
    desk.feed(ResumeTrading(who=OPERATOR, reason="", series="eth-5m"))
    assert [halt.series for halt in status(desk).halts] == [""]
    assert refusals(desk.feed(wants(BTC)))
    desk.feed(ResumeTrading(who=OPERATOR, reason=""))
    assert refusals(desk.feed(wants(BTC))) == []
    assert refusals(desk.feed(wants(ETH))) == []


def test_flattening_one_series_sells_that_one_only() -> None:
    desk = both()
    for market in (BTC, ETH):
        desk.feed(excess(market))
    effects = desk.feed(FlattenHoldings(who=OPERATOR, reason="enough", series="eth-5m"))
    assert sent(effects, SnapshotWanted) == sent(effects, SnapshotWanted, "market-state/eth-5m")
    assert len(sent(effects, SnapshotWanted)) == 1
    sold = desk.feed(replace(bids(), market=ETH))
    assert [each.market_id for each in sent(sold, OpenOrders, ETH_STRATEGY)] == ["0xeth"]
    assert desk.feed(replace(bids(), market=BTC)) == []


def test_flattening_everything_is_flat_when_every_window_is() -> None:
    desk = both()
    desk.feed(excess(ETH))
    desk.feed(FlattenHoldings(who=OPERATOR, reason="enough"))
    assert [each.series for each in status(desk).excesses] == ["eth-5m"]
    assert not status(desk).is_flat
    desk.feed(at(ETH, 3))
    assert status(desk).is_flat


def test_a_stop_loss_stops_its_own_window() -> None:
    desk = both()
    desk.feed(attrs.evolve(stop_loss("halt"), market_id=ETH.market_id))
    assert "stopped" in refusals(desk.feed(wants(ETH)))[0]
    assert refusals(desk.feed(wants(BTC))) == []


@pytest.mark.parametrize(
    ("limit", "value", "held", "halted"),
    [
        ("max_window_dollars", 5, 5, "eth-5m"),
        ("max_account_dollars", 8, 0, ""),
    ],
)
def test_a_limit_that_halts_does_so_where_it_holds(
    limit: str, value: int, held: int, halted: str
) -> None:
    limits: dict[str, Any] = {limit: value, "halt_on": (limit,)}
    desk = both(risk=RiskSettings(**limits))
    holding = Holding(quantity_units=shares(10), cost_nanos=held * NANOS_PER_DOLLAR)
    desk.feed(at(ETH, 2, yes=holding))
    if not halted:
        assert refusals(desk.feed(wants(BTC, signal(Side.YES, 450)))) == []
    assert refusals(desk.feed(wants(ETH, signal(Side.NO, 450), position_version=2)))
    assert [halt.series for halt in status(desk).halts] == [halted]


@given(
    st.lists(
        st.tuples(
            st.sampled_from((BTC, ETH, SOL)),
            st.sampled_from(Side),
            st.integers(10, 90).map(lambda tens: 10 * tens),
            st.integers(5, 20),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_no_two_series_ever_spend_the_same_dollar(wishes: list[tuple[Any, ...]]) -> None:
    most_dollars = 12
    risk = RiskSettings(max_account_dollars=most_dollars)
    desk = WideDesk(BTC, ETH, SOL, risk=risk, max_open_orders=50)
    spent_nanos = 0
    for number, (market, side, price_ticks, size) in enumerate(wishes, 1):
        wish = wants(market, signal(side, price_ticks, size), signals_id=number)
        if not refusals(desk.feed(wish)):
            spent_nanos += price_ticks * shares(size)
        assert spent_nanos <= most_dollars * NANOS_PER_DOLLAR


def test_a_stopped_window_stays_so_although_another_series_is_told_first_after_a_restart() -> None:
    desk = both()
    desk.feed(attrs.evolve(stop_loss("halt"), market_id=ETH.market_id))
    desk.restart()
    for market in (BTC, ETH):
        desk.feed(MarketOpened(market=market, strike=None))
        desk.feed(at(market, 1))
        desk.feed(wants(BTC, signals_id=market.fee_rate_bps))
    assert "stopped" in refusals(desk.feed(wants(ETH)))[0]
