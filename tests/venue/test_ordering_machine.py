"""Whatever clients do and whatever fails, money, shares and orders are conserved."""

from __future__ import annotations

import contextlib
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from ordering_builders import ALICE, AT_ONCE, BOB, DELAYED, START_MS, WINDOW, Venue

from actors.units import NANOS_PER_DOLLAR, shares
from venue.engine.messages import ExchangeOrderStatus, Outcome
from venue.faults import FaultKind
from venue.ordering.desk import OrderRefused
from venue.ordering.reports import WalletReports
from venue.ordering.settlement import FINAL_STATUSES
from venue.ordering.wallets import WalletRefused
from venue.wire.orders import BUY, SELL

WALLETS = st.sampled_from([ALICE, BOB])
TOKENS = st.sampled_from(WINDOW.tokens)
CENTS = st.integers(40, 62)
FAILURES = {FaultKind.GHOST_FILL: 0.4, FaultKind.RETRIED_TRADE: 0.3}
ODDITIES = {
    FaultKind.LATE_FAILURE: 0.3,
    FaultKind.SHORT_MATCH: 0.5,
    FaultKind.EXCESS_FILL: 0.6,
    FaultKind.UNREADABLE_PART: 0.3,
}


class OrderingMachine(RuleBasedStateMachine):
    taker_delay_ms = DELAYED
    chances = FAILURES
    most_excess = 0.0

    def __init__(self) -> None:
        super().__init__()
        self.venue = Venue(self.taker_delay_ms, chances=self.chances)
        self.reports = WalletReports(self.venue.desk.books, self.venue.ledger)
        self.moved = {wallet: [0, 0] for wallet in (ALICE, BOB)}
        """(cash, pairs) that splits and merges moved."""
        self.robot_count = 0
        for cents in (40, 45):
            for outcome in Outcome:
                self.quote(outcome, cents, 40)

    @rule(wallet=WALLETS, token=TOKENS, cents=CENTS, size=st.integers(5, 60), is_buy=st.booleans())
    def place(self, wallet: str, token: str, cents: int, size: int, is_buy: bool) -> None:
        with contextlib.suppress(OrderRefused):
            side = BUY if is_buy else SELL
            self.venue.place(wallet, token=token, price=cents / 100, size=size, side=side)

    @rule(wallet=WALLETS, token=TOKENS, cents=CENTS, dollars=st.integers(1, 40))
    def take(self, wallet: str, token: str, cents: int, dollars: int) -> None:
        money = dollars * 1_000_000
        least = money * 100 // cents // 100 * 100 / 1_000_000
        with contextlib.suppress(OrderRefused):
            self.venue.place(wallet, token=token, kind="FAK", money=money, size=least)

    @rule(outcome=st.sampled_from(Outcome), cents=CENTS, size=st.integers(5, 80))
    def quote(self, outcome: Outcome, cents: int, size: int) -> None:
        self.robot_count += 1
        self.venue.robot(f"robot-{self.robot_count}", outcome, cents * 10, size)

    @precondition(lambda self: self.venue.desk.books.orders)
    @rule(data=st.data(), wallet=WALLETS)
    def cancel(self, data: st.DataObject, wallet: str) -> None:
        order_id = data.draw(st.sampled_from(sorted(self.venue.desk.books.orders)))
        order = self.venue.desk.books.orders[order_id]
        was_resting = order.status is ExchangeOrderStatus.LIVE
        done = self.venue.desk.cancel(wallet, [order_id], self.venue.now_ms)
        assert bool(done.canceled) == (was_resting and order.party.wallet == wallet)

    @rule(wallet=WALLETS)
    def cancel_all(self, wallet: str) -> None:
        self.venue.desk.cancel_matching(wallet, self.venue.now_ms)
        statuses = {order.status for order in self.venue.desk.books.orders_of(wallet)}
        assert ExchangeOrderStatus.LIVE not in statuses

    @rule()
    def cancel_by_venue(self) -> None:
        self.venue.desk.cancel_by_venue(self.venue.now_ms)

    @rule(wallet=WALLETS, pairs=st.integers(1, 150), is_split=st.booleans())
    def split_or_merge(self, wallet: str, pairs: int, is_split: bool) -> None:
        wallets, sign = self.venue.wallets, 1 if is_split else -1
        move = wallets.split if is_split else wallets.merge
        with contextlib.suppress(WalletRefused):
            move(wallet, WINDOW.condition_id, shares(pairs))
            self.moved[wallet][0] -= sign * pairs * NANOS_PER_DOLLAR
            self.moved[wallet][1] += sign * shares(pairs)

    @rule(elapsed_ms=st.sampled_from([20, 240, 1_000, 5_000]))
    def wait(self, elapsed_ms: int) -> None:
        self.venue.pass_time(elapsed_ms)

    @invariant()
    def the_ledger_is_sound(self) -> None:
        self.venue.ledger.audit()

    @invariant()
    def balances_are_the_sum_of_the_trades_that_did_not_fail(self) -> None:
        report = self.reports.of([ALICE, BOB], self.venue.now_ms)
        for wallet, books in report["wallets"].items():
            cash, pairs = self.moved[wallet]
            parts = [part for part in books["trades"] if part["status"] != "FAILED"]
            cash += 1_000 * NANOS_PER_DOLLAR + sum(map(money_of, parts))
            assert books["cash_nanos"] == cash
            for outcome in Outcome:
                held = (
                    shares(100)
                    + pairs
                    + sum(
                        part["size_units"] if part["is_buy"] else -part["size_units"]
                        for part in parts
                        if part["outcome"] == outcome.value
                    )
                )
                assert self.venue.held(outcome, wallet) == held

    @invariant()
    def orders_are_what_the_engine_knows_and_what_their_trades_add_up_to(self) -> None:
        report = self.reports.of([ALICE, BOB], self.venue.now_ms)
        for books in report["wallets"].values():
            for row in books["orders"]:
                order = self.venue.market.engine.order(row["order_id"])
                assert order is not None
                is_short = self.venue.desk.books.orders[row["order_id"]].ends_short
                if is_short and order.status is ExchangeOrderStatus.CANCELED:
                    assert row["status"] == "MATCHED"
                else:
                    assert row["status"] == (order.end_reason or order.status.value)
                parts = [part for part in books["trades"] if part["order_id"] == row["order_id"]]
                filled_units = sum(part["size_units"] for part in parts)
                assert row["filled_units"] == filled_units
                excess_units = self.venue.desk.books.orders[row["order_id"]].rounded_units
                assert filled_units == order.filled_units + excess_units
                if order.status is ExchangeOrderStatus.MATCHED:
                    assert abs(excess_units) <= order.filled_units * self.most_excess
                else:
                    assert excess_units == 0

    def teardown(self) -> None:
        """In the end all is settled, paid out, and nothing is held back."""
        venue = self.venue
        venue.pass_time(max(0, WINDOW.resolves_at_ms - venue.now_ms - 2_000))
        for trade in venue.desk.books.trades.values():
            assert trade.status in FINAL_STATUSES
            assert not trade.steps or trade.steps[0].at_ms > venue.now_ms
            assert not trade.is_kept_aside
        at_ms = WINDOW.resolves_at_ms
        venue.market.publish(venue.market.engine.resolve(Outcome.UP, at_ms), at_ms)
        venue.ledger.audit()
        for wallet in (ALICE, BOB):
            account = venue.ledger.account(wallet)
            assert (account.reserved_nanos, account.holdings) == (0, {})
            assert not any(order.is_open for order in venue.desk.books.orders_of(wallet))


class OrderingMachineWithoutDelay(OrderingMachine):
    taker_delay_ms = AT_ONCE


class OrderingMachineWithOddities(OrderingMachine):
    taker_delay_ms = AT_ONCE
    chances = ODDITIES
    most_excess = 0.0105


def money_of(part: dict[str, Any]) -> int:
    value = int(part["price_ticks"] * part["size_units"])
    return (-value if part["is_buy"] else value) - int(part["fee_nanos"])


BRIEF = settings(max_examples=25, stateful_step_count=25)
TestOrdering = OrderingMachine.TestCase
TestOrdering.settings = BRIEF
TestOrderingWithoutDelay = OrderingMachineWithoutDelay.TestCase
TestOrderingWithoutDelay.settings = BRIEF

TestOrderingWithOddities = OrderingMachineWithOddities.TestCase
TestOrderingWithOddities.settings = BRIEF


def test_a_window_is_long_enough_for_a_machine_to_settle_in() -> None:
    longest_ms = BRIEF.stateful_step_count * 5_000 + 20_000
    assert WINDOW.resolves_at_ms - START_MS > longest_ms
