"""The base of all feeds: keep one connection, decode its frames, and report its health."""

from __future__ import annotations

from typing import Any, ClassVar

from actors.core import Core, Dice, Effects, Log, Send, SetTimer, handles
from actors.feeds.connection import (
    HEALTH_EVERY_MS,
    HEALTH_TIMER,
    NOT_DATA,
    PING_TIMER,
    RECONNECT_TIMER,
    WATCHDOG_TIMER,
    Connected,
    Disconnected,
    FeedConnection,
    FramesReceived,
    Rhythm,
)
from actors.feeds.decoding import FrameCounts, MalformedFrame
from actors.messages.feeds import FeedDown, FeedHealth, FeedStale, FeedUp
from actors.messages.lifecycle import PeerRestarted, Started, TimerFired
from actors.roles import DIRECTORY, MARKET_STATE, OBSERVER, base_role
from actors.settings import Settings, VenueSettings

AHEAD_MAX_MS = 60_000
"""Data dated later than this after our time is misdated; our time may be off by seconds."""


class FeedCore(Core):
    """Base of the feeds' cores.

    A subclass provides the address, the rhythm and the subscription, decodes one frame, and handles
    what was decoded; it may add timers and messages of its own.
    """

    KEEPS_EACH_SERIES = True

    rhythm: ClassVar[Rhythm]

    def __init__(self, role: str, settings: Settings, dice: Dice) -> None:
        super().__init__(role, settings, dice)
        self._market_states = settings.roles(MARKET_STATE)
        self.connection = FeedConnection(self.url(settings.venue), self.rhythm, dice)
        self.counts = FrameCounts()
        self.merged_count = 0
        self.sequence_gap_count = 0

    def clock_set_back(self, by_ms: int) -> None:
        """Shift the times of past events back by as much as the clock was."""
        self.connection.clock_set_back(by_ms)

    # What a subclass provides

    def url(self, venue: VenueSettings) -> str:
        """Return the address to connect to."""
        raise NotImplementedError

    def begin(self, now_ms: int) -> Effects:
        """Start the feed: connect, unless a message must arrive first."""
        del now_ms
        return self.connection.start()

    def first_texts(self) -> tuple[str, ...]:
        """Return the subscription frames for a new connection."""
        raise NotImplementedError

    def decode(self, raw: bytes) -> list[Any]:
        """Decode one frame into the events that this feed needs.

        Raises:
            MalformedFrame: the frame does not match its format.
        """
        raise NotImplementedError

    def take(self, events: list[Any], oldest_ns: int, now_ms: int) -> Effects:
        """Handle the decoded events of frames that arrived together; there is at least one."""
        raise NotImplementedError

    def forget_connection(self) -> None:
        """Drop state that was valid only for the lost connection."""

    def take_timer(self, key: str, now_ms: int) -> Effects:
        """Handle a timer of the subclass."""
        del key, now_ms
        return []

    def catch_up(self, role: str, now_ms: int) -> Effects:
        """Send a restarted peer what it must know."""
        del role, now_ms
        return []

    def beat(self, now_ms: int) -> Effects:
        """Repeat, every few seconds, what must not get lost."""
        del now_ms
        return []

    # What all feeds do

    @property
    def is_serving(self) -> bool:
        """Whether the connection is up and its data fresh."""
        return self.connection.is_serving

    @property
    def data_at_ms(self) -> int | None:
        """When the open connection last delivered the feed's data; None before the first."""
        return self.connection.data_at_ms

    @handles(Started)
    def on_started(self, _message: Started, now_ms: int) -> Effects:
        """Start without state: a feed has none that must survive."""
        return [SetTimer(HEALTH_TIMER, HEALTH_EVERY_MS), *self.begin(now_ms)]

    @handles(Connected)
    def on_connected(self, event: Connected, now_ms: int) -> Effects:
        """Subscribe on the new connection."""
        if not self.connection.is_current(event.epoch):
            return []
        return [
            *self.connection.connected(self.first_texts(), now_ms),
            *self._tell(FeedUp(self.role)),
        ]

    @handles(Disconnected)
    def on_disconnected(self, event: Disconnected, now_ms: int) -> Effects:
        """Reconnect after a delay."""
        return self.lose(event.reason, now_ms) if self.connection.is_current(event.epoch) else []

    @handles(FramesReceived)
    def on_frames(self, event: FramesReceived, now_ms: int) -> Effects:
        """Decode every frame; count, keep and skip malformed ones."""
        if not (self.connection.is_up and self.connection.is_current(event.epoch)):
            return []
        events: list[Any] = []
        oldest_ns = 0
        for raw, arrived_ns in event.frames:
            decoded = self._decode_or_keep(raw)
            if decoded and not events:
                oldest_ns = arrived_ns
            events += decoded
        if not events:
            return []
        self.connection.data_seen(now_ms)
        return self.take(events, oldest_ns, now_ms)

    @handles(TimerFired)
    def on_timer(self, timer: TimerFired, now_ms: int) -> Effects:
        """Ping, watch, reconnect or report; other timers belong to the subclass."""
        if timer.key == PING_TIMER:
            return self.connection.ping()
        if timer.key == RECONNECT_TIMER:
            return self.connection.reconnect()
        if timer.key == WATCHDOG_TIMER:
            return self._watch(now_ms)
        if timer.key == HEALTH_TIMER:
            return self._report(now_ms)
        return self.take_timer(timer.key, now_ms)

    @handles(PeerRestarted)
    def on_peer_restarted(self, peer: PeerRestarted, now_ms: int) -> Effects:
        """Send a restarted market state or directory what its predecessor had received."""
        if base_role(peer.role) not in (MARKET_STATE, DIRECTORY):
            return []
        effects = self.catch_up(peer.role, now_ms)
        if base_role(peer.role) == MARKET_STATE and self.connection.is_up:
            effects.append(Send(peer.role, FeedUp(self.role)))
        return effects

    def lose(self, reason: str, now_ms: int) -> Effects:
        """Drop the connection, report why, and reconnect after the backoff."""
        lost = self.connection.lost(now_ms, was_of_use=self.is_serving)
        self.forget_connection()
        return [
            *lost,
            *self._tell(FeedDown(self.role, reason)),
            Log("warning", f"connection lost: {reason}"),
        ]

    def go_stale(self, what: str, age_ms: int, now_ms: int) -> Effects:
        """Drop an open connection that has stopped delivering its data, and reconnect."""
        lost = self.connection.lost(now_ms, was_of_use=self.is_serving)
        self.forget_connection()
        return [
            *lost,
            *self._tell(FeedStale(self.role, age_ms)),
            Log("warning", f"no {what} for {age_ms} ms on an open connection; reconnecting"),
        ]

    # Private

    def _decode_or_keep(self, raw: bytes) -> list[Any]:
        self.counts.frames_count += 1
        if raw in NOT_DATA:
            return []
        try:
            return self.decode(raw)
        except MalformedFrame as malformed:
            self.counts.note_malformed((str(malformed),), raw)
            return []

    def _watch(self, now_ms: int) -> Effects:
        return self.connection.watch(
            now_ms,
            lose=lambda reason: self.lose(reason, now_ms),
            go_stale=lambda silence_ms: self.go_stale("data", silence_ms, now_ms),
        )

    def _report(self, now_ms: int) -> Effects:
        effects: Effects = [
            Send(OBSERVER, self._health()),
            SetTimer(HEALTH_TIMER, HEALTH_EVERY_MS),
            *self.beat(now_ms),
        ]
        unread = self.counts.take_new()
        return [*effects, Log("warning", unread)] if unread else effects

    def _health(self) -> FeedHealth:
        return FeedHealth(
            feed=self.role,
            is_up=self.is_serving,
            frames_count=self.counts.frames_count,
            malformed_count=self.counts.malformed_count,
            merged_count=self.merged_count,
            reconnect_count=self.connection.reconnect_count,
            sequence_gap_count=self.sequence_gap_count,
            last_malformed=self.counts.last_malformed,
            data_at_ms=self.data_at_ms,
        )

    def _tell(self, message: object) -> Effects:
        return [Send(role, message) for role in (*self._market_states, OBSERVER)]
