from __future__ import annotations

from typing import Any

import attrs
import pytest
from audit_builders import MARKET, ONE_PART, TWO_PARTS, books, fill, order

from actors.messages.execution import OrderStatus
from actors.model import Side
from actors.units import shares
from audit.books import Books
from audit.verdict import AuditVerdict, judge

OUTCOMES = {MARKET.slug: Side.YES}
UNBOOKED = attrs.evolve(order("a", Side.YES, *TWO_PARTS), unbooked=frozenset({"t2"}))
DEAR = attrs.evolve(ONE_PART[0], fee_nanos=ONE_PART[0].fee_nanos + 10_000)
WINDOW = books().windows[0]


def verdict_on(run: Books, outcomes: dict[str, Side | None] = OUTCOMES) -> AuditVerdict:
    verdict = AuditVerdict()
    judge(run, outcomes, verdict)
    return verdict


def with_order(**orders: Any) -> Books:
    return books(orders={**books().orders, **orders})


def executed(**fills: Any) -> Books:
    return books(executed={**books().executed, **fills})


def test_a_run_in_which_everything_agrees_is_good() -> None:
    assert verdict_on(books()) == AuditVerdict()
    assert verdict_on(books()).is_good


@pytest.mark.parametrize(
    ("run", "counter", "count"),
    [
        pytest.param(books(created=("a", "b", "c")), "orders_lost", 1, id="an order vanished"),
        pytest.param(
            with_order(a=order("a", Side.YES, *TWO_PARTS, status=OrderStatus.PARTIALLY_FILLED)),
            *("orders_lost", 1),
            id="an order never ended",
        ),
        pytest.param(with_order(a=UNBOOKED), "orders_lost", 1, id="a booking was not answered"),
        pytest.param(books(created=("a", "b", "b")), "orders_doubled", 1, id="created twice"),
        pytest.param(books(submitted=("a", "b", "a")), "orders_doubled", 1, id="sent twice"),
        pytest.param(books(carried_out=(11, 11)), "orders_doubled", 1, id="of one signal twice"),
        pytest.param(
            with_order(a=order("a", Side.YES, TWO_PARTS[0])),
            *("fills_lost", 1),
            id="a fill its order does not know",
        ),
        pytest.param(
            books(windows=(attrs.evolve(WINDOW, entries=WINDOW.entries[:1]),)),
            *("fills_lost", 2),
            id="fills never booked",
        ),
        pytest.param(
            books(booked=(*books().booked, ("t3", "b"))), "fills_doubled", 1, id="booked twice"
        ),
        pytest.param(
            executed(b=(fill("t3", 350, 21),)), "fills_doubled", 1, id="more than was ordered"
        ),
        pytest.param(executed(b=(*ONE_PART, *ONE_PART)), "fills_doubled", 2, id="traded twice"),
        pytest.param(executed(b=()), "fills_impossible", 1, id="a fill the executor never made"),
        pytest.param(
            attrs.evolve(
                executed(b=(fill("t3", 410, 20),)),
                orders={**books().orders, "b": order("b", Side.NO, fill("t3", 410, 20))},
            ),
            *("fills_impossible", 1),
            id="beyond the limit",
        ),
        pytest.param(
            attrs.evolve(
                executed(b=(fill("t3", 350, 20, at_ms=4_001),)),
                orders={**books().orders, "b": order("b", Side.NO, fill("t3", 350, 20, 4_001))},
            ),
            *("fills_impossible", 1),
            id="after its time",
        ),
        pytest.param(
            attrs.evolve(
                executed(b=(DEAR,)), orders={**books().orders, "b": order("b", Side.NO, DEAR)}
            ),
            *("fills_impossible", 1),
            id="a fee that was not due",
        ),
        pytest.param(
            books(windows=(attrs.evolve(WINDOW, entries=WINDOW.entries[1:]),)),
            "position_error",
            shares(6) + 390 * shares(6) + TWO_PARTS[0].fee_nanos,
            id="a fill is missing in the position",
        ),
        pytest.param(
            books(windows=()),
            "position_error",
            390 * shares(6) + 400 * shares(14) + 350 * shares(20),
            id="a window has no ledger",
        ),
    ],
)
def test_each_thing_that_is_wrong_is_counted_and_told(run: Books, counter: str, count: int) -> None:
    verdict = verdict_on(run)
    assert getattr(verdict, counter) == count
    assert not verdict.is_good
    assert all(verdict.findings)


def test_exits_of_a_stop_loss_carry_no_number_and_are_not_taken_for_doubles() -> None:
    assert verdict_on(books(carried_out=(0, 0))).is_good


@pytest.mark.parametrize(
    ("outcomes", "sentence"),
    [
        ({}, "btc-updown-5m-1750000500 is settled, and the exchange has not decided it"),
        ({MARKET.slug: Side.NO}, "btc-updown-5m-1750000500 is settled as YES, the exchange: NO"),
        ({MARKET.slug: None}, "btc-updown-5m-1750000500 is settled as YES, the exchange: void"),
    ],
)
def test_a_winner_that_the_exchange_did_not_name_is_wrong(
    outcomes: dict[str, Side | None], sentence: str
) -> None:
    verdict = verdict_on(books(), outcomes)
    assert (verdict.winners_wrong, verdict.findings) == (1, [sentence])


def test_a_window_that_is_not_settled_needs_no_outcome() -> None:
    assert verdict_on(books(windows=(attrs.evolve(WINDOW, result=None),)), {}).is_good
