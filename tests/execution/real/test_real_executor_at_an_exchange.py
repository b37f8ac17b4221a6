"""The real executor, the venue's own client, and an exchange that misbehaves on command.

What is injected here is what the venue's users reported; numbers (F1 and so on) as in the code.
Every test ends by comparing three accounts: the ledger's, the Orders', and the exchange's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from live_stage import LiveStage, RunningExchange

from actors.execution.real.claims import ClaimClosed, ClaimOpened
from actors.execution.real.messages import (
    CancelOrders,
    ClaimHoldings,
    PostAnswered,
    PostOrder,
    PostRefused,
    PostUnclear,
    SignOrder,
)
from actors.execution.real.user_channel import Settlement
from actors.messages.execution import CancelRequested, OrderStatus
from actors.model import Action, Side, TimeInForce
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


def is_reversed(stage: LiveStage) -> bool:
    """Whether the ledger has booked something, and all of it has failed since."""
    entries = stage.ledger().entries
    return bool(entries) and all(entry.reversed_version for entry in entries)


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


@pytest.mark.parametrize("kind", ["lost_answer", "server_error"])
def test_a_lost_answer_leaves_exactly_one_order(stage: LiveStage, kind: str) -> None:
    stage.exchange.inject(kind=kind)
    order_id = marketable(stage)
    assert ends(stage, order_id) is OrderStatus.FILLED
    stage.run_until(lambda: stage.heard(PostUnclear) or stage.heard(PostRefused), "it is unclear")
    assert len(stage.commanded(PostOrder)) == 1
    assert len(stage.books["orders"]) == 1
    stage.assert_books_agree()


def test_an_order_that_never_arrived_is_posted_again_in_the_same_bytes(stage: LiveStage) -> None:
    stage.exchange.inject(kind="reset")
    order_id = resting(stage)
    reaches(stage, order_id, OrderStatus.UNKNOWN)
    reaches(stage, order_id, OrderStatus.ACCEPTED)
    first, second = stage.commanded(PostOrder)
    assert first.payload == second.payload
    assert len(stage.commanded(SignOrder)) == 1
    assert len(stage.books["orders"]) == 1


def test_an_order_that_no_read_shows_for_a_while_is_not_posted_again(stage: LiveStage) -> None:
    stage.exchange.inject(kind="hidden_order", for_ms=10_000)
    stage.exchange.inject(kind="lost_answer")
    order_id = resting(stage)
    reaches(stage, order_id, OrderStatus.ACCEPTED)
    stage.run_for(12_000)
    assert len(stage.commanded(PostOrder)) == 1


def test_a_delayed_order_is_waited_for(stage: LiveStage) -> None:
    stage.exchange.inject(kind="long_delay", for_ms=6_000)
    order_id = marketable(stage)
    assert ends(stage, order_id) is OrderStatus.FILLED
    assert len(stage.commanded(PostOrder)) == 1
    stage.assert_books_agree()


def test_an_order_answered_unmatched_is_adopted(stage: LiveStage) -> None:
    stage.exchange.inject(kind="unmatched")
    order_id = resting(stage)
    reaches(stage, order_id, OrderStatus.ACCEPTED)
    stage.run_until(lambda: stage.heard(PostAnswered), "it is answered")
    assert stage.heard(PostAnswered)[0].status == "unmatched"
    assert stage.state(order_id).status is OrderStatus.ACCEPTED


def test_a_ghost_fill_is_booked_and_taken_back(stage: LiveStage) -> None:
    stage.exchange.inject(kind="ghost_fill")
    order_id = marketable(stage)
    stage.run_until(lambda: is_reversed(stage), "every trade of it is reversed")
    assert stage.held(Side.YES) == 0
    assert stage.live(order_id).trades[0].settlement is Settlement.FAILED
    stage.assert_books_agree()


def test_a_ghost_fill_is_taken_back_when_the_executor_fell_in_between(stage: LiveStage) -> None:
    stage.exchange.inject(kind="ghost_fill")
    order_id = marketable(stage)
    ends(stage, order_id)
    stage.kill(EXECUTOR)
    until_ms = stage.now_ms + 15_000
    stage.run_until(lambda: stage.now_ms > until_ms, "it fails meanwhile")
    stage.start(EXECUTOR)
    stage.run_until(lambda: is_reversed(stage), "every trade of it is reversed")
    stage.assert_books_agree()


def test_events_doubled_late_and_replayed_count_once(stage: LiveStage) -> None:
    stage.exchange.inject(kind="duplicate_event", count=20)
    stage.exchange.inject(kind="late_event", count=5)
    order_id = marketable(stage)
    assert ends(stage, order_id) is OrderStatus.FILLED
    stage.exchange.inject(kind="replay", count=20)
    stage.run_for(5_000)
    stage.assert_books_agree()


def test_fills_missed_by_the_user_channel_are_read(stage: LiveStage) -> None:
    stage.exchange.inject(channel="user", kind="stall")
    order_id = marketable(stage)
    assert ends(stage, order_id) is OrderStatus.FILLED
    stage.assert_books_agree()


def test_a_user_channel_that_drops_comes_back(stage: LiveStage) -> None:
    order_id = resting(stage)
    reaches(stage, order_id, OrderStatus.ACCEPTED)
    stage.exchange.inject(channel="user", kind="drop")
    stage.run_until(lambda: not stage.executor._feed.connection.is_up, "it drops")
    stage.run_until(lambda: stage.executor._feed.connection.is_up, "it is up again")
    assert ends(stage, marketable(stage, Side.NO)) is OrderStatus.FILLED
    stage.assert_books_agree()


def test_shares_just_bought_are_sold_although_the_balance_lags(stage: LiveStage) -> None:
    stage.exchange.inject(kind="share_lag", for_ms=20_000)
    ends(stage, marketable(stage))
    bid, _ = stage.exchange.best(stage.market.yes_token)
    order_id = stage.order(price_ticks=bid - 30, action=Action.SELL, time_in_force=TimeInForce.FAK)
    assert ends(stage, order_id) is OrderStatus.FILLED
    stage.run_until(lambda: stage.held(Side.YES) == 0, "all is sold")
    stage.assert_books_agree()


def test_orders_wait_for_the_engine_s_restart_and_cancels_go_on(stage: LiveStage) -> None:
    first = resting(stage)
    reaches(stage, first, OrderStatus.ACCEPTED)
    stage.exchange.inject(kind="post_only", for_ms=8_000)
    second = marketable(stage, Side.NO)
    stage.tell(order_role(first), CancelRequested(first, "enough"))
    assert ends(stage, first) is OrderStatus.CANCELLED
    assert ends(stage, second) is OrderStatus.FILLED
    payloads = {post.payload for post in stage.commanded(PostOrder)}
    assert len(payloads) == 2
    stage.assert_books_agree()


def test_a_rate_limit_is_obeyed(stage: LiveStage) -> None:
    stage.exchange.inject(kind="rate_limited", for_ms=3_000)
    order_id = marketable(stage)
    assert ends(stage, order_id) is OrderStatus.FILLED
    first, second = stage.commanded(PostOrder)
    assert first.payload == second.payload


@pytest.mark.parametrize("kind", ["revoked_keys", "unauthorized"])
def test_credentials_that_end_while_the_fate_of_an_order_is_unknown_lose_nothing(
    stage: LiveStage, kind: str
) -> None:
    stage.exchange.inject(channel="user", kind="stall")
    stage.exchange.inject(kind="hidden_order", for_ms=20_000)
    stage.exchange.inject(kind="lost_answer")
    first = marketable(stage)
    reaches(stage, first, OrderStatus.UNKNOWN)
    stage.exchange.inject(kind=kind, for_ms=40_000)
    stage.run_until(lambda: not stage.executor.is_serving, "it is noticed")
    assert stage.state(first).status is OrderStatus.UNKNOWN
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
    stage.exchange.inject(kind="unauthorized", for_ms=2_000)
    order_id = resting(stage)
    stage.run_until(lambda: stage.heard(PostRefused), "it is refused")
    reaches(stage, order_id, OrderStatus.ACCEPTED)
    assert len({command.payload for command in stage.commanded(PostOrder)}) == 1
    assert len(stage.commanded(SignOrder)) == 1
    assert len(stage.books["orders"]) == 1


def test_an_order_that_the_venue_cancels_frees_its_side(stage: LiveStage) -> None:
    order_id = resting(stage)
    reaches(stage, order_id, OrderStatus.ACCEPTED)
    stage.exchange.inject(kind="cancel_by_venue")
    assert ends(stage, order_id) is OrderStatus.CANCELLED
    assert "CANCELED_NOT_ENOUGH_BALANCE" in stage.state(order_id).end_reason


def test_a_cancel_whose_answer_is_lost_is_said_again(stage: LiveStage) -> None:
    order_id = resting(stage)
    reaches(stage, order_id, OrderStatus.ACCEPTED)
    stage.exchange.inject(kind="lost_answer", target="cancels")
    stage.tell(order_role(order_id), CancelRequested(order_id, "enough"))
    assert ends(stage, order_id) is OrderStatus.CANCELLED
    assert stage.commanded(CancelOrders)


def test_a_resting_order_is_adopted_after_a_restart(stage: LiveStage) -> None:
    order_id = resting(stage)
    reaches(stage, order_id, OrderStatus.ACCEPTED)
    stage.restart(EXECUTOR)
    stage.run_until(lambda: stage.executor.is_serving, "it serves again")
    assert stage.state(order_id).status is OrderStatus.ACCEPTED
    assert len(stage.commanded(PostOrder)) == 1
    stage.exchange.inject(kind="cancel_by_venue")
    assert ends(stage, order_id) is OrderStatus.CANCELLED


@pytest.mark.parametrize("victim", [EXECUTOR, POSITION, "order"])
@pytest.mark.parametrize("moment", ["submitted", "signed", "answered", "traded"])
def test_whoever_falls_at_whatever_moment_nothing_is_lost_or_doubled(
    stage: LiveStage, victim: str, moment: str
) -> None:
    order_id = marketable(stage)
    reached = {
        "submitted": lambda: ("live", order_id) in stage.rows,
        "signed": lambda: ("live", order_id) in stage.rows and stage.live(order_id).is_signed,
        "answered": lambda: (
            ("live", order_id) in stage.rows
            and stage.live(order_id).status is not OrderStatus.PENDING
        ),
        "traded": lambda: ("live", order_id) in stage.rows and stage.live(order_id).trades,
    }
    stage.run_until(reached[moment], moment)
    role = order_role(order_id) if victim == "order" else victim
    if role in stage.cores:
        stage.restart(role)
    status = ends(stage, order_id)
    assert status in (OrderStatus.FILLED, OrderStatus.CANCELLED)
    stage.run_for(3_000)
    stage.assert_books_agree()


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
