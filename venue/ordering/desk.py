"""The order desk: places orders, cancels them, and advances time for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from venue.engine import Ledger
from venue.engine.messages import (
    CANCELED,
    CANCELED_NOT_ENOUGH_BALANCE,
    CancelRefused,
    Delayed,
    EngineEvent,
    ExchangeOrderStatus,
    NewOrder,
    Outcome,
    Refused,
    Traded,
)
from venue.engine.refusals import (
    CANCEL_TOO_LATE,
    MARKET_NOT_READY,
    duplicate_refusal,
    funds_refusal,
)
from venue.faults import FaultKind, OrderFaults
from venue.frames import Frame
from venue.ordering.bookkeeper import Bookkeeper
from venue.ordering.keys import ApiKey
from venue.ordering.records import OrderRecord, Party
from venue.ordering.signatures import EXTERNALLY_OWNED, BadSignature, Proof
from venue.ordering.terms import OrderPlace, TermsRefused, new_order
from venue.ordering.user_events import UserEvents
from venue.simulation.listed_window import ListedWindow
from venue.wire.orders import Cancellation, Placement, PostedOrder, SignedTerms
from venue.world import Catalogue, MarketView

WRONG_OWNER = "the order owner has to be the owner of the API KEY"
WRONG_SIGNER = "the order signer address has to be the address of the API KEY"
INVALID_SIGNATURE = "invalid signature"

Prove = Callable[[SignedTerms], Proof]
"""Computes an order's id and recovers its signer; raises BadSignature."""


class OrderRefused(Exception):
    """The order was not accepted; the text is the venue's."""


class OrderDesk:
    """Handles clients' authenticated requests, and what the exchange does with orders by itself.

    It shares its ledger with the engines of the listed windows, and passes frames for subscribers
    to ``send``.
    """

    def __init__(
        self,
        *,
        seed: int,
        ledger: Ledger,
        catalogue: Catalogue,
        faults: OrderFaults,
        prove: Prove,
        send: Callable[[Iterable[Frame]], None],
    ) -> None:
        self._ledger = ledger
        self._catalogue = catalogue
        self._faults = faults
        self._prove = prove
        self._send = send
        self._user_events = UserEvents(seed, faults)
        self._watched: set[str] = set()
        self._now_ms = 0
        self.books = Bookkeeper(seed, ledger, faults, self._user_events)

    def place(self, api_key: ApiKey, posted: PostedOrder, now_ms: int) -> Placement:
        """Place one order.

        Raises:
            OrderRefused: the order is not accepted.
        """
        self._now_ms = now_ms
        proof = self._check(api_key, posted)
        market = _trading(self._catalogue.with_token(posted.order.token_id))
        if market is None:
            raise OrderRefused(MARKET_NOT_READY)
        terms = self._read(api_key, posted, proof, market)
        self._check_lag(terms, market, now_ms)
        events = self._submit(terms, self._record(api_key, posted, terms, market), market)
        return self._placement(terms, events)

    def cancel(self, wallet: str, order_ids: Sequence[str], now_ms: int) -> Cancellation:
        """Cancel what rests of these orders."""
        self._now_ms = now_ms
        canceled, refused = [], []
        for order_id in dict.fromkeys(order_ids):
            order = self.books.orders.get(order_id)
            is_own = order is not None and order.party.wallet == wallet
            reason = self._cancel_one(order, CANCELED) if order and is_own else CANCEL_TOO_LATE
            if reason:
                refused.append((order_id, reason))
            else:
                canceled.append(order_id)
        self._send(self._user_events.release(now_ms))
        return Cancellation(tuple(canceled), tuple(refused))

    def cancel_matching(
        self,
        wallet: str,
        now_ms: int,
        *,
        market: str = "",
        token: str = "",  # a market's token, not a secret
        api_key: str = "",
    ) -> Cancellation:
        """Cancel what rests of a wallet's orders; an empty text matches any."""
        order_ids = [
            order.order_id
            for order in self.books.orders_of(wallet)
            if order.is_open
            and market in ("", order.window.condition_id)
            and token in ("", order.token)
            and api_key in ("", order.party.api_key)
        ]
        return self.cancel(wallet, order_ids, now_ms)

    def cancel_by_venue(self, now_ms: int, reason: str = CANCELED_NOT_ENOUGH_BALANCE) -> int:
        """Cancel all resting orders of all wallets; return their number."""
        self._now_ms = now_ms
        resting = [
            order
            for order in self.books.orders.values()
            if order.status is ExchangeOrderStatus.LIVE
        ]
        count = sum(1 for order in resting if not self._cancel_one(order, reason))
        self._send(self._user_events.release(now_ms))
        return count

    def replay(self, count: int, now_ms: int) -> None:
        """Send the last events of the user channel again."""
        self._user_events.replay(count, now_ms)

    def advance(self, now_ms: int) -> None:
        """Advance time: settle trades, send due events."""
        self._now_ms = now_ms
        for order in self.books.take_to_cut_short():
            self._cancel_one(order, CANCELED)
        self.books.advance(now_ms)
        self._send(self._user_events.release(now_ms))

    # internals

    def _check(self, api_key: ApiKey, posted: PostedOrder) -> Proof:
        """Check who posts and who signed; the order of the venue's own checks is unknown."""
        order = posted.order
        if posted.owner != api_key.key:
            raise OrderRefused(WRONG_OWNER)
        if order.signer.lower() != api_key.wallet:
            raise OrderRefused(WRONG_SIGNER)
        if order.signature_type != EXTERNALLY_OWNED or order.maker.lower() != api_key.wallet:
            raise OrderRefused(INVALID_SIGNATURE)
        try:
            proof = self._prove(order)
        except BadSignature:
            raise OrderRefused(INVALID_SIGNATURE) from None
        if proof.signer != api_key.wallet:
            raise OrderRefused(INVALID_SIGNATURE)
        return proof

    def _read(
        self, api_key: ApiKey, posted: PostedOrder, proof: Proof, market: ListedWindow
    ) -> NewOrder:
        is_up = posted.order.token_id == market.window.up_token
        place = OrderPlace(
            outcome=Outcome.UP if is_up else Outcome.DOWN,
            tick_size_ticks=market.engine.rules.tick_size_ticks,
        )
        try:
            terms = new_order(posted, proof.order_id, api_key.wallet, place)
        except TermsRefused as refused:
            raise OrderRefused(str(refused)) from None
        if terms.order_id in self.books.orders:
            raise OrderRefused(duplicate_refusal(terms))
        return terms

    def _check_lag(self, terms: NewOrder, market: ListedWindow, now_ms: int) -> None:
        """Refuse to sell shares bought so recently that the exchange does not report them yet."""
        if terms.is_buy:
            return
        market_id = market.window.condition_id
        lagging = self.books.lagging_units(terms.owner, market_id, terms.outcome, now_ms)
        free = self._ledger.free_shares_units(terms.owner, market_id, terms.outcome) - lagging
        if lagging and terms.size_units > free:
            raise OrderRefused(funds_refusal(max(0, free), terms.size_units))

    def _record(
        self, api_key: ApiKey, posted: PostedOrder, terms: NewOrder, market: ListedWindow
    ) -> OrderRecord:
        return OrderRecord(
            terms=terms,
            party=Party(api_key.key, api_key.wallet, posted.order.maker),
            window=market.window,
            token=posted.order.token_id,
            expiration=posted.order.expiration,
            created_at_ms=self._now_ms,
            visible_from_ms=self._now_ms,
        )

    def _submit(
        self, terms: NewOrder, record: OrderRecord, market: ListedWindow
    ) -> list[EngineEvent]:
        self._watch(market)
        self._ledger.open_account(terms.owner)
        self.books.enter(record)
        is_slow = self._faults.strikes(FaultKind.LONG_DELAY, terms.order_id)
        delay_ms = self._faults.lasts_ms(FaultKind.LONG_DELAY) if is_slow else None
        events = market.engine.submit(terms, self._now_ms, delay_ms)
        refusals = [one for one in events if isinstance(one, Refused)]
        if refusals:
            self.books.strike_out(record)
        self._send(market.publish(events, self._now_ms))
        self._send(self._user_events.release(self._now_ms))
        if refusals:
            raise OrderRefused(refusals[0].reason)
        if self._faults.strikes(FaultKind.HIDDEN_ORDER, terms.order_id):
            record.visible_from_ms += self._faults.lasts_ms(FaultKind.HIDDEN_ORDER)
        return events

    def _watch(self, market: ListedWindow) -> None:
        if market.window.condition_id not in self._watched:
            self._watched.add(market.window.condition_id)
            market.watchers.append(partial(self.books.take, market))

    def _placement(self, terms: NewOrder, events: Sequence[EngineEvent]) -> Placement:
        own = [
            event
            for event in events
            if isinstance(event, Traded) and event.taker_order_id == terms.order_id
        ]
        is_delayed = any(
            isinstance(event, Delayed) and event.order_id == terms.order_id for event in events
        )
        status = "matched" if own else "delayed" if is_delayed else "live"
        if self._faults.strikes(FaultKind.UNMATCHED, terms.order_id):
            status = "unmatched"
        order = self.books.orders[terms.order_id]
        return Placement(
            order_id=terms.order_id,
            status=status,
            is_buy=terms.is_buy,
            money_nanos=sum(trade.price_ticks * trade.size_units for trade in own),
            size_units=sum(trade.size_units for trade in own),
            trade_ids=tuple(order.trade_ids) if own else (),
        )

    def _cancel_one(self, order: OrderRecord, reason: str) -> str:
        """Cancel an order; return why not, or nothing if it is done."""
        market = _trading(self._catalogue.with_condition(order.window.condition_id))
        if market is None:
            return CANCEL_TOO_LATE
        events = market.engine.cancel(order.order_id, reason, self._now_ms)
        self._send(market.publish(events, self._now_ms))
        for event in events:
            if isinstance(event, CancelRefused) and event.order_id == order.order_id:
                return event.reason
        return ""


def _trading(market: MarketView | None) -> ListedWindow | None:
    """Return a market that takes orders: one with an engine; recorded and ended ones have none."""
    return market if isinstance(market, ListedWindow) else None
