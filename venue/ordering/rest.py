"""The CLOB's authenticated endpoints: keys, orders, cancels, reads, heartbeats."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

import msgspec
from aiohttp import web

from venue.engine.refusals import INVALID_PAYLOAD, MARKET_NOT_READY
from venue.faults import FaultKind, FaultTarget
from venue.ordering.desk import OrderRefused
from venue.ordering.entry import POST_ONLY_TEXT, EntryMode
from venue.ordering.heartbeats import HeartbeatMismatch
from venue.ordering.http import (
    Handler,
    Sleep,
    answer,
    exposed,
    limited,
    prove_request,
    prove_wallet,
)
from venue.ordering.keys import ApiKey
from venue.ordering.refusal import RequestRefused
from venue.ordering.service import OrderService
from venue.wire import orders as wire

MOST_ORDERS = 15
MOST_CANCELS = 1_000
_ORDER_ID = re.compile(r"0x[0-9a-f]{64}")

_Body = TypeVar("_Body")


class OrderApi:
    """Handlers. Paths and bodies: Polymarket's CLOB documentation, as its own client uses it."""

    def __init__(self, service: OrderService, sleep: Sleep) -> None:
        self._service = service
        self._sleep = sleep

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Serve every endpoint under its path."""
        for method, path, handler in (
            ("POST", "/auth/api-key", self.create_key),
            ("GET", "/auth/derive-api-key", self.derive_key),
            ("GET", "/auth/api-keys", self.list_keys),
            ("GET", "/auth/test-api-key", self.key_for_tests),
            ("DELETE", "/auth/api-key", self.delete_key),
            ("POST", "/order", self._orders(self.post_order)),
            ("POST", "/orders", self._orders(self.post_orders)),
            ("DELETE", "/order", self._cancels(self.cancel_order)),
            ("DELETE", "/orders", self._cancels(self.cancel_orders)),
            ("DELETE", "/cancel-all", self._cancels(self.cancel_all)),
            ("DELETE", "/cancel-market-orders", self._cancels(self.cancel_market)),
            ("GET", "/data/orders", self.open_orders),
            ("GET", "/data/order/{order_id}", self.order),
            ("GET", "/data/trades", self.trades),
            ("GET", "/balance-allowance", self.balance),
            ("GET", "/balance-allowance/update", self.update_balance),
            ("POST", "/v1/heartbeats", self.heartbeat),
        ):
            router.add_route(method, path, limited(self._service, handler))

    # keys

    async def create_key(self, request: web.Request) -> web.Response:
        """``POST /auth/api-key``."""
        wallet, nonce = prove_wallet(self._service, request)
        self._service.know(wallet)
        return _credentials(self._service.keys.create(wallet, nonce))

    async def derive_key(self, request: web.Request) -> web.Response:
        """``GET /auth/derive-api-key``."""
        return _credentials(self._service.keys.derive(*prove_wallet(self._service, request)))

    async def key_for_tests(self, request: web.Request) -> web.Response:
        """``GET /auth/test-api-key``: for prices on this exchange; the venue has no such thing."""
        del request
        return _credentials(self._service.keys.of_nobody())

    async def list_keys(self, request: web.Request) -> web.Response:
        """``GET /auth/api-keys``."""
        api_key = await prove_request(self._service, request)
        return answer({"apiKeys": self._service.keys.of_wallet(api_key.wallet)})

    async def delete_key(self, request: web.Request) -> web.Response:
        """``DELETE /auth/api-key``."""
        self._service.keys.delete(await prove_request(self._service, request))
        return answer("OK")

    # orders

    async def post_order(self, request: web.Request) -> web.Response:
        """``POST /order``."""
        service, now_ms = self._service, self._service.now_ms
        api_key = await prove_request(service, request)
        posted = _decoded(wire.decode_order, await request.read())
        service.entry.admit_order(now_ms, is_post_only=posted.post_only)
        headers = service.limits.admit_orders(api_key.wallet, 1, now_ms)
        try:
            placement = service.desk.place(api_key, posted, now_ms)
        except OrderRefused as refused:
            raise RequestRefused(400, str(refused), rate_limit=headers) from None
        return answer(wire.placement_body(placement), headers)

    async def post_orders(self, request: web.Request) -> web.Response:
        """``POST /orders``: each order is taken or refused by itself."""
        service, now_ms = self._service, self._service.now_ms
        api_key = await prove_request(service, request)
        batch = _decoded(wire.decode_orders, await request.read())
        if not batch:
            raise RequestRefused(400, INVALID_PAYLOAD)
        if len(batch) > MOST_ORDERS:
            text = f"Too many orders in payload: {len(batch)}, max allowed: {MOST_ORDERS}"
            raise RequestRefused(400, text)
        service.entry.admit_order(now_ms, is_post_only=True)
        headers = service.limits.admit_orders(api_key.wallet, len(batch), now_ms)
        name = f"batch/{api_key.key}/{batch[0].order.salt}"
        is_struck = service.faults.strikes(FaultKind.PARTIAL_BATCH, name)
        placements = [
            wire.Placement(error=MARKET_NOT_READY)
            if is_struck and number > 0
            else self._place_in_batch(api_key, posted, now_ms)
            for number, posted in enumerate(batch)
        ]
        return answer([wire.placement_body(placement) for placement in placements], headers)

    def _place_in_batch(
        self, api_key: ApiKey, posted: wire.PostedOrder, now_ms: int
    ) -> wire.Placement:
        mode = self._service.entry.mode(now_ms)
        if mode is EntryMode.POST_ONLY and not posted.post_only:
            return wire.Placement(error=POST_ONLY_TEXT)
        try:
            return self._service.desk.place(api_key, posted, now_ms)
        except OrderRefused as refused:
            return wire.Placement(error=str(refused))

    # cancels

    async def cancel_order(self, request: web.Request) -> web.Response:
        """``DELETE /order``."""
        api_key = await prove_request(self._service, request)
        body = _decoded(wire.decode_cancel_one, await request.read())
        return self._cancel(api_key, [body.order_id])

    async def cancel_orders(self, request: web.Request) -> web.Response:
        """``DELETE /orders``."""
        api_key = await prove_request(self._service, request)
        order_ids = _decoded(wire.decode_cancel_many, await request.read())
        if len(order_ids) > MOST_CANCELS:
            text = f"Too many orders in payload, max allowed: {MOST_CANCELS}"
            raise RequestRefused(400, text)
        return self._cancel(api_key, order_ids)

    async def cancel_all(self, request: web.Request) -> web.Response:
        """``DELETE /cancel-all``."""
        api_key = await prove_request(self._service, request)
        return self._cancel_matching(api_key, wire.CancelMarketBody())

    async def cancel_market(self, request: web.Request) -> web.Response:
        """``DELETE /cancel-market-orders``."""
        api_key = await prove_request(self._service, request)
        body = _decoded(wire.decode_cancel_market, await request.read())
        if not (body.market or body.asset_id):
            raise RequestRefused(400, "Invalid payload")
        return self._cancel_matching(api_key, body)

    def _cancel(self, api_key: ApiKey, order_ids: list[str]) -> web.Response:
        service, now_ms = self._service, self._service.now_ms
        order_ids = [order_id.lower() for order_id in order_ids]
        if not order_ids or not all(map(_ORDER_ID.fullmatch, order_ids)):
            raise RequestRefused(400, "Invalid orderID")
        service.entry.admit_cancel(now_ms)
        headers = service.limits.admit_cancels(api_key.wallet, len(order_ids), now_ms)
        done = service.desk.cancel(api_key.wallet, order_ids, now_ms)
        return answer(wire.cancellation_body(done), headers)

    def _cancel_matching(self, api_key: ApiKey, body: wire.CancelMarketBody) -> web.Response:
        service, now_ms = self._service, self._service.now_ms
        service.entry.admit_cancel(now_ms)
        service.limits.admit_cancels(api_key.wallet, 1, now_ms)
        done = service.desk.cancel_matching(
            api_key.wallet, now_ms, market=body.market, token=body.asset_id
        )
        headers = service.limits.owe_cancels(api_key.wallet, len(done.canceled), now_ms)
        return answer(wire.cancellation_body(done), headers)

    # reads

    async def open_orders(self, request: web.Request) -> web.Response:
        """``GET /data/orders``."""
        service = self._service
        api_key = await prove_request(service, request)
        return answer(service.reads.open_orders(api_key.wallet, request.query, service.now_ms))

    async def order(self, request: web.Request) -> web.Response:
        """``GET /data/order/{order_id}``."""
        service = self._service
        api_key = await prove_request(service, request)
        order_id = request.match_info["order_id"].lower()
        return answer(service.reads.order(api_key.wallet, order_id, service.now_ms))

    async def trades(self, request: web.Request) -> web.Response:
        """``GET /data/trades``."""
        service = self._service
        api_key = await prove_request(service, request)
        return answer(service.reads.trades(api_key.wallet, request.query, service.now_ms))

    async def balance(self, request: web.Request) -> web.Response:
        """``GET /balance-allowance``."""
        service = self._service
        api_key = await prove_request(service, request)
        token = request.query.get("token_id", "")
        if request.query.get("asset_type") == "COLLATERAL":
            return answer(service.reads.money(api_key.wallet))
        market = service.catalogue.with_token(token)
        if market is None:
            return answer(service.reads.nothing())
        window = market.status.window
        return answer(service.reads.shares(api_key.wallet, window, token, service.now_ms))

    async def update_balance(self, request: web.Request) -> web.Response:
        """``GET /balance-allowance/update``."""
        api_key = await prove_request(self._service, request)
        self._service.desk.books.refresh_shares(api_key.wallet)
        return answer({})

    async def heartbeat(self, request: web.Request) -> web.Response:
        """``POST /v1/heartbeats``."""
        service = self._service
        api_key = await prove_request(service, request)
        body = _decoded(wire.decode_heartbeat, await request.read())
        try:
            next_id = service.heartbeats.beat(api_key.key, body.heartbeat_id, service.now_ms)
        except HeartbeatMismatch as mismatch:
            expected = mismatch.expected_id
            error = {"error_msg": "Invalid Heartbeat ID", "heartbeat_id": expected}
            return answer(error, status=400)
        return answer({"heartbeat_id": next_id})

    # inside

    def _orders(self, handler: Handler) -> Handler:
        return exposed(self._service, FaultTarget.ORDERS, self._sleep, handler)

    def _cancels(self, handler: Handler) -> Handler:
        return exposed(self._service, FaultTarget.CANCELS, self._sleep, handler)


def _credentials(api_key: ApiKey) -> web.Response:
    return answer(
        {"apiKey": api_key.key, "secret": api_key.secret, "passphrase": api_key.passphrase}
    )


def _decoded(decode: Callable[[bytes], _Body], body: bytes) -> _Body:
    try:
        return decode(body)
    except msgspec.DecodeError:
        raise RequestRefused(400, INVALID_PAYLOAD) from None
