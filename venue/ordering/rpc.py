"""The chain's JSON-RPC calls that the venue's client makes, served at the exchange's root."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web

from venue.ordering.chain import Chain, Reverted
from venue.ordering.service import OrderService
from venue.ordering.signatures import CHAIN_ID, BadSignature, read_transaction
from venue.rest import answer

_GAS = 200_000
_GAS_PRICE_WEI = 30 * 10**9
_REVERTED_CODE = 3
_INVALID_REQUEST_CODE = -32_600
_UNKNOWN_METHOD_CODE = -32_601


class _CallFields(msgspec.Struct):
    to: str
    data: str
    sender: str = msgspec.field(name="from", default="")


class _RpcRequest(msgspec.Struct):
    method: str
    id: int | str = 0
    params: list[Any] = []


_decode = msgspec.json.Decoder(_RpcRequest | list[_RpcRequest]).decode


class ChainApi:
    """Handler of ``POST /``."""

    def __init__(self, service: OrderService) -> None:
        self._service = service

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Serve the chain at the root."""
        router.add_post("/", self._call)

    async def _call(self, request: web.Request) -> web.Response:
        """Answer one request, or a list of them."""
        try:
            asked = _decode(await request.read())
        except msgspec.DecodeError as error:
            return answer(_error(0, _INVALID_REQUEST_CODE, str(error)))
        if isinstance(asked, list):
            return answer([self._answer(one) for one in asked])
        return answer(self._answer(asked))

    def _answer(self, asked: _RpcRequest) -> dict[str, Any]:
        try:
            result = self._result(asked.method, asked.params)
        except Reverted as reverted:
            return _error(asked.id, _REVERTED_CODE, f"execution reverted: {reverted}")
        except (BadSignature, msgspec.ValidationError, IndexError) as error:
            return _error(asked.id, _INVALID_REQUEST_CODE, f"invalid params: {error}")
        except LookupError:
            return _error(asked.id, _UNKNOWN_METHOD_CODE, f"no method {asked.method}")
        return {"jsonrpc": "2.0", "id": asked.id, "result": result}

    def _result(self, method: str, params: list[Any]) -> Any:
        chain, now_ms = self._service.chain, self._service.now_ms
        constants = {"eth_chainId": hex(CHAIN_ID), "eth_gasPrice": hex(_GAS_PRICE_WEI)}
        if method in constants:
            return constants[method]
        if method == "eth_getBlockByNumber":
            return {"number": hex(now_ms // 2_000), "timestamp": hex(now_ms // 1_000)}
        if method == "eth_getTransactionCount":
            return hex(chain.count(str(params[0])))
        if method == "eth_call":
            fields = msgspec.convert(params[0], _CallFields)
            return chain.ask(fields.to, fields.data)
        if method == "eth_estimateGas":
            fields = msgspec.convert(params[0], _CallFields)
            chain.check(fields.sender, fields.to, fields.data)
            return hex(_GAS)
        if method == "eth_getTransactionReceipt":
            return chain.receipt(str(params[0]))
        if method == "eth_sendRawTransaction":
            return self._send(chain, str(params[0]), now_ms)
        raise LookupError(method)

    def _send(self, chain: Chain, raw: str, now_ms: int) -> str:
        transaction = read_transaction(raw)
        self._service.known_wallets.setdefault(transaction.sender)
        chain.send(transaction, now_ms)
        return transaction.hash


def _error(request_id: int | str, code: int, message: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request_id, "error": {"code": code, "message": message}}
