"""The CLOB's authenticated endpoints: keys, orders, cancels, reads, heartbeats."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

import msgspec
from aiohttp import web

from venue.engine.refusals import INVALID_PAYLOAD, MARKET_NOT_READY
from venue.faults import FaultKind, FaultTarget
from venue.ordering.admission import POST_ONLY_TEXT, EntryMode, RequestRefused
from venue.ordering.desk import OrderRefused
from venue.ordering.http import Sleep, limited, prove_wallet, proved, with_faults
from venue.ordering.keys import ApiKey, HeartbeatMismatch
from venue.ordering.service import OrderService
from venue.rest import answer
from venue.wire import orders as wire

MOST_ORDERS = 15
MOST_CANCELS = 1_000
_ORDER_ID = re.compile(r"0x[0-9a-f]{64}")

_Body = TypeVar("_Body")


class OrderApi:
    """Handlers of these endpoints. Source of paths and bodies: Polymarket's CLOB documentation."""

    def __init__(self, service: OrderService, sleep: Sleep) -> None:
        self._service = service
        self._sleep = sleep

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Register every endpoint under its path."""
        orders, cancels = FaultTarget.ORDERS, FaultTarget.CANCELS
        for method, path, target, handler in (
            ("GET", "/auth/api-keys", None, self._list_keys),
            ("DELETE", "/auth/api-key", None, self._delete_key),
            ("POST", "/order", orders, self._post_order),
            ("POST", "/orders", orders, self._post_orders),
            ("DELETE", "/order", cancels, self._cancel_order),
            ("DELETE", "/orders", cancels, self._cancel_orders),
            ("DELETE", "/cancel-all", cancels, self._cancel_all),
            ("DELETE", "/cancel-market-orders", cancels, self._cancel_market),
            ("GET", "/data/orders", None, self._open_orders),
            ("GET", "/data/order/{order_id}", None, self._order),
            ("GET", "/data/trades", None, self._trades),
            ("GET", "/balance-allowance", None, self._balance),
            ("GET", "/balance-allowance/update", None, self._update_balance),
            ("POST", "/v1/heartbeats", None, self._heartbeat),
        ):
            serve = proved(self._service, handler)
            if target is not None:
                serve = with_faults(self._service, target, self._sleep, serve)
            router.add_route(method, path, limited(self._service, serve))
        for method, path, open_to_all in (
            ("POST", "/auth/api-key", self._create_key),
            ("GET", "/auth/derive-api-key", self._derive_key),
            ("GET", "/auth/test-api-key", self._key_for_tests),
        ):
            router.add_route(method, path, limited(self._service, open_to_all))

    # keys

    async def _create_key(self, request: web.Request) -> web.Response:
        wallet, nonce = prove_wallet(self._service, request)
        self._service.known_wallets.setdefault(wallet)
        return _credentials(self._service.keys.create(wallet, nonce))

    async def _derive_key(self, request: web.Request) -> web.Response:
        return _credentials(self._service.keys.derive(*prove_wallet(self._service, request)))

    async def _key_for_tests(self, _request: web.Request) -> web.Response:
        """Credentials for prices on this exchange, for tests; the venue has no such endpoint."""
        return _credentials(self._service.keys.of_nobody())

    async def _list_keys(self, api_key: ApiKey, _request: web.Request) -> web.Response:
        return answer({"apiKeys": self._service.keys.of_wallet(api_key.wallet)})

    async def _delete_key(self, api_key: ApiKey, _request: web.Request) -> web.Response:
        self._service.keys.delete(api_key)
        return answer("OK")

    # orders

    async def _post_order(self, api_key: ApiKey, request: web.Request) -> web.Response:
        service, now_ms = self._service, self._service.now_ms
        posted = _decoded(wire.decode_order, await request.read())
        service.entry.admit_order(now_ms, is_post_only=posted.post_only)
        headers = service.limits.admit_orders(api_key.wallet, 1, now_ms)
        try:
            placement = service.desk.place(api_key, posted, now_ms)
        except OrderRefused as refused:
            raise RequestRefused(400, str(refused), rate_limit=headers) from None
        return answer(wire.placement_body(placement), headers=headers)

    async def _post_orders(self, api_key: ApiKey, request: web.Request) -> web.Response:
        """Accept or refuse each order separately."""
        service, now_ms = self._service, self._service.now_ms
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
        return answer([wire.placement_body(placement) for placement in placements], headers=headers)

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

    async def _cancel_order(self, api_key: ApiKey, request: web.Request) -> web.Response:
        body = _decoded(wire.decode_cancel_one, await request.read())
        return self._cancel(api_key, [body.order_id])

    async def _cancel_orders(self, api_key: ApiKey, request: web.Request) -> web.Response:
        order_ids = _decoded(wire.decode_cancel_many, await request.read())
        if len(order_ids) > MOST_CANCELS:
            text = f"Too many orders in payload, max allowed: {MOST_CANCELS}"
            raise RequestRefused(400, text)
        return self._cancel(api_key, order_ids)

    async def _cancel_all(self, api_key: ApiKey, _request: web.Request) -> web.Response:
        return self._cancel_matching(api_key, wire.CancelMarketBody())

    async def _cancel_market(self, api_key: ApiKey, request: web.Request) -> web.Response:
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
        return answer(wire.cancellation_body(done), headers=headers)

    def _cancel_matching(self, api_key: ApiKey, body: wire.CancelMarketBody) -> web.Response:
        service, now_ms = self._service, self._service.now_ms
        service.entry.admit_cancel(now_ms)
        service.limits.admit_cancels(api_key.wallet, 1, now_ms)
        done = service.desk.cancel_matching(
            api_key.wallet, now_ms, market=body.market, token=body.asset_id
        )
        headers = service.limits.owe_cancels(api_key.wallet, len(done.canceled), now_ms)
        return answer(wire.cancellation_body(done), headers=headers)

    # reads

    async def _open_orders(self, api_key: ApiKey, request: web.Request) -> web.Response:
        reads, now_ms = self._service.reads, self._service.now_ms
        return answer(reads.open_orders(api_key.wallet, request.query, now_ms))

    async def _order(self, api_key: ApiKey, request: web.Request) -> web.Response:
        order_id = request.match_info["order_id"].lower()
        reads, now_ms = self._service.reads, self._service.now_ms
        return answer(reads.order(api_key.wallet, order_id, now_ms))

    async def _trades(self, api_key: ApiKey, request: web.Request) -> web.Response:
        reads, now_ms = self._service.reads, self._service.now_ms
        return answer(reads.trades(api_key.wallet, request.query, now_ms))

    async def _balance(self, api_key: ApiKey, request: web.Request) -> web.Response:
        service = self._service
        token = request.query.get("token_id", "")
        if request.query.get("asset_type") == "COLLATERAL":
            return answer(service.reads.money(api_key.wallet))
        market = service.catalogue.with_token(token)
        if market is None:
            return answer(service.reads.nothing())
        window = market.status.window
        return answer(service.reads.shares(api_key.wallet, window, token, service.now_ms))

    async def _update_balance(self, api_key: ApiKey, _request: web.Request) -> web.Response:
        self._service.desk.books.refresh_shares(api_key.wallet)
        return answer({})

    async def _heartbeat(self, api_key: ApiKey, request: web.Request) -> web.Response:
        service = self._service
        body = _decoded(wire.decode_heartbeat, await request.read())
        try:
            next_id = service.heartbeats.beat(api_key.key, body.heartbeat_id, service.now_ms)
        except HeartbeatMismatch as mismatch:
            expected = mismatch.expected_id
            error = {"error_msg": "Invalid Heartbeat ID", "heartbeat_id": expected}
            return answer(error, status=400)
        return answer({"heartbeat_id": next_id})


def _credentials(api_key: ApiKey) -> web.Response:
    return answer(
        {"apiKey": api_key.key, "secret": api_key.secret, "passphrase": api_key.passphrase}
    )


def _decoded(decode: Callable[[bytes], _Body], body: bytes) -> _Body:
    try:
        return decode(body)
    except msgspec.DecodeError:
        raise RequestRefused(400, INVALID_PAYLOAD) from None
