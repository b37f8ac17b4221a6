"""Commands of the real executor's core, and the events with which its port answers.

Every command is answered by exactly one event, whatever happens to the network, unless the process
dies. No message carries a secret. A signed order can be posted by whoever also has the API
credentials, so its text is left out of every printed form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import attrs

from actors.execution.real.user_channel import UserOrder, UserTrade, order_of, trade_of
from actors.feeds.decoding import MalformedFrame
from actors.model import Action, TimeInForce


@attrs.frozen(kw_only=True)
class FailedRequest:
    """Common fields of the events of failed requests."""

    retry_after_ms: int | None = None
    """How long the venue asks to wait."""
    is_unauthorized: bool = False
    """The venue refused the current credentials."""


# Connecting


@attrs.frozen
class OpenClient:
    """Command: get API credentials; answered with ClientReady or ClientFailed."""


@attrs.frozen(kw_only=True)
class ClientReady:
    """Event: the client is ready."""

    wallet: str
    """Lower-case address of the account that trades."""
    owner: str
    """The API key's public id, as it appears in trades and orders; not its secret."""


@attrs.frozen
class ClientFailed:
    """Event: there are no credentials; ``reason`` is one sentence."""

    reason: str
    is_refused: bool = False
    """The venue or the client refused; otherwise there was no answer, or the venue was busy."""


@attrs.frozen
class SubscribeUser:
    """Command: send the user channel's first frame, with the credentials. Never answered."""


# One order


@attrs.frozen(kw_only=True)
class SignOrder:
    """Command: build and sign an order; the only request reads the market's metadata."""

    order_id: str
    token: str
    action: Action
    price_ticks: int
    size_units: int
    time_in_force: TimeInForce
    is_post_only: bool = False
    """It must rest and never take; not for orders that never rest."""
    venue_expiry_s: int | None = None
    """When the venue ends it, in Unix seconds and at least three minutes from now; the venue does
    so a minute earlier. Not for orders that never rest."""


@attrs.frozen(kw_only=True)
class OrderSigned:
    """Event: the signed order, which may be posted only in exactly these bytes."""

    order_id: str
    venue_order_id: str
    """The EIP-712 hash of the signed order, in lower case."""
    payload: str = attrs.field(repr=False)
    """The exact body of the POST."""
    offered_units: int
    """The signed size; the venue accepts steps of a hundredth of a share."""


@attrs.frozen(kw_only=True)
class SigningFailed:
    """Event: the order could not be signed, and nothing was sent."""

    order_id: str
    reason: str
    may_retry: bool
    """The order itself is valid; something it needs could not be read."""


@attrs.frozen(kw_only=True)
class PostOrder:
    """Command: send a signed order's bytes."""

    order_id: str
    payload: str = attrs.field(repr=False)
    refreshed_token: str = ""
    """Make the venue read this token's balance from the chain first; empty for none."""


@attrs.frozen(kw_only=True)
class PostAnswered:
    """Event: the venue accepted the order."""

    order_id: str
    venue_order_id: str
    status: str
    """live, matched, delayed or unmatched."""


@attrs.frozen(kw_only=True)
class PostRefused(FailedRequest):
    """Event: the answer was an error; ``venue_rules`` says what it proves."""

    order_id: str
    status: int
    """HTTP status; 200 for an error in the body, 0 if no connection was made."""
    text: str
    code: str = ""


@attrs.frozen(kw_only=True)
class PostUnclear:
    """Event: the order was sent, but no readable answer came back."""

    order_id: str
    reason: str


# Cancels


@attrs.frozen
class CancelOrders:
    """Command: cancel these orders in one request."""

    venue_order_ids: tuple[str, ...]


@attrs.frozen
class CancelAll:
    """Command: cancel every order of the account, including those of other systems."""


@attrs.frozen(kw_only=True)
class CancelAnswered:
    """Event: the venue's answer for each order."""

    venue_order_ids: tuple[str, ...]
    """Those of the request; empty for all."""
    canceled: tuple[str, ...]
    not_canceled: tuple[tuple[str, str], ...]
    """(venue order id, reason)."""


@attrs.frozen(kw_only=True)
class CancelFailed(FailedRequest):
    """Event: no answer, or the whole request was refused."""

    venue_order_ids: tuple[str, ...]
    reason: str


CancelEvent = CancelAnswered | CancelFailed


# Reading the account


@attrs.frozen(kw_only=True)
class ReadAccount:
    """Command: read these orders, then these markets' open orders, then their trades.

    With this order of requests nothing is missed: when an order has left the open orders, its
    trades are already visible.
    """

    read_id: int
    venue_order_ids: tuple[str, ...]
    market_ids: tuple[str, ...]
    balances_of: tuple[str, ...]
    """Tokens whose balances are read as well."""
    with_cash: bool = False
    """Whether the account's cash is read as well."""


@attrs.frozen(kw_only=True)
class UnreadRow:
    """A row of the account that could not be read, so its content is unknown."""

    market_id: str
    """The market whose rows it was among; empty for a single order's row."""
    venue_order_id: str
    """The requested order; empty for a row among others."""
    reason: str


@attrs.frozen(kw_only=True)
class AccountRead:
    """Event: the whole account, except for markets that the venue did not show."""

    read_id: int
    orders: tuple[UserOrder, ...]
    """The requested orders that the venue knows."""
    open_orders: tuple[UserOrder, ...]
    trades: tuple[UserTrade, ...]
    balances: tuple[tuple[str, int], ...]
    """(token, units)."""
    cash_units: int | None = None
    """Cash in millionths of a dollar; None if it was not requested."""
    unread: tuple[UnreadRow, ...] = ()
    """Rows that could not be read; the others are not affected."""
    unread_markets: tuple[str, ...] = ()
    """Markets whose orders and trades the venue did not show. What is missing there proves nothing;
    the other markets count."""

    def may_hide(self, venue_order_id: str, market_id: str) -> bool:
        """Return whether an unreadable row may concern this order or its market."""
        parts = (part for trade in self.trades for part in trade.unread)
        return any(part.order_id == venue_order_id for part in parts) or any(
            row.market_id == market_id or row.venue_order_id == venue_order_id
            for row in self.unread
        )


_Row = TypeVar("_Row", UserOrder, UserTrade)


class AccountRows:
    """Collects the rows of a reading one by one, so that an unreadable one affects no other."""

    def __init__(self) -> None:
        self.orders: list[UserOrder] = []
        self.open_orders: list[UserOrder] = []
        self.trades: list[UserTrade] = []
        self.balances: list[tuple[str, int]] = []
        self.unread: list[UnreadRow] = []
        self._unread_markets: list[str] = []

    def add_order(self, venue_order_id: str, row: object | None) -> None:
        """Add one order's row; None if the venue shows none."""
        if row is not None:
            self.orders += self._readable(order_of, [row], venue_order_id=venue_order_id)

    def add_open_orders(self, market_id: str, rows: Iterable[object]) -> None:
        """Add a market's open orders."""
        self.open_orders += self._readable(order_of, rows, market_id)

    def add_trades(self, market_id: str, rows: Iterable[object]) -> None:
        """Add a market's trades."""
        self.trades += self._readable(trade_of, rows, market_id)

    def leave_out(self, reason: str, *, market_id: str = "", venue_order_id: str = "") -> None:
        """Note that the venue did not show a market's rows, or one order's."""
        self._note(reason, market_id, venue_order_id)
        if market_id:
            self._unread_markets.append(market_id)

    def leave_out_balance(self, reason: str, *, of: str) -> None:
        """Note that the venue did not show a balance: of a token, or of the account's cash."""
        self._note(reason, f"the balance of {of}")

    def reading(self, read_id: int, cash_units: int | None) -> AccountRead:
        """Return everything as the answer to ``ReadAccount``."""
        return AccountRead(
            read_id=read_id,
            orders=tuple(self.orders),
            open_orders=tuple(self.open_orders),
            trades=tuple(self.trades),
            balances=tuple(self.balances),
            cash_units=cash_units,
            unread=tuple(self.unread),
            unread_markets=tuple(self._unread_markets),
        )

    def _readable(
        self,
        read: Callable[[object], _Row],
        rows: Iterable[object],
        market_id: str = "",
        venue_order_id: str = "",
    ) -> list[_Row]:
        readable: list[_Row] = []
        for row in rows:
            try:
                readable.append(read(row))
            except MalformedFrame as problem:
                self._note(str(problem), market_id, venue_order_id)
        return readable

    def _note(self, reason: str, market_id: str = "", venue_order_id: str = "") -> None:
        row = UnreadRow(market_id=market_id, venue_order_id=venue_order_id, reason=reason)
        self.unread.append(row)


@attrs.frozen(kw_only=True)
class AccountUnread(FailedRequest):
    """Event: some part of the account could not be read, so none of it counts."""

    read_id: int
    reason: str


# The dead man's switch


@attrs.frozen
class SendHeartbeat:
    """Command: send a heartbeat, which shows the venue that this system is running."""

    heartbeat_id: str


@attrs.frozen
class HeartbeatAnswered:
    """Event: the heartbeat arrived; the next one must have this id."""

    heartbeat_id: str


@attrs.frozen
class HeartbeatFailed(FailedRequest):
    """Event: the heartbeat failed; ``expected_id`` is the id that the venue expects, if known."""

    reason: str
    expected_id: str | None = None


HeartbeatEvent = HeartbeatAnswered | HeartbeatFailed


# Redemptions on the chain


@attrs.frozen(kw_only=True)
class ClaimHoldings:
    """Command: turn a window's shares into money on the chain."""

    market_id: str
    pairs_units: int
    """Complete pairs to merge; 0 to redeem a resolved window's shares instead."""


@attrs.frozen
class HoldingsClaimed:
    """Event: the transaction is final."""

    market_id: str


@attrs.frozen(kw_only=True)
class ClaimFailed:
    """Event: the transaction failed."""

    market_id: str
    reason: str


ClaimEvent = HoldingsClaimed | ClaimFailed
