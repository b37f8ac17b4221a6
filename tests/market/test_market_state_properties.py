"""Whatever is lost, repeated or restarted, every subscriber ends up with what is true."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from nouns import a_market

from actors.core import Effects, Send
from actors.market.book import TokenBook
from actors.market.core import MarketStateCore
from actors.market.publisher import ANSWER_WAIT_MS, UNWATCHED_WAIT_MS
from actors.messages.directory import MarketOpened
from actors.messages.feeds import BookEvent, FeedDown, MarketBatch, PriceChangeEvent
from actors.messages.lifecycle import PeerRestarted, Started, TimerFired
from actors.messages.market import MarketSnapshot, SnapshotTaken
from actors.roles import EXECUTOR, MARKET_FEED, MARKET_STATE, OBSERVER, STRATEGY
from actors.settings import Settings

MARKET = a_market(
    market_id="0xmarket", slug="btc-updown-15m", yes_token="up", no_token="down", closes_at_ms=10**9
)
SUBSCRIBERS = (STRATEGY, EXECUTOR, OBSERVER)

tokens = st.sampled_from(["up", "down"])
sizes = st.integers(0, 3)
actions = st.one_of(
    st.tuples(st.just("book"), tokens, sizes),
    st.tuples(st.just("change"), tokens, sizes),
    st.tuples(st.just("repeat the last batch")),
    st.tuples(st.just("answer"), st.sampled_from(SUBSCRIBERS)),
    st.tuples(st.just("restart"), st.sampled_from(SUBSCRIBERS)),
    st.tuples(st.just("feed down")),
    st.tuples(st.just("wait"), st.integers(1, 1_500)),
)


class World:
    """Market state, its feed and its subscribers, and a plain copy of what is true."""

    def __init__(self) -> None:
        self.now_ms = 1_000
        self.books = {"up": TokenBook(), "down": TokenBook()}
        self.last_batch: MarketBatch | None = None
        self.batch_id = 0
        self.is_fresh_start = True
        self.seen: dict[str, MarketSnapshot] = {}
        self.unanswered: dict[str, tuple[int, int]] = {}
        self.core = MarketStateCore(MARKET_STATE, Settings(), random.Random(1))
        self.tell(Started())
        self.tell(MarketOpened(market=MARKET, strike=None))

    def tell(self, message: object) -> Effects:
        effects = self.core.handle(message, self.now_ms)
        for effect in effects:
            if isinstance(effect, Send) and isinstance(effect.message, MarketSnapshot):
                self.receive(effect.to, effect.message)
        return effects

    def receive(self, role: str, snapshot: MarketSnapshot) -> None:
        if role in self.unanswered:
            sent_at_ms = self.unanswered[role][1]
            assert self.now_ms - sent_at_ms >= ANSWER_WAIT_MS, "two snapshots under way"
        if role in self.seen:
            assert snapshot.sequence > self.seen[role].sequence
        self.seen[role] = snapshot
        self.unanswered[role] = (snapshot.sequence, self.now_ms)

    def act(self, action: tuple[Any, ...]) -> None:
        self.now_ms += 1
        match action:
            case ("book", token, size):
                event = BookEvent(token, self.now_ms, ((480, 9), (470, size)), ((520, size),))
                self.books[token].apply_book(event)
                self.send_batch(event)
            case ("change", token, size):
                change = PriceChangeEvent(token, self.now_ms, ((480, size),), ((530, size),))
                self.books[token].apply_change(change)
                self.send_batch(change)
            case ("repeat the last batch",):
                if self.last_batch is not None:
                    self.tell(self.last_batch)
            case ("answer", role):
                if role in self.unanswered:
                    self.tell(SnapshotTaken(self.unanswered.pop(role)[0]))
            case ("restart", role):
                self.unanswered.pop(role, None)
                self.tell(PeerRestarted(role))
            case ("feed down",):
                self.is_fresh_start = True
                for book in self.books.values():
                    book.void()
                self.tell(FeedDown(MARKET_FEED, "lost"))
            case ("wait", pause_ms):
                self.now_ms += pause_ms
                self.tell(TimerFired("beat"))

    def send_batch(self, event: BookEvent | PriceChangeEvent) -> None:
        self.batch_id += 1
        self.last_batch = MarketBatch(
            batch_id=self.batch_id,
            events=(event,),
            tick_ns=self.now_ms,
            is_fresh_start=self.is_fresh_start,
        )
        self.is_fresh_start = False
        self.tell(self.last_batch)


@given(st.lists(actions, max_size=40))
def test_every_subscriber_ends_up_with_what_is_true(history: list[tuple[Any, ...]]) -> None:
    world = World()
    for action in history:
        world.act(action)
    for _ in range(2):  # one wait to miss a lost answer, one for luck lost on the way
        world.now_ms += UNWATCHED_WAIT_MS
        world.tell(TimerFired("beat"))
    for role in SUBSCRIBERS:
        assert world.seen[role].yes == world.books["up"].view()
        assert world.seen[role].no == world.books["down"].view()
