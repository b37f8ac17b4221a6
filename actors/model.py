"""The nouns that all packages share: sides, order terms, markets, strikes, fills."""

from __future__ import annotations

import enum

import attrs

from actors.series import series_of

Level = tuple[int, int]
"""(price_ticks, size_units) of one price level; a plain tuple, because there are thousands a
second."""


class Side(enum.Enum):
    """The two outcomes of a window: YES is the Up token, NO the Down token."""

    YES = "YES"
    NO = "NO"

    __hash__ = object.__hash__  # members are singletons; Enum would hash the name, in Python code

    @property
    def other(self) -> Side:
        """The opposite outcome."""
        return Side.NO if self is Side.YES else Side.YES


def side_name(winner: Side | None) -> str:
    """Return a result as a word in a sentence."""
    return "void" if winner is None else winner.value


class Action(enum.Enum):
    """Whether shares are bought or sold."""

    BUY = "BUY"
    SELL = "SELL"


class TimeInForce(enum.Enum):
    """What happens to the part of an order that does not fill at once."""

    GTC = "GTC"
    """Good till cancelled: it rests until its time to live has ended."""
    GTD = "GTD"
    """Good till date: like GTC, but the venue ends it even if this system is down."""
    FAK = "FAK"
    """Fill and kill: whatever does not fill at once is cancelled."""
    FOK = "FOK"
    """Fill or kill: all of it fills at once, or none of it."""

    @property
    def may_rest(self) -> bool:
        """Whether the part that does not fill at once rests."""
        return self in (TimeInForce.GTC, TimeInForce.GTD)


@attrs.frozen(kw_only=True)
class Market:
    """The market of one window, as its metadata describes it."""

    market_id: str
    """The condition id."""
    slug: str
    yes_token: str
    no_token: str
    opens_at_ms: int
    closes_at_ms: int
    tick_size_ticks: int
    """The market's price grid in our ticks: 10 for $0.01, 1 for $0.001."""
    minimum_size_units: int
    minimum_notional_nanos: int
    """Minimum value of a marketable order."""
    fee_rate_bps: int
    twap_window_s: int
    """Length of the average that determines strike and close."""

    @property
    def series(self) -> str:
        """Name of the window's series; empty if the slug does not show it."""
        return series_of(self.slug)

    def token(self, side: Side) -> str:
        """The token of an outcome."""
        return self.yes_token if side is Side.YES else self.no_token

    def side(self, token: str) -> Side:
        """The outcome of a token.

        Raises:
            KeyError: the token is not of this market.
        """
        if token == self.yes_token:
            return Side.YES
        if token == self.no_token:
            return Side.NO
        raise KeyError(f"token {token} is not of market {self.slug}")


class StrikeOrigin(enum.Enum):
    """The source of a strike, the most trusted first; see docs/decisions/strike.md."""

    TICK = "tick"
    """The settlement average itself, for exactly the second of the boundary."""
    GAMMA = "gamma"
    """``eventMetadata.priceToBeat`` of the venue's metadata."""
    WEBSITE = "website"
    """The value shown on the venue's website; it may be corrected later."""

    def is_better_than(self, other: StrikeOrigin) -> bool:
        """Whether this origin is trusted more."""
        order = tuple(StrikeOrigin)
        return order.index(self) < order.index(other)


@attrs.frozen(kw_only=True)
class Strike:
    """The price to beat, with its source as proof."""

    price_e18: int
    source: str
    """Such as "twap-60s tick of the window's start, polybolt"."""
    timestamp_ms: int
    """Venue time of the boundary to which the price belongs."""
    origin: StrikeOrigin = StrikeOrigin.TICK


@attrs.frozen(kw_only=True)
class FillDetail:
    """One execution of an order: a (trade, order) pair, which must be counted exactly once."""

    trade_id: str
    price_ticks: int
    size_units: int
    fee_nanos: int
    is_maker: bool
    timestamp_ms: int
