"""The exchange's own books of one account, as reported by its admin endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from actors.model import Action, FillDetail, Side
from audit.books import Pair
from audit.sums import Part

_SIDES = {"Up": Side.YES, "Down": Side.NO}
_ACTIONS = {True: Action.BUY, False: Action.SELL}
_OPEN = ("LIVE", "DELAYED")


@attrs.frozen(kw_only=True)
class TakenOrder:
    """An order that the exchange accepted."""

    market_id: str
    side: Side
    action: Action
    size_units: int
    filled_units: int
    """Including trades that failed later."""
    status: str
    """The venue's wording."""

    @property
    def is_open(self) -> bool:
        """Whether it rests or waits to trade."""
        return self.status in _OPEN


@attrs.frozen(kw_only=True)
class ExchangeBooks:
    """What the exchange has recorded about one account."""

    now_ms: int
    cash_nanos: int
    orders: Mapping[str, TakenOrder]
    """Every order it ever accepted, by the venue's ids."""
    trades: Mapping[Pair, tuple[str, Part]]
    """Every trade that did not fail, with its market, by trade id and the venue's order id."""
    shares: Mapping[tuple[str, Side], int]
    """Units by market and outcome that are neither paid out nor merged."""
    faults: Mapping[str, int] = attrs.field(factory=dict)
    """How often each kind of fault has struck."""

    @property
    def open_ids(self) -> frozenset[str]:
        """The venue's ids of orders that still rest or wait."""
        return frozenset(order_id for order_id, order in self.orders.items() if order.is_open)

    def parts(self, market_id: str) -> list[Part]:
        """Return the trades in a market as parts to be added up."""
        return [part for where, part in self.trades.values() if where == market_id]


def exchange_books(report: Mapping[str, Any], account: str) -> ExchangeBooks:
    """Read the report of ``/admin/ledger``; the exchange has checked its own ledger first."""
    row = report["wallets"][account]
    return ExchangeBooks(
        now_ms=report["now_ms"],
        cash_nanos=row["cash_nanos"],
        orders={
            each["order_id"]: TakenOrder(
                market_id=each["market"],
                side=_SIDES[each["outcome"]],
                action=_ACTIONS[each["is_buy"]],
                size_units=each["size_units"],
                filled_units=each["filled_units"],
                status=each["status"],
            )
            for each in row["orders"]
        },
        trades={
            (each["trade_id"], each["order_id"]): (each["market"], _part(each))
            for each in row["trades"]
            if each["status"] != "FAILED"
        },
        shares={(held["market"], _SIDES[held["outcome"]]): held["units"] for held in row["shares"]},
        faults=report.get("faults", {}),
    )


def _part(row: Mapping[str, Any]) -> Part:
    fill = FillDetail(
        trade_id=row["trade_id"],
        price_ticks=row["price_ticks"],
        size_units=row["size_units"],
        fee_nanos=row["fee_nanos"],
        is_maker=row["is_maker"],
        timestamp_ms=row["traded_at_ms"],
    )
    return _SIDES[row["outcome"]], _ACTIONS[row["is_buy"]], fill
