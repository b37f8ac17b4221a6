"""Whatever is sent to the engine, in whatever order: no promise of the exchange is broken."""

from __future__ import annotations

from typing import Any

from engine_builders import DOWN, MARKET, RULES, UP, Exchange, dollars
from engine_shadow import ShadowBook, ShadowOrder
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from msgspec.structs import replace

from actors.units import shares
from venue.engine import FEES, NotEnoughFunds
from venue.engine.messages import (
    CANCELED,
    EngineEvent,
    ExchangeOrder,
    ExchangeOrderStatus,
    Lifetime,
    NewOrder,
    Outcome,
    Refused,
)

ENDED = (ExchangeOrderStatus.MATCHED, ExchangeOrderStatus.CANCELED)
OWNERS = ("alice", "bob", "robot")

owners = st.sampled_from(OWNERS)
near_prices = st.integers(48, 52).map(lambda tens: tens * 10)
prices = near_prices | near_prices | st.sampled_from([10, 40, 505, 960, 990, 1000])
some_sizes = st.integers(4, 40).map(shares)
sizes = some_sizes | some_sizes | st.sampled_from([5_010_000, 7_777_700, shares(1_500)])


@st.composite
def new_orders(draw: st.DrawFn, number: int, now_ms: int) -> NewOrder:
    """Any order; most are such that they could be accepted."""
    lifetime = draw(st.sampled_from(Lifetime))
    takes_at_once = lifetime in (Lifetime.FAK, Lifetime.FOK)
    is_buy = draw(st.booleans())
    spend = draw(st.none() | st.integers(1, 3_000).map(lambda cents: dollars(cents / 100)))
    return NewOrder(
        order_id=f"order-{number}",
        owner=draw(owners),
        outcome=draw(st.sampled_from(Outcome)),
        is_buy=is_buy,
        price_ticks=draw(prices),
        size_units=draw(sizes),
        lifetime=lifetime,
        is_post_only=not takes_at_once and draw(st.integers(0, 4)) == 0,
        expires_at_ms=now_ms + draw(st.integers(1, 2_000)) if lifetime is Lifetime.GTD else None,
        spend_nanos=spend if takes_at_once and is_buy else None,
    )


class EngineMachine(RuleBasedStateMachine):
    """Two owners with limited funds and one without, in one market, over venue time."""

    def __init__(self) -> None:
        super().__init__()
        self.now_ms = 0
        self.shadow = ShadowBook()
        self.ended: dict[str, ExchangeOrder] = {}
        self.refused: set[str] = set()
        self.exchange = Exchange()

    @initialize(delay_ms=st.sampled_from([0, 250]), fee_rate_bps=st.sampled_from([0, 700]))
    def open_market(self, delay_ms: int, fee_rate_bps: int) -> None:
        rules = replace(RULES, taker_delay_ms=delay_ms, fee_rate_bps=fee_rate_bps)
        self.exchange = Exchange(rules)
        self.engine = self.exchange.engine

    @rule(data=st.data(), count=st.integers(1, 5))
    def submit_some(self, data: st.DataObject, count: int) -> None:
        for _ in range(count):
            number = len(self.shadow.orders) + len(self.refused)
            self.submit(data.draw(new_orders(number, self.now_ms)))

    def submit(self, order: NewOrder) -> None:
        self.shadow.submitted(order)
        events = self.read(self.engine.submit(order, self.now_ms))
        if any(isinstance(event, Refused) for event in events):
            assert self.engine.order(order.order_id) is None
            self.refused.add(order.order_id)
            del self.shadow.orders[order.order_id]

    @precondition(lambda self: self.shadow.orders)
    @rule(data=st.data())
    def submit_again(self, data: st.DataObject) -> None:
        order = data.draw(st.sampled_from(list(self.shadow.orders.values()))).terms
        events = self.read(self.engine.submit(order, self.now_ms))
        assert Refused(order.order_id, f"order {order.order_id} is invalid. Duplicated.") in events

    @precondition(lambda self: self.shadow.orders)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        order_id = data.draw(st.sampled_from(list(self.shadow.orders)))
        was_delayed = self.shadow.orders[order_id].is_delayed
        self.read(self.engine.cancel(order_id, CANCELED, self.now_ms))
        order = self.shadow.orders[order_id]
        assert order.is_ended or (was_delayed and order.is_delayed)

    @rule(owner=owners)
    def cancel_all(self, owner: str) -> None:
        self.read(self.engine.cancel_all(owner, self.now_ms))
        assert not any(order.terms.owner == owner for order in self.shadow.resting())

    @rule(elapsed_ms=st.integers(0, 600))
    def let_time_pass(self, elapsed_ms: int) -> None:
        self.now_ms += elapsed_ms
        self.read(self.engine.advance(self.now_ms))

    @rule(tick_size_ticks=st.sampled_from([1, 10]))
    def change_tick_size(self, tick_size_ticks: int) -> None:
        self.read(self.engine.set_tick_size(tick_size_ticks, self.now_ms))

    @rule(
        operation=st.sampled_from(["deposit", "withdraw", "split", "merge"]),
        owner=st.sampled_from(["alice", "bob"]),
        count=st.integers(1, 300),
    )
    def use_wallet(self, operation: str, owner: str, count: int) -> None:
        ledger = self.exchange.ledger
        amounts: dict[str, tuple[Any, ...]] = {
            "deposit": (dollars(count),),
            "withdraw": (dollars(count),),
            "split": (MARKET, shares(count)),
            "merge": (MARKET, shares(count)),
        }
        try:
            getattr(ledger, operation)(owner, *amounts[operation])
        except NotEnoughFunds:
            assert operation != "deposit"
        self.read(self.engine.advance(self.now_ms))

    def read(self, events: list[EngineEvent]) -> list[EngineEvent]:
        self.shadow.read(events)
        return events

    @invariant()
    def money_and_shares_are_conserved(self) -> None:
        self.exchange.ledger.audit()
        fees_nanos = sum(order.fees_nanos for order in self.shadow.orders.values())
        assert self.exchange.cash(FEES) == fees_nanos

    @invariant()
    def the_book_is_not_crossed(self) -> None:
        for outcome in Outcome:
            bid, ask = self.exchange.engine.best(outcome)
            assert bid is None or ask is None or bid < ask

    @invariant()
    def both_views_mirror_each_other_and_match_the_events(self) -> None:
        engine = self.exchange.engine
        up_bids, up_asks = engine.levels(UP)
        assert engine.levels(DOWN) == (
            tuple((1000 - price, size) for price, size in up_asks),
            tuple((1000 - price, size) for price, size in up_bids),
        )
        for outcome in Outcome:
            bids, asks = engine.levels(outcome)
            assert self.shadow.view(outcome) == (bids, asks)
            assert engine.best(outcome) == (
                bids[0][0] if bids else None,
                asks[0][0] if asks else None,
            )

    @invariant()
    def levels_are_the_sums_of_resting_orders(self) -> None:
        totals: dict[tuple[bool, int], int] = {}
        for order in self.shadow.resting():
            terms = order.terms
            is_up = terms.outcome is UP
            key = (terms.is_buy is is_up, terms.price_ticks if is_up else 1000 - terms.price_ticks)
            totals[key] = totals.get(key, 0) + order.leaves_units
        bids, asks = self.exchange.engine.levels(UP)
        assert totals == {
            **{(True, price): size for price, size in bids},
            **{(False, price): size for price, size in asks},
        }

    @invariant()
    def every_order_is_where_its_events_put_it(self) -> None:
        for order_id, shadow in self.shadow.orders.items():
            known = self.exchange.engine.order(order_id)
            assert known is not None
            assert known.terms == shadow.terms
            assert known.filled_units == shadow.filled_units
            self._status_fits(known, shadow)
            if known.status in ENDED:
                assert self.ended.setdefault(order_id, known) == known

    @staticmethod
    def _status_fits(known: ExchangeOrder, shadow: ShadowOrder) -> None:
        terms = known.terms
        assert (known.status is ExchangeOrderStatus.LIVE) == shadow.is_resting
        assert (known.status is ExchangeOrderStatus.DELAYED) == shadow.is_delayed
        if known.status is ExchangeOrderStatus.CANCELED:
            assert shadow.is_ended
        if terms.lifetime is Lifetime.FOK and known.status in ENDED:
            assert (known.status is ExchangeOrderStatus.MATCHED) == (known.filled_units > 0)
        if known.status is ExchangeOrderStatus.MATCHED and terms.spend_nanos is None:
            assert known.filled_units == terms.size_units
        if known.status is ExchangeOrderStatus.MATCHED and terms.spend_nanos is not None:
            assert 0 <= terms.spend_nanos - shadow.paid_nanos < terms.price_ticks

    @invariant()
    def reservations_are_what_open_orders_may_give(self) -> None:
        for owner in ("alice", "bob"):
            open_orders = [
                order
                for order in self.shadow.orders.values()
                if order.terms.owner == owner and (order.is_resting or order.is_delayed)
            ]
            account = self.exchange.ledger.account(owner)
            assert not account.is_short
            for outcome in Outcome:
                assert account.holding(MARKET, outcome).reserved_units == sum(
                    order.leaves_units
                    for order in open_orders
                    if not order.terms.is_buy and order.terms.outcome is outcome
                )
            buys = [order for order in open_orders if order.terms.is_buy]
            resting_nanos = sum(
                order.leaves_units * order.terms.price_ticks for order in buys if order.is_resting
            )
            delayed_nanos = sum(_notional(order) for order in buys if order.is_delayed)
            fees_nanos = account.reserved_nanos - resting_nanos - delayed_nanos
            assert 0 <= fees_nanos <= delayed_nanos * 7 // 100

    def teardown(self) -> None:
        exchange = self.exchange
        self.read(exchange.engine.resolve(UP, self.now_ms + 10_000))
        assert len(set(self.shadow.trade_ids)) == len(self.shadow.trade_ids)
        assert all(exchange.engine.open_orders(owner) == () for owner in OWNERS)
        assert exchange.engine.levels(UP) == ((), ())
        assert all(exchange.reserved(owner) == 0 for owner in OWNERS)
        exchange.ledger.audit()


def _notional(order: ShadowOrder) -> int:
    terms = order.terms
    if terms.spend_nanos is not None:
        return terms.spend_nanos
    return terms.size_units * terms.price_ticks


TestEngineMachine = EngineMachine.TestCase
TestEngineMachine.settings = settings(max_examples=150, stateful_step_count=40)
