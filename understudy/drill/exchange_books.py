"""The exchange's own books of the account that a drill trades for, by its admin endpoint."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import attrs

from actors.model import Action, Side
from understudy.drill import loopback
from understudy.drill.books import Pair

_SIDES = {"Up": Side.YES, "Down": Side.NO}
_OPEN = ("LIVE", "DELAYED")


@attrs.frozen(kw_only=True)
class ExchangeTrade:
    """One order's part in a trade."""

    market_id: str
    side: Side
    action: Action
    price_ticks: int
    size_units: int
    fee_nanos: int


@attrs.frozen(kw_only=True)
class ExchangeBooks:
    """What the exchange holds of one account."""

    cash_nanos: int
    order_ids: frozenset[str]
    """The venue's ids of all orders that it ever took."""
    open_ids: frozenset[str]
    """Of those that still rest or wait."""
    trades: Mapping[Pair, ExchangeTrade]
    """All that did not fail, by trade id and the venue's order id."""
    shares: Mapping[tuple[str, Side], int]
    """Units by market and outcome, of what is neither paid out nor merged."""
    faults: Mapping[str, int]
    """How often each kind of fault has struck."""


class ExchangeWitness:
    """Asks a local exchange that serves ``/admin/``."""

    def __init__(self, http_url: str, account: str) -> None:
        self._http_url = http_url
        self._account = account

    def call_off(self) -> None:
        """Let nothing more go wrong with orders and trades."""
        body = json.dumps({"kind": "call_off"}).encode()
        self._ask("/admin/faults", body)

    def books(self) -> ExchangeBooks:
        """Read the account's books, which the exchange checks itself before it tells them."""
        report = self._ask("/admin/ledger")
        row = report["wallets"][self._account]
        return ExchangeBooks(
            cash_nanos=row["cash_nanos"],
            order_ids=frozenset(order["order_id"] for order in row["orders"]),
            open_ids=frozenset(
                order["order_id"] for order in row["orders"] if order["status"] in _OPEN
            ),
            trades={
                (part["trade_id"], part["order_id"]): _trade(part)
                for part in row["trades"]
                if part["status"] != "FAILED"
            },
            shares={
                (held["market"], _SIDES[held["outcome"]]): held["units"] for held in row["shares"]
            },
            faults=report["faults"],
        )

    def _ask(self, path: str, body: bytes | None = None) -> Any:
        return loopback.ask(self._http_url + path, body)


def _trade(part: Mapping[str, Any]) -> ExchangeTrade:
    return ExchangeTrade(
        market_id=part["market"],
        side=_SIDES[part["outcome"]],
        action=Action.BUY if part["is_buy"] else Action.SELL,
        price_ticks=part["price_ticks"],
        size_units=part["size_units"],
        fee_nanos=part["fee_nanos"],
    )
