"""Messages of the directory: which window is traded, and how it ended."""

from __future__ import annotations

import attrs

from actors.model import Market, Side, Strike


@attrs.frozen(kw_only=True)
class MarketOpened:
    """This window is traded from now on. Repeated to every peer that restarts."""

    market: Market
    strike: Strike | None
    """None until proven; then the message is repeated with it."""

    @property
    def market_id(self) -> str:
        """The market's id, by which the journal finds the event."""
        return self.market.market_id


@attrs.frozen
class MarketClosing:
    """The window's time is over: no new orders, and resting ones end."""

    market_id: str


@attrs.frozen(kw_only=True)
class MarketResolved:
    """The venue has decided the window. Repeated until position answers WindowSettled."""

    market: Market
    winner: Side | None
    """None for a void window: each share pays one half."""
    strike_e18: int | None
    close_e18: int | None
    evidence: str
    """Source of the result."""
    strike_source: str = ""
    """Source of the strike; empty without one."""
    revision: int = 0
    """Grows by one each time the venue contradicts its earlier result."""

    @property
    def market_id(self) -> str:
        """The market's id, by which the journal finds the event."""
        return self.market.market_id


@attrs.frozen(kw_only=True)
class WindowNotTraded:
    """This window is not traded, or not in full, and why.

    Sent to the observer while that is so; recorded once it is certain, or has lasted too long.
    """

    slug: str
    opens_at_ms: int
    closes_at_ms: int
    reason: str
    market_id: str | None = None
    """None if the window was never opened."""


@attrs.frozen
class VenueUnreachable:
    """A request to the venue could not be sent; the next VenueSkew says that it can be again."""

    reason: str
    """One sentence that names the host."""


@attrs.frozen
class VenueSkew:
    """Directory to observers: how far venue time was ahead of ours when last measured.

    The venue reports whole seconds, so the error is up to half a second plus half the round trip.
    """

    skew_ms: int


# Between the directory and its own port.


@attrs.frozen
class HttpGet:
    """Command: request a URL; answered exactly once, with HttpAnswered or HttpFailed."""

    request_id: str
    url: str


@attrs.frozen
class HttpAnswered:
    """Event: the server answered, whatever the status."""

    request_id: str
    status: int
    body: bytes
    retry_after_ms: int = 0
    """The server's ``Retry-After``: do not ask again any sooner."""
    url: str = attrs.field(default="", eq=False)
    """The requested URL; this field and the following do not take part in comparisons."""
    arrived_ns: int = attrs.field(default=0, eq=False)
    """Host monotonic time at which the answer was complete."""
    took_ms: int = attrs.field(default=0, eq=False)
    """Real ms from the request until the answer was handed over, by the host's monotonic clock."""


@attrs.frozen
class HttpFailed:
    """Event: there is no answer that can be read; one sentence says why."""

    request_id: str
    reason: str
    was_answered: bool = False
    """The server did answer, but too long or compressed."""
