"""Whether the venue lets this system in, hears that it lives, and tells it what happens.

Credentials are got at the start and anew when refused. They can be revoked, or expire, while orders
are out. Then every request is answered with 401, which says nothing of any order. So nothing more
is asked with them: new ones are got at once, and if these are refused too, rarely. Until some hold,
nothing is signed, posted or read.

Heartbeats keep the venue's dead man's switch from cancelling all orders of an account that has
fallen silent. Once one was sent, the venue wants the next within ten seconds, and there is no way
back but to fall silent. Source: Polymarket's documentation, order heartbeats.

The user channel's first frame carries the API credentials. Those may be in one process only, and so
its connection is no actor of its own, unlike the other feeds': the real executor owns it, and its
port says that frame. Whatever the channel does not tell, the executor reads by REST.
"""

from __future__ import annotations

from actors.core import Command, Dice, Effects, Log, Send, SetTimer, earlier
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
"""After the venue could not be reached."""
REFUSED_RETRY_MS = 60_000
"""After it refused: asking often would change nothing."""


class VenueSession:
    """The account that may be used now, if any; and one sentence for each way to lose it."""

    def __init__(self) -> None:
        self.account: ClientReady | None = None
        self.trouble = ""
        """Why nothing can be asked of the venue; empty while nothing is known to be wrong."""
        self._has_named_wallet = False
        self._renewed_at_ms: int | None = None

    def clock_set_back(self, by_ms: int) -> None:
        """New credentials were asked for as long ago as before."""
        self._renewed_at_ms = earlier(self._renewed_at_ms, by_ms)

    def ask(self) -> Effects:
        """Ask for credentials."""
        return [Command(OpenClient())]

    def opened(self, event: ClientReady) -> Effects:
        """Use them; that they hold shows with the first reading."""
        self.account = event
        if self._has_named_wallet:
            return []
        self._has_named_wallet = True
        return [Log("info", f"trading for account {event.wallet}")]

    def failed(self, event: ClientFailed) -> Effects:
        """Try again later: without credentials nothing leaves."""
        retry = SetTimer(SESSION_TIMER, REFUSED_RETRY_MS if event.is_refused else RETRY_MS)
        return [*self._say(f"no credentials from the venue: {event.reason}"), retry]

    def proven(self) -> Effects:
        """The account was read: the credentials hold."""
        if not self.trouble:
            return []
        self.trouble = ""
        return [Log("info", "the venue takes the API credentials now")]

    def hear(self, event: object, now_ms: int) -> Effects:
        """Get new credentials if this says that those in use are refused."""
        is_denial = isinstance(event, FailedRequest) and event.is_unauthorized
        if not is_denial or self.account is None:
            return []
        self.account = None
        said = self._say("the venue refuses the API credentials (401); new ones are asked for")
        if self._renewed_at_ms is None:
            wait_ms = 0
        else:
            wait_ms = self._renewed_at_ms + REFUSED_RETRY_MS - now_ms
        if wait_ms > 0:
            return [*said, SetTimer(SESSION_TIMER, wait_ms)]
        return [*said, *self._renew(now_ms)]

    def wake(self, now_ms: int) -> Effects:
        """Ask again; it was waited for long enough."""
        return self._renew(now_ms) if self.account is None else []

    def _renew(self, now_ms: int) -> Effects:
        self._renewed_at_ms = now_ms
        return self.ask()

    def _say(self, trouble: str) -> Effects:
        """Say a sentence once, however often it proves true."""
        if trouble == self.trouble:
            return []
        self.trouble = trouble
        return [Log("error", f"nothing is traded: {trouble}")]


HEARTBEAT_TIMER = "heartbeat"
HEARTBEAT_EVERY_MS = 5_000


class DeadMansSwitch:
    """Sends heartbeats, each with the id that the answer to the last one gave."""

    def __init__(self) -> None:
        self._next_id = ""
        self._is_under_way = False

    def beat(self) -> Effects:
        """Send the next one, unless the last is still unanswered; come again."""
        again = SetTimer(HEARTBEAT_TIMER, HEARTBEAT_EVERY_MS)
        if self._is_under_way:
            return [again]
        self._is_under_way = True
        return [Command(SendHeartbeat(self._next_id)), again]

    def take(self, event: HeartbeatEvent) -> Effects:
        """Keep the id for the next one; if the venue wants another id, send it again at once."""
        self._is_under_way = False
        if isinstance(event, HeartbeatAnswered):
            self._next_id = event.heartbeat_id
            return []
        if event.is_unauthorized:
            return []
        if event.expected_id is None:
            return [Log("warning", f"a heartbeat did not arrive: {event.reason}")]
        self._next_id = event.expected_id
        return self.beat()


RHYTHM = Rhythm(stale_after_ms=25_000, ping_every_ms=10_000)
"""An account may rest for hours: here, unlike on the market channel, a PONG proves life."""


class UserFeed:
    """Keeps the connection and decodes it; its owner passes events and timers on to it."""

    TIMERS = frozenset({PING_TIMER, RECONNECT_TIMER, WATCHDOG_TIMER, HEALTH_TIMER})

    def __init__(self, url: str, dice: Dice) -> None:
        self.connection = FeedConnection(url, RHYTHM, dice)
        self._counts = FrameCounts()

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
            self._counts.frames_count += 1
            if raw not in NOT_DATA:
                decoded, wrong = decode(raw)
                events += decoded
                problems += wrong
        self._counts.note_malformed(problems)  # of an account's frames nothing is shown
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
        return self.connection.watch(
            now_ms,
            lose=lambda reason: self._lose(FeedDown(USER_FEED, reason), reason, now_ms),
            go_stale=lambda silence_ms: self._lose(
                FeedStale(USER_FEED, silence_ms), f"not even a PONG for {silence_ms} ms", now_ms
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
