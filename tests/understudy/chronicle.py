"""Writes journals as the actors would, for tests of what reads them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import attrs
from nouns import a_fill
from scenes import MARKET

from actors.core import Record, Save
from actors.execution.desk_state import OrdersCreated, SideFreed
from actors.messages.directory import MarketResolved
from actors.messages.execution import (
    Fill,
    OrderAccepted,
    OrderCancelled,
    OrderClosed,
    OrderIntent,
    OrderState,
    OrderStatus,
    OrderSubmitted,
)
from actors.model import Action, FillDetail, Market, Side, TimeInForce
from actors.position.core import EntryChanged
from actors.position.ledger import LedgerEntry, WindowLedger
from actors.runtime.journal import Journal
from actors.runtime.journal_file import prepare
from actors.units import E18, shares, taker_fee_nanos

PASSED_OVER = (
    "profit lock: not both sides are held",
    "arbitrage: YES ask 530 + NO ask 480 + fees 34.91 is not below 1000",
)
BASIS = "YES bid 520 x 31, ask 530 x 376, held 0; NO bid 470 x 376, ask 480 x 31, held 0"


def window(number: int = 0) -> Market:
    shift_ms = number * 900_000
    return attrs.evolve(
        MARKET,
        market_id=f"0x{number:03x}",
        slug=f"btc-updown-15m-{(MARKET.opens_at_ms + shift_ms) // 1000}",
        opens_at_ms=MARKET.opens_at_ms + shift_ms,
        closes_at_ms=MARKET.closes_at_ms + shift_ms,
    )


def intent(number: int = 1, **changes: object) -> OrderIntent:
    """An order's intent, placed 10 s times its number after its window's opening."""
    market = changes.get("market", window())
    assert isinstance(market, Market)
    created_at_ms = market.opens_at_ms + 10_000 * number
    fields: dict[str, object] = {
        "order_id": f"order_{number}_0badcafe",
        "market": market,
        "side": Side.YES,
        "action": Action.BUY,
        "price_ticks": 480,
        "size_units": shares(20),
        "time_in_force": TimeInForce.GTC,
        "created_at_ms": created_at_ms,
        "expires_at_ms": created_at_ms + 3_000,
        "priority": 2,
        "reason": "bootstrap: YES ask 480 < bootstrap_high 500",
        "pair_id": None,
        "position_version": 7,
        "tick_ns": 0,
        "basis": BASIS,
        "passed_over": PASSED_OVER,
        **changes,
    }
    return OrderIntent(**fields)  # type: ignore[arg-type]


def pair(number: int, market: Market, **changes: object) -> tuple[OrderIntent, OrderIntent]:
    """Both legs of an arbitrage, numbered from here; YES at 0.45, NO at 0.48."""
    ids = (f"order_{number}_0badcafe", f"order_{number + 1}_0badcafe")
    common = {"market": market, "priority": 0, "reason": "arbitrage", **changes}
    yes = intent(number, pair_id=ids[1], price_ticks=450, **common)
    no = intent(number + 1, pair_id=ids[0], price_ticks=480, side=Side.NO, **common)
    return yes, attrs.evolve(no, created_at_ms=yes.created_at_ms, expires_at_ms=yes.expires_at_ms)


def trade(
    of: OrderIntent,
    size: int = 20,
    *,
    after_ms: int = 500,
    part: int = 1,
    better_ticks: int = 0,
    is_maker: bool = False,
) -> FillDetail:
    """A fill of an order, so long after it was created, so much better than its limit."""
    sign = 1 if of.action is Action.BUY else -1
    price_ticks = of.price_ticks - sign * better_ticks
    fee_nanos = 0 if is_maker else taker_fee_nanos(price_ticks, shares(size), 700)
    return a_fill(
        f"paper-{of.order_id}-{part}",
        price_ticks,
        size_units=shares(size),
        fee_nanos=fee_nanos,
        is_maker=is_maker,
        timestamp_ms=of.created_at_ms + after_ms,
    )


class Chronicle:
    """A journal and the actors that write it, each under its own role."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        prepare(data_dir)
        self._journals: dict[str, Journal] = {}
        self._ledgers: dict[str, WindowLedger] = {}
        self._version = 0

    def close(self) -> None:
        for journal in self._journals.values():
            journal.close()

    def record(self, role: str, record: Record, at_ms: int) -> None:
        if role not in self._journals:
            self._journals[role] = Journal(self.data_dir, role)
            self._journals[role].claim()
        self._journals[role].record(record, at_ms)

    def restart(self, role: str) -> None:
        """Give a role a new actor, of the next generation."""
        self._journals[role].claim()

    def create(self, *intents: OrderIntent) -> None:
        """Let the desk create orders in one piece, and the executor send them."""
        market, at_ms = intents[0].market, intents[0].created_at_ms
        created = OrdersCreated(market_id=market.market_id, signals_id=1, intents=intents)
        saves = tuple(
            Save("order", each.order_id, OrderState(intent=each, updated_at_ms=at_ms))
            for each in intents
        )
        self.record("desk", Record(created, saves), at_ms)
        for each in intents:
            self.record("executor", Record(OrderSubmitted(each.order_id)), at_ms + 10)

    def save_order(self, event: object, order: OrderState, at_ms: int, **options: bool) -> None:
        order_id = order.intent.order_id
        save = Save("order", order_id, order, **options)
        self.record(f"order/{order_id}", Record(event, (save,)), at_ms)

    def live(self, of: OrderIntent, *fills: FillDetail, unbooked: bool = False) -> OrderState:
        """Create an order that rests; with fills that the ledger has, or does not have yet."""
        self.create(of)
        return self._trade(of, fills, unbooked=unbooked)

    def done(self, of: OrderIntent, *fills: FillDetail) -> OrderState:
        """Create an order and live it to its end: filled, or else cancelled."""
        self.create(of)
        return self.end(of, *fills)

    def end(self, of: OrderIntent, *fills: FillDetail) -> OrderState:
        """Live a created order to its end."""
        order = self._trade(of, fills, unbooked=False)
        at_ms = of.expires_at_ms
        if order.status is not OrderStatus.FILLED:
            reason = "its time to live is over"
            order = attrs.evolve(
                order,
                status=OrderStatus.CANCELLED,
                end_reason=reason,
                final_filled_units=order.filled_units,
            )
            event = OrderCancelled(of.order_id, reason, order.filled_units)
            self.save_order(event, order, at_ms)
        freed = SideFreed(
            order_id=of.order_id,
            market_id=of.market.market_id,
            status=order.status,
            required_version=self._version,
        )
        self.record("desk", Record(freed), at_ms + 20)
        self.save_order(OrderClosed(of.order_id), order, at_ms + 30, is_open=False)
        return order

    def _trade(self, of: OrderIntent, fills: Sequence[FillDetail], *, unbooked: bool) -> OrderState:
        order = OrderState(
            intent=of, status=OrderStatus.ACCEPTED, updated_at_ms=of.created_at_ms + 100
        )
        self.save_order(OrderAccepted(of.order_id, None), order, of.created_at_ms + 100)
        for fill in fills:
            order = attrs.evolve(
                order,
                fills=(*order.fills, fill),
                unbooked=frozenset({fill.trade_id} if unbooked else ()),
            )
            is_last = order.leaves_units == 0
            status = OrderStatus.FILLED if is_last else OrderStatus.PARTIALLY_FILLED
            order = attrs.evolve(order, status=status)
            self.save_order(Fill(of.order_id, fill), order, fill.timestamp_ms)
            if not unbooked:
                self.book(of, fill)
        return order

    def book(self, of: OrderIntent, fill: FillDetail, *, is_reversed: bool = False) -> None:
        """Let position book a fill, or take it back."""
        self._version += 1
        entry = LedgerEntry(
            order_id=of.order_id,
            side=of.side,
            action=of.action,
            fill=fill,
            booked_version=self._version,
            reversed_version=self._version if is_reversed else None,
        )
        ledger = self._ledger(of.market).with_entry(entry, self._version)
        changed = EntryChanged(
            market_id=of.market.market_id,
            order_id=of.order_id,
            entry=entry,
            position=ledger.snapshot(),
        )
        self._save_ledger(changed, ledger, fill.timestamp_ms + 5)

    def settle(self, market: Market, winner: Side | None = Side.YES, moved: int = 50) -> None:
        """Let the venue decide a window, its underlying having moved by so many dollars."""
        self._version += 1
        resolved = MarketResolved(
            market=market,
            winner=winner,
            strike_e18=64_000 * E18,
            close_e18=(64_000 + moved) * E18,
            evidence="test",
        )
        ledger = self._ledger(market).settled(resolved, self._version)
        self._save_ledger(resolved, ledger, market.closes_at_ms + 1_000)

    def open(self, market: Market) -> None:
        """Let position begin a window."""
        ledger = self._ledger(market)
        self._save_ledger(ledger.snapshot(), ledger, market.opens_at_ms)

    def _ledger(self, market: Market) -> WindowLedger:
        fresh = WindowLedger(market=market, version=self._version)
        return self._ledgers.get(market.market_id, fresh)

    def _save_ledger(self, event: object, ledger: WindowLedger, at_ms: int) -> None:
        self._ledgers[ledger.market.market_id] = ledger
        save = Save("position", ledger.market.market_id, ledger)
        self.record("position", Record(event, (save,)), at_ms)
