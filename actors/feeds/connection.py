"""One websocket connection as a feed's core sees it: its phases, backoff, pings and watchdog.

::

    IDLE --start--> CONNECTING --connected--> UP
                     ^      |                  |
                reconnect  lost               lost    (closed, silent, or no longer useful)
                     |      v                  |
                     +-- WAITING <-------------+

Every attempt has a new epoch number, and events of an older socket are ignored. An open socket
proves nothing: only data keeps a connection up (the venue's sockets are known to stay open, answer
PING and send nothing).
"""

from __future__ import annotations

import enum
from collections.abc import Callable

import attrs
import msgspec

from actors.core import CancelTimer, Command, Dice, Effects, SetTimer, earlier

PING_TIMER = "ping"
RECONNECT_TIMER = "reconnect"
WATCHDOG_TIMER = "watchdog"
HEALTH_TIMER = "health"
HEALTH_EVERY_MS = 5_000
"""How often a feed reports its health."""

BACKOFF_FIRST_MS = 250
BACKOFF_MAX_MS = 30_000
CONNECT_LIMIT_MS = 30_000
STEADY_AFTER_MS = 10_000
"""A connection that delivered data for this long resets the backoff."""

NOT_DATA = frozenset({b"PONG", b""})
"""Frames that only show that the server is alive."""

Frame = tuple[bytes, int]
"""A raw frame, and host monotonic ns at its arrival."""


class Connect(msgspec.Struct, frozen=True):
    """Command: open a connection; it replaces any connection of the same name."""

    epoch: int
    url: str
    name: str = ""
    """Distinguishes the connections of one actor."""


class SendText(msgspec.Struct, frozen=True):
    """Command: send this text on the open connection."""

    text: str
    name: str = ""


class Disconnect(msgspec.Struct, frozen=True):
    """Command: close the connection."""

    name: str = ""


class Connected(msgspec.Struct, frozen=True):
    """Event: the connection is open; nothing is subscribed yet."""

    epoch: int
    name: str = ""


class Disconnected(msgspec.Struct, frozen=True):
    """Event: the connection could not be opened, or was lost; ``reason`` is one sentence."""

    epoch: int
    reason: str
    name: str = ""
    code: int | None = None
    """The close code (1000 and above), or the HTTP status that refused the connection."""
    retry_after_ms: int | None = None
    """How long the service that refused it asks to wait."""


class FramesReceived(msgspec.Struct, frozen=True):
    """Event: all frames that arrived since the port was last drained, in order."""

    epoch: int
    frames: tuple[Frame, ...]
    name: str = ""


class Phase(enum.Enum):
    """The state of a connection."""

    IDLE = "idle"
    """Not started yet."""
    WAITING = "waiting"
    """Lost; waiting until the next attempt is due."""
    CONNECTING = "connecting"
    UP = "up"


@attrs.frozen(kw_only=True)
class Rhythm:
    """How often a service expects pings, and how long it may be silent."""

    stale_after_ms: int
    ping_every_ms: int | None = None
    """None: the service has no text ping."""
    ping_text: str = "PING"


class FeedConnection:
    """The state of one connection; its methods return the effects for the port and the timers.

    A name, if there is one, is part of its commands and, after a slash, of its timers' keys.
    """

    def __init__(self, url: str, rhythm: Rhythm, dice: Dice, name: str = "") -> None:
        self.name = name
        self.phase = Phase.IDLE
        self.epoch = 0
        self.reconnect_count = 0
        self._url = url
        self._rhythm = rhythm
        self._dice = dice
        self._failed_attempts = 0
        self._up_since_ms = 0
        self.data_at_ms: int | None = None
        """Venue time of the newest data on this connection; None before the first."""

    @property
    def is_up(self) -> bool:
        """Whether the connection is open."""
        return self.phase is Phase.UP

    @property
    def is_serving(self) -> bool:
        """Whether the connection is open and has delivered data; a stale one is not left open."""
        return self.is_up and self.data_at_ms is not None

    def is_current(self, epoch: int) -> bool:
        """Return whether an event of this epoch belongs to the current connection."""
        return epoch == self.epoch and self.phase in (Phase.CONNECTING, Phase.UP)

    def silence_ms(self, now_ms: int) -> int:
        """Return the time since the last data, or since the connection opened if there was none."""
        since_ms = self._up_since_ms if self.data_at_ms is None else self.data_at_ms
        return max(0, now_ms - since_ms)

    def clock_set_back(self, by_ms: int) -> None:
        """Shift the times of past events back by as much as the clock was."""
        self._up_since_ms -= by_ms
        self.data_at_ms = earlier(self.data_at_ms, by_ms)

    def is_stale(self, now_ms: int) -> bool:
        """Return whether an open connection has been silent for too long."""
        return self.is_up and self.silence_ms(now_ms) >= self._rhythm.stale_after_ms

    def start(self) -> Effects:
        """Connect, unless the connection is started already."""
        return self._connect() if self.phase is Phase.IDLE else []

    def reconnect(self) -> Effects:
        """Connect again after the backoff."""
        return self._connect() if self.phase is Phase.WAITING else []

    def renew(self) -> Effects:
        """Open another connection in place of the current one, whose events are then ignored."""
        return self._connect()

    def connected(self, first_texts: tuple[str, ...], now_ms: int) -> Effects:
        """Send the first frames, and start the pings and the watchdog."""
        self.phase = Phase.UP
        self._up_since_ms = now_ms
        self.data_at_ms = None
        return [
            *(Command(SendText(text, self.name)) for text in first_texts),
            *self.watch_on(),
            *self._next_ping(),
        ]

    def data_seen(self, now_ms: int) -> None:
        """Note that the server sent useful data."""
        self.data_at_ms = now_ms

    def ping(self) -> Effects:
        """Send the text ping and set its timer again, if the connection is open."""
        if not self.is_up:
            return []
        return [Command(SendText(self._rhythm.ping_text, self.name)), *self._next_ping()]

    def watch(
        self,
        now_ms: int,
        *,
        lose: Callable[[str], Effects],
        go_stale: Callable[[int], Effects],
    ) -> Effects:
        """Handle the watchdog timer.

        Args:
            now_ms: venue time.
            lose: called with a reason if the connection was not opened in time.
            go_stale: called with the milliseconds for which an open connection was silent.
        """
        if self.phase is Phase.CONNECTING:
            return lose(f"no connection within {CONNECT_LIMIT_MS} ms")
        if not self.is_up:
            return []
        if not self.is_stale(now_ms):
            return self.watch_again(now_ms)
        return go_stale(self.silence_ms(now_ms))

    def watch_again(self, now_ms: int) -> Effects:
        """Set the watchdog to when the data would be too old if no more arrived."""
        remaining_ms = self._rhythm.stale_after_ms - self.silence_ms(now_ms)
        return [SetTimer(self._key(WATCHDOG_TIMER), max(1, remaining_ms))]

    def watch_on(self) -> Effects:
        """Set the watchdog for another full period, although the data is too old already."""
        return [SetTimer(self._key(WATCHDOG_TIMER), self._rhythm.stale_after_ms)]

    def lost(
        self,
        now_ms: int,
        least_ms: int = 0,
        spread_ms: int | None = None,
        *,
        was_of_use: bool = True,
    ) -> Effects:
        """Drop the connection and wait before the next attempt.

        The delay has full jitter: uniformly distributed up to 250 ms x 2**failures, at most 30 s. A
        connection counts as a failure unless it delivered data for some time and that was useful.

        Args:
            now_ms: venue time.
            least_ms: added to the delay: the wait that the server asked for.
            spread_ms: distribute the delay up to this instead.
            was_of_use: whether its data was what the connection is for.
        """
        if was_of_use and self.is_serving and now_ms - self._up_since_ms >= STEADY_AFTER_MS:
            self._failed_attempts = 0
        longest_ms = min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS << min(self._failed_attempts, 16))
        spread_ms = longest_ms if spread_ms is None else spread_ms
        delay_ms = least_ms + int(self._dice.random() * spread_ms)
        self._failed_attempts += 1
        self.reconnect_count += 1
        self.phase = Phase.WAITING
        return [*self._let_go(), SetTimer(self._key(RECONNECT_TIMER), delay_ms)]

    def stop(self) -> Effects:
        """Close the connection, and open none until it is started again."""
        self.phase = Phase.IDLE
        return [*self._let_go(), CancelTimer(self._key(RECONNECT_TIMER))]

    def _let_go(self) -> Effects:
        return [
            Command(Disconnect(self.name)),
            CancelTimer(self._key(PING_TIMER)),
            CancelTimer(self._key(WATCHDOG_TIMER)),
        ]

    def _connect(self) -> Effects:
        self.phase = Phase.CONNECTING
        self.epoch += 1
        return [
            Command(Connect(self.epoch, self._url, self.name)),
            SetTimer(self._key(WATCHDOG_TIMER), CONNECT_LIMIT_MS),
        ]

    def _next_ping(self) -> Effects:
        every_ms = self._rhythm.ping_every_ms
        return [] if every_ms is None else [SetTimer(self._key(PING_TIMER), every_ms)]

    def _key(self, timer: str) -> str:
        return f"{timer}/{self.name}" if self.name else timer
