from __future__ import annotations

from order_builders import ORDER_ID, intent

from actors.execution.latency import OrderLatency
from actors.messages.execution import QueryOrder, SubmitOrder


def test_an_order_from_a_tick_ends_its_latency_at_the_executor() -> None:
    probe = OrderLatency()
    submit = SubmitOrder(intent(tick_ns=5))
    assert probe.latency_of(submit) == ("tick_to_order", 5)
    assert probe.latency_of(submit) is None, "the Order says it once more"
    assert probe.latency_of(SubmitOrder(intent(tick_ns=0))) is None
    assert probe.latency_of(QueryOrder(ORDER_ID)) is None
