"""The actors of execution."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from actors.execution.desk import DeskCore
from actors.execution.messages import SubmitOrder
from actors.execution.order import OrderCore
from actors.execution.simulated import SimulatedExecutorCore
from actors.kill_switch import kill_switch_halt, kill_switch_reason
from actors.messages import Boot
from actors.runtime.process import Shell


class DeskShell(Shell):
    """Runs DeskCore; it looks for the kill switch before a signal can reach it."""

    core_class = DeskCore

    def opening_messages(self, boot: Boot) -> Sequence[object]:
        """Halt, if the kill switch is pulled."""
        reason = kill_switch_reason(Path(boot.data_dir))
        return () if reason is None else (kill_switch_halt(reason),)


class OrderShell(Shell):
    """Runs OrderCore; waits, already forked, until it is assigned an order's role."""

    core_class = OrderCore


class ExecutorShell(Shell):
    """Measures how long a tick took to become an order, whoever executes it."""

    def __init__(self) -> None:
        super().__init__()
        self._newest_tick_ns = 0

    def latency_of(self, message: object) -> tuple[str, int] | None:
        """An order from a market tick ends "tick_to_order" when it is first sent on its way.

        The desk says SubmitOrder, and then the Order says it again: only the first one counts.
        """
        if isinstance(message, SubmitOrder) and message.intent.tick_ns > self._newest_tick_ns:
            self._newest_tick_ns = message.intent.tick_ns
            return "tick_to_order", message.intent.tick_ns
        return None


class SimulatedExecutorShell(ExecutorShell):
    """Runs SimulatedExecutorCore."""

    core_class = SimulatedExecutorCore
