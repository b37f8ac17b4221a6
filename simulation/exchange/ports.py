"""Ports of feeds and directory: websockets and HTTP on the scheduler, with faults."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from random import Random

from actors.feeds.connection import (
    Connect,
    Connected,
    Disconnect,
    Disconnected,
    FramesReceived,
    SendText,
)
from actors.feeds.polybolt import (
    Authenticate,
    CredentialsFound,
    LookForCredentials,
    auth_text,
)
from actors.messages.directory import HttpAnswered, HttpFailed, HttpGet
from actors.runtime.scheduler import Scheduler
from simulation.exchange.exchange import PRICE_CREDENTIALS, Exchange
from simulation.plan import FaultRates
from simulation.simulated_actor import SimulatedActor
from venue.channels.session import Close
from venue.frames import Channel

_NS = 1_000_000
_SLOW_MOST_MS = 15_000
_GARBLED_LATE_MS = 800


class Wire:
    """The network to the venue, with its faults."""

    def __init__(
        self, scheduler: Scheduler, exchange: Exchange, rates: FaultRates, chance: Random
    ) -> None:
        self.scheduler = scheduler
        self.exchange = exchange
        self.rates = rates
        self.chance = chance
        self._counts = dict.fromkeys(("refusals", "garbling", "http_trouble"), 0)
        self._miss(rates.missing_seconds)

    @property
    def counts(self) -> Mapping[str, int]:
        """How often each kind has occurred."""
        missed = sum(each.missed_count for each in self.exchange.streams.values())
        return self._counts | {"missing_seconds": missed}

    def _miss(self, share: float) -> None:
        for each in self.exchange.streams.values():
            each.missing_share = share

    def heal(self) -> None:
        """Stop all faults of the network."""
        self.rates = FaultRates()
        self._miss(0.0)

    def strikes(self, kind: str) -> bool:
        """Draw whether a fault of a kind happens now."""
        chance: float = getattr(self.rates, kind)
        if chance and self.chance.random() < chance:
            self._counts[kind] += 1
            return True
        return False


class SimulatedWebSocket:
    """A feed's port: one connection to one channel."""

    channel: Channel

    def __init__(self, wire: Wire, actor: SimulatedActor, name: str = "") -> None:
        self.is_open = False
        self._name = name
        self._wire = wire
        self._actor = actor
        self._epoch = 0
        self._frozen_until_ms = 0
        self._free_at_ms = 0

    def perform(self, command: object) -> None:
        """Start a core's command."""
        match command:
            case Connect(epoch, url, _):
                self.close()
                self._epoch = epoch
                delay_ms = 20 + int(self._wire.chance.random() * 60)
                self._wire.scheduler.after(delay_ms, self._try, epoch, url)
            case SendText(text, _):
                self._wire.scheduler.after(15, self._hear, self._epoch, text)
            case Disconnect():
                self.close()
            case _:
                raise TypeError(f"a websocket cannot perform {command!r}")

    def close(self) -> None:
        """Drop the connection; no more events arrive from it."""
        self._epoch = -1
        self.is_open = False
        self._wire.exchange.links.pop(self, None)

    def push(self, texts: Iterable[str]) -> None:
        """Send frames, in the order of the connection."""
        if self._frozen_until_ms > self._wire.scheduler.now_ms:
            return
        now_ms = self._wire.scheduler.now_ms
        self._free_at_ms = max(self._free_at_ms, now_ms + 10 + int(self._wire.chance.random() * 30))
        frames = [text.encode() for text in texts]
        delay_ms = self._free_at_ms - now_ms
        if self._wire.strikes("garbling"):
            frames, delay_ms = self._garbled(frames, delay_ms)
        self._wire.scheduler.after(delay_ms, self._arrive, self._epoch, frames)

    def freeze(self, until_ms: int) -> None:
        """Keep the connection open and silent until then."""
        self._frozen_until_ms = until_ms

    def break_off(self) -> None:
        """Break the connection."""
        epoch = self._epoch
        if self.is_open:
            self.close()
            self._epoch = epoch
            self._wire.scheduler.after(5, self._tell_lost, epoch, "the connection was reset")

    def _try(self, epoch: int, url: str) -> None:
        if epoch != self._epoch:
            return
        if self._wire.strikes("refusals"):
            self._tell_lost(epoch, f"no connection to {url}: refused")
            return
        self.channel, self.session = self._wire.exchange.session(url)
        self.is_open = True
        self._frozen_until_ms = 0
        self._wire.exchange.links[self] = None
        self._actor.take_event(Connected(epoch, self._name))

    def _hear(self, epoch: int, text: str) -> None:
        if epoch == self._epoch and self.is_open:
            replies = self.session.receive(text)
            for reply in replies:
                if isinstance(reply, Close):
                    self.break_off()
                    return
            self.push(reply for reply in replies if isinstance(reply, str))

    def _arrive(self, epoch: int, frames: list[bytes]) -> None:
        if epoch == self._epoch and self.is_open:
            arrived_ns = self._wire.scheduler.now_ms * _NS
            stamped = tuple((frame, arrived_ns) for frame in frames)
            event = FramesReceived(epoch, stamped, self._name)
            self._actor.take_event(event)

    def _tell_lost(self, epoch: int, reason: str) -> None:
        if epoch == self._epoch:
            self._epoch = -1
            self._actor.take_event(Disconnected(epoch, reason, self._name))

    def _garbled(self, frames: list[bytes], delay_ms: int) -> tuple[list[bytes], int]:
        chance = self._wire.chance
        kind = chance.randrange(4)
        if kind == 0 and frames:
            whole = frames.pop()
            return [*frames, whole[: chance.randrange(len(whole))]], delay_ms
        if kind == 1:
            return frames * 2, delay_ms
        if kind == 2:
            return frames[::-1], delay_ms
        return frames, delay_ms + int(chance.random() * _GARBLED_LATE_MS)


class SimulatedPricePort:
    """The price feed's port: a connection for each name, and credentials for PolyBolt."""

    def __init__(self, wire: Wire, actor: SimulatedActor) -> None:
        self._wire = wire
        self._actor = actor
        self._sockets: dict[str, SimulatedWebSocket] = {}

    def perform(self, command: object) -> None:
        """Start a core's command."""
        match command:
            case LookForCredentials():
                found = CredentialsFound(PRICE_CREDENTIALS.fingerprint, "the simulation")
                self._wire.scheduler.after(1, self._actor.take_event, found)
            case Authenticate(name) if name in self._sockets:
                self._sockets[name].perform(SendText(auth_text(PRICE_CREDENTIALS), name))
            case Authenticate():
                return  # its connection is gone
            case Connect(name=name):
                socket = SimulatedWebSocket(self._wire, self._actor, name)
                self._let_go(name)
                self._sockets[name] = socket
                socket.perform(command)
            case Disconnect(name):
                self._let_go(name)
            case SendText(name=name) if name in self._sockets:
                self._sockets[name].perform(command)
            case SendText():
                return  # its connection is gone
            case _:
                raise TypeError(f"the price feed's port cannot perform {command!r}")

    def close(self) -> None:
        """Drop all connections."""
        for name in tuple(self._sockets):
            self._let_go(name)

    def _let_go(self, name: str) -> None:
        socket = self._sockets.pop(name, None)
        if socket is not None:
            socket.close()


class SimulatedHttp:
    """The directory's port."""

    def __init__(self, wire: Wire, actor: SimulatedActor) -> None:
        self._wire = wire
        self._actor = actor

    def perform(self, command: object) -> None:
        """Start a request."""
        if not isinstance(command, HttpGet):
            raise TypeError(f"HTTP cannot perform {command!r}")
        way_ms = 20 + int(self._wire.chance.random() * 60)
        if self._wire.strikes("http_trouble"):
            self._misbehave(command, way_ms)
        else:
            self._wire.scheduler.after(way_ms, self._answer, command, way_ms, way_ms)

    def close(self) -> None:
        """Do nothing: a request in flight finds its actor gone."""

    def _answer(self, request: HttpGet, way_there_ms: int, way_ms: int) -> None:
        status, body = self._wire.exchange.answer(request.url)
        took_ms = way_there_ms + way_ms
        event = HttpAnswered(request.request_id, status, body, took_ms=took_ms)
        self._wire.scheduler.after(way_ms, self._actor.take_event, event)

    def _misbehave(self, request: HttpGet, way_ms: int) -> None:
        chance, scheduler = self._wire.chance, self._wire.scheduler
        request_id = request.request_id
        match chance.randrange(5):
            case 0:
                failed = HttpFailed(request_id, f"no answer from {request.url} in 10.0 s")
                scheduler.after(10_000, self._actor.take_event, failed)
            case 1:
                refused = HttpFailed(request_id, f"cannot read {request.url}: refused")
                scheduler.after(way_ms, self._actor.take_event, refused)
            case 2:
                broken = HttpAnswered(request_id, 502, b"<html>bad gateway</html>")
                scheduler.after(way_ms, self._actor.take_event, broken)
            case 3:
                _, body = self._wire.exchange.answer(request.url)
                cut = HttpAnswered(request_id, 200, body[: len(body) // 2])
                scheduler.after(way_ms, self._actor.take_event, cut)
            case _:
                slow_ms = int(chance.random() * _SLOW_MOST_MS)
                scheduler.after(slow_ms, self._answer, request, slow_ms, way_ms)
