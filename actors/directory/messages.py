"""What the directory says: which window is traded and how it ended."""

from __future__ import annotations

import enum

import attrs

from actors.series import series_of


class Side(enum.Enum):
    """The two outcomes of a window: YES is the Up token, NO the Down token."""

    YES = "YES"
    NO = "NO"

    @property
    def other(self) -> Side:
        """The opposite outcome."""
        return Side.NO if self is Side.YES else Side.YES


@attrs.frozen(kw_only=True)
class Market:
    """One window's market, as its metadata describes it."""

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
    """Least value of a marketable order."""
    fee_rate_bps: int
    twap_window_s: int
    """Length of the average that strike and close are taken from."""

    @property
    def series(self) -> str:
        """Name of the series that the window is of; empty if its slug tells none."""
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
    """Where a strike was read, the most trusted first; docs/decisions/strike.md."""

    TICK = "tick"
    """The settling average itself, for exactly the second of the boundary."""
    GAMMA = "gamma"
    """``eventMetadata.priceToBeat`` of the venue's metadata."""
    WEBSITE = "website"
    """What the venue's website shows; it may be corrected later."""

    def is_better_than(self, other: StrikeOrigin) -> bool:
        """Whether this origin is trusted more."""
        order = tuple(StrikeOrigin)
        return order.index(self) < order.index(other)


@attrs.frozen(kw_only=True)
class Strike:
    """The price to beat, with the proof of where it was read."""

    price_e18: int
    source: str
    """Such as "twap-60s tick of the window's start, polybolt"."""
    timestamp_ms: int
    """Venue time of the boundary whose price it is."""
    origin: StrikeOrigin = StrikeOrigin.TICK


@attrs.frozen(kw_only=True)
class MarketOpened:
    """This window is traded from now on. Said again to any peer that restarts."""

    market: Market
    strike: Strike | None
    """None until proven; then said again with it."""

    @property
    def market_id(self) -> str:
        """The market's id, by which the journal finds the event."""
        return self.market.market_id


@attrs.frozen
class MarketClosing:
    """The window's time is over: nothing new, and what rests ends."""

    market_id: str


@attrs.frozen(kw_only=True)
class MarketResolved:
    """The venue has decided. Said until position answers WindowSettled."""

    market: Market
    winner: Side | None
    """None: void, each share pays one half."""
    strike_e18: int | None
    close_e18: int | None
    evidence: str
    """Where the result was read."""
    strike_source: str = ""
    """Where the strike was read; empty without one."""
    revision: int = 0
    """Grows by one each time the venue contradicts what it had said before."""

    @property
    def market_id(self) -> str:
        """The market's id, by which the journal finds the event."""
        return self.market.market_id


@attrs.frozen(kw_only=True)
class WindowNotTraded:
    """This window is not traded, or not in full, and why.

    Said to the observer while it lasts; recorded once it is certain, or lasts too long.
    """

    slug: str
    opens_at_ms: int
    closes_at_ms: int
    reason: str
    market_id: str | None = None
    """None if the window was never opened."""


@attrs.frozen
class VenueUnreachable:
    """A question to the venue could not be asked; the next VenueSkew says that it can be again."""

    reason: str
    """One sentence that names the host."""


@attrs.frozen
class VenueSkew:
    """Directory to observers: how far venue time was ahead of ours when last measured.

    The venue tells whole seconds, so half a second and half the round trip either way mean nothing.
    """

    skew_ms: int


# Between the directory and its own port.


@attrs.frozen
class HttpGet:
    """Command: read an address; answered with HttpAnswered or HttpFailed, one of them, once."""

    request_id: str
    url: str


@attrs.frozen
class HttpAnswered:
    """Event: the server answered, whatever the status."""

    request_id: str
    status: int
    body: bytes
    retry_after_ms: int = 0
    """The server asks not to be asked again any sooner (``Retry-After``)."""


@attrs.frozen
class HttpFailed:
    """Event: there is no answer; one sentence says why."""

    request_id: str
    reason: str
