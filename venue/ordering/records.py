"""Records of clients' orders and trades."""

from __future__ import annotations

import enum

import attrs

from venue.engine.messages import ExchangeOrderStatus, NewOrder, Outcome, Traded
from venue.ordering.settlement import SettlementStep, TradeStatus
from venue.windows import Window


@attrs.frozen
class Party:
    """The owner of an order, as other users see it."""

    api_key: str
    wallet: str
    """Lower-case address."""
    address: str
    """The address as its owner writes it."""


@attrs.define(eq=False, kw_only=True)
class OrderRecord:
    """A client's order, kept from its acceptance on."""

    terms: NewOrder
    party: Party
    window: Window
    token: str
    expiration: str
    """Unix seconds as posted, or "0"."""
    created_at_ms: int
    visible_from_ms: int
    """No read shows it earlier."""
    status: ExchangeOrderStatus = ExchangeOrderStatus.LIVE
    end_reason: str = ""
    filled_units: int = 0
    trade_ids: list[str] = attrs.field(factory=list)
    rounded_units: int = 0
    """How much its trades exceed what was matched, as a fault; negative if they fall short."""
    ends_short: bool = False
    """As a fault: whether it counts as matched when its rest is cancelled."""

    @property
    def order_id(self) -> str:
        """The digest of what was signed."""
        return self.terms.order_id

    @property
    def is_open(self) -> bool:
        """Whether it may still trade."""
        return self.status.is_open

    @property
    def status_text(self) -> str:
        """Its status in the venue's words, with the reason if it is cancelled."""
        return self.end_reason or self.status.value


@attrs.frozen(kw_only=True)
class PartRecord:
    """One order's part in a trade, as it is published."""

    order_id: str
    party: Party
    token: str
    outcome: Outcome
    is_buy: bool
    price_ticks: int
    """Price of its own outcome."""
    size_units: int
    fee_nanos: int
    is_maker: bool


class Flaw(enum.Enum):
    """What is wrong with a stranger's part in a trade; users of the venue observed each."""

    EMPTY_AMOUNT = "empty amount"
    ZERO_AMOUNT = "zero amount"
    NO_ORDER_ID = "no order id"


@attrs.define(eq=False, kw_only=True)
class TradeRecord:
    """A trade in which at least one client took part."""

    trade_id: str
    traded: Traded
    parts: tuple[PartRecord, ...]
    """The taker's, then the makers'."""
    window: Window
    bucket_index: int
    """Position among the trades of its taker's order."""
    status: TradeStatus = TradeStatus.MATCHED
    updated_at_ms: int = 0
    transaction_hash: str = ""
    steps: list[SettlementStep] = attrs.field(factory=list)
    """The steps still to come."""
    stranger: Flaw | None = None
    """As a fault: it is reported with an unreadable part of somebody who took no part in it."""
    is_repeated: bool = False
    """As a fault: every read reports it twice."""
    is_kept_aside: bool = False
    """Whether it is going to fail, and its proceeds are reserved until then."""

    @property
    def taker(self) -> PartRecord:
        """The taker's part."""
        return self.parts[0]

    def parties(self) -> dict[str, Party]:
        """The owners of all its parts by wallet; the taker first."""
        found: dict[str, Party] = {}
        for part in self.parts:
            found.setdefault(part.party.wallet, part.party)
        return found
