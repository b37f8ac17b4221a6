"""Journals of live orders, read back: the executor's own words, and how far trades settled."""

from __future__ import annotations

import attrs
import pytest
from chronicle import Chronicle, intent, trade
from reading import printed, told

from actors.core import Record, Save
from actors.execution.real import messages, orders, redemptions
from actors.execution.real.live_order import LiveOrder, LiveTrade
from actors.execution.real.messages import OrderSigned, PostAnswered, PostRefused, PostUnclear
from actors.execution.real.orders import (
    AbsenceTold,
    CancelTold,
    OrderPosted,
    OrderWithdrawn,
    TradeSeen,
    VenueSaid,
)
from actors.execution.real.user_channel import Settlement, TradeAllocation, UserOrder
from actors.messages.execution import OrderStatus
from actors.model import Action
from actors.units import shares
from understudy.reading.event_descriptions import DESCRIBED

VENUE_ORDER = UserOrder(
    order_id="0xbe",
    market_id="0xm",
    status="LIVE",
    is_cancellation=False,
    original_units=shares(20),
    matched_units=shares(6),
)
PART = TradeAllocation(
    trade_id="t1",
    venue_order_id="0xbe",
    token="1",
    action=Action.BUY,
    price_ticks=480,
    size_units=shares(6),
    is_maker=True,
    settlement=Settlement.MINED,
    matched_at_ms=None,
)


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (
            OrderSigned(order_id="ID", venue_order_id="0xbe", payload="{}", offered_units=1),
            "signed; the venue will call it 0xbe",
        ),
        (OrderPosted("ID"), "posted, in the bytes that were signed"),
        (
            PostAnswered(order_id="ID", venue_order_id="0xbe", status="delayed"),
            "the venue took it: delayed",
        ),
        (
            PostRefused(order_id="ID", status=403, text="restricted"),
            "the venue refused it (403): restricted",
        ),
        (PostRefused(order_id="ID", status=0, text="refused"), "no connection was made: refused"),
        (
            PostUnclear(order_id="ID", reason="no answer"),
            "whether the venue has it is not known: no answer",
        ),
        (OrderWithdrawn("ID", "halt"), "it ends without having been at the venue: halt"),
        (VenueSaid("ID", VENUE_ORDER), "the venue says: live, 6 matched"),
        (TradeSeen("ID", PART), "trade t1 of 6 at 0.48 (maker) is MINED"),
        (CancelTold("ID"), "the venue has taken it back"),
        (AbsenceTold("ID", "no trace"), "the venue shows no more of it: no trace"),
    ],
)
def test_what_the_real_executor_recorded_has_words(
    chronicle: Chronicle, event: object, words: str
) -> None:
    of = intent(1)
    chronicle.create(of)
    event = attrs.evolve(event, order_id=of.order_id)  # type: ignore[type-var]
    chronicle.record("executor", Record(event), of.created_at_ms + 50)

    assert told(chronicle.data_dir, "explain", "1")["events"][-1]["told"] == words


def test_no_event_that_the_real_executor_records_is_without_words() -> None:
    recorded = {"HeartbeatAnswered", "HeartbeatFailed", "AccountUnread", "CancelFailed"}
    for module in (messages, orders, redemptions):
        for name, value in vars(module).items():
            is_event = attrs.has(value) if isinstance(value, type) else False
            doc = (getattr(value, "__doc__", "") or "") if is_event else ""
            if doc.startswith("Recorded:"):
                assert name in DESCRIBED
    assert recorded.isdisjoint(DESCRIBED)


@pytest.mark.parametrize("settlement", Settlement)
def test_each_trade_shows_how_far_it_has_settled(
    chronicle: Chronicle, settlement: Settlement
) -> None:
    of = intent(1)
    fill = trade(of)
    chronicle.done(of, fill)
    chronicle.done(intent(2), trade(intent(2)))
    live = LiveOrder(
        intent=of,
        status=OrderStatus.FILLED,
        trades=(LiveTrade(fill=fill, settlement=settlement),),
    )
    row = Save("live", of.order_id, live)
    chronicle.record("executor", Record(TradeSeen(of.order_id, PART), (row,)), of.expires_at_ms)

    fills = {each["order"]: each for each in told(chronicle.data_dir, "fills")["fills"]}
    assert fills["order_1_0badcafe"]["settlement"] == settlement.value
    assert fills["order_2_0badcafe"]["settlement"] is None
    assert settlement.value.lower() in printed(chronicle.data_dir, "fills", columns=160)
    story = told(chronicle.data_dir, "explain", "1")
    assert [each["settlement"] for each in story["fills"]] == [settlement.value]
    assert f"trades: 1 {settlement.value.lower()}" in printed(chronicle.data_dir, "explain", "1")
