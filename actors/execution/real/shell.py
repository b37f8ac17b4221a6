"""The real executor as an actor: the only process that reads the private key."""

from __future__ import annotations

from actors.execution.real.core import RealExecutorCore
from actors.execution.shell import ExecutorShell
from actors.messages import Boot
from actors.runtime.process import Port


class RealExecutorShell(ExecutorShell):
    """Runs RealExecutorCore on the venue's client."""

    core_class = RealExecutorCore
    stays_without_journal = True  # somebody has to take back what rests

    def make_port(self, boot: Boot) -> Port:
        """Make the port; key and client are loaded here and in no other process.

        Raises:
            KeyUnavailable: there is no private key.
        """
        from actors.execution.real.port import VenuePort
        from understudy.credentials import publish_accounts_own
        from understudy.secrets import read_private_key

        venue, wallet = boot.settings.venue, boot.settings.execution.wallet
        return VenuePort(venue, wallet, read_private_key().text, publish_accounts_own)
