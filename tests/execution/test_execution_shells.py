from __future__ import annotations

from order_builders import ORDER_ID, intent

from actors.execution.desk import DeskCore
from actors.execution.messages import QueryOrder, SubmitOrder
from actors.execution.order import OrderCore
from actors.execution.shell import DeskShell, OrderShell, SimulatedExecutorShell
from actors.execution.simulated import SimulatedExecutorCore


def test_each_shell_runs_its_core() -> None:
    assert DeskShell.core_class is DeskCore
    assert OrderShell.core_class is OrderCore
    assert SimulatedExecutorShell.core_class is SimulatedExecutorCore


def test_an_order_from_a_tick_ends_its_latency_at_the_executor() -> None:
    shell = SimulatedExecutorShell()
    submit = SubmitOrder(intent(tick_ns=5))
    assert shell.latency_of(submit) == ("tick_to_order", 5)
    assert shell.latency_of(submit) is None, "the Order says it once more"
    assert shell.latency_of(SubmitOrder(intent(tick_ns=0))) is None
    assert shell.latency_of(QueryOrder(ORDER_ID)) is None
