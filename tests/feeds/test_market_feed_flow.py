from feed_builders import NOW_MS, bring_up, change_frame, new_market_feed, received, reconnect, sent
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from actors.core import Effects
from actors.feeds.book_stream import ACK_TIMER
from actors.feeds.connection import Disconnected
from actors.messages.feeds import (
    BatchTaken,
    FeedDown,
    MarketBatch,
    PriceChangeEvent,
    ResyncRequested,
)
from actors.messages.lifecycle import PeerRestarted, TimerFired
from actors.roles import MARKET_STATE


class FlowControl(RuleBasedStateMachine):
    """One batch under way at most; between fresh starts, no event lost, doubled or swapped."""

    @initialize()
    def begin(self) -> None:
        self.core = new_market_feed()
        self.now_ms = NOW_MS
        self.number = 0
        self.sent_numbers: list[int] = []
        self.arrived_numbers: list[int] = []
        self.under_way: int | None = None
        self.expects_fresh = True
        bring_up(self.core)

    def _read(self, effects: Effects) -> None:
        if sent(effects, FeedDown, MARKET_STATE):
            self.under_way = None
            self._start_over()
        for batch in sent(effects, MarketBatch, MARKET_STATE):
            assert self.under_way is None
            assert batch.is_fresh_start == self.expects_fresh
            self.expects_fresh = False
            self.under_way = batch.batch_id
            self.sent_numbers += [
                units // 1_000_000
                for event in batch.events
                if isinstance(event, PriceChangeEvent)
                for _, units in event.bids
            ]

    def _start_over(self) -> None:
        self.expects_fresh = True
        self.sent_numbers, self.arrived_numbers = [], []

    @precondition(lambda self: self.core.connection.is_up)
    @rule(count=st.integers(1, 3))
    def frames_arrive(self, count: int) -> None:
        numbers = range(self.number + 1, self.number + count + 1)
        self.number += count
        self.arrived_numbers += numbers
        frames = [change_frame(size=str(number)) for number in numbers]
        self._read(self.core.handle(received(self.core, *frames), self.now_ms))

    @precondition(lambda self: self.under_way is not None)
    @rule()
    def the_batch_is_taken(self) -> None:
        taken = BatchTaken(self.under_way or 0)
        self.under_way = None
        self._read(self.core.handle(taken, self.now_ms))

    @rule(batch_id=st.integers(0, 50))
    def a_strange_acknowledgement_comes(self, batch_id: int) -> None:
        assert self.core.handle(BatchTaken(batch_id), self.now_ms) == []

    @precondition(lambda self: self.under_way is not None)
    @rule()
    def the_acknowledgement_is_lost(self) -> None:
        self.under_way = None
        self._read(self.core.handle(TimerFired(ACK_TIMER), self.now_ms))

    @rule()
    def market_state_is_made_anew(self) -> None:
        self.under_way = None
        self._read(self.core.handle(PeerRestarted(MARKET_STATE), self.now_ms))

    @rule(passed_ms=st.integers(0, 3_000))
    def market_state_asks_for_fresh_books(self, passed_ms: int) -> None:
        self.now_ms += passed_ms
        self._read(self.core.handle(ResyncRequested("crossed"), self.now_ms))

    @precondition(lambda self: self.core.connection.is_up)
    @rule()
    def the_connection_falls(self) -> None:
        self._start_over()
        epoch = self.core.connection.epoch
        effects = self.core.handle(Disconnected(epoch, "closed"), self.now_ms)
        assert sent(effects, MarketBatch) == []

    @precondition(lambda self: not self.core.connection.is_up)
    @rule()
    def it_comes_back(self) -> None:
        reconnect(self.core, self.now_ms)

    @invariant()
    def what_was_sent_is_what_arrived_in_order(self) -> None:
        assert self.sent_numbers == self.arrived_numbers[: len(self.sent_numbers)]

    @invariant()
    def nothing_waits_without_a_batch_under_way(self) -> None:
        if self.under_way is None:
            assert self.sent_numbers == self.arrived_numbers


TestFlowControl = FlowControl.TestCase
TestFlowControl.settings = settings(max_examples=60, stateful_step_count=40)
