"""The feeds as actors: each a leaf of the tree, with one websocket."""

from __future__ import annotations

from actors.feeds.market_feed import MarketFeedCore
from actors.feeds.port import WebSocketPort
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
