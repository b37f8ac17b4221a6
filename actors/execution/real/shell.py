"""The real executor as an actor: the only process that reads the private key."""

from __future__ import annotations

from actors.execution.messages import SubmitOrder
from actors.execution.real.core import RealExecutorCore
from actors.messages import Boot
from actors.shell import Port, Shell


class RealExecutorShell(Shell):
    """Runs RealExecutorCore on the venue's client."""

    core_class = RealExecutorCore
    stays_without_journal = True  # somebody has to take back what rests

    def make_port(self, boot: Boot) -> Port:
        """Make the port; key and client are loaded here and in no other process.

        Raises:
            KeyUnavailable: there is no private key.
        """
        from actors.execution.real.port import VenuePort
        from understudy.secrets import read_private_key

        settings = boot.settings
        return VenuePort(settings.venue, settings.execution.wallet, read_private_key().text)

    def latency_of(self, message: object) -> tuple[str, int] | None:
        """An order from a market tick ends "tick_to_order" when it is sent to be signed."""
        if isinstance(message, SubmitOrder) and message.intent.tick_ns:
            return "tick_to_order", message.intent.tick_ns
        return None
