"""What the directory says: which window is traded and how it ended."""

from __future__ import annotations

import attrs

from actors.model import Market, Side, Strike


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
    url: str = attrs.field(default="", eq=False)
    """What was asked; like the next, of no account to whoever asked."""
    arrived_ns: int = attrs.field(default=0, eq=False)
    """Host monotonic time at which the answer was whole."""
    took_ms: int = attrs.field(default=0, eq=False)
    """Real ms from the question until it was handed over, by the host's monotonic clock."""


@attrs.frozen
class HttpFailed:
    """Event: there is no answer; one sentence says why."""

    request_id: str
    reason: str
