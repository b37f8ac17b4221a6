"""The feeds as actors: each a leaf of the tree, with a websocket of its own."""

from __future__ import annotations

from pathlib import Path

from actors.feeds.market_feed import MarketFeedCore
from actors.feeds.polybolt import CredentialsUnavailable, FoundCredentials
from actors.feeds.port import PricePort, WebSocketPort
from actors.feeds.reference_feed import ReferenceFeedCore
from actors.feeds.twap_feed import TwapFeedCore
from actors.messages import Boot
from actors.runtime.process import Port, Shell


class FeedShell(Shell):
    """A feed and its websocket."""

    def make_port(self, boot: Boot) -> Port:
        """Make the websocket; the address comes with the core's first command."""
        del boot
        return WebSocketPort()


class MarketFeedShell(FeedShell):
    """Runs the market feed."""

    core_class = MarketFeedCore


class ReferenceFeedShell(FeedShell):
    """Runs the reference feed."""

    core_class = ReferenceFeedCore


class TwapFeedShell(FeedShell):
    """Runs the TWAP feed."""

    core_class = TwapFeedCore

    def make_port(self, boot: Boot) -> Port:
        """Make a port that reads API credentials when they are to be said."""
        from understudy.credentials import find_credentials, unsafe_address

        def find() -> FoundCredentials:
            unsafe = unsafe_address(boot.settings)
            if unsafe:
                raise CredentialsUnavailable(unsafe)
            return find_credentials(Path(boot.data_dir))

        return PricePort(find)
