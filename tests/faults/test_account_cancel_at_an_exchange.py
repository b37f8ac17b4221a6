"""``cancel_all_on_halt`` at an exchange: whoever placed an order, none rests when the run ends."""

from __future__ import annotations

import asyncio

import pytest
from fault_stage import FaultStage
from live_stage import RunningExchange

from actors.execution.real.client import VenueClient
from actors.execution.real.messages import CancelAll, CancelFailed, SignOrder
from actors.messages.execution import OrderStatus
from actors.messages.halts import HaltReport, HaltTrading
from actors.model import Action, Side, TimeInForce
from actors.roles import DESK, EXECUTOR
from actors.units import shares

pytestmark = pytest.mark.processes


async def order_by_hand(stage: FaultStage) -> None:
    """Place an order with the system's own key that the system knows nothing of."""
    order = SignOrder(
        order_id="by hand",
        token=stage.market.token(Side.NO),
        action=Action.BUY,
        price_ticks=100,
        size_units=shares(10),
        time_in_force=TimeInForce.GTC,
    )
    client = await VenueClient.open(stage.settings.venue, stage.key, None)
    try:
        await client.post((await client.sign(order)).payload)
    finally:
        await client.close()


def statuses(stage: FaultStage) -> list[str]:
    return [order["status"] for order in stage.books["orders"]]


@pytest.mark.parametrize("befalls", ["reset", "rate_limited", "a fall"])
def test_the_end_of_a_run_leaves_no_order_of_the_account_whatever_befalls_the_cancel(
    exchange: RunningExchange, befalls: str
) -> None:
    values = {"cancel_all_on_halt": True, "unknown_orders": "leave"}
    with FaultStage(exchange, **values) as stage:
        own_id = stage.resting()
        stage.reaches(own_id, OrderStatus.ACCEPTED)
        asyncio.run(order_by_hand(stage))
        assert statuses(stage) == ["LIVE", "LIVE"]
        if befalls == "a fall":
            stage.restart(EXECUTOR)
        else:
            stage.exchange.inject(kind=befalls, target="cancels", count=2)
        stage.tell(DESK, HaltTrading("Ctrl-C", cancel=True))
        stage.run_until(lambda: HaltReport(0) in stage.told(HaltReport), "all is over")
        assert set(statuses(stage)) == {"CANCELED"}
        assert stage.ends(own_id) is OrderStatus.CANCELLED
        failed = [each for each in stage.heard(CancelFailed) if not each.venue_order_ids]
        assert bool(failed) is (befalls != "a fall")
        assert len(stage.commanded(CancelAll)) == 1 + len(failed)
