"""HTTP wrappers of every order endpoint: refusals, limits, authentication, and injected faults."""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable

from aiohttp import web

from venue.faults import FaultKind, FaultTarget
from venue.ordering.admission import (
    TOO_MANY_REQUESTS,
    RequestRefused,
    unauthorized,
    unauthorized_by_wallet,
)
from venue.ordering.keys import ApiKey, is_timely
from venue.ordering.service import OrderService
from venue.ordering.signatures import BadSignature, wallet_of
from venue.rest import answer

Handler = Callable[[web.Request], Awaitable[web.Response]]
ProvedHandler = Callable[[ApiKey, web.Request], Awaitable[web.Response]]
Sleep = Callable[[int], Awaitable[None]]
"""Waits for a span of venue time, ms."""

_TIMED_OUT = "order timed out"
_PACKED_PART_BYTES, _PACKED_PARTS = 1_000_000, 1_000
_NESTED_LEVELS = 100_000
_ENDLESS_BYTES = 20_000_000
_RESTRICTED = "trading restricted in your region"


def limited(service: OrderService, handler: Handler) -> Handler:
    """Count a request against its endpoint's limit; answer refusals in the venue's words."""

    async def serve(request: web.Request) -> web.Response:
        resource = request.match_info.route.resource
        path = request.path if resource is None else resource.canonical
        try:
            service.limits.admit_request(request.method, path, service.now_ms)
            return await handler(request)
        except RequestRefused as refused:
            return _refusal(refused)

    return serve


def with_faults(
    service: OrderService, target: FaultTarget, sleep: Sleep, handler: Handler
) -> Handler:
    """Apply the faults that networks cause to requests.

    A request that the handler refuses was not carried out, and its refusal is sent unchanged.
    """
    faults = service.faults
    count = 0

    async def serve(request: web.Request) -> web.Response:
        nonlocal count
        count += 1
        name = f"{request.method} {request.path}/{count}"

        def strikes(kind: FaultKind) -> bool:
            return faults.strikes(kind, name, target)

        if strikes(FaultKind.RESET):
            return _cut(request)
        if strikes(FaultKind.RATE_LIMITED):
            wait_s = -(-faults.lasts_ms(FaultKind.RATE_LIMITED) // 1000)
            raise RequestRefused(429, TOO_MANY_REQUESTS, retry_after_s=wait_s)
        if strikes(FaultKind.GEOBLOCKED):
            raise RequestRefused(403, _RESTRICTED)
        response = await handler(request)
        if strikes(FaultKind.SLOW_ANSWER):
            await sleep(faults.lasts_ms(FaultKind.SLOW_ANSWER))
        if strikes(FaultKind.LOST_ANSWER):
            return _cut(request)
        if strikes(FaultKind.SERVER_ERROR):
            raise RequestRefused(500, _TIMED_OUT)
        return next((hostile() for kind, hostile in _HOSTILE.items() if strikes(kind)), response)

    return serve


def proved(service: OrderService, handler: ProvedHandler) -> Handler:
    """Refuse a request not signed with an API key ("L2"); pass the key to the handler."""

    async def serve(request: web.Request) -> web.Response:
        body = await request.text()
        if service.refuses_keys:
            raise unauthorized()
        path = request.rel_url.raw_path
        key = service.keys.prove(request.headers, request.method, path, body, service.wall_ms)
        return await handler(key, request)

    return serve


def prove_wallet(service: OrderService, request: web.Request) -> tuple[str, int]:
    """Authenticate a request for credentials by its wallet's signature ("L1").

    Returns:
        The wallet and its nonce.

    Raises:
        RequestRefused: headers or signature are invalid.
    """
    headers = request.headers
    address = headers.get("POLY_ADDRESS", "").lower()
    timestamp, nonce = headers.get("POLY_TIMESTAMP", ""), headers.get("POLY_NONCE", "")
    if not (nonce.isdecimal() and is_timely(timestamp, service.wall_ms)):
        raise unauthorized_by_wallet()
    try:
        signer = wallet_of(address, timestamp, int(nonce), headers.get("POLY_SIGNATURE", ""))
    except BadSignature:
        raise unauthorized_by_wallet() from None
    if signer != address:
        raise unauthorized_by_wallet()
    return address, int(nonce)


def _refusal(refused: RequestRefused) -> web.Response:
    body = {"error": refused.error}
    if refused.code:
        body["code"] = refused.code
    headers = dict(refused.rate_limit or {})
    if refused.retry_after_s is not None:
        headers["Retry-After"] = str(refused.retry_after_s)
    return answer(body, headers=headers, status=refused.status)


def _packed() -> web.Response:
    packer = zlib.compressobj(level=9, wbits=16 + zlib.MAX_WBITS)
    part = bytes(_PACKED_PART_BYTES)
    first, again = (packer.compress(part) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    # After a full flush each part compresses to the same bytes; compressing all would block the
    # exchange.
    body = first + again * (_PACKED_PARTS - 2) + packer.compress(part) + packer.flush()
    headers = {"Content-Encoding": "gzip"}
    return web.Response(body=body, headers=headers, content_type="application/json")


def _nested() -> web.Response:
    text = "[" * _NESTED_LEVELS + "]" * _NESTED_LEVELS
    return web.Response(text=text, content_type="application/json")


def _endless() -> web.Response:
    return web.Response(body=b" " * _ENDLESS_BYTES, content_type="application/json")


_HOSTILE = {
    FaultKind.PACKED_ANSWER: _packed,
    FaultKind.NESTED_ANSWER: _nested,
    FaultKind.ENDLESS_ANSWER: _endless,
}


def _cut(request: web.Request) -> web.Response:
    """Cut the connection; the returned response goes nowhere."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
