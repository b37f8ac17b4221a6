"""A real executor on its stage, and short names for what the venue and its Orders may say to it."""

from __future__ import annotations

import random
from typing import Any, TypeVar

import msgspec
from core_stage import CoreStage
from nouns import a_position
from order_builders import MARKET, ORDER_ID, T0, Hearing, intent, settings

from actors.core import Effects
from actors.execution.real.core import RealExecutorCore
from actors.execution.real.live_order import LiveOrder
from actors.execution.real.messages import (
    AccountRead,
    CancelAnswered,
    ClientReady,
    OrderSigned,
    PostAnswered,
    PostOrder,
    PostRefused,
    PostUnclear,
    ReadAccount,
)
from actors.execution.real.user_channel import order_of, trade_of
from actors.feeds.connection import Connect, Connected, FramesReceived
from actors.messages.directory import MarketOpened
from actors.messages.execution import (
    CancelOrder,
    Fill,
    FillFailed,
    FillReversed,
    OrderFilled,
    OrderIntent,
    OrderReport,
    OrderStatus,
    QueryOrder,
    SubmitOrder,
)
from actors.messages.position import FillBooked, PositionSnapshot, PositionWanted
from actors.model import Side
from actors.roles import EXECUTOR, POSITION, order_role
from actors.units import shares as whole

WALLET = "0x" + "a1" * 20
OWNER = "11111111-2222-3333-4444-555555555555"
VENUE_ID = "0x" + "be" * 32
READY = ClientReady(wallet=WALLET, owner=OWNER)

T = TypeVar("T")


def venue_id(order_id: str) -> str:
    return VENUE_ID if order_id == ORDER_ID else "0x" + random.Random(order_id).randbytes(32).hex()


def wire_trade(trade_id: str = "t1", shares: float = 10, **changes: Any) -> dict[str, Any]:
    """A trade of ours as the taker, as the venue tells it."""
    row: dict[str, Any] = {
        "event_type": "trade",
        "type": "TRADE",
        "id": trade_id,
        "taker_order_id": VENUE_ID,
        "market": MARKET.market_id,
        "asset_id": MARKET.yes_token,
        "side": "BUY",
        "size": f"{shares:g}",
        "price": "0.45",
        "status": "MATCHED",
        "match_time": str(T0 // 1000),
        "trader_side": "TAKER",
        "maker_orders": [],
    }
    return row | changes


def wire_maker_trade(trade_id: str, *parts: tuple[str, float], **changes: Any) -> dict[str, Any]:
    """A trade in which resting orders of ours, by venue id, sold or bought this much."""
    makers = [
        {
            "order_id": order,
            "owner": OWNER,
            "maker_address": WALLET,
            "matched_amount": f"{size:g}",
            "price": "0.45",
            "asset_id": MARKET.yes_token,
            "side": "BUY",
        }
        for order, size in parts
    ]
    foreign = {"taker_order_id": "0x" + "ff" * 32, "trader_side": "MAKER", "side": "SELL"}
    return wire_trade(trade_id, 999, maker_orders=makers, **(foreign | changes))


def wire_order(status: str = "LIVE", matched: float | str = 0, **changes: Any) -> dict[str, Any]:
    """An order of ours as the venue tells it."""
    row: dict[str, Any] = {
        "event_type": "order",
        "type": "UPDATE",
        "id": VENUE_ID,
        "market": MARKET.market_id,
        "asset_id": MARKET.yes_token,
        "side": "BUY",
        "original_size": "10",
        "size_matched": matched if isinstance(matched, str) else f"{matched:g}",
        "price": "0.45",
        "status": status,
    }
    return row | changes


class Bench(CoreStage):
    """The executor, its rows, and a ledger that agrees unless told otherwise."""

    def __init__(self, **execution: Any) -> None:
        super().__init__(RealExecutorCore, EXECUTOR, settings(**execution), now_ms=T0 - 5_000)
        self._answered_reading = 0
        self.ledger: dict[Side, int] = dict.fromkeys(Side, 0)
        self.open_market_id = MARKET.market_id
        self._hearing = Hearing()

    def give(self, message: object) -> Effects:
        """As any core's; what is kept of all orders, so that none is looked through, adds up."""
        effects = super().give(message)
        assert isinstance(self.core, RealExecutorCore)
        orders = self.core._orders
        assert orders.working == [live for live in orders if not live.is_final]
        over = [live for live in orders if live.is_final]
        assert orders.over_moved_nanos == sum(live.moved_nanos for live in over)
        return effects

    def forget(self) -> None:
        """Drop what was said and done so far, but for the connection that is open."""
        kept = self.commanded(Connect)[-1:]
        self._hearing.news(message for _, message in self.sent)
        super().forget()
        self.commands += kept

    # Getting to where something can happen

    def begin(self) -> Bench:
        """Start, with credentials and window; the user channel has yet to connect."""
        self.start()
        self.give(MarketOpened(market=MARKET, strike=None))
        self.give(READY)
        return self

    def open(self) -> Bench:
        """Start, with credentials, user channel, window and an account that agrees."""
        self.begin()
        self.listen()
        self.read_until(T0)
        assert self.core.is_serving
        self.forget()
        return self

    def restart(self) -> Bench:
        """Fall and come back, up to the point where the account must be read."""
        self.commands.clear()
        self._hearing.news(message for _, message in self.sent)
        self.sent.clear()
        self._answered_reading = 0
        self.begin()
        self.listen()
        return self

    def listen(self) -> None:
        self.give(Connected(self.last(Connect).epoch))

    def agree(self) -> None:
        """Answer for the ledger, if it was asked."""
        asked = [each for each in self.sent if isinstance(each[1], PositionWanted)]
        self.sent = [each for each in self.sent if each not in asked]
        if asked:
            self.give(self.position())

    def position(self) -> PositionSnapshot:
        return a_position(
            self.open_market_id, yes_units=self.ledger[Side.YES], no_units=self.ledger[Side.NO]
        )

    def submit(self, **changes: Any) -> OrderIntent:
        wanted = intent(**changes)
        self.give(SubmitOrder(wanted))
        return wanted

    def sign(self, order_id: str = ORDER_ID, size: int = 10) -> None:
        payload = f'{{"order":"{order_id}","salt":{len(self.events)}}}'
        self.give(
            OrderSigned(
                order_id=order_id,
                venue_order_id=venue_id(order_id),
                payload=payload,
                offered_units=whole(size),
            )
        )

    def place(self, status: str | None = "live", **changes: Any) -> OrderIntent:
        """Submit, sign and, unless None, have the posting answered."""
        wanted = self.submit(**changes)
        self.sign(wanted.order_id)
        if status is not None:
            self.answer(status, wanted.order_id)
        return wanted

    # What the venue says

    def answer(self, status: str, order_id: str = ORDER_ID) -> None:
        self.give(PostAnswered(order_id=order_id, venue_order_id=venue_id(order_id), status=status))

    def lose(self, order_id: str = ORDER_ID) -> None:
        self.give(PostUnclear(order_id=order_id, reason="no answer"))

    def refuse(self, status: int, text: str, **more: Any) -> None:
        self.give(PostRefused(order_id=ORDER_ID, status=status, text=text, **more))

    def hear(self, *rows: dict[str, Any]) -> None:
        """The user channel says this."""
        frames = tuple((msgspec.json.encode(row), 1) for row in rows)
        self.give(FramesReceived(self.last(Connect).epoch, frames))

    def read(
        self, *rows: dict[str, Any], gone: tuple[dict[str, Any], ...] = (), **more: Any
    ) -> None:
        """Answer the reading that is under way: open orders and trades, and orders gone."""
        command = self.last(ReadAccount)
        assert command.read_id > self._answered_reading, "no reading is under way"
        self._answered_reading = command.read_id
        open_orders = tuple(order_of(row) for row in rows if row["event_type"] == "order")
        trades = tuple(trade_of(row) for row in rows if row["event_type"] == "trade")
        values: dict[str, Any] = {
            "read_id": command.read_id,
            "orders": tuple(order_of(row) for row in gone),
            "open_orders": open_orders,
            "trades": trades,
            "balances": (),
        }
        self.give(AccountRead(**(values | more)))

    def read_until(self, until_ms: int, *rows: dict[str, Any], **more: Any) -> None:
        """Let time pass, and give every reading that begins until then the same answer."""
        self._answer_reading(*rows, **more)
        while self.now_ms < until_ms:
            self.advance(min(self.now_ms + 100, until_ms))
            self._answer_reading(*rows, **more)

    def _answer_reading(self, *rows: dict[str, Any], **more: Any) -> None:
        if self.readings and self.readings[-1].read_id > self._answered_reading:
            self.read(*rows, **more)
            self.agree()

    def cancelled(self, *ids: str, refused: dict[str, str] | None = None) -> None:
        self.give(
            CancelAnswered(
                venue_order_ids=(*ids, *(refused or {})),
                canceled=ids,
                not_canceled=tuple((refused or {}).items()),
            )
        )

    # What Orders and position say

    def cancel(self, reason: str = "enough") -> None:
        self.give(CancelOrder(ORDER_ID, reason))

    def book(self, trade_id: str, *, is_reversal: bool = False) -> None:
        self.give(
            FillBooked(order_id=ORDER_ID, trade_id=trade_id, is_reversal=is_reversal, version=1)
        )

    def report(self, order_id: str = ORDER_ID) -> OrderReport:
        """What the executor says when it is asked."""
        self.give(QueryOrder(order_id))
        return self.told(order_role(order_id), OrderReport)[-1]

    # Looking

    def commanded(self, kind: type[T]) -> list[T]:
        return [command for command in self.commands if isinstance(command, kind)]

    def last(self, kind: type[T]) -> T:
        return self.commanded(kind)[-1]

    @property
    def readings(self) -> list[ReadAccount]:
        return self.commanded(ReadAccount)

    @property
    def posts(self) -> list[str]:
        """The bytes posted, in order."""
        return [command.payload for command in self.commanded(PostOrder)]

    def news(self, kind: type[T], order_id: str = ORDER_ID) -> list[T]:
        """What its Order was told that it had not heard of, of one kind."""
        reports = self.told(order_role(order_id), OrderReport)
        return [each for each in self._hearing.unheard(reports) if isinstance(each, kind)]

    @property
    def reports(self) -> list[OrderReport]:
        """All that its Order was told."""
        return self.told(order_role(ORDER_ID), OrderReport)

    @property
    def counted(self) -> list[str]:
        """Trades that whoever books them was told of: the Order, or after its end position."""
        fills = [each.fill.trade_id for each in self.news(Fill)]
        return fills + [each.fill.trade_id for each in self.told(POSITION, OrderFilled)]

    @property
    def taken_back(self) -> list[str]:
        """Those of them that are to be taken back."""
        failed = [each.trade_id for each in self.news(FillFailed)]
        return failed + [each.fill.trade_id for each in self.told(POSITION, FillReversed)]

    @property
    def live(self) -> LiveOrder:
        """The order's row."""
        found = [row for row in self.saved("live", open_only=False) if isinstance(row, LiveOrder)]
        return next(row for row in found if row.order_id == ORDER_ID)

    @property
    def status(self) -> OrderStatus:
        return self.live.status
