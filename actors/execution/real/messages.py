"""What the real executor's core commands its port, and what the port answers.

Every command is answered by exactly one event, whatever happens to the network; only the death of
the process leaves one unanswered. No message here carries a secret, except that whoever has a
signed order and the API credentials could post it: its text is left out of every printed form.
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
    """What the events of requests that failed have in common."""

    retry_after_ms: int | None = None
    """How long the venue asks to wait."""
    is_unauthorized: bool = False
    """The credentials that are in use do not hold."""


# Connecting


@attrs.frozen
class OpenClient:
    """Command: get API credentials; answered with ClientReady or ClientFailed."""


@attrs.frozen(kw_only=True)
class ClientReady:
    """Event: the client may be used."""

    wallet: str
    """Lower-case address of the account that trades."""
    owner: str
    """The API key's name, as trades and orders tell it; not its secret."""


@attrs.frozen
class ClientFailed:
    """Event: there are no credentials; one sentence says why."""

    reason: str
    is_refused: bool = False
    """The venue, or the client, said no; otherwise there was no answer, or it has no time now."""


@attrs.frozen
class SubscribeUser:
    """Command: say the user channel's first frame, with the credentials. Never answered."""


# One order


@attrs.frozen(kw_only=True)
class SignOrder:
    """Command: build and sign an order; nothing leaves but reads of the market's metadata."""

    order_id: str
    token: str
    action: Action
    price_ticks: int
    size_units: int
    time_in_force: TimeInForce
    is_post_only: bool = False
    """It may rest, and never take; not for orders that never rest."""
    venue_expiry_s: int | None = None
    """When the venue ends it by itself, in Unix seconds and at least three minutes from now; the
    venue does so a minute earlier. Not for orders that never rest."""


@attrs.frozen(kw_only=True)
class OrderSigned:
    """Event: the order as it may be posted, from now on only in these bytes."""

    order_id: str
    venue_order_id: str
    """The EIP-712 hash of what was signed; lower case."""
    payload: str = attrs.field(repr=False)
    """The exact body of the POST."""
    offered_units: int
    """Size that was signed; the venue takes no finer one than a hundredth of a share."""


@attrs.frozen(kw_only=True)
class SigningFailed:
    """Event: there is no signed order, and nothing has left."""

    order_id: str
    reason: str
    may_retry: bool
    """The order itself is well; something it needs could not be read."""


@attrs.frozen(kw_only=True)
class PostOrder:
    """Command: send a signed order's bytes."""

    order_id: str
    payload: str = attrs.field(repr=False)
    refreshed_token: str = ""
    """Before that, have the venue look up this token's balance on the chain again."""


@attrs.frozen(kw_only=True)
class PostAnswered:
    """Event: the venue took it."""

    order_id: str
    venue_order_id: str
    status: str
    """live, matched, delayed or unmatched."""


@attrs.frozen(kw_only=True)
class PostRefused(FailedRequest):
    """Event: an error was the answer; ``venue_rules`` says what it proves."""

    order_id: str
    status: int
    """HTTP status; 200 for an error in the body, 0 if no connection was made."""
    text: str
    code: str = ""


@attrs.frozen(kw_only=True)
class PostUnclear:
    """Event: it left, and no answer that can be read came back."""

    order_id: str
    reason: str


# Cancels


@attrs.frozen
class CancelOrders:
    """Command: take these orders back, by the venue's ids, in one request."""

    venue_order_ids: tuple[str, ...]


@attrs.frozen
class CancelAll:
    """Command: take back every order of the account, also those that are not ours."""


@attrs.frozen(kw_only=True)
class CancelAnswered:
    """Event: what the venue says of each order."""

    venue_order_ids: tuple[str, ...]
    """Those asked for; empty for all."""
    canceled: tuple[str, ...]
    not_canceled: tuple[tuple[str, str], ...]
    """(venue order id, reason)."""


@attrs.frozen(kw_only=True)
class CancelFailed(FailedRequest):
    """Event: no answer, or a refusal of the whole request."""

    venue_order_ids: tuple[str, ...]
    reason: str


CancelEvent = CancelAnswered | CancelFailed


# Reading the account


@attrs.frozen(kw_only=True)
class ReadAccount:
    """Command: read these orders, then these markets' open orders, then their trades.

    In this order nothing can hide: an order that has left the open ones has its trades by then.
    """

    read_id: int
    venue_order_ids: tuple[str, ...]
    market_ids: tuple[str, ...]
    balances_of: tuple[str, ...]
    """Tokens whose balances are read as well."""
    with_cash: bool = False
    """Whether the account's money is."""


@attrs.frozen(kw_only=True)
class UnreadRow:
    """A row of the account that could not be read: what it would have said is not known."""

    market_id: str
    """Whose rows it was among; empty for the row of one order."""
    venue_order_id: str
    """The order that was asked for; empty for a row among others."""
    reason: str


@attrs.frozen(kw_only=True)
class AccountRead:
    """Event: all of it, but for markets of which the venue says nothing."""

    read_id: int
    orders: tuple[UserOrder, ...]
    """Those of the orders asked for that the venue knows of."""
    open_orders: tuple[UserOrder, ...]
    trades: tuple[UserTrade, ...]
    balances: tuple[tuple[str, int], ...]
    """(token, units)."""
    cash_units: int | None = None
    """Money in millionths of a dollar; None if it was not asked for."""
    unread: tuple[UnreadRow, ...] = ()
    """Rows that say nothing, and spoil none of the others."""
    unread_markets: tuple[str, ...] = ()
    """Markets whose orders and trades the venue did not show: what is missing there says nothing,
    and the others count."""

    def may_hide(self, venue_order_id: str, market_id: str) -> bool:
        """Whether something of an order of this market may stand in what could not be read."""
        parts = (part for trade in self.trades for part in trade.unread)
        return any(part.order_id == venue_order_id for part in parts) or any(
            row.market_id == market_id or row.venue_order_id == venue_order_id
            for row in self.unread
        )


_Row = TypeVar("_Row", UserOrder, UserTrade)


class AccountRows:
    """Gathers the rows of a reading, each by itself: one that cannot be read spoils no other."""

    def __init__(self) -> None:
        self.orders: list[UserOrder] = []
        self.open_orders: list[UserOrder] = []
        self.trades: list[UserTrade] = []
        self.balances: list[tuple[str, int]] = []
        self.unread: list[UnreadRow] = []
        self._unread_markets: list[str] = []

    def add_order(self, venue_order_id: str, row: object | None) -> None:
        """Take in the row of one order; None where the venue shows none."""
        if row is not None:
            self.orders += self._readable(order_of, [row], venue_order_id=venue_order_id)

    def add_open_orders(self, market_id: str, rows: Iterable[object]) -> None:
        """Take in a market's open orders."""
        self.open_orders += self._readable(order_of, rows, market_id)

    def add_trades(self, market_id: str, rows: Iterable[object]) -> None:
        """Take in a market's trades."""
        self.trades += self._readable(trade_of, rows, market_id)

    def leave_out(self, reason: str, *, market_id: str = "", venue_order_id: str = "") -> None:
        """Take note that the venue did not show a market's rows, or one order's."""
        self._note(reason, market_id, venue_order_id)
        if market_id:
            self._unread_markets.append(market_id)

    def leave_out_balance(self, reason: str, *, token: str) -> None:
        """Take note that the venue did not show how many shares of a token there are."""
        self._note(reason, f"the balance of {token}")

    def reading(self, read_id: int, cash_units: int | None) -> AccountRead:
        """All of it, as the answer to ``ReadAccount``."""
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
    """Event: some of it could not be read, so none of it counts."""

    read_id: int
    reason: str


# The dead man's switch


@attrs.frozen
class SendHeartbeat:
    """Command: tell the venue that this account's owner lives."""

    heartbeat_id: str


@attrs.frozen
class HeartbeatAnswered:
    """Event: the id that the next one must have."""

    heartbeat_id: str


@attrs.frozen
class HeartbeatFailed(FailedRequest):
    """Event: it did not arrive; ``expected_id`` is what the venue wants instead, if it said so."""

    reason: str
    expected_id: str | None = None


HeartbeatEvent = HeartbeatAnswered | HeartbeatFailed


# Claims on the chain


@attrs.frozen(kw_only=True)
class ClaimHoldings:
    """Command: turn a window's shares into money, on the chain."""

    market_id: str
    pairs_units: int
    """Complete pairs to merge; 0 to redeem a resolved window's shares instead."""


@attrs.frozen
class HoldingsClaimed:
    """Event: the transaction is final."""

    market_id: str


@attrs.frozen(kw_only=True)
class ClaimFailed:
    """Event: it is not."""

    market_id: str
    reason: str


ClaimEvent = HoldingsClaimed | ClaimFailed
