"""The exchange as a server on loopback: sockets and one clock; it decides nothing."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import Awaitable, Callable
from types import TracebackType

from aiohttp import web

from actors.runtime.clock import Clock, ClockSpec
from venue.channels.coinbase import SUBSCRIBE_WITHIN_S, CoinbaseSession
from venue.channels.market import MarketSession
from venue.channels.polybolt import PING_EVERY_S, SLOW_CONSUMER, PolyBoltSession
from venue.channels.rtds import RtdsSession
from venue.channels.session import Close, Session
from venue.client_faults import leave_out_client_faults
from venue.engine import Ledger
from venue.faults import BadFault, FaultFile, FaultKind, read_fault_file
from venue.frames import Channel
from venue.hub import Connection, Hub, Pings
from venue.options import ExchangeOptions
from venue.ordering.admin import AdminApi
from venue.ordering.rest import OrderApi
from venue.ordering.rpc import ChainApi
from venue.ordering.service import OrderService, Surface
from venue.rest import RestApi
from venue.simulation.simulation import Simulation
from venue.world import STEP_MS, World

_HOST = "127.0.0.1"
_LEAST_SLEEP_S = 0.01
_STEPS_WITHOUT_PAUSE = 50
_CLOSE_WITHIN_S = 1.0
_PONG_TIMEOUT = Close(SLOW_CONSUMER, "pong timeout")
_PATHS = {
    Channel.MARKET: "/ws/market",
    Channel.RTDS: "/rtds",
    Channel.POLYBOLT: "/polybolt",
    Channel.COINBASE: "/coinbase",
    Channel.USER: "/ws/user",
}


class LocalExchange:
    """A running exchange: ``async with LocalExchange(options) as exchange``.

    Raises:
        BadFault: the fault file named in the options is invalid.
        OSError: the fault file cannot be read.
    """

    def __init__(self, options: ExchangeOptions) -> None:
        self._options = options
        self._world, origin_ms = _build_world(options)
        given_ns = options.origin_monotonic_ns
        spec = ClockSpec.starting_now(origin_ms, options.speed)
        if given_ns is not None:
            spec = ClockSpec(origin_monotonic_ns=given_ns, origin_ms=origin_ms, speed=options.speed)
        self.clock_spec = spec
        self._clock = Clock(spec)
        self._hub = Hub()
        self.orders = self._order_service()
        leave_out_client_faults()
        self._runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=_CLOSE_WITHIN_S)
        self._ticking: asyncio.Task[None] | None = None
        self._port = 0

    @property
    def http_url(self) -> str:
        """Base URL of Gamma's and the CLOB's REST."""
        return f"http://{_HOST}:{self._port}"

    @property
    def ws_url(self) -> str:
        """Base URL of all websockets."""
        return f"ws://{_HOST}:{self._port}"

    def url(self, channel: Channel) -> str:
        """URL of a channel's websocket."""
        return self.ws_url + _PATHS[channel]

    async def __aenter__(self) -> LocalExchange:
        await self._runner.setup()
        site = web.TCPSite(self._runner, _HOST, self._options.port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        self._ticking = asyncio.create_task(self._tick())
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._hub.close_all()
        try:
            if self._ticking is not None:
                self._ticking.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await self._ticking
        finally:
            await self._runner.cleanup()

    async def wait_until_broken(self) -> None:
        """Never return while all is well; raise the error that stopped the world."""
        if self._ticking is not None:
            await asyncio.shield(self._ticking)

    async def _tick(self) -> None:
        """Advance the world with the clock; a late wake-up is caught up, never skipped."""
        sleep_s = max(_LEAST_SLEEP_S, self._clock.real_seconds(STEP_MS))
        while True:
            for number, frames in enumerate(self._world.advance(self._clock.now_ms())):
                self._hub.publish(frames)
                self.orders.advance()
                if number % _STEPS_WITHOUT_PAUSE == _STEPS_WITHOUT_PAUSE - 1:
                    await asyncio.sleep(0)
            await asyncio.sleep(sleep_s)

    def _app(self) -> web.Application:
        app = web.Application()
        RestApi(self._world, self._shown_ms).add_routes(app.router)
        OrderApi(self.orders, self._sleep).add_routes(app.router)
        ChainApi(self.orders).add_routes(app.router)
        book_of, prices = self._world.catalogue.book, self._world.prices
        new_session: dict[Channel, Callable[[], Session]] = {
            Channel.MARKET: lambda: MarketSession(book_of, self._now_ms),
            Channel.RTDS: lambda: RtdsSession(prices, self._now_ms),
            Channel.POLYBOLT: self._polybolt_session,
            Channel.COINBASE: lambda: CoinbaseSession(prices),
            Channel.USER: self.orders.new_session,
        }
        for channel, path in _PATHS.items():
            app.router.add_get(path, self._stream(channel, new_session[channel]))
        if self._options.has_admin:
            AdminApi(self.orders).add_routes(app.router)
        return app

    def _now_ms(self) -> int:
        """The instant the world shows: never ahead of what it has published."""
        return self._world.now_ms

    def _shown_ms(self) -> int:
        """The time that reads report: the same, unless a fault skews the clock."""
        return self._world.now_ms + self.orders.skew_ms

    async def _sleep(self, venue_ms: int) -> None:
        await asyncio.sleep(self._clock.real_seconds(venue_ms))

    def _order_service(self) -> OrderService:
        world, options = self._world, self._options
        return OrderService(
            seed=options.seed,
            catalogue=world.catalogue,
            ledger=world.ledger if isinstance(world, Simulation) else Ledger(),
            surface=Surface(
                now_ms=self._now_ms,
                wall_ms=_wall_ms,
                send=self._hub.publish,
                inject=self.inject,
            ),
            wallets=options.wallets,
            fault_file=_read_faults(options),
        )

    def inject(self, channel: Channel, kind: FaultKind, count: int = 1) -> None:
        """Inject a fault into a stream: its source, its frames, or its connections."""
        self._world.prices.apply_fault(channel, kind, count)
        self._hub.inject(channel, kind, count)

    def _polybolt_session(self) -> PolyBoltSession:
        def find_wallet(key: str, secret: str, passphrase: str) -> str | None:
            if self._hub.has_fault(Channel.POLYBOLT, FaultKind.REFUSE_CREDENTIALS):
                return None
            return self.orders.find_wallet(key, secret, passphrase)

        return PolyBoltSession(
            self._world.prices, find_wallet, self._now_ms, _wall_ms, lambda: str(uuid.uuid4())
        )

    def _stream(
        self, channel: Channel, new_session: Callable[[], Session]
    ) -> Callable[[web.Request], Awaitable[web.WebSocketResponse]]:
        async def serve(request: web.Request) -> web.WebSocketResponse:
            if self._hub.has_fault(channel, FaultKind.OFF):
                raise web.HTTPServiceUnavailable
            socket = web.WebSocketResponse(timeout=_CLOSE_WITHIN_S, compress=False, autoping=False)
            await socket.prepare(request)
            connection = Connection(socket, new_session())
            self._hub.add(channel, connection)
            try:
                is_coinbase, is_polybolt = channel is Channel.COINBASE, channel is Channel.POLYBOLT
                await connection.run(
                    subscribe_within_s=SUBSCRIBE_WITHIN_S if is_coinbase else None,
                    pings=Pings(PING_EVERY_S, _PONG_TIMEOUT) if is_polybolt else None,
                )
            finally:
                self._hub.remove(channel, connection)
            return socket

        return serve


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


def _read_faults(options: ExchangeOptions) -> FaultFile:
    if options.faults is None:
        return FaultFile()
    try:
        return read_fault_file(options.faults.read_text(encoding="utf-8"))
    except BadFault as error:
        raise BadFault(f"{options.faults}: {error}") from None


def _build_world(options: ExchangeOptions) -> tuple[World, int]:
    if options.world is not None:
        return options.world, options.world.now_ms
    origin_ms = options.origin_ms()
    simulation = Simulation(
        seed=options.seed,
        series=options.every_series,
        origin_ms=origin_ms,
        frames_per_second=options.frames_per_second,
        own_rates=options.own_rates,
        missing_share=options.missing_share,
    )
    return simulation, origin_ms
