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

import attrs

from actors.core import CancelTimer, Command, Dice, Effects, SetTimer

PING_TIMER = "ping"
RECONNECT_TIMER = "reconnect"
WATCHDOG_TIMER = "watchdog"

BACKOFF_FIRST_MS = 250
BACKOFF_MAX_MS = 30_000
CONNECT_LIMIT_MS = 30_000
STEADY_AFTER_MS = 10_000
"""A connection that lived and gave data for so long clears the backoff of those before it."""

Frame = tuple[bytes, int]
"""A raw frame, and host monotonic ns at its arrival."""


@attrs.frozen
class Connect:
    """Command: open a connection in place of whatever there is."""

    epoch: int
    url: str


@attrs.frozen
class SendText:
    """Command: say this on the open connection."""

    text: str


@attrs.frozen
class Disconnect:
    """Command: let the connection go."""


@attrs.frozen
class Connected:
    """Event: the connection is open; nothing is subscribed yet."""

    epoch: int


@attrs.frozen
class Disconnected:
    """Event: the connection could not be opened, or is gone; one sentence says why."""

    epoch: int
    reason: str


@attrs.frozen
class FramesReceived:
    """Event: all frames that arrived since the port was last drained, in order."""

    epoch: int
    frames: tuple[Frame, ...]


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
    """None: the venue knows no text PING."""


class FeedConnection:
    """The state of one connection; its methods return what the port and timers must do."""

    def __init__(self, url: str, rhythm: Rhythm, dice: Dice) -> None:
        self.phase = Phase.IDLE
        self.epoch = 0
        self.reconnect_count = 0
        self._url = url
        self._rhythm = rhythm
        self._dice = dice
        self._failed_attempts = 0
        self._up_since_ms = 0
        self._data_at_ms: int | None = None

    @property
    def is_up(self) -> bool:
        """Whether the connection is open."""
        return self.phase is Phase.UP

    @property
    def is_serving(self) -> bool:
        """Whether the connection is open and has given data; one gone stale is not left open."""
        return self.is_up and self._data_at_ms is not None

    @property
    def data_at_ms(self) -> int | None:
        """Venue time of the newest data on this connection; None before the first."""
        return self._data_at_ms

    def is_current(self, epoch: int) -> bool:
        """Whether an event of this epoch is about the connection that is wanted now."""
        return epoch == self.epoch and self.phase in (Phase.CONNECTING, Phase.UP)

    def silence_ms(self, now_ms: int) -> int:
        """Time since the last data, or since the connection opened if there was none."""
        since_ms = self._up_since_ms if self._data_at_ms is None else self._data_at_ms
        return max(0, now_ms - since_ms)

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
        self._data_at_ms = None
        return [
            *(Command(SendText(text)) for text in first_texts),
            SetTimer(WATCHDOG_TIMER, self._rhythm.stale_after_ms),
            *self._next_ping(),
        ]

    def data_seen(self, now_ms: int) -> None:
        """Note that the venue sent something of use."""
        self._data_at_ms = now_ms

    def ping(self) -> Effects:
        """Send the venue's text PING, if it is time and the connection is open."""
        return [Command(SendText("PING")), *self._next_ping()] if self.is_up else []

    def watch_again(self, now_ms: int) -> Effects:
        """Look again when the data would be too old if no more came."""
        remaining_ms = self._rhythm.stale_after_ms - self.silence_ms(now_ms)
        return [SetTimer(WATCHDOG_TIMER, max(1, remaining_ms))]

    def lost(self, now_ms: int) -> Effects:
        """Let go of the connection and wait before the next attempt.

        The delay is full jitter: evenly spread up to 250 ms x 2**failures, at most 30 s.
        """
        if self.is_serving and now_ms - self._up_since_ms >= STEADY_AFTER_MS:
            self._failed_attempts = 0
        longest_ms = min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS << min(self._failed_attempts, 16))
        delay_ms = int(self._dice.random() * longest_ms)
        self._failed_attempts += 1
        self.reconnect_count += 1
        self.phase = Phase.WAITING
        return [
            Command(Disconnect()),
            CancelTimer(PING_TIMER),
            CancelTimer(WATCHDOG_TIMER),
            SetTimer(RECONNECT_TIMER, delay_ms),
        ]

    def _connect(self) -> Effects:
        self.phase = Phase.CONNECTING
        self.epoch += 1
        return [
            Command(Connect(self.epoch, self._url)),
            SetTimer(WATCHDOG_TIMER, CONNECT_LIMIT_MS),
        ]

    def _next_ping(self) -> Effects:
        every_ms = self._rhythm.ping_every_ms
        return [] if every_ms is None else [SetTimer(PING_TIMER, every_ms)]
