"""Records what the engine does with clients' orders, sends the events, and settles their trades."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterator, Sequence
from random import Random

from actors.core import require
from actors.units import UNITS_PER_SHARE
from venue.engine import Ledger
from venue.engine.messages import (
    Delayed,
    EngineEvent,
    ExchangeOrderStatus,
    MakerFill,
    Outcome,
    Removed,
    Rested,
    Traded,
)
from venue.faults import FaultKind, OrderFaults
from venue.ordering.ids import address_text, hash_text, uuid_text
from venue.ordering.records import Flaw, OrderRecord, PartRecord, Party, TradeRecord
from venue.ordering.rows import CANCELLATION, PLACEMENT, UPDATE, order_event_text, trade_event_text
from venue.ordering.settlement import (
    Fate,
    TradeStatus,
    counterpart,
    keep_aside,
    resized,
    settlement_of,
    size_in,
    take_back,
)
from venue.ordering.user_events import UserEvents, user_keys
from venue.simulation.listed_window import ListedWindow
from venue.windows import Window

_FAILURES = {
    FaultKind.GHOST_FILL: Fate.FAILED,
    FaultKind.LATE_FAILURE: Fate.FAILED_LATE,
}
_ROUNDINGS = {FaultKind.SHORT_MATCH: -1, FaultKind.EXCESS_FILL: 1}
_ROUNDING_PPM = (20, 10_500)
"""How far the last trade of an order may miss the ordered size, in millionths of it: as much as
users reported (99.997714 of 100, 5.051019 of 5). For a large order it is at most a hundredth of
a share plus a hundredth of the order, where rounding ends (docs/decisions/excess.md)."""
_SETTLED_BEFORE_MS = 1_000
"""A trade that is going to fail has failed this long before its market pays out."""


class Bookkeeper:
    """All orders and trades of all clients, for as long as the exchange runs."""

    def __init__(
        self, seed: int, ledger: Ledger, faults: OrderFaults, user_events: UserEvents
    ) -> None:
        self.orders: dict[str, OrderRecord] = {}
        self.trades: dict[str, TradeRecord] = {}
        self._seed = seed
        self._ledger = ledger
        self._faults = faults
        self._user_events = user_events
        self._orders_of: dict[str, list[OrderRecord]] = defaultdict(list)
        self._trades_of: dict[str, list[TradeRecord]] = defaultdict(list)
        self._settling: list[tuple[int, int, TradeRecord]] = []
        self._step_count = 0
        self._to_cut_short: list[OrderRecord] = []
        self._lagging: dict[tuple[str, str, Outcome], list[tuple[int, int]]] = defaultdict(list)

    # queries

    def orders_of(self, wallet: str) -> Sequence[OrderRecord]:
        """A wallet's orders, oldest first."""
        return self._orders_of.get(wallet, ())

    def trades_of(self, wallet: str) -> Sequence[TradeRecord]:
        """A wallet's trades, oldest first."""
        return self._trades_of.get(wallet, ())

    def is_visible(self, trade: TradeRecord, now_ms: int) -> bool:
        """Whether reads show a trade: not while one of its orders is hidden."""
        own = (self.orders.get(part.order_id) for part in trade.parts)
        return all(order.visible_from_ms <= now_ms for order in own if order is not None)

    def lagging_units(self, wallet: str, market_id: str, outcome: Outcome, now_ms: int) -> int:
        """Shares that were bought but that the exchange does not report yet."""
        lots = self._lagging.get((wallet, market_id, outcome), [])
        return sum(units for units, until_ms in lots if now_ms < until_ms)

    def refresh_shares(self, wallet: str) -> None:
        """Report all shares of a wallet from now on."""
        for key in [key for key in self._lagging if key[0] == wallet]:
            del self._lagging[key]

    # updates

    def enter(self, order: OrderRecord) -> None:
        """Record an order that is about to reach the engine."""
        require(order.order_id not in self.orders, f"order {order.order_id} is entered twice")
        self.orders[order.order_id] = order
        self._orders_of[order.party.wallet].append(order)

    def strike_out(self, order: OrderRecord) -> None:
        """Forget an order that the engine refused."""
        del self.orders[order.order_id]
        self._orders_of[order.party.wallet].remove(order)

    def take(self, market: ListedWindow, events: Sequence[EngineEvent], now_ms: int) -> None:
        """Apply the events of a market's engine."""
        trades_of_taker: dict[str, int] = defaultdict(int)
        for event in events:
            if isinstance(event, Traded):
                self._take_trade(market, event, trades_of_taker[event.taker_order_id], now_ms)
                trades_of_taker[event.taker_order_id] += 1
            elif isinstance(event, Rested | Delayed | Removed) and event.order_id in self.orders:
                order = self.orders[event.order_id]
                self._copy_status(market, order)
                kind = PLACEMENT
                if isinstance(event, Removed):
                    kind = UPDATE if order.ends_short else CANCELLATION
                # A delayed order may have moved on within the same call; report it as it was then.
                status = "DELAYED" if isinstance(event, Delayed) else order.status_text
                self._emit_order_event(order, kind, status, now_ms)

    def take_to_cut_short(self) -> list[OrderRecord]:
        """Take out the orders whose rest is to be cancelled although nobody asked for it."""
        orders, self._to_cut_short = self._to_cut_short, []
        return orders

    def advance(self, now_ms: int) -> None:
        """Settle the trades that are due."""
        while self._settling and self._settling[0][0] <= now_ms:
            trade = heapq.heappop(self._settling)[2]
            step = trade.steps.pop(0)
            trade.status = step.status
            trade.updated_at_ms = step.at_ms
            if step.status is TradeStatus.MINED:
                trade.transaction_hash = hash_text("transaction", trade.trade_id)
            if step.status is TradeStatus.FAILED:
                take_back(self._ledger, trade.window.condition_id, trade.traded)
                trade.is_kept_aside = False
            self._emit_trade_events(trade, now_ms)
            self._schedule(trade)

    # internals

    def _take_trade(
        self, market: ListedWindow, traded: Traded, bucket_index: int, now_ms: int
    ) -> None:
        order_ids = {traded.taker_order_id, *(fill.order_id for fill in traded.maker_fills)}
        if order_ids.isdisjoint(self.orders):
            return
        traded = self._rounded(market, traded)
        trade = self._record(market.window, traded, bucket_index, now_ms)
        for wallet in trade.parties():
            if self._is_client(wallet):
                self._trades_of[wallet].append(trade)
        for part in trade.parts:
            self._fill(market, part, trade.trade_id, now_ms)
        self._emit_trade_events(trade, now_ms)
        self._let_shares_lag(trade, now_ms)

    def _rounded(self, market: ListedWindow, traded: Traded) -> Traded:
        """Make a trade that completes a client's order slightly too large or too small."""
        for order_id in (traded.taker_order_id, *(fill.order_id for fill in traded.maker_fills)):
            order, snapshot = self.orders.get(order_id), market.engine.order(order_id)
            if order is None or snapshot is None:
                continue
            is_last = order.filled_units + size_in(traded, order_id) == snapshot.filled_units
            is_whole = is_last and snapshot.status is ExchangeOrderStatus.MATCHED
            if not is_whole or counterpart(self._ledger, traded, order_id) is None:
                continue
            for kind, sign in _ROUNDINGS.items():
                if self._faults.strikes(kind, order_id):
                    dice = Random(f"{self._seed}/rounding/{order_id}")
                    filled_units, ppm = snapshot.filled_units, dice.randint(*_ROUNDING_PPM)
                    most_units = (UNITS_PER_SHARE + filled_units) // 100
                    units = max(1, min(filled_units * ppm // 10**6, most_units))
                    rules = market.engine.rules
                    rounded = resized(self._ledger, rules, traded, order_id, sign * units)
                    order.rounded_units = 0 if rounded is None else sign * units
                    return rounded or traded
        return traded

    def _record(
        self, window: Window, traded: Traded, bucket_index: int, now_ms: int
    ) -> TradeRecord:
        trade_id = uuid_text("trade", self._seed, window.condition_id, traded.trade_id)
        trade = TradeRecord(
            trade_id=trade_id,
            traded=traded,
            parts=tuple(self._parts(window, traded)),
            window=window,
            bucket_index=bucket_index,
            updated_at_ms=now_ms,
        )
        if self._faults.strikes(FaultKind.UNREADABLE_PART, trade_id):
            trade.stranger = Random(f"{self._seed}/stranger/{trade_id}").choice(tuple(Flaw))
        trade.is_repeated = self._faults.strikes(FaultKind.REPEATED_ROW, trade_id)
        self.trades[trade_id] = trade
        latest_ms = window.resolves_at_ms - _SETTLED_BEFORE_MS
        fate = self._draw_fate(trade, latest_ms, now_ms)
        trade.steps = list(settlement_of(self._seed, trade_id, now_ms, fate, latest_ms))
        self._schedule(trade)
        return trade

    def _draw_fate(self, trade: TradeRecord, latest_ms: int, now_ms: int) -> Fate:
        for kind, fate in _FAILURES.items():
            if now_ms < latest_ms and self._faults.strikes(kind, trade.trade_id):
                market_id = trade.window.condition_id
                trade.is_kept_aside = keep_aside(self._ledger, market_id, trade.traded)
                if trade.is_kept_aside:
                    return fate
        if self._faults.strikes(FaultKind.RETRIED_TRADE, trade.trade_id):
            return Fate.RETRIED
        return Fate.SOUND

    def _schedule(self, trade: TradeRecord) -> None:
        if trade.steps:
            self._step_count += 1
            heapq.heappush(self._settling, (trade.steps[0].at_ms, self._step_count, trade))

    def _fill(self, market: ListedWindow, part: PartRecord, trade_id: str, now_ms: int) -> None:
        order = self.orders.get(part.order_id)
        if order is None:
            return
        order.filled_units += part.size_units
        order.trade_ids.append(trade_id)
        self._copy_status(market, order)
        snapshot = market.engine.order(order.order_id)
        matched_units = order.filled_units - order.rounded_units
        is_last = snapshot is not None and snapshot.filled_units == matched_units
        is_whole = is_last and order.status is ExchangeOrderStatus.MATCHED
        is_cut = not (is_whole or order.ends_short)
        if is_cut and self._faults.strikes(FaultKind.SHORT_MATCH, order.order_id):
            order.ends_short = True
            self._to_cut_short.append(order)
        self._emit_order_event(order, UPDATE, "MATCHED" if is_whole else "LIVE", now_ms)

    def _copy_status(self, market: ListedWindow, order: OrderRecord) -> None:
        snapshot = market.engine.order(order.order_id)
        require(snapshot is not None, f"the engine does not know order {order.order_id}")
        if snapshot is not None:
            order.status, order.end_reason = snapshot.status, snapshot.end_reason
            if order.ends_short and snapshot.status is ExchangeOrderStatus.CANCELED:
                order.status, order.end_reason = ExchangeOrderStatus.MATCHED, ""

    def _let_shares_lag(self, trade: TradeRecord, now_ms: int) -> None:
        for part in trade.parts:
            wallet = part.party.wallet
            if not (part.is_buy and self._is_client(wallet)):
                continue
            if self._faults.strikes(FaultKind.SHARE_LAG, f"{trade.trade_id}/{wallet}"):
                until_ms = now_ms + self._faults.lasts_ms(FaultKind.SHARE_LAG)
                key = (wallet, trade.window.condition_id, part.outcome)
                self._lagging[key].append((part.size_units, until_ms))

    def _emit_order_event(self, order: OrderRecord, kind: str, status: str, now_ms: int) -> None:
        keys = user_keys(order.party.wallet, order.window.condition_id)
        text = order_event_text(order, kind, status, now_ms)
        self._user_events.put(keys, order.order_id, text, now_ms)

    def _emit_trade_events(self, trade: TradeRecord, now_ms: int) -> None:
        for wallet, party in trade.parties().items():
            if self._is_client(wallet):
                keys = user_keys(wallet, trade.window.condition_id)
                text = trade_event_text(trade, party, trade.status, now_ms)
                self._user_events.put(keys, f"{trade.trade_id}/{wallet}", text, now_ms)

    def _parts(self, window: Window, traded: Traded) -> Iterator[PartRecord]:
        def part(order_id: str, owner: str, match: Traded | MakerFill) -> PartRecord:
            return PartRecord(
                order_id=order_id if order_id in self.orders else hash_text("order", order_id),
                party=self._party(order_id, owner),
                token=window.up_token if match.outcome is Outcome.UP else window.down_token,
                outcome=match.outcome,
                is_buy=match.is_buy,
                price_ticks=match.price_ticks,
                size_units=match.size_units,
                fee_nanos=match.fee_nanos if isinstance(match, Traded) else 0,
                is_maker=isinstance(match, MakerFill),
            )

        yield part(traded.taker_order_id, traded.taker_owner, traded)
        yield from (part(fill.order_id, fill.owner, fill) for fill in traded.maker_fills)

    def _party(self, order_id: str, owner: str) -> Party:
        """Describe who is behind an order; simulated traders get names shaped like real ones."""
        order = self.orders.get(order_id)
        if order is not None:
            return order.party
        return Party(uuid_text("api key", owner), owner, address_text("wallet", owner))

    def _is_client(self, wallet: str) -> bool:
        return wallet in self._orders_of
