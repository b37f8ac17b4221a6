"""Measures how long the evaluation of a tick takes."""

from __future__ import annotations

from actors.messages.market import MarketSnapshot


class SignalLatency:
    """Ends "tick_to_signal" when a snapshot with a tick in it has been evaluated."""

    def latency_of(self, message: object) -> tuple[str, int] | None:
        """Return the latency's name and the host monotonic ns at which its tick arrived."""
        if isinstance(message, MarketSnapshot) and message.tick_ns:
            return "tick_to_signal", message.tick_ns
        return None
