"""The exchange's messages: orders in, events out, and the market's rules.

Amounts are integers in the units of ``actors.units``: ticks of $0.001, millionths of a share,
nanodollars, milliseconds of venue time. Texts are the venue's own, as its documentation and its
users report them.
"""

from __future__ import annotations

import enum

import msgspec

from actors.units import PAYOUT_TICKS

CANCELED = "CANCELED"
"""The owner asked, or a FAK or FOK could not fill the rest."""
CANCELED_EXPIRED_ORDER = "CANCELED_EXPIRED_ORDER"
CANCELED_MARKET_RESOLVED = "CANCELED_MARKET_RESOLVED"
CANCELED_NOT_ENOUGH_BALANCE = "CANCELED_NOT_ENOUGH_BALANCE"


class Outcome(enum.Enum):
    """The two tokens of a market."""

    UP = "Up"
    DOWN = "Down"

    # Each member exists once; Enum's own hash hashes the name, in Python.
    __hash__ = object.__hash__

    @property
    def other(self) -> Outcome:
        """The opposite outcome."""
        return Outcome.DOWN if self is Outcome.UP else Outcome.UP


class Lifetime(enum.Enum):
    """What happens to the part of an order that does not trade at once."""

    GTC = "GTC"
    """Good till cancelled: it rests."""
    GTD = "GTD"
    """Good till date: it rests until ``expires_at_ms``."""
    FAK = "FAK"
    """Fill and kill: it is cancelled."""
    FOK = "FOK"
    """Fill or kill: the order trades whole or not at all."""

    @property
    def may_rest(self) -> bool:
        """Whether the part that does not trade at once rests."""
        return self in (Lifetime.GTC, Lifetime.GTD)


class MatchKind(enum.Enum):
    """How a taker and a maker are matched."""

    COMPLEMENTARY = "COMPLEMENTARY"
    """One buys what the other sells: shares and money change hands."""
    MINT = "MINT"
    """Both buy, opposite outcomes: their money becomes a new pair of shares."""
    MERGE = "MERGE"
    """Both sell, opposite outcomes: a pair of shares becomes money again."""


class ExchangeOrderStatus(enum.Enum):
    """Status of an accepted order, in the venue's words."""

    DELAYED = "DELAYED"
    """Marketable and waiting out the taker delay; it cannot be cancelled."""
    LIVE = "LIVE"
    """Resting on the book."""
    MATCHED = "MATCHED"
    """Fully traded."""
    CANCELED = "CANCELED"
    """The rest is gone; ``end_reason`` says why."""

    @property
    def is_open(self) -> bool:
        """Whether the order may still trade."""
        return self in (ExchangeOrderStatus.LIVE, ExchangeOrderStatus.DELAYED)


class MarketRules(msgspec.Struct, frozen=True, kw_only=True):
    """A market's rules for orders, and its fees."""

    market_id: str
    tick_size_ticks: int
    """The price grid: 10 for $0.01, 1 for $0.001."""
    minimum_size_units: int
    """Least size of an order that may rest (GTC, GTD)."""
    minimum_notional_nanos: int
    """Least money of a BUY that takes at once."""
    fee_rate_bps: int
    """The rate r of the taker fee, in ten-thousandths."""
    taker_delay_ms: int
    """How long a marketable order waits before it meets the book; 0 for no delay."""


class NewOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it reaches the exchange.

    The venue's market BUYs name money, not shares. Give such a FAK or FOK ``spend_nanos`` (its
    signed makerAmount). Its ``size_units`` is then the signed takerAmount, the least it must get
    for all the money, and ``price_ticks`` is the worst price that follows from the two, rounded
    down to the grid. At better prices it gets more shares for the same money.
    """

    order_id: str
    owner: str
    outcome: Outcome
    is_buy: bool
    price_ticks: int
    size_units: int
    lifetime: Lifetime = Lifetime.GTC
    is_post_only: bool = False
    expires_at_ms: int | None = None
    """Set for GTD only."""
    spend_nanos: int | None = None


class ExchangeOrder(msgspec.Struct, frozen=True, kw_only=True):
    """The present state of an accepted order."""

    terms: NewOrder
    status: ExchangeOrderStatus
    filled_units: int
    accepted_at_ms: int
    end_reason: str
    """One of the ``CANCELED`` texts once the order is cancelled, else empty."""


class Rested(msgspec.Struct, frozen=True):
    """The order, or the rest after trading, is on the book."""

    order_id: str
    leaves_units: int


class Delayed(msgspec.Struct, frozen=True):
    """The order is marketable and meets the book later."""

    order_id: str
    release_at_ms: int


class Refused(msgspec.Struct, frozen=True):
    """The order was refused and is not remembered; ``reason`` is the venue's error text."""

    order_id: str
    reason: str


class MakerFill(msgspec.Struct, frozen=True, kw_only=True):
    """One resting order's part in a trade, from its owner's side."""

    order_id: str
    owner: str
    outcome: Outcome
    is_buy: bool
    price_ticks: int
    """The maker's limit, as a price of the maker's own outcome."""
    size_units: int
    match_kind: MatchKind


class Traded(msgspec.Struct, frozen=True, kw_only=True):
    """A taker met the makers at one price, oldest first.

    A taker that reaches several prices makes one trade at each, so that every trade's price is
    exact. The makers of one trade may be of both outcomes, so each has its own kind of match.
    """

    trade_id: str
    taker_order_id: str
    taker_owner: str
    outcome: Outcome
    is_buy: bool
    price_ticks: int
    """What the taker pays or gets, as a price of its outcome; never worse than its limit."""
    size_units: int
    fee_nanos: int
    """Paid by the taker alone: on top of what it buys for, out of what it sells for."""
    maker_fills: tuple[MakerFill, ...]
    traded_at_ms: int


class Removed(msgspec.Struct, frozen=True):
    """The rest of an accepted order is gone, for one of the ``CANCELED`` reasons."""

    order_id: str
    reason: str


class CancelRefused(msgspec.Struct, frozen=True):
    """The order could not be cancelled; ``reason`` is the venue's text."""

    order_id: str
    reason: str


class LevelChanged(msgspec.Struct, frozen=True):
    """The new total at a price; every change is reported for both outcomes, which mirror."""

    outcome: Outcome
    is_bid: bool
    price_ticks: int
    new_size_units: int
    """0: the level is empty."""


class TickSizeChanged(msgspec.Struct, frozen=True):
    """New orders must use another price grid; resting orders stay as they are."""

    old_ticks: int
    new_ticks: int


EngineEvent = (
    Rested | Delayed | Refused | Traded | Removed | CancelRefused | LevelChanged | TickSizeChanged
)

PriceLevel = tuple[int, int]
"""(price_ticks, size_units): the total of all orders at a price."""


def mirrored(price_ticks: int) -> int:
    """Price of the opposite outcome: buying Up at p is selling Down at $1 - p."""
    return PAYOUT_TICKS - price_ticks
