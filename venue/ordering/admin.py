"""Admin endpoints for tests and drills; served only if they were asked for.

``GET /admin/ledger`` reports the exchange's own books of every wallet, ``POST /admin/wallets``
moves money and shares as the chain would, and ``POST /admin/faults`` injects faults.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from aiohttp import web

from venue.amounts import NANOS_PER_MILLIONTH, BadAmount, units_from_text
from venue.faults import BadFault, read_command
from venue.ordering.service import OrderService
from venue.ordering.wallets import WalletRefused
from venue.rest import answer


class _Move(msgspec.Struct):
    wallet: str
    action: Literal["deposit", "withdraw", "split", "merge"]
    amount: str
    """Dollars, or pairs of shares."""
    market: str = ""
    """Condition id, for a split or a merge."""


_decode_move = msgspec.json.Decoder(_Move).decode


class AdminApi:
    """Handlers of the admin endpoints."""

    def __init__(self, service: OrderService) -> None:
        self._service = service

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Register every endpoint under its path."""
        router.add_get("/admin/ledger", self._ledger)
        router.add_post("/admin/wallets", self._move)
        router.add_post("/admin/faults", self._inject)

    async def _ledger(self, _request: web.Request) -> web.Response:
        service = self._service
        report = service.reports.of(service.known_wallets, service.now_ms)
        injected = {kind.value: count for kind, count in service.faults.injected.items()}
        return answer(report | {"faults": injected})

    async def _move(self, request: web.Request) -> web.Response:
        try:
            asked = _decode_move(await request.read())
            self._carry_out(asked, units_from_text(asked.amount))
        except (msgspec.DecodeError, BadAmount, WalletRefused) as error:
            return answer({"error": str(error)}, status=400)
        return answer({"done": asked.action})

    async def _inject(self, request: web.Request) -> web.Response:
        try:
            command = read_command(await request.read())
        except BadFault as error:
            return answer({"error": str(error)}, status=400)
        self._service.inject(command)
        return answer({"injected": command.kind.value})

    def _carry_out(self, asked: _Move, millionths: int) -> None:
        wallets, wallet = self._service.wallets, asked.wallet.lower()
        self._service.known_wallets.setdefault(wallet)
        if asked.action in ("split", "merge"):
            if self._service.catalogue.with_condition(asked.market) is None:
                raise WalletRefused(f"there is no market {asked.market!r}")
            act = wallets.split if asked.action == "split" else wallets.merge
            act(wallet, asked.market, millionths)
        else:
            move = wallets.deposit if asked.action == "deposit" else wallets.withdraw
            move(wallet, millionths * NANOS_PER_MILLIONTH)
