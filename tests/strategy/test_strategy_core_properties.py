"""Whatever the strategy is told in whatever order: it is paced, current, and always answers."""

from __future__ import annotations

import random
from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st
from nouns import a_position
from strategy_builders import make_market, snapshot

from actors.core import Effects, Send
from actors.messages.execution import OpenOrders
from actors.messages.lifecycle import PeerRestarted, Started, TimerFired
from actors.messages.market import MarketSnapshot, SnapshotTaken
from actors.messages.position import Holding, PositionSnapshot
from actors.messages.strategy import StopLossTriggered, TradeSignals
from actors.model import Side
from actors.roles import DESK, MARKET_STATE
from actors.settings import Settings
from actors.strategy.core import ANSWER_WAIT_MS, StrategyCore
from actors.units import shares

MARKETS = [make_market(), attrs.evolve(make_market(), market_id="0xnext")]
START_MS = MARKETS[0].opens_at_ms + 60_000

market_numbers = st.sampled_from([0, 0, 0, 1])
actions = st.one_of(
    st.tuples(st.just("snapshot"), market_numbers, st.sampled_from([340, 350, 500])),
    st.tuples(st.just("snapshot"), market_numbers, st.sampled_from([340, 350, 500])),
    st.tuples(st.just("position"), market_numbers, st.integers(0, 9), st.sampled_from([0, 0, 50])),
    st.tuples(
        st.just("orders"),
        market_numbers,
        st.sampled_from([(), (Side.YES,), (Side.NO,)]),
        st.booleans(),
        st.sampled_from([False, False, False, True]),
    ),
    st.tuples(st.just("timer"), st.sampled_from(["answer", "stop-loss"])),
    st.tuples(st.just("desk restarts")),
    st.tuples(st.just("wait"), st.integers(1, 700)),
)


class World:
    """A strategy, and what it could know from what it was told."""

    def __init__(self) -> None:
        self.now_ms = START_MS
        self.core = StrategyCore("strategy", Settings(), random.Random(1))
        self.core.handle(Started(), START_MS)
        self.sequence = 0
        self.snapshot: MarketSnapshot | None = None
        self.positions: dict[str, PositionSnapshot] = {}
        self.orders: dict[str, OpenOrders] = {}
        self.signals: list[TradeSignals] = []
        self.may_speak_at_ms = 0

    def act(self, action: tuple[Any, ...]) -> None:
        self.now_ms += 1
        match action:
            case ("snapshot", number, ask_ticks):
                self.take_snapshot(MARKETS[number], ask_ticks)
            case ("position", number, version, count):
                self.take_position(MARKETS[number].market_id, version, count)
            case ("orders", number, live, is_answer, is_stopped):
                self.take_orders(MARKETS[number].market_id, live, is_answer, is_stopped)
            case ("timer", key):
                if key == "answer":
                    self.may_speak_at_ms = 0
                self.check(self.core.handle(TimerFired(key), self.now_ms))
            case ("desk restarts",):
                self.may_speak_at_ms = 0
                self.check(self.core.handle(PeerRestarted(DESK), self.now_ms))
            case ("wait", pause_ms):
                self.now_ms += pause_ms

    def take_snapshot(self, market: Any, ask_ticks: int) -> None:
        self.sequence += 1
        left_minutes = (market.closes_at_ms - self.now_ms) / 60_000
        self.snapshot = snapshot(
            market=market,
            left_minutes=left_minutes,
            yes_ask=(ask_ticks, 20),
            yes_bid=(ask_ticks - 150, 20),
            no_ask=(700, 20),
            sequence=self.sequence,
        )
        effects = self.core.handle(self.snapshot, self.now_ms)
        assert effects[-1] == Send(MARKET_STATE, SnapshotTaken(self.sequence))
        self.check(effects)

    def take_position(self, market_id: str, version: int, count: int) -> None:
        holding = Holding(quantity_units=shares(count), cost_nanos=400 * shares(count))
        position = a_position(market_id, version=version, yes=holding)
        if version > self.positions.get(market_id, attrs.evolve(position, version=-1)).version:
            self.positions[market_id] = position
        self.check(self.core.handle(position, self.now_ms))

    def take_orders(
        self, market_id: str, live: tuple[Side, ...], is_answer: bool, is_stopped: bool
    ) -> None:
        newest_id = self.signals[-1].signals_id if self.signals else 0
        self.orders[market_id] = OpenOrders(
            market_id=market_id,
            live=tuple((side, "order_1") for side in live),
            is_stopped=is_stopped,
            answers_signals_id=newest_id if is_answer else 0,
        )
        if is_answer:
            self.may_speak_at_ms = 0
        self.check(self.core.handle(self.orders[market_id], self.now_ms))

    def check(self, effects: Effects) -> None:
        messages = [e.message for e in effects if isinstance(e, Send) and e.to == DESK]
        if not messages:
            return
        (message,) = messages
        assert isinstance(message, TradeSignals | StopLossTriggered)
        assert self.snapshot is not None
        assert message.market_id == self.snapshot.market.market_id
        assert message.position_version == self.positions[message.market_id].version
        assert not self.orders[message.market_id].is_stopped
        if isinstance(message, TradeSignals):
            live = {side for side, _order_id in self.orders[message.market_id].live}
            assert not live & {signal.side for signal in message.signals}
            assert self.now_ms >= self.may_speak_at_ms, "spoke before it was answered"
            if self.signals:
                assert message.signals_id > self.signals[-1].signals_id
            self.signals.append(message)
            self.may_speak_at_ms = self.now_ms + 10 * ANSWER_WAIT_MS  # until told otherwise


@given(st.booleans(), st.lists(actions, max_size=40))
def test_what_is_said_is_current_and_paced_and_every_snapshot_is_answered(
    is_informed: bool, history: list[tuple[Any, ...]]
) -> None:
    world = World()
    if is_informed:  # few random histories get as far as a first signal by themselves
        for number, _market in enumerate(MARKETS):
            world.act(("position", number, 0, 0))
            world.act(("orders", number, (), False, False))
    for action in history:
        world.act(action)
    assert world.core.is_serving is (
        world.snapshot is not None
        and world.snapshot.market.market_id in world.positions
        and world.snapshot.market.market_id in world.orders
    )
