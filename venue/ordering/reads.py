"""A client's reads of its own orders, trades and balances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from venue.amounts import NANOS_PER_MILLIONTH
from venue.engine import Ledger
from venue.engine.messages import Outcome
from venue.ordering.admission import RequestRefused
from venue.ordering.bookkeeper import Bookkeeper
from venue.ordering.records import OrderRecord, TradeRecord
from venue.ordering.rows import order_row, trade_row
from venue.ordering.signatures import EXCHANGE_ADDRESS
from venue.windows import Window

PAGE_SIZE = 100
END_CURSOR = "LTE="
"""The venue's cursor of a last page."""
ALLOWANCE = str(2**256 - 1)
"""Wallets have approved the exchange for everything."""


class AccountReads:
    """Answers the authenticated reads of the CLOB."""

    def __init__(self, seed: int, books: Bookkeeper, ledger: Ledger) -> None:
        self._seed = seed
        self._books = books
        self._ledger = ledger

    def open_orders(self, wallet: str, query: Mapping[str, str], now_ms: int) -> dict[str, Any]:
        """``GET /data/orders``: open orders, oldest first."""
        rows = [
            order_row(order)
            for order in self._books.orders_of(wallet)
            if order.is_open and order.visible_from_ms <= now_ms and _is_order(order, query)
        ]
        return _page(rows, query)

    def order(self, wallet: str, order_id: str, now_ms: int) -> dict[str, Any] | None:
        """``GET /data/order/{id}``: an open order.

        The venue does not distinguish a closed order from one that never existed. It answers either
        with ``null`` or with 404, which tells nothing.

        Raises:
            RequestRefused: in about half of those cases.
        """
        order = self._books.orders.get(order_id)
        is_own = order is not None and order.party.wallet == wallet
        if order is not None and is_own and order.is_open and order.visible_from_ms <= now_ms:
            return order_row(order)
        if Random(f"{self._seed}/absent/{order_id}").random() < 0.5:
            raise RequestRefused(404, "order not found")
        return None

    def trades(self, wallet: str, query: Mapping[str, str], now_ms: int) -> dict[str, Any]:
        """``GET /data/trades``: newest first.

        Raises:
            RequestRefused: a time is not a number.
        """
        after_s, before_s = _seconds(query, "after"), _seconds(query, "before")
        rows = [
            trade_row(trade, trade.parties()[wallet])
            for trade in reversed(self._books.trades_of(wallet))
            if self._books.is_visible(trade, now_ms)
            and _is_trade(trade, query)
            and (after_s is None or trade.traded.traded_at_ms // 1000 >= after_s)
            and (before_s is None or trade.traded.traded_at_ms // 1000 < before_s)
        ]
        repeated = {trade.trade_id for trade in self._books.trades_of(wallet) if trade.is_repeated}
        rows += [row for row in rows if row["id"] in repeated]
        return _page(rows, query)

    def money(self, wallet: str) -> dict[str, Any]:
        """``GET /balance-allowance`` of the collateral, in millionths of a dollar."""
        cash_nanos = self._ledger.open_account(wallet).cash_nanos
        return _balance(cash_nanos // NANOS_PER_MILLIONTH)

    def shares(self, wallet: str, window: Window, token: str, now_ms: int) -> dict[str, Any]:
        """``GET /balance-allowance`` of a token, in millionths of a share."""
        outcome = Outcome.UP if token == window.up_token else Outcome.DOWN
        market_id = window.condition_id
        self._ledger.open_account(wallet)
        lagging = self._books.lagging_units(wallet, market_id, outcome, now_ms)
        held_units = self._ledger.shares_units(wallet, market_id, outcome)
        return _balance(max(0, held_units - lagging))

    def nothing(self) -> dict[str, Any]:
        """``GET /balance-allowance`` of a token that no longer exists, or never did."""
        return _balance(0)


def _balance(millionths: int) -> dict[str, Any]:
    return {"balance": str(millionths), "allowances": {EXCHANGE_ADDRESS: ALLOWANCE}}


def _is_order(order: OrderRecord, query: Mapping[str, str]) -> bool:
    return (
        query.get("id", order.order_id) == order.order_id
        and query.get("market", order.window.condition_id) == order.window.condition_id
        and query.get("asset_id", order.token) == order.token
    )


def _is_trade(trade: TradeRecord, query: Mapping[str, str]) -> bool:
    addresses = {part.party.wallet for part in trade.parts}
    tokens = {part.token for part in trade.parts}
    return (
        query.get("id", trade.trade_id) == trade.trade_id
        and query.get("market", trade.window.condition_id) == trade.window.condition_id
        and query.get("asset_id", trade.taker.token) in tokens
        and query.get("maker_address", trade.taker.party.wallet).lower() in addresses
    )


def _seconds(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    if not text.isdecimal():
        raise RequestRefused(400, f"invalid {name}")
    return int(text)


def _page(rows: Sequence[dict[str, Any]], query: Mapping[str, str]) -> dict[str, Any]:
    cursor = query.get("next_cursor", "0")
    if cursor == END_CURSOR:
        cursor = str(len(rows))
    if not cursor.isdecimal():
        raise RequestRefused(400, "invalid next_cursor")
    first = int(cursor)
    page = rows[first : first + PAGE_SIZE]
    is_last = first + PAGE_SIZE >= len(rows)
    return {
        "data": page,
        "next_cursor": END_CURSOR if is_last else str(first + PAGE_SIZE),
        "limit": PAGE_SIZE,
        "count": len(page),
    }
