"""Measures how long a tick takes to become an order, whichever executor is used."""

from __future__ import annotations

from actors.messages.execution import SubmitOrder


class OrderLatency:
    """Ends "tick_to_order" when an order that a market tick caused is first submitted.

    The desk sends the first SubmitOrder; an Order that gets no answer repeats it, which does not
    count.
    """

    def __init__(self) -> None:
        self._newest_tick_ns = 0

    def latency_of(self, message: object) -> tuple[str, int] | None:
        """Return the latency's name and the host monotonic ns at which its tick arrived."""
        if isinstance(message, SubmitOrder) and message.intent.tick_ns > self._newest_tick_ns:
            self._newest_tick_ns = message.intent.tick_ns
            return "tick_to_order", message.intent.tick_ns
        return None
