"""The user channel: one's own orders and trades, as they happen.

It is no actor of its own, unlike the other feeds. Its first frame carries the API credentials, and
those may be in one process only: the real executor's, which owns this and whose port says that
frame. Whatever the channel does not tell, the executor reads by REST.
"""

from __future__ import annotations

from actors.core import Command, Dice, Effects, Log, Send, SetTimer
from actors.execution.real.messages import SubscribeUser
from actors.execution.real.user_channel import UserEvent, decode
from actors.feeds.connection import (
    CONNECT_LIMIT_MS,
    PING_TIMER,
    RECONNECT_TIMER,
    WATCHDOG_TIMER,
    Connected,
    Disconnected,
    FeedConnection,
    FramesReceived,
    Phase,
    Rhythm,
)
from actors.messages.feeds import FeedDown, FeedHealth, FeedStale, FeedUp
from actors.roles import OBSERVER, USER_FEED

HEALTH_TIMER = "health"
HEALTH_EVERY_MS = 5_000
RHYTHM = Rhythm(stale_after_ms=25_000, ping_every_ms=10_000)
"""An account may rest for hours: here, unlike on the market channel, a PONG proves life."""

_SHOWN = 200


class UserFeed:
    """Keeps the connection and decodes it; its owner passes events and timers on to it."""

    TIMERS = frozenset({PING_TIMER, RECONNECT_TIMER, WATCHDOG_TIMER, HEALTH_TIMER})

    def __init__(self, url: str, dice: Dice) -> None:
        self.connection = FeedConnection(url, RHYTHM, dice)
        self._frames_count = 0
        self._malformed_count = 0
        self._last_malformed = ""

    def start(self) -> Effects:
        """Connect; anew if that was done already, for the credentials are others."""
        if self.connection.phase is not Phase.IDLE:
            return self.connection.renew()
        return [*self.connection.start(), SetTimer(HEALTH_TIMER, HEALTH_EVERY_MS)]

    def connected(self, event: Connected, now_ms: int) -> Effects:
        """Subscribe to all of the account's orders and trades."""
        if not self.connection.is_current(event.epoch):
            return []
        return [
            Command(SubscribeUser()),
            *self.connection.connected((), now_ms),
            Send(OBSERVER, FeedUp(USER_FEED)),
        ]

    def disconnected(self, event: Disconnected, now_ms: int) -> Effects:
        """Wait, then try again."""
        if not self.connection.is_current(event.epoch):
            return []
        return self._lose(FeedDown(USER_FEED, event.reason), event.reason, now_ms)

    def events(self, received: FramesReceived, now_ms: int) -> tuple[list[UserEvent], list[str]]:
        """Decode what arrived.

        Returns:
            The events in order, and what could not be read: it may have been a fill.
        """
        if not (self.connection.is_up and self.connection.is_current(received.epoch)):
            return [], []
        self.connection.data_seen(now_ms)
        events: list[UserEvent] = []
        problems: list[str] = []
        for raw, _arrived_ns in received.frames:
            self._frames_count += 1
            if raw not in (b"PONG", b""):
                decoded, wrong = decode(raw)
                events += decoded
                problems += wrong
        if problems:
            self._malformed_count += len(problems)
            self._last_malformed = problems[-1][:_SHOWN]
        return events, problems

    def wake(self, key: str, now_ms: int) -> Effects:
        """Ping, reconnect, watch or report."""
        if key == PING_TIMER:
            return self.connection.ping()
        if key == RECONNECT_TIMER:
            return self.connection.reconnect()
        if key == WATCHDOG_TIMER:
            return self._watch(now_ms)
        return [Send(OBSERVER, self._health()), SetTimer(HEALTH_TIMER, HEALTH_EVERY_MS)]

    def _watch(self, now_ms: int) -> Effects:
        if self.connection.phase is Phase.CONNECTING:
            reason = f"no connection within {CONNECT_LIMIT_MS} ms"
            return self._lose(FeedDown(USER_FEED, reason), reason, now_ms)
        if not self.connection.is_up:
            return []
        if not self.connection.is_stale(now_ms):
            return self.connection.watch_again(now_ms)
        silence_ms = self.connection.silence_ms(now_ms)
        reason = f"not even a PONG for {silence_ms} ms"
        return self._lose(FeedStale(USER_FEED, silence_ms), reason, now_ms)

    def _lose(self, message: FeedDown | FeedStale, reason: str, now_ms: int) -> Effects:
        return [
            *self.connection.lost(now_ms),
            Send(OBSERVER, message),
            Log("warning", f"user channel lost: {reason}"),
        ]

    def _health(self) -> FeedHealth:
        return FeedHealth(
            feed=USER_FEED,
            is_up=self.connection.is_serving,
            frames_count=self._frames_count,
            malformed_count=self._malformed_count,
            merged_count=0,
            reconnect_count=self.connection.reconnect_count,
            sequence_gap_count=0,
            last_malformed=self._last_malformed,
            data_at_ms=self.connection.data_at_ms,
        )
