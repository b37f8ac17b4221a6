"""The strategy's actor."""

from __future__ import annotations

from actors.market.messages import MarketSnapshot
from actors.runtime.process import Shell
from actors.strategy.core import StrategyCore


class StrategyShell(Shell):
    """Runs StrategyCore, and measures how long a tick took to be decided on."""

    core_class = StrategyCore

    def latency_of(self, message: object) -> tuple[str, int] | None:
        """A snapshot with a tick in it ends "tick_to_signal" when it has been evaluated."""
        if isinstance(message, MarketSnapshot) and message.tick_ns:
            return "tick_to_signal", message.tick_ns
        return None
