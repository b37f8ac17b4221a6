"""One websocket connection as a feed's core knows it: wanted, tried, up, silent, lost, tried again.

::

    IDLE --start--> CONNECTING --connected--> UP
                     ^      |                  |
                reconnect  lost               lost    (closed, silent, or of no more use)
                     |      v                  |
                     +-- WAITING <-------------+

Every attempt carries a new epoch number, and what an older socket still says is ignored. An open
socket proves nothing: only data keeps a connection up (the venue's sockets are known to stay open,
answer PING and send nothing).
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
"""How often a feed reports how its connection is doing."""

BACKOFF_FIRST_MS = 250
BACKOFF_MAX_MS = 30_000
CONNECT_LIMIT_MS = 30_000
STEADY_AFTER_MS = 10_000
"""A connection that lived and gave data for so long clears the backoff of those before it."""

NOT_DATA = frozenset({b"PONG", b""})
"""Frames that only show that the venue is alive."""

Frame = tuple[bytes, int]
"""A raw frame, and host monotonic ns at its arrival."""


class Connect(msgspec.Struct, frozen=True):
    """Command: open a connection in place of the one of this name, if there is one."""

    epoch: int
    url: str
    name: str = ""
    """Tells apart the connections that one actor holds at a time."""


class SendText(msgspec.Struct, frozen=True):
    """Command: say this on the open connection."""

    text: str
    name: str = ""


class Disconnect(msgspec.Struct, frozen=True):
    """Command: let the connection go."""

    name: str = ""


class Connected(msgspec.Struct, frozen=True):
    """Event: the connection is open; nothing is subscribed yet."""

    epoch: int
    name: str = ""


class Disconnected(msgspec.Struct, frozen=True):
    """Event: the connection could not be opened, or is gone; one sentence says why."""

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
    """Where a connection stands."""

    IDLE = "idle"
    """Not wanted yet."""
    WAITING = "waiting"
    """Lost; the next attempt waits for its time."""
    CONNECTING = "connecting"
    UP = "up"


@attrs.frozen(kw_only=True)
class Rhythm:
    """How often a venue wants to be pinged, and how long it may be silent."""

    stale_after_ms: int
    ping_every_ms: int | None = None
    """None: the venue knows no ping in a text."""
    ping_text: str = "PING"


class FeedConnection:
    """The state of one connection; its methods return what the port and timers must do.

    A name, if it has one, is part of its commands and, behind a slash, of its timers' keys.
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
        """Whether the connection is open and has given data; one gone stale is not left open."""
        return self.is_up and self.data_at_ms is not None

    def is_current(self, epoch: int) -> bool:
        """Whether an event of this epoch is about the connection that is wanted now."""
        return epoch == self.epoch and self.phase in (Phase.CONNECTING, Phase.UP)

    def silence_ms(self, now_ms: int) -> int:
        """Time since the last data, or since the connection opened if there was none."""
        since_ms = self._up_since_ms if self.data_at_ms is None else self.data_at_ms
        return max(0, now_ms - since_ms)

    def clock_set_back(self, by_ms: int) -> None:
        """It has been silent for as long as before."""
        self._up_since_ms -= by_ms
        self.data_at_ms = earlier(self.data_at_ms, by_ms)

    def is_stale(self, now_ms: int) -> bool:
        """Whether an open connection has been silent for too long."""
        return self.is_up and self.silence_ms(now_ms) >= self._rhythm.stale_after_ms

    def start(self) -> Effects:
        """Want a connection; nothing happens if one is wanted already."""
        return self._connect() if self.phase is Phase.IDLE else []

    def reconnect(self) -> Effects:
        """Try again; the backoff is over."""
        return self._connect() if self.phase is Phase.WAITING else []

    def renew(self) -> Effects:
        """Open another connection in place of the one there is; what it still says is ignored."""
        return self._connect()

    def connected(self, first_texts: tuple[str, ...], now_ms: int) -> Effects:
        """Say what must be said first, and begin to ping and to watch."""
        self.phase = Phase.UP
        self._up_since_ms = now_ms
        self.data_at_ms = None
        return [
            *(Command(SendText(text, self.name)) for text in first_texts),
            *self.watch_on(),
            *self._next_ping(),
        ]

    def data_seen(self, now_ms: int) -> None:
        """Note that the venue sent something of use."""
        self.data_at_ms = now_ms

    def ping(self) -> Effects:
        """Send the venue's ping, if it is time and the connection is open."""
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
        """Do what follows when the watchdog's timer has run out.

        Args:
            now_ms: venue time.
            lose: is called with a reason if the connection was not opened in time.
            go_stale: is called with the milliseconds for which an open connection was silent.
        """
        if self.phase is Phase.CONNECTING:
            return lose(f"no connection within {CONNECT_LIMIT_MS} ms")
        if not self.is_up:
            return []
        if not self.is_stale(now_ms):
            return self.watch_again(now_ms)
        return go_stale(self.silence_ms(now_ms))

    def watch_again(self, now_ms: int) -> Effects:
        """Look again when the data would be too old if no more came."""
        remaining_ms = self._rhythm.stale_after_ms - self.silence_ms(now_ms)
        return [SetTimer(self._key(WATCHDOG_TIMER), max(1, remaining_ms))]

    def watch_on(self) -> Effects:
        """Look again after another such time, though the data is too old already."""
        return [SetTimer(self._key(WATCHDOG_TIMER), self._rhythm.stale_after_ms)]

    def lost(
        self,
        now_ms: int,
        least_ms: int = 0,
        spread_ms: int | None = None,
        *,
        was_of_use: bool = True,
    ) -> Effects:
        """Let go of the connection and wait before the next attempt.

        The delay is full jitter: evenly spread up to 250 ms x 2**failures, at most 30 s. A
        connection counts as a failure unless it gave data for some time, and that was of use.

        Args:
            now_ms: venue time.
            least_ms: added to the delay: what the venue asks to wait.
            spread_ms: spread the delay up to this instead.
            was_of_use: its data was what it is for.
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
        """Let go of the connection, and want none until it is started again."""
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
