"""A feed's connection to one price service, and a second one while it is renewed.

A connection that falls silent, has lost frames, or is to bring a fresh history is not dropped at
once. A second one is opened beside it, and replaces it when it has delivered data (make before
break). The feed removes duplicates between the two.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs

from actors.core import Command, Dice, Effects, Log, earlier
from actors.feeds.connection import (
    PING_TIMER,
    RECONNECT_TIMER,
    Connected,
    Disconnected,
    FeedConnection,
    FramesReceived,
    Rhythm,
    SendText,
)
from actors.feeds.decoding import FrameCounts
from actors.feeds.polybolt import CloseCode
from actors.feeds.price_protocol import PriceProtocol
from actors.messages.feeds import TwapTick

RENEW_EVERY_MS = 10_000
"""A connection is renewed no more often than this."""
AGE_MAX_MS = 30_000
"""A tick older than this on arrival does not show that the service is alive."""
AHEAD_MAX_MS = 60_000
"""A tick further in the future than this is invalid."""
AHEAD_PROOF_MS = 10_000
"""A tick further in the future than this does not show that the service is alive, nor does it
invalidate later ones: clocks may differ by some seconds."""

DRAIN_SPREAD_MS = 10_000
"""Clients of a server that shuts down reconnect spread over this time."""
REFUSED_WAIT_MS = 60_000
"""After the service refused a subscription, asking often would change nothing."""
BREACH_WAIT_MS = 600_000
"""After the service reported a violation by this client, which will still be there next time."""


@attrs.define(eq=False)
class _Line:
    connection: FeedConnection
    protocol: PriceProtocol
    newest_ms: int = 0
    """Time of its newest tick; before the first, the time that a tick must exceed."""
    is_fresh: bool = False
    """It has delivered new data, and not fallen silent since."""


@attrs.frozen(kw_only=True)
class ServiceSpec:
    """What distinguishes one price service from the other."""

    name: str
    """One of the sources in ``actors.messages.feeds``."""
    label: str
    """The name shown to people."""
    url: str
    rhythm: Rhythm
    new_protocol: Callable[[], PriceProtocol]


class PriceStream:
    """Keeps one service's connection; its methods return the effects for port and timers."""

    def __init__(self, spec: ServiceSpec, dice: Dice) -> None:
        self.spec = spec
        self.trouble = ""
        """Why it does not serve; empty if no problem is known."""
        self.is_denied = False
        """The credentials were refused: no new connection until there are others."""
        self.counts = FrameCounts()
        self.lost_count = 0
        self.reconnect_count = 0
        self._dice = dice
        self._lines_count = 0
        self._main = self._new_line()
        self._successor: _Line | None = None
        self._newest_ms = 0
        """Time of the newest tick of any connection: a replacement for a silent connection shows
        life only by a newer tick."""
        self._renewed_at_ms: int | None = None
        self._is_loss_told = False

    @property
    def is_serving(self) -> bool:
        """Whether it delivers new data."""
        return self._main.connection.is_up and self._main.is_fresh

    @property
    def data_at_ms(self) -> int:
        """Venue time of the newest data on the connection; 0 if there is none."""
        return self._main.connection.data_at_ms or 0

    def start(self) -> Effects:
        """Connect, unless connected or connecting."""
        self.is_denied = False
        return self._main.connection.start()

    def stop(self) -> Effects:
        """Close everything until it is started again."""
        effects = [effect for line in self._lines() for effect in line.connection.stop()]
        self._successor = None
        return effects

    def clock_set_back(self, by_ms: int) -> None:
        """Shift past times back as the clock was; the service's own time may step back too."""
        self._newest_ms -= by_ms
        for line in self._lines():
            line.newest_ms -= by_ms
            line.connection.clock_set_back(by_ms)
        self._renewed_at_ms = earlier(self._renewed_at_ms, by_ms)

    def renew(self, now_ms: int) -> Effects:
        """Open a second connection to replace the first, unless it is too early.

        A connection that is being opened brings a fresh history anyway.
        """
        if self._successor is not None or not self._main.connection.is_up or self.is_denied:
            return []
        renewed_at_ms = self._renewed_at_ms
        if renewed_at_ms is not None and now_ms - renewed_at_ms < RENEW_EVERY_MS:
            return []
        self._renewed_at_ms = now_ms
        self._successor = self._new_line()
        return self._successor.connection.start()

    def connected(self, event: Connected, now_ms: int) -> Effects:
        """Start the service's protocol."""
        line = self._line(event.name, event.epoch)
        if line is None:
            return []
        line.protocol = self.spec.new_protocol()
        line.newest_ms = 0 if self._main.is_fresh else self._newest_ms
        line.is_fresh = False
        return [*line.connection.connected((), now_ms), *line.protocol.opening(event.name)]

    def disconnected(self, event: Disconnected, now_ms: int) -> Effects:
        """Reconnect in the way that the service's close code asks for."""
        line = self._line(event.name, event.epoch)
        if line is None:
            return []
        if event.code == CloseCode.CREDENTIALS_REFUSED:
            self.is_denied = True
        least_ms, spread_ms = event.retry_after_ms or 0, None
        if event.code == CloseCode.DRAINING:
            spread_ms = DRAIN_SPREAD_MS
        elif event.code == CloseCode.POLICY_BREACH:
            least_ms = BREACH_WAIT_MS
        return self._lose(line, event.reason, now_ms, least_ms, spread_ms)

    def received(self, event: FramesReceived, now_ms: int) -> tuple[list[TwapTick], Effects]:
        """Read frames.

        Returns:
            Their ticks, and the effects.
        """
        line = self._line(event.name, event.epoch)
        if line is None or not line.connection.is_up:
            return [], []
        ticks: list[TwapTick] = []
        effects: Effects = []
        lost_before = self.lost_count
        latest_ms = now_ms + AHEAD_MAX_MS
        for raw, _arrived_ns in event.frames:
            self.counts.frames_count += 1
            said = line.protocol.receive(raw)
            self.lost_count += said.lost_count
            timely = [tick for tick in said.ticks if tick.timestamp_ms < latest_ms]
            ticks += timely
            self.counts.note_malformed(said.problems, raw)
            if len(timely) < len(said.ticks):
                self.counts.note_malformed(("a price dated in the future",), raw)
            effects += [Command(SendText(text, event.name)) for text in said.replies]
            if said.refusal:
                self.is_denied = self.is_denied or said.are_credentials_refused
                return ticks, [*effects, *self._lose(line, said.refusal, now_ms, REFUSED_WAIT_MS)]
        newest_before_ms = self._newest_ms
        if self._is_newer(line, ticks, now_ms):
            is_news = self._newest_ms > newest_before_ms
            effects += self._prove(line, now_ms if is_news else self.data_at_ms or now_ms)
        if self.lost_count > lost_before:
            effects += self.renew(now_ms)
        return ticks, effects

    def wake(self, timer: str, name: str, now_ms: int) -> Effects:
        """Ping, reconnect or watch; a timer of a former connection has no effect."""
        line = next((each for each in self._lines() if each.connection.name == name), None)
        if line is None:
            return []
        if timer == PING_TIMER:
            return line.connection.ping()
        if timer == RECONNECT_TIMER:
            return [] if self.is_denied else line.connection.reconnect()
        return self._watch(line, now_ms)

    # Private

    def _new_line(self) -> _Line:
        self._lines_count += 1
        name = f"{self.spec.name}-{self._lines_count}"
        connection = FeedConnection(self.spec.url, self.spec.rhythm, self._dice, name)
        return _Line(connection, self.spec.new_protocol())

    def _lines(self) -> list[_Line]:
        return [self._main] if self._successor is None else [self._main, self._successor]

    def _line(self, name: str, epoch: int) -> _Line | None:
        for line in self._lines():
            if line.connection.name == name and line.connection.is_current(epoch):
                return line
        return None

    def _is_newer(self, line: _Line, ticks: list[TwapTick], now_ms: int) -> bool:
        """Note the newest tick; return whether it is newer than all before it and not old."""
        latest_ms = now_ms + AHEAD_PROOF_MS
        newest_ms = max((e.timestamp_ms for e in ticks if e.timestamp_ms <= latest_ms), default=0)
        if newest_ms <= line.newest_ms or newest_ms < now_ms - AGE_MAX_MS:
            return False
        line.newest_ms = newest_ms
        self._newest_ms = max(self._newest_ms, newest_ms)
        return True

    def _prove(self, line: _Line, data_at_ms: int) -> Effects:
        """Trust a connection that delivers new data, and close the one that it replaces."""
        line.connection.data_seen(data_at_ms)
        line.is_fresh = True
        self.trouble, self._is_loss_told = "", False
        if line is not self._successor:
            return []
        old, self._main, self._successor = self._main, line, None
        return old.connection.stop()

    def _watch(self, line: _Line, now_ms: int) -> Effects:
        return line.connection.watch(
            now_ms,
            lose=lambda reason: self._lose(line, reason, now_ms),
            go_stale=lambda silence_ms: self._go_stale(line, silence_ms, now_ms),
        )

    def _go_stale(self, line: _Line, silence_ms: int, now_ms: int) -> Effects:
        """Open another connection beside a silent one; drop one that never served."""
        reason = f"no new price for {silence_ms} ms on an open connection"
        if line is self._successor or not line.connection.is_serving:
            return self._lose(line, reason, now_ms)
        line.is_fresh = False
        self.trouble = reason
        renewed = [*line.connection.watch_on(), *self.renew(now_ms)]
        return [*renewed, *self._log_loss("warning", reason)]

    def _lose(
        self,
        line: _Line,
        reason: str,
        now_ms: int,
        least_ms: int = 0,
        spread_ms: int | None = None,
    ) -> Effects:
        """Drop a connection; the other one takes its place if there is one."""
        line.is_fresh = False
        if line is self._successor:
            self._successor = None
            return line.connection.stop()
        self.trouble = reason
        self.reconnect_count += 1
        said = self._log_loss("error" if least_ms == BREACH_WAIT_MS else "warning", reason)
        if self.is_denied:
            return [*self.stop(), *said]
        if self._successor is not None:
            self._main, self._successor = self._successor, None
            return [*line.connection.stop(), *said]
        return [*line.connection.lost(now_ms, least_ms, spread_ms), *said]

    def _log_loss(self, level: str, reason: str) -> Effects:
        """Log once that it does not serve, until it has served again."""
        if self._is_loss_told:
            return []
        self._is_loss_told = True
        return [Log(level, f"{self.spec.label}: {reason}")]
