"""The actors of execution."""

from __future__ import annotations

from actors.execution.desk import DeskCore
from actors.execution.messages import SubmitOrder
from actors.execution.order import OrderCore
from actors.execution.simulated import SimulatedExecutorCore
from actors.shell import Shell


class DeskShell(Shell):
    """Runs DeskCore."""

    core_class = DeskCore


class OrderShell(Shell):
    """Runs OrderCore; waits, already forked, until it is assigned an order's role."""

    core_class = OrderCore


class SimulatedExecutorShell(Shell):
    """Runs SimulatedExecutorCore, and measures how long a tick took to become an order."""

    core_class = SimulatedExecutorCore

    def __init__(self) -> None:
        super().__init__()
        self._newest_tick_ns = 0

    def latency_of(self, message: object) -> tuple[str, int] | None:
        """An order from a market tick ends "tick_to_order" when it is first sent on its way."""
        if isinstance(message, SubmitOrder) and message.intent.tick_ns > self._newest_tick_ns:
            self._newest_tick_ns = message.intent.tick_ns
            return "tick_to_order", message.intent.tick_ns
        return None
