"""The rough executor takes back trades, and never what nobody could sell at a venue."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
from host_bench import EffectsHeard, HostBench
from referee_scenes import INTENT, MARKET, NOW_MS

from actors.core import Effect, Record
from actors.messages.execution import (
    FillFailed,
    OrderIntent,
    OrderRejected,
    OrderReport,
    OrderStatus,
    SubmitOrder,
)
from actors.messages.lifecycle import TimerFired
from actors.messages.market import BookView, MarketSnapshot
from actors.model import Action, Side, TimeInForce
from actors.roles import EXECUTOR
from actors.settings import Settings
from actors.units import shares
from simulation.adverse_executor import AdverseExecutorCore

SALE = attrs.evolve(
    INTENT,
    order_id="order_2_00000000",
    action=Action.SELL,
    price_ticks=390,
    time_in_force=TimeInForce.FAK,
    expires_at_ms=NOW_MS + 500_000,
)
OTHER_SIDE = attrs.evolve(SALE, side=Side.NO)


class BadLuck:
    """Fails whatever may fail, and refuses nothing by chance."""

    def random(self) -> float:
        return 0.1


class Venue:
    """A rough executor that trades at once, and what it has recorded."""

    def __init__(self) -> None:
        self.now_ms = NOW_MS
        self.said: list[object] = []
        self.heard = EffectsHeard()
        self.bench = HostBench(Settings(), lambda: self.now_ms, self._post, self.heard)
        self.bench.are_rows_tagged = False  # it saves what only the simulation knows
        self.restart()

    def _post(self, _sender: str, _to: str, message: object) -> None:
        self.said.append(message)

    def restart(self) -> None:
        due_ms = dict(self.bench.due_ms)
        self.bench.end(EXECUTOR)
        self.bench.add(EXECUTOR, AdverseExecutorCore, BadLuck()).start()
        self.bench.due_ms.update(due_ms)

    @property
    def failing(self) -> list[str]:
        return [key for _, key in self.bench.due_ms if key.startswith("fail/")]

    def feed(self, message: object) -> Sequence[Effect]:
        self.heard.forget()
        self.bench.hand(EXECUTOR, message)
        return self.heard.newest

    def carry_out(self, intent: OrderIntent) -> None:
        self.feed(SubmitOrder(intent))
        self.now_ms += 200
        self.show()
        self.feed(TimerFired(intent.order_id))

    def show(self) -> None:
        """Books on which everything trades."""
        asks, bids = ((400, shares(100)),), ((390, shares(100)),)
        book = BookView(asks=asks, bids=bids, is_synced=True, updated_at_ms=self.now_ms)
        self.feed(
            MarketSnapshot(
                sequence=self.now_ms,
                market=MARKET,
                taken_at_ms=self.now_ms,
                yes=book,
                no=book,
                reference_e18=None,
                reference_at_ms=0,
                strike=None,
                tick_ns=0,
            )
        )

    def let_fail(self) -> list[FillFailed]:
        key = self.failing[0]
        del self.bench.due_ms[EXECUTOR, key]
        effects = self.feed(TimerFired(key))
        return [
            each.event
            for each in effects
            if isinstance(each, Record) and isinstance(each.event, FillFailed)
        ]

    def is_refused(self, order_id: str) -> bool:
        return any(
            each.order_id == order_id
            and (isinstance(each, OrderRejected) or each.status is OrderStatus.REJECTED)
            for each in self.said
            if isinstance(each, (OrderRejected, OrderReport))
        )


def test_a_purchase_may_fail_after_it_was_told() -> None:
    venue = Venue()
    venue.carry_out(INTENT)
    (failed,) = venue.let_fail()
    assert failed.order_id == INTENT.order_id


def test_a_purchase_stands_as_soon_as_somebody_sells_what_it_brought() -> None:
    venue = Venue()
    venue.carry_out(INTENT)
    venue.feed(SubmitOrder(SALE))
    assert venue.let_fail() == []


def test_what_a_failed_purchase_did_not_bring_cannot_be_sold_even_after_a_restart() -> None:
    venue = Venue()
    venue.carry_out(INTENT)
    assert venue.let_fail()
    venue.restart()
    venue.carry_out(SALE)
    assert venue.is_refused(SALE.order_id)


def test_another_side_is_sold_and_the_same_one_when_everyone_has_heard() -> None:
    venue = Venue()
    venue.carry_out(INTENT)
    assert venue.let_fail()
    venue.carry_out(OTHER_SIDE)
    assert not venue.is_refused(OTHER_SIDE.order_id)
    venue.now_ms += 60_000
    later = attrs.evolve(SALE, order_id="order_3_00000000")
    venue.carry_out(later)
    assert not venue.is_refused(later.order_id)
