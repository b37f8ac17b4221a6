"""The exchange's own books, so that a client's can be checked against them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from venue.engine import Ledger
from venue.ordering.bookkeeper import Bookkeeper
from venue.ordering.records import OrderRecord, TradeRecord


class WalletReports:
    """Reports everything about every wallet, in whole units of ``actors.units``."""

    def __init__(self, books: Bookkeeper, ledger: Ledger) -> None:
        self._books = books
        self._ledger = ledger

    def of(self, wallets: Iterable[str], now_ms: int) -> dict[str, Any]:
        """Check the ledger, and describe these wallets.

        Raises:
            AssertionError: money or shares appeared or vanished.
        """
        self._ledger.audit()
        return {"now_ms": now_ms, "wallets": {name: self._wallet(name) for name in wallets}}

    def _wallet(self, wallet: str) -> dict[str, Any]:
        account = self._ledger.open_account(wallet)
        return {
            "cash_nanos": account.cash_nanos,
            "reserved_nanos": account.reserved_nanos,
            "shares": self._shares(wallet),
            "orders": [_order(order) for order in self._books.orders_of(wallet)],
            "trades": [
                part for trade in self._books.trades_of(wallet) for part in _parts(trade, wallet)
            ],
        }

    def _shares(self, wallet: str) -> list[dict[str, Any]]:
        return [
            {
                "market": market_id,
                "outcome": outcome.value,
                "units": holding.units,
                "reserved_units": holding.reserved_units,
            }
            for (market_id, outcome), holding in self._ledger.account(wallet).holdings.items()
            if holding.units
        ]


def _order(order: OrderRecord) -> dict[str, Any]:
    return {
        "order_id": order.order_id,
        "api_key": order.party.api_key,
        "market": order.window.condition_id,
        "token": order.token,
        "outcome": order.terms.outcome.value,
        "is_buy": order.terms.is_buy,
        "price_ticks": order.terms.price_ticks,
        "size_units": order.terms.size_units,
        "order_type": order.terms.lifetime.value,
        "filled_units": order.filled_units,
        "status": order.status_text,
        "created_at_ms": order.created_at_ms,
    }


def _parts(trade: TradeRecord, wallet: str) -> list[dict[str, Any]]:
    """A wallet's orders in a trade: one row for each (trade, order)."""
    return [
        {
            "trade_id": trade.trade_id,
            "market": trade.window.condition_id,
            "status": trade.status.value,
            "traded_at_ms": trade.traded.traded_at_ms,
            "order_id": part.order_id,
            "is_maker": part.is_maker,
            "outcome": part.outcome.value,
            "is_buy": part.is_buy,
            "price_ticks": part.price_ticks,
            "size_units": part.size_units,
            "fee_nanos": part.fee_nanos,
        }
        for part in trade.parts
        if part.party.wallet == wallet
    ]
