from __future__ import annotations

from pathlib import Path

import attrs
import pytest
from chronicle import BASIS, PASSED_OVER, Chronicle, intent, pair, trade, window
from reading import printed, told, understudy

from actors.core import Record
from actors.messages.execution import (
    CancelOrder,
    CancelRequested,
    FillFailed,
    OrderClosed,
    OrderRejected,
    OrderReport,
    OrderStatus,
    OutcomeUnknown,
)
from actors.messages.position import FillBooked
from understudy.processes.exit_codes import ExitCode


@pytest.fixture
def journal(chronicle: Chronicle) -> Path:
    """A filled order, an arbitrage of which one leg filled, and an order with a long number."""
    first = intent(1)
    chronicle.done(first, trade(first, 6, part=1), trade(first, 14, after_ms=900, part=2))
    yes, no = pair(2, window())
    chronicle.create(yes, no)
    chronicle.end(yes, trade(yes))
    chronicle.end(no)
    chronicle.done(intent(11))
    return chronicle.data_dir


def one_line(text: str) -> str:
    return " ".join(text.split())


# What is told


def test_an_order_is_explained_by_its_signal_basis_and_stages(journal: Path) -> None:
    text = one_line(printed(journal, "explain", "order_1_0badcafe"))

    assert "bootstrap: YES ask 480 < bootstrap_high 500 (priority 2)" in text
    for part in (*BASIS.split("; "), *PASSED_OVER):
        assert part in text
    assert "position version 7" in text
    assert "20 of 20 at 0.48, fees -0.35" in text


def test_every_event_has_its_time_and_who_recorded_it(journal: Path) -> None:
    lines = printed(journal, "explain", "order_1_0badcafe", columns=120).splitlines()
    events = [line.split(maxsplit=3) for line in lines if line.startswith("15:15:")]

    assert [(at, actor, words.split()[0]) for at, _after, actor, words in events] == [
        ("15:15:10.000", "desk", "created:"),
        ("15:15:10.010", "executor", "on"),
        ("15:15:10.100", "order", "accepted"),
        ("15:15:10.500", "order", "filled"),
        ("15:15:10.505", "position", "booked"),
        ("15:15:10.900", "order", "filled"),
        ("15:15:10.905", "position", "booked"),
        ("15:15:13.020", "desk", "side"),
        ("15:15:13.030", "order", "record"),
    ]


def test_a_program_gets_the_same_story(journal: Path) -> None:
    story = told(journal, "explain", "order_1_0badcafe")

    assert (story["basis"], story["passed_over"]) == (BASIS, list(PASSED_OVER))
    assert (story["position_version"], story["status"]) == (7, "FILLED")
    assert [(fill["size"], fill["price"]) for fill in story["fills"]] == [
        ("6", "0.48"),
        ("14", "0.48"),
    ]
    first = story["events"][0]
    assert first["body"]["intents"][0]["order_id"] == "order_1_0badcafe"
    assert {key: first[key] for key in ("at", "actor", "generation", "kind", "told")} == {
        "at": "2025-06-15T15:15:10.000Z",
        "actor": "desk",
        "generation": 1,
        "kind": "OrdersCreated",
        "told": "created: order_1_0badcafe",
    }


def test_a_leg_names_the_other_and_how_it_went(journal: Path) -> None:
    text = one_line(printed(journal, "explain", "order_3_0badcafe"))

    assert "other leg order_2_0badcafe 20 of 20 filled" in text
    assert "created: order_2_0badcafe, order_3_0badcafe" in text


def test_a_leg_whose_partner_was_lost_says_so(chronicle: Chronicle) -> None:
    chronicle.done(intent(1, pair_id="order_2_gone"))

    text = one_line(printed(chronicle.data_dir, "explain", "1"))

    assert "order_2_gone, of which nothing is recorded" in text


def test_an_actor_made_again_is_told_from_the_one_that_fell(chronicle: Chronicle) -> None:
    of = intent(1)
    chronicle.create(of)
    chronicle.restart("executor")
    chronicle.record("executor", Record(OrderClosed(of.order_id)), of.created_at_ms + 50)

    text = printed(chronicle.data_dir, "explain", "1")

    assert "executor #2  record closed" in text


def test_events_are_told_as_they_happened_however_they_were_recorded(chronicle: Chronicle) -> None:
    of = intent(1)
    chronicle.create(of)
    role, at_ms = f"order/{of.order_id}", of.created_at_ms
    cancelled = OrderReport(order_id=of.order_id, status=OrderStatus.CANCELLED)
    chronicle.record("executor", Record(cancelled), at_ms + 200)
    chronicle.record(role, Record(CancelRequested(of.order_id, "halt")), at_ms + 190)

    kinds = [event["kind"] for event in told(chronicle.data_dir, "explain", "1")["events"]]

    assert kinds == ["OrdersCreated", "OrderSubmitted", "CancelRequested", "OrderReport"]


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (OrderRejected("ID", "not enough balance"), "rejected: not enough balance"),
        (OutcomeUnknown("ID", "no answer"), "outcome unknown: no answer"),
        (FillFailed("ID", "t9", "it reverted"), "trade t9 is reversed: it reverted"),
        (CancelOrder("ID", "halt"), "will be cancelled on arrival: halt"),
        (
            FillBooked(order_id="ID", trade_id="t9", is_reversal=True, version=4),
            "knows that the reversal of trade t9 is in position version 4",
        ),
        (OrderReport(order_id="ID", status=None), "stands at unheard of, 0 filled"),
    ],
)
def test_rarer_events_have_their_words(chronicle: Chronicle, event: object, words: str) -> None:
    of = intent(1)
    chronicle.create(of)
    event = attrs.evolve(event, order_id=of.order_id)
    chronicle.record("executor", Record(event), of.created_at_ms + 50)

    assert told(chronicle.data_dir, "explain", "1")["events"][-1]["told"] == words


def test_an_event_without_words_is_shown_as_recorded(chronicle: Chronicle) -> None:
    @attrs.frozen
    class NewerEvent:
        order_id: str
        novelty: int

    of = intent(1)
    chronicle.create(of)
    chronicle.record("executor", Record(NewerEvent(of.order_id, 5)), of.created_at_ms + 50)

    last = told(chronicle.data_dir, "explain", "1")["events"][-1]

    assert last["told"] == 'NewerEvent {"order_id": "order_1_0badcafe", "novelty": 5}'


def test_a_reversed_fill_is_marked(chronicle: Chronicle) -> None:
    of = intent(1)
    order = chronicle.live(of, trade(of, 6))
    failed = FillFailed(of.order_id, order.fills[0].trade_id, "it reverted")
    after = attrs.evolve(order, reversed_trade_ids=frozenset({failed.trade_id}))
    chronicle.save_order(failed, after, of.created_at_ms + 800)

    assert told(chronicle.data_dir, "explain", "1")["fills"][0]["is_reversed"]
    assert "0 of 20, 1 reversed" in printed(chronicle.data_dir, "explain", "1")


# Which order is meant


@pytest.mark.parametrize("name", ["order_1_0badcafe", "order_1_0b", "order_1", "1", "1_0b"])
def test_an_order_is_found_by_any_beginning_that_is_its_own(journal: Path, name: str) -> None:
    assert told(journal, "explain", name)["order"] == "order_1_0badcafe"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("order_9_dead", "there is no order order_9_dead; the nearest: order_"),
        ("11x", "there is no order 11x; the nearest: order_11_0badcafe"),
        ("%", "there is no order %"),
        ("order_", "'order_' fits 4 orders, such as order_11_0badcafe, order_1_0badcafe"),
        ("", "fits 4 orders"),
    ],
)
def test_an_order_that_is_not_meant_clearly_fails_with_the_nearest(
    journal: Path, name: str, words: str
) -> None:
    result = understudy(journal, "explain", name)

    assert result.exit_code == ExitCode.FAILED
    assert words in result.output
    assert len(result.output.splitlines()) == 1


def test_where_nothing_was_ordered_no_order_is_near(chronicle: Chronicle) -> None:
    result = understudy(chronicle.data_dir, "explain", "1")

    assert result.exit_code == ExitCode.FAILED
    assert "there is none at all yet" in result.output
