"""The session with the venue: credentials, heartbeats and the user channel.

Credentials are requested at the start, and again when they are refused. They can be revoked or
expire while orders are open. Then every request is answered with 401, which proves nothing about
any order. So they are no longer used: new ones are requested at once, and if those are refused too,
at long intervals. Until some are accepted, nothing is signed, posted or read.

Heartbeats keep the venue's dead man's switch from cancelling all orders of an account that has gone
silent. After the first one, the venue expects the next within ten seconds, and the only way to stop
is to let the switch act. Source: Polymarket's documentation, order heartbeats.

The user channel's first frame carries the API credentials, which only one process may have. So this
connection is not an actor of its own, unlike the other feeds': the real executor owns it, and its
port sends that frame. Whatever the channel does not report, the executor reads by REST.
"""

from __future__ import annotations

from actors.core import Command, Dice, Effects, Log, Send, SetTimer, earlier
from actors.execution.real.lasting_problem import LastingProblem
from actors.execution.real.messages import (
    ClientFailed,
    ClientReady,
    FailedRequest,
    HeartbeatAnswered,
    HeartbeatEvent,
    OpenClient,
    SendHeartbeat,
    SubscribeUser,
)
from actors.execution.real.user_channel import UserEvent, decode
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
    Phase,
    Rhythm,
)
from actors.feeds.decoding import FrameCounts
from actors.messages.feeds import FeedDown, FeedHealth, FeedStale, FeedUp
from actors.roles import OBSERVER, USER_FEED

SESSION_TIMER = "client"
RETRY_MS = 5_000
"""Delay after the venue could not be reached."""
REFUSED_RETRY_MS = 60_000
"""Delay after the venue refused; asking more often would change nothing."""


class VenueSession:
    """The account in use, if any, and the reason when there is none."""

    def __init__(self) -> None:
        self.account: ClientReady | None = None
        self.trouble = ""
        """Why no request can be made; empty while no problem is known."""
        self._has_named_wallet = False
        self._renewed_at_ms: int | None = None

    def clock_set_back(self, by_ms: int) -> None:
        """Shift the time of the last request back by as much as the clock was."""
        self._renewed_at_ms = earlier(self._renewed_at_ms, by_ms)

    def request_credentials(self) -> Effects:
        """Request credentials."""
        return [Command(OpenClient())]

    def opened(self, event: ClientReady) -> Effects:
        """Use new credentials; the first reading shows whether they are valid."""
        self.account = event
        if self._has_named_wallet:
            return []
        self._has_named_wallet = True
        return [Log("info", f"trading for account {event.wallet}")]

    def failed(self, event: ClientFailed) -> Effects:
        """Try again later; without credentials nothing is sent."""
        retry = SetTimer(SESSION_TIMER, REFUSED_RETRY_MS if event.is_refused else RETRY_MS)
        return [*self._log_once(f"no credentials from the venue: {event.reason}"), retry]

    def proven(self) -> Effects:
        """Note that the account was read, so the credentials are valid."""
        if not self.trouble:
            return []
        self.trouble = ""
        return [Log("info", "the venue accepts the API credentials now")]

    def renew_if_refused(self, event: object, now_ms: int) -> Effects:
        """Request new credentials if an event shows that the current ones are refused."""
        is_denial = isinstance(event, FailedRequest) and event.is_unauthorized
        if not is_denial or self.account is None:
            return []
        self.account = None
        said = self._log_once("the venue refuses the API credentials (401); new ones are requested")
        if self._renewed_at_ms is None:
            wait_ms = 0
        else:
            wait_ms = self._renewed_at_ms + REFUSED_RETRY_MS - now_ms
        if wait_ms > 0:
            return [*said, SetTimer(SESSION_TIMER, wait_ms)]
        return [*said, *self._renew(now_ms)]

    def wake(self, now_ms: int) -> Effects:
        """Request credentials again after the delay."""
        return self._renew(now_ms) if self.account is None else []

    def _renew(self, now_ms: int) -> Effects:
        self._renewed_at_ms = now_ms
        return self.request_credentials()

    def _log_once(self, trouble: str) -> Effects:
        """Log a problem once, however often it is found."""
        if trouble == self.trouble:
            return []
        self.trouble = trouble
        return [Log("error", f"nothing is traded: {trouble}")]


HEARTBEAT_TIMER = "heartbeat"
HEARTBEAT_EVERY_MS = 5_000


class DeadMansSwitch:
    """Sends heartbeats, each with the id from the answer to the previous one."""

    def __init__(self) -> None:
        self._next_id = ""
        self._is_under_way = False
        self._is_id_trusted = True
        """False after the venue corrected the id, until it has accepted one."""
        self._problem = LastingProblem()

    def beat(self) -> Effects:
        """Send the next heartbeat, unless one is unanswered, and set the timer again."""
        again = SetTimer(HEARTBEAT_TIMER, HEARTBEAT_EVERY_MS)
        if self._is_under_way:
            return [again]
        self._is_under_way = True
        return [Command(SendHeartbeat(self._next_id)), again]

    def take(self, event: HeartbeatEvent) -> Effects:
        """Keep the next id; if the venue expects another one, send it at once.

        If the venue refuses that one too, the next one is sent at the next beat.
        """
        self._is_under_way = False
        if isinstance(event, HeartbeatAnswered):
            self._next_id, self._is_id_trusted = event.heartbeat_id, True
            return self._problem.over("heartbeats arrive again")
        if event.is_unauthorized:
            return []
        was_trusted = self._is_id_trusted
        if event.expected_id is not None:
            self._next_id, self._is_id_trusted = event.expected_id, False
            if was_trusted:
                return self.beat()
        return self._problem.met(f"a heartbeat failed: {event.reason}")


RHYTHM = Rhythm(stale_after_ms=25_000, ping_every_ms=10_000)
"""An account may be quiet for hours, so here, unlike on the market channel, a PONG is a sign of
life."""


class UserFeed:
    """Keeps the connection and decodes it; the owner passes it events and timers."""

    TIMERS = frozenset({PING_TIMER, RECONNECT_TIMER, WATCHDOG_TIMER, HEALTH_TIMER})

    def __init__(self, url: str, dice: Dice) -> None:
        self.connection = FeedConnection(url, RHYTHM, dice)
        self._counts = FrameCounts()

    def start(self) -> Effects:
        """Connect, or reconnect because there are new credentials."""
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
        """Reconnect after a delay."""
        if not self.connection.is_current(event.epoch):
            return []
        return self._lose(FeedDown(USER_FEED, event.reason), event.reason, now_ms)

    def events(self, received: FramesReceived, now_ms: int) -> tuple[list[UserEvent], list[str]]:
        """Decode received frames.

        Returns:
            The events in order, and a sentence for each unreadable one, which may have been a fill.
        """
        if not (self.connection.is_up and self.connection.is_current(received.epoch)):
            return [], []
        self.connection.data_seen(now_ms)
        events: list[UserEvent] = []
        problems: list[str] = []
        for raw, _arrived_ns in received.frames:
            self._counts.frames_count += 1
            if raw not in NOT_DATA:
                decoded, wrong = decode(raw)
                events += decoded
                problems += wrong
        self._counts.note_malformed(problems)  # an account's frames are never shown
        return events, problems

    def wake(self, key: str, now_ms: int) -> Effects:
        """Ping, reconnect, check the watchdog or report health."""
        if key == PING_TIMER:
            return self.connection.ping()
        if key == RECONNECT_TIMER:
            return self.connection.reconnect()
        if key == WATCHDOG_TIMER:
            return self._watch(now_ms)
        return [Send(OBSERVER, self._health()), SetTimer(HEALTH_TIMER, HEALTH_EVERY_MS)]

    def _watch(self, now_ms: int) -> Effects:
        return self.connection.watch(
            now_ms,
            lose=lambda reason: self._lose(FeedDown(USER_FEED, reason), reason, now_ms),
            go_stale=lambda silence_ms: self._lose(
                FeedStale(USER_FEED, silence_ms), f"no PONG for {silence_ms} ms", now_ms
            ),
        )

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
            frames_count=self._counts.frames_count,
            malformed_count=self._counts.malformed_count,
            merged_count=0,
            reconnect_count=self.connection.reconnect_count,
            sequence_gap_count=0,
            last_malformed=self._counts.last_malformed,
            data_at_ms=self.connection.data_at_ms,
        )
