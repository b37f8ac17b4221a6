"""How long a tick took to become an order, whoever executes it."""

from __future__ import annotations

from actors.messages.execution import SubmitOrder


class OrderLatency:
    """Ends "tick_to_order" when an order from a market tick is first sent on its way.

    The desk says SubmitOrder; an Order that hears no answer says it again, which does not count.
    """

    def __init__(self) -> None:
        self._newest_tick_ns = 0

    def latency_of(self, message: object) -> tuple[str, int] | None:
        """Name the latency and the host monotonic ns at which its tick arrived."""
        if isinstance(message, SubmitOrder) and message.intent.tick_ns > self._newest_tick_ns:
            self._newest_tick_ns = message.intent.tick_ns
            return "tick_to_order", message.intent.tick_ns
        return None
