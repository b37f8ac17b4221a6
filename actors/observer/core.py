"""The observer: receives everything, owns nothing, and answers whoever asks.

It decides nothing, so a message that it missed is only an outdated line on a screen until the next
one.
"""

from __future__ import annotations

from collections import deque

import attrs

from actors.core import Core, Dice, Effects, Record, Save, Send, SetTimer, earlier, handles
from actors.messages.directory import (
    MarketClosing,
    MarketOpened,
    MarketResolved,
    VenueSkew,
    VenueUnreachable,
    WindowNotTraded,
)
from actors.messages.execution import OrderState, OrderUpdated, SignalsRefused
from actors.messages.feeds import FeedDown, FeedHealth, FeedStale, FeedUp
from actors.messages.lifecycle import Started, TimerFired
from actors.messages.market import MarketSnapshot, SnapshotTaken
from actors.messages.observer import FeedSeen, GetView, ObserverCounts, SignalSeen, View
from actors.messages.position import WindowSettled
from actors.messages.strategy import TradeSignals
from actors.observer.seen_series import MarketWord, SeenMarkets, SeenSeries
from actors.observer.tally import ObserverMemory, SeenTally
from actors.roles import MARKET_STATE, REPLY
from actors.settings import Settings

SNAPSHOT_EVERY_MS = 250
"""Minimum time between two snapshots; nobody reads faster."""
WATCHED_MS = 60_000
"""How long after the last look snapshots are requested: longer than between two scrapes of metrics,
which would otherwise show books up to five seconds too old. After that a snapshot arrives only now
and then."""

SAVE_EVERY_MS = 5_000
SIGNALS_KEPT = 10
NOT_TRADED_KEPT = 24

_SNAPSHOT, _SAVE = "snapshot", "save"


@attrs.frozen(kw_only=True)
class CountsTaken:
    """Recorded now and then: the counts so far."""

    counts: ObserverCounts


class ObserverCore(Core):
    """Keeps the newest message of every kind, and counts."""

    KEEPS_EACH_SERIES = True

    RECOVERS = ("observer", "order")

    def __init__(self, role: str, settings: Settings, dice: Dice) -> None:
        super().__init__(role, settings, dice)
        self._tally = SeenTally()
        self._saved_counts = ObserverCounts()
        names = [plan.series.name for plan in settings.plans]
        self._seen = {name: SeenSeries(name) for name in names}
        """By series, in the order of the configuration."""
        self._markets = SeenMarkets()
        self._signals: deque[SignalSeen] = deque(maxlen=SIGNALS_KEPT)
        self._signals_ids: deque[int] = deque(maxlen=SIGNALS_KEPT)
        self._feeds: dict[str, FeedSeen] = {}
        self._skew_ms: int | None = None
        self._unreachable = ""
        self._not_traded: dict[str, WindowNotTraded] = {}
        """By slug; only the newest, which the directory repeats while it applies."""
        self._looked_at_ms: int | None = None
        """When somebody last asked for the view."""

    def clock_set_back(self, by_ms: int) -> None:
        """Shift the time of the last look back by as much as the clock was."""
        self._looked_at_ms = earlier(self._looked_at_ms, by_ms)

    @handles(Started)
    def start(self, message: Started, _now_ms: int) -> Effects:
        """Recover the counts, and the live orders from what their own actors recorded."""
        for value in message.saved:
            if isinstance(value, ObserverMemory):
                self._tally = SeenTally(value)
        for value in message.saved:
            if isinstance(value, OrderState):
                self._tally.take_order(value)
        self._saved_counts = self._tally.counts()
        return [SetTimer(_SAVE, SAVE_EVERY_MS)]

    @handles(TimerFired)
    def on_timer(self, message: TimerFired, _now_ms: int) -> Effects:
        """Ask for the next snapshot, or save the counts if they have changed."""
        if message.key.startswith(_SNAPSHOT):
            return self._want_snapshot(self._in(message.key.removeprefix(_SNAPSHOT)[1:]))
        return [*self._save(), SetTimer(_SAVE, SAVE_EVERY_MS)]

    def _want_snapshot(self, seen: SeenSeries) -> Effects:
        if seen.snapshot is None:
            return []
        market_state = self.settings.role(MARKET_STATE, seen.name)
        return [Send(market_state, SnapshotTaken(seen.snapshot.sequence))]

    def _is_watched(self, now_ms: int) -> bool:
        return self._looked_at_ms is not None and now_ms - self._looked_at_ms <= WATCHED_MS

    def _save(self) -> Effects:
        counts = self._tally.counts()
        if counts == self._saved_counts:
            return []
        self._saved_counts = counts
        save = Save("observer", "counts", self._tally.memory)
        return [Record(CountsTaken(counts=counts), saves=(save,))]

    @handles(GetView)
    def show(self, message: GetView, now_ms: int) -> Effects:
        """Answer with the current view; the first look starts requests for newer books."""
        asked: Effects = []
        if not self._is_watched(now_ms):
            asked = [each for seen in self._seen.values() for each in self._want_snapshot(seen)]
        self._looked_at_ms = now_ms
        results = self._tally.result
        views = [seen.view(self._markets, results(name)) for name, seen in self._seen.items()]
        shown = views[0]
        view = View(
            request_id=message.request_id,
            at_ms=now_ms,
            opened=shown.opened,
            is_closed=shown.is_closed,
            snapshot=shown.snapshot,
            position=shown.position,
            open_orders=shown.open_orders,
            live_orders=self._tally.live_orders,
            decisions=tuple(self._signals),
            stop_loss=shown.stop_loss,
            settled=self._tally.settled,
            feeds=tuple(self._feeds[name] for name in sorted(self._feeds)),
            skew_ms=self._skew_ms,
            not_traded=tuple(self._not_traded.values()),
            counts=self._tally.counts(),
            evaluated=shown.evaluated,
            unreachable=self._unreachable,
            series=tuple(views),
        )
        return [Send(REPLY, view), *asked]

    def _in(self, series: str) -> SeenSeries:
        """Return what was seen of a series; that of the first for one no longer traded."""
        return self._seen.get(series) or next(iter(self._seen.values()))

    # The market

    @handles(MarketOpened)
    def on_opened(self, message: MarketOpened, _now_ms: int) -> Effects:
        """Show the newest window, and drop what belonged to the previous one."""
        self._in(message.market.series).open_window(message)
        if message.strike is not None:
            self._not_traded.pop(message.market.slug, None)
        return []

    @handles(WindowNotTraded)
    def on_not_traded(self, message: WindowNotTraded, _now_ms: int) -> Effects:
        """Show which windows are not traded, and why."""
        self._not_traded[message.slug] = message
        for slug in [*self._not_traded][:-NOT_TRADED_KEPT]:
            del self._not_traded[slug]
        return []

    @handles(MarketClosing)
    def on_closing(self, message: MarketClosing, _now_ms: int) -> Effects:
        """Show that the window's time has ended."""
        for seen in self._seen.values():
            seen.close_window(message.market_id)
        return []

    @handles(MarketResolved)
    def on_resolved(self, _message: MarketResolved, _now_ms: int) -> Effects:
        """Do nothing: only position's settlement of the window is shown."""
        return []

    @handles(MarketSnapshot)
    def on_snapshot(self, message: MarketSnapshot, now_ms: int) -> Effects:
        """Keep the newest books; answer after a delay, so that the next snapshot carries more.

        While nobody looks, no answer is sent, and market state sends one snapshot in five seconds.
        """
        seen = self._in(message.market.series)
        seen.take_snapshot(message)
        if not self._is_watched(now_ms):
            return []
        key = f"{_SNAPSHOT}/{seen.name}" if self.settings.traded else _SNAPSHOT
        return [SetTimer(key, SNAPSHOT_EVERY_MS)]

    @handles(VenueSkew)
    def on_skew(self, message: VenueSkew, _now_ms: int) -> Effects:
        """Keep the newest measurement of the venue's clock by the directory."""
        self._skew_ms = message.skew_ms
        self._unreachable = ""
        return []

    @handles(VenueUnreachable)
    def on_unreachable(self, message: VenueUnreachable, _now_ms: int) -> Effects:
        """Keep why the directory cannot reach the venue."""
        self._unreachable = message.reason
        return []

    # Positions and orders

    @handles(MarketWord)
    def on_window_message(self, message: MarketWord, _now_ms: int) -> Effects:
        """Keep the newest message of its kind for each window."""
        self._markets.take(message)
        return []

    @handles(WindowSettled)
    def on_settled(self, message: WindowSettled, _now_ms: int) -> Effects:
        """Keep a window's result."""
        self._tally.take_settled(message)
        return self._save()

    @handles(OrderUpdated)
    def on_order(self, message: OrderUpdated, _now_ms: int) -> Effects:
        """Keep an order's newest state."""
        self._tally.take_order(message.order)
        return []

    # Signals

    @handles(TradeSignals)
    def on_signals(self, message: TradeSignals, now_ms: int) -> Effects:
        """Keep and count signals; the strategy repeats them until they are answered."""
        if message.signals_id in self._signals_ids:
            return []
        self._signals_ids.append(message.signals_id)
        self._tally.count_signals(message)
        self._signals.extend(
            SignalSeen(at_ms=now_ms, market_id=message.market_id, signal=signal)
            for signal in message.signals
        )
        return []

    @handles(SignalsRefused)
    def on_refused(self, message: SignalsRefused, now_ms: int) -> Effects:
        """Keep and count refused signals, next to the signal if it is known."""
        self._tally.count_refused(len(message.signals))
        for signal in message.signals:
            refused = SignalSeen(
                at_ms=now_ms, market_id=message.market_id, signal=signal, refusal=message.reason
            )
            for index in reversed(range(len(self._signals))):
                seen = self._signals[index]
                if attrs.evolve(seen, at_ms=now_ms, refusal=message.reason) == refused:
                    self._signals[index] = attrs.evolve(refused, at_ms=seen.at_ms)
                    break
            else:
                self._signals.append(refused)
        return []

    # Feeds

    @handles(FeedUp)
    def on_feed_up(self, message: FeedUp, now_ms: int) -> Effects:
        """Show that a feed is connected."""
        return self._feed(message.feed, now_ms, is_up=True, trouble="")

    @handles(FeedDown)
    def on_feed_down(self, message: FeedDown, now_ms: int) -> Effects:
        """Show that a feed's connection is lost."""
        return self._feed(message.feed, now_ms, is_up=False, trouble=message.reason)

    @handles(FeedStale)
    def on_feed_stale(self, message: FeedStale, now_ms: int) -> Effects:
        """Show that a feed is silent."""
        trouble = f"nothing new for {message.age_ms} ms"
        return self._feed(message.feed, now_ms, is_up=False, trouble=trouble)

    @handles(FeedHealth)
    def on_feed_health(self, message: FeedHealth, now_ms: int) -> Effects:
        """Keep a feed's counters, which also show whether it is up."""
        known = self._feeds.get(message.feed)
        trouble = known.trouble if known is not None and not message.is_up else ""
        return self._feed(
            message.feed, now_ms, is_up=message.is_up, trouble=trouble, health=message
        )

    def _feed(
        self, feed: str, now_ms: int, *, is_up: bool, trouble: str, health: FeedHealth | None = None
    ) -> Effects:
        known = self._feeds.get(feed)
        since_ms = known.since_ms if known is not None and known.is_up is is_up else now_ms
        if health is None and known is not None:
            health = known.health
        self._feeds[feed] = FeedSeen(
            feed=feed, is_up=is_up, since_ms=since_ms, trouble=trouble, health=health
        )
        return []
