"""The open connections, and what each is sent."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

import attrs
from aiohttp import WSCloseCode, WSMsgType, web
from msgspec.structs import replace

from venue.channels.session import POLICY_VIOLATION, Close, Reply, Session
from venue.faults import FaultKind
from venue.frames import Channel, Frame

MOST_WAITING = 20_000
"""Frames that may wait for a client that does not read; beyond that it is disconnected."""
_MOST_MISSED_PONGS = 2
_STANDING = (FaultKind.SILENCE, FaultKind.OFF, FaultKind.REFUSE_CREDENTIALS)


@attrs.frozen
class Pings:
    """How the server checks that a client is alive."""

    every_s: float
    farewell: Close
    """How it closes a connection that owes two pongs."""


class Connection:
    """One websocket with its session; sends in the order of ``put``, which never blocks."""

    def __init__(self, socket: web.WebSocketResponse, session: Session) -> None:
        self.session = session
        self.is_stalled = False
        self._socket = socket
        self._outbox: list[Reply] = []
        self._has_more = asyncio.Event()
        self._missed_pongs = 0

    def put(self, replies: Iterable[Reply]) -> None:
        """Queue replies; a stalled connection sends only PONG."""
        for reply in replies:
            if not self.is_stalled or isinstance(reply, Close) or self.session.is_pong(reply):
                self._outbox.append(reply)
        if len(self._outbox) > MOST_WAITING:
            self._outbox = [Close(POLICY_VIOLATION, "client reads too slowly")]
        self._has_more.set()

    async def run(
        self, subscribe_within_s: float | None = None, pings: Pings | None = None
    ) -> None:
        """Serve until either side closes.

        Args:
            subscribe_within_s: a client that has not subscribed by then is disconnected.
            pings: how the client is checked for life; None for no pings.
        """
        tasks = [asyncio.create_task(self._write())]
        if pings is not None:
            tasks.append(asyncio.create_task(self._ping(pings)))
        loop = asyncio.get_running_loop()
        deadline = None
        if subscribe_within_s is not None:
            deadline = loop.call_later(subscribe_within_s, self._close_if_not_subscribed)
        try:
            async for message in self._socket:
                if message.type is WSMsgType.TEXT:
                    self.put(self.session.receive(message.data))
                elif message.type is WSMsgType.PING:
                    await self._socket.pong(message.data)
                elif message.type is WSMsgType.PONG:
                    self._missed_pongs = 0
        finally:
            if deadline is not None:
                deadline.cancel()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _close_if_not_subscribed(self) -> None:
        if not self.session.keys:
            self.put([Close(POLICY_VIOLATION, "no subscription in time")])

    async def _ping(self, pings: Pings) -> None:
        while True:
            await asyncio.sleep(pings.every_s)
            if self._missed_pongs >= _MOST_MISSED_PONGS:
                self.put([pings.farewell])
                return
            self._missed_pongs += 1
            await self._socket.ping()

    async def _write(self) -> None:
        while True:
            await self._has_more.wait()
            self._has_more.clear()
            waiting, self._outbox = self._outbox, []
            for reply in waiting:
                if isinstance(reply, Close):
                    await self._socket.close(code=reply.code, message=reply.reason.encode())
                    return
                await self._socket.send_str(reply)


@attrs.define
class FaultPlan:
    """The faults still to come for one channel's frames."""

    standing: set[FaultKind] = attrs.field(factory=set)
    """Faults that last until RESUME."""
    _left: Counter[FaultKind] = attrs.field(factory=Counter)
    _held: Frame | None = None

    def plan(self, kind: FaultKind, count: int) -> None:
        """Apply a fault to the next ``count`` frames; RESUME ends all faults."""
        if kind in _STANDING:
            self.standing.add(kind)
        elif kind is FaultKind.RESUME:
            self.standing.clear()
            self._left.clear()
        else:
            self._left[kind] = count

    def apply(self, frame: Frame) -> list[Frame]:
        """Return what is sent in place of the frame, in order."""
        if FaultKind.SILENCE in self.standing:
            return []
        for kind, spoil in _SPOILERS.items():
            text = spoil(frame.text) if self._left[kind] > 0 else None
            if text is not None:
                self._left[kind] -= 1
                frame = replace(frame, text=text)
        sent = [frame]
        if self._left[FaultKind.DUPLICATE] > 0:
            self._left[FaultKind.DUPLICATE] -= 1
            sent.append(frame)
        if self._held is not None:
            held, self._held = self._held, None
            return [*sent, held]
        if self._left[FaultKind.REORDER] > 0:
            self._left[FaultKind.REORDER] -= 1
            self._held = frame
            return sent[1:]
        return sent


def _cut(text: str) -> str:
    return text[: len(text) // 2]


def _with_unreadable_level(text: str) -> str | None:
    """A price change whose first level is unreadable; None for any other frame."""
    event = json.loads(text)
    if event.get("event_type") != "price_change":
        return None
    event["price_changes"][0]["size"] = None
    return json.dumps(event, separators=(",", ":"))


def _with_malformed_sibling(text: str) -> str | None:
    """A book, in one array with a trade that lacks its price; None for any other frame."""
    event = json.loads(text)
    if event.get("event_type") != "book":
        return None
    about = {key: event[key] for key in ("market", "asset_id", "timestamp")}
    trade = {**about, "size": "5", "side": "BUY", "event_type": "last_trade_price"}
    return json.dumps([trade, event], separators=(",", ":"))


_SPOILERS: Mapping[FaultKind, Callable[[str], str | None]] = {
    FaultKind.UNREADABLE_CHANGE: _with_unreadable_level,
    FaultKind.MALFORMED_SIBLING: _with_malformed_sibling,
    FaultKind.GARBLE: _cut,
}
"""How each fault changes a frame's text, in this order; None if it does not apply to the frame."""


class Hub:
    """The connections of every channel, and their faults."""

    def __init__(self) -> None:
        self._connections: dict[Channel, set[Connection]] = {channel: set() for channel in Channel}
        self._faults = {channel: FaultPlan() for channel in Channel}

    def add(self, channel: Channel, connection: Connection) -> None:
        """Send the connection its channel's frames from now on."""
        self._connections[channel].add(connection)

    def remove(self, channel: Channel, connection: Connection) -> None:
        """Stop sending to the connection."""
        self._connections[channel].discard(connection)

    def publish(self, frames: Iterable[Frame]) -> None:
        """Queue each frame for every connection subscribed to one of its keys."""
        for frame in frames:
            receivers = self._receivers(frame)
            if receivers:
                for sent in self._faults[frame.channel].apply(frame):
                    for connection in self._receivers(sent):
                        connection.put(connection.session.carry(sent))

    def inject(self, channel: Channel, kind: FaultKind, count: int = 1) -> None:
        """Inject a fault into a channel."""
        self._faults[channel].plan(kind, count)
        for connection in self._connections[channel]:
            connection.put(connection.session.apply_fault(kind, count))
            if kind is FaultKind.STALL:
                connection.is_stalled = True
            elif kind is FaultKind.RESUME:
                connection.is_stalled = False

    def has_fault(self, channel: Channel, kind: FaultKind) -> bool:
        """Whether a lasting fault is in effect on a channel."""
        return kind in self._faults[channel].standing

    def close_all(self) -> None:
        """Tell every client that the exchange is shutting down."""
        for connections in self._connections.values():
            for connection in connections:
                connection.put([Close(WSCloseCode.GOING_AWAY, "exchange stops")])

    def _receivers(self, frame: Frame) -> list[Connection]:
        return [
            connection
            for connection in self._connections[frame.channel]
            if not connection.session.keys.isdisjoint(frame.keys)
        ]
