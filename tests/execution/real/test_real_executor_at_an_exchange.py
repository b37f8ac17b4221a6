"""The real executor, the venue's own client, and an exchange that misbehaves on command.

Faults that have a number (F1 and so on) are in tests/faults, at the same exchange.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from live_stage import LiveStage, RunningExchange

from actors.execution.real.messages import (
    CancelOrders,
    ClaimHoldings,
    PostOrder,
    PostRefused,
    SignOrder,
)
from actors.execution.real.redemptions import ClaimClosed, ClaimOpened
from actors.execution.real.user_channel import Settlement
from actors.messages.execution import CancelRequested, OrderStatus
from actors.model import Side
from actors.roles import EXECUTOR, POSITION, order_role

pytestmark = [pytest.mark.processes, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def exchange() -> Iterator[RunningExchange]:
    with RunningExchange() as running:
        yield running


@pytest.fixture
def stage(exchange: RunningExchange) -> Iterator[LiveStage]:
    """A system of its own, with a wallet of its own, on an exchange where nothing is wrong."""
    with LiveStage(exchange) as running:
        yield running


def marketable(stage: LiveStage, side: Side = Side.YES, **changes: Any) -> str:
    """An order that trades at once."""
    _, ask = stage.exchange.best(stage.market.token(side))
    return stage.order(side, price_ticks=ask + 30, **changes)


def resting(stage: LiveStage, **changes: Any) -> str:
    """An order that rests deep below the market."""
    return stage.order(**{"price_ticks": 200} | changes)


def ends(stage: LiveStage, order_id: str) -> OrderStatus:
    """Wait until nothing is left to do for an order; its last status."""
    stage.run_until(lambda: not stage.rows["order", order_id][1], f"{order_id} closes")
    return stage.state(order_id).status


def reaches(stage: LiveStage, order_id: str, *statuses: OrderStatus) -> None:
    wanted = [status.value for status in statuses]
    stage.run_until(lambda: stage.state(order_id).status in statuses, f"it is {wanted}")


def test_an_order_trades_settles_and_is_booked(stage: LiveStage) -> None:
    order_id = marketable(stage)
    assert ends(stage, order_id) is OrderStatus.FILLED
    stage.run_until(
        lambda: stage.live(order_id).trades[0].settlement is Settlement.CONFIRMED, "it settles"
    )
    stage.assert_books_agree()
    money = 1_000 * 10**9 - stage.ledger().totals().cost_nanos - stage.ledger().totals().fees_nanos
    assert stage.books["cash_nanos"] == money


def test_an_order_rests_and_is_cancelled_when_its_time_is_over(stage: LiveStage) -> None:
    order_id = resting(stage, ttl_ms=40_000)
    reaches(stage, order_id, OrderStatus.ACCEPTED)
    assert ends(stage, order_id) is OrderStatus.CANCELLED
    assert stage.books["orders"][0]["status"].startswith("CANCEL")
    stage.assert_books_agree()


def test_the_recorded_id_is_the_venue_s_and_was_recorded_before_the_bytes_left(
    stage: LiveStage,
) -> None:
    order_id = resting(stage)
    stage.run_until(lambda: stage.commanded(PostOrder), "it is posted")
    recorded = stage.live(order_id)
    assert recorded.payload == stage.commanded(PostOrder)[0].payload
    reaches(stage, order_id, OrderStatus.ACCEPTED)
    assert [order["order_id"] for order in stage.books["orders"]] == [recorded.venue_order_id]


def test_an_order_that_never_arrived_is_posted_again_in_the_same_bytes(stage: LiveStage) -> None:
    stage.exchange.inject(kind="reset")
    order_id = resting(stage)
    reaches(stage, order_id, OrderStatus.UNKNOWN)
    reaches(stage, order_id, OrderStatus.ACCEPTED)
    first, second = stage.commanded(PostOrder)
    assert first.payload == second.payload
    assert len(stage.commanded(SignOrder)) == 1
    assert len(stage.books["orders"]) == 1


@pytest.mark.parametrize("kind", ["revoked_keys", "unauthorized"])
def test_credentials_that_end_while_the_fate_of_an_order_is_unknown_lose_nothing(
    stage: LiveStage, kind: str
) -> None:
    stage.exchange.inject(channel="user", kind="stall")
    stage.exchange.inject(kind="hidden_order", for_ms=600_000)  # until they are called off
    stage.exchange.inject(kind="lost_answer")
    first = marketable(stage)
    reaches(stage, first, OrderStatus.UNKNOWN)
    stage.exchange.inject(kind=kind, for_ms=600_000)
    stage.run_until(lambda: not stage.executor.is_serving, "it is noticed")
    assert stage.state(first).status is OrderStatus.UNKNOWN
    stage.exchange.inject(kind="call_off")
    stage.run_until(lambda: stage.executor.is_serving, "new credentials hold")
    assert ends(stage, first) is OrderStatus.FILLED
    assert ends(stage, marketable(stage)) is OrderStatus.FILLED
    assert len(stage.books["orders"]) == 2
    said = [log for log in stage.logs if log.level == "error"]
    assert ["refuses the API credentials" in log.text for log in said] == [True]
    stage.logs.clear()
    stage.assert_books_agree()


def test_an_order_refused_with_401_leaves_in_the_same_bytes_with_new_credentials(
    stage: LiveStage,
) -> None:
    stage.exchange.inject(kind="unauthorized", for_ms=600_000)  # however long the post takes
    order_id = resting(stage)
    stage.run_until(lambda: stage.heard(PostRefused), "it is refused")
    stage.exchange.inject(kind="call_off")
    reaches(stage, order_id, OrderStatus.ACCEPTED)
    assert len({command.payload for command in stage.commanded(PostOrder)}) == 1
    assert len(stage.commanded(SignOrder)) == 1
    assert len(stage.books["orders"]) == 1


def test_an_order_that_the_venue_does_not_take_in_time_ends_with_the_venue_s_words(
    stage: LiveStage,
) -> None:
    stage.exchange.inject(kind="disabled", for_ms=600_000)
    order_id = resting(stage, ttl_ms=4_000)
    assert ends(stage, order_id) is OrderStatus.CANCELLED
    stage.exchange.inject(kind="call_off")
    assert "trading is currently disabled" in stage.state(order_id).end_reason.lower()
    assert stage.books["orders"] == []


def test_a_cancel_whose_answer_is_lost_is_said_again(stage: LiveStage) -> None:
    order_id = resting(stage)
    reaches(stage, order_id, OrderStatus.ACCEPTED)
    stage.exchange.inject(kind="lost_answer", target="cancels")
    stage.tell(order_role(order_id), CancelRequested(order_id, "enough"))
    assert ends(stage, order_id) is OrderStatus.CANCELLED
    assert stage.commanded(CancelOrders)


def test_an_order_of_someone_else_halts_trading_and_names_it(stage: LiveStage) -> None:
    order_id = resting(stage)
    reaches(stage, order_id, OrderStatus.ACCEPTED)
    del stage.rows["live", order_id]
    stage.kill(order_role(order_id))
    stage.restart(EXECUTOR)
    stage.run_until(lambda: stage.executor._gate.halt_reason, "it halts")
    assert "not this system's" in stage.executor._gate.halt_reason


def test_a_ledger_that_lost_a_window_is_told_of_its_trades_again(stage: LiveStage) -> None:
    ends(stage, marketable(stage))
    del stage.rows["position", stage.market.market_id]
    stage.restart(POSITION)
    stage.restart(EXECUTOR)
    stage.run_until(lambda: stage.executor.is_serving, "it trades again")
    assert stage.held(Side.YES) == 10_000_000


def test_shares_that_nobody_here_knows_halt_trading_and_name_both_numbers(
    stage: LiveStage,
) -> None:
    order_id = marketable(stage)
    ends(stage, order_id)
    del stage.rows["position", stage.market.market_id], stage.rows["live", order_id]
    stage.restart(POSITION)
    stage.restart(EXECUTOR)
    stage.run_until(lambda: stage.executor._gate.halt_reason, "it halts")
    reason = stage.executor._gate.halt_reason
    assert "holds 0 YES" in reason
    assert "say 10 YES" in reason
    assert not stage.executor.is_serving


def test_pairs_of_a_window_that_is_over_are_merged_on_the_chain(stage: LiveStage) -> None:
    ends(stage, marketable(stage, Side.YES))
    ends(stage, marketable(stage, Side.NO))
    stage.run_until(
        lambda: all(live.is_settled for live in stage.executor._orders), "all is settled"
    )
    stage.end_window()
    stage.run_until(lambda: stage.recorded(ClaimOpened), "a claim is opened")
    stage.run_until(lambda: stage.recorded(ClaimClosed), "and closed")
    assert stage.commanded(ClaimHoldings)[0].pairs_units == 10_000_000
    assert [share for share in stage.books["shares"] if share["units"]] == []


def test_no_secret_is_recorded_sent_or_logged(stage: LiveStage) -> None:
    stage.exchange.inject(kind="server_error")
    ends(stage, marketable(stage))
    port: Any = stage.bench.hosts[EXECUTOR].port
    client = port._client
    assert client is not None
    told = repr((stage.rows, stage.events, stage.sent, stage.logs, stage.commands))
    payloads = "".join(post.payload for post in stage.commanded(PostOrder))
    for secret in (stage.key.removeprefix("0x"), *client.secrets):
        assert secret not in told
        # The venue wants the API key's name as the order's owner; alone it opens nothing.
        assert secret == client.owner or secret not in payloads
