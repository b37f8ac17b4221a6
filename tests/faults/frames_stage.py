"""The market feed and market state, joined: from frames to the books that are traded on."""

from __future__ import annotations

from collections.abc import Sequence

from core_stage import CoreStage
from feed_builders import NOW_MS, market, received

from actors.core import Effects, Send
from actors.feeds.connection import RECONNECT_TIMER, Connect, Connected
from actors.feeds.market_feed import MarketFeedCore
from actors.market.core import MarketStateCore
from actors.messages.directory import MarketOpened
from actors.messages.lifecycle import PeerRestarted, TimerFired
from actors.messages.market import BookView, MarketSnapshot, SnapshotWanted
from actors.model import Side, Strike
from actors.roles import MARKET_FEED, MARKET_STATE

WINDOW = market(0)
"""The traded window: it has just begun, and its tokens are 01 and 02."""
OPENED = MarketOpened(
    market=WINDOW, strike=Strike(price_e18=1, source="a test's", timestamp_ms=NOW_MS)
)


class FramesStage:
    """What one actor tells the other arrives at once; time passes when the test says so."""

    def __init__(self) -> None:
        self.feed = CoreStage(MarketFeedCore, MARKET_FEED, now_ms=NOW_MS)
        self.state = CoreStage(MarketStateCore, MARKET_STATE, now_ms=NOW_MS)
        self.state.start()
        self.state.give(OPENED)
        self.feed.start()
        self.feed.give(OPENED)
        self.connect()

    def renew_market_state(self) -> None:
        """Let market state fall, and a new one take its place."""
        self._deliver(MARKET_STATE, self.state.start())
        self._deliver(MARKET_STATE, self.state.give(OPENED))
        self._deliver(MARKET_FEED, self.feed.give(PeerRestarted(MARKET_STATE)))

    def connect(self) -> None:
        """Let the connection that the feed wants open."""
        (wanted,) = [each for each in self.feed.commands if isinstance(each, Connect)][-1:]
        self._deliver(MARKET_FEED, self.feed.give(Connected(wanted.epoch)))

    def reconnect(self) -> None:
        """Let the feed's backoff end, and its next connection open."""
        self._deliver(MARKET_FEED, self.feed.give(TimerFired(RECONNECT_TIMER)))
        self.connect()

    def arrive(self, *frames: bytes) -> None:
        """Let frames arrive together."""
        self._deliver(MARKET_FEED, self.feed.give(received(self.feed.core, *frames)))

    def pass_time(self, for_ms: int) -> None:
        """Let time pass, and what is due happen."""
        until_ms = self.feed.now_ms + for_ms
        while self.feed.now_ms < until_ms:
            due = [self.feed.next_due_ms(), self.state.next_due_ms(), until_ms]
            now_ms = min(each for each in due if each is not None)
            for role, stage in ((MARKET_FEED, self.feed), (MARKET_STATE, self.state)):
                before = len(stage.sent)
                stage.advance(now_ms)
                self._pass_on(role, stage.sent[before:])

    def snapshot(self) -> MarketSnapshot:
        """What whoever trades would see now."""
        (answer,) = self.state.core.handle(SnapshotWanted("a test"), self.state.now_ms)
        assert isinstance(answer, Send)
        assert isinstance(answer.message, MarketSnapshot)
        return answer.message

    def book(self, side: Side) -> BookView:
        """What whoever trades would see of a book now."""
        return self.snapshot().book(side)

    @property
    def malformed_count(self) -> int:
        """How many messages the feed could not read."""
        assert isinstance(self.feed.core, MarketFeedCore)
        return self.feed.core.counts.malformed_count

    @property
    def connections(self) -> int:
        """How many were wanted so far."""
        return sum(isinstance(each, Connect) for each in self.feed.commands)

    def logged(self, text: str) -> int:
        """How many lines that contain it either actor has logged."""
        return sum(text in log.text for stage in (self.feed, self.state) for log in stage.logs)

    def _deliver(self, sender: str, effects: Effects) -> None:
        self._pass_on(
            sender, [(each.to, each.message) for each in effects if isinstance(each, Send)]
        )

    def _pass_on(self, sender: str, mail: Sequence[tuple[str, object]]) -> None:
        for to, message in mail:
            if (sender, to) == (MARKET_FEED, MARKET_STATE):
                self._deliver(MARKET_STATE, self.state.give(message))
            elif (sender, to) == (MARKET_STATE, MARKET_FEED):
                self._deliver(MARKET_FEED, self.feed.give(message))
