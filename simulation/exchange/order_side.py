"""The order side of the simulated exchange: the local exchange's own order service, for one wallet.

Its records are the truth with which a run's records are compared.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Any

from actors.execution.real.messages import OrderSigned, SignOrder
from actors.model import FillDetail
from actors.runtime.scheduler import Scheduler
from audit.exchange_books import ExchangeBooks, exchange_books
from simulation.exchange.mishaps import Mishaps
from simulation.exchange.order_rates import LiveFaultRates
from simulation.exchange.signing import WALLET, prove, sign
from simulation.exchange.window import SimulatedWindow
from venue.channels.user import UserSession
from venue.engine import Ledger
from venue.faults import FaultFile
from venue.frames import Frame
from venue.ordering.admission import EntryMode
from venue.ordering.keys import ApiKey
from venue.ordering.reads import END_CURSOR
from venue.ordering.records import OrderRecord, TradeRecord
from venue.ordering.service import OrderService, Surface
from venue.ordering.settlement import TradeStatus
from venue.world import Catalogue

DEPOSIT_NANOS = 5_000 * 10**9
_TICK_MS = 100
_SLIP_TICKS = 60
_MS_PER_S = 1_000


class OrderSide:
    """Accepts orders of the simulation's only wallet, and remembers all that was signed for it."""

    def __init__(
        self,
        scheduler: Scheduler,
        catalogue: Catalogue,
        ledger: Ledger,
        send: Callable[[Iterable[Frame]], None],
        rates: LiveFaultRates,
        seed: int,
    ) -> None:
        self._scheduler = scheduler
        self._send = send
        self._sessions: list[UserSession] = []
        self._signed_count = 0
        self.ledger = ledger
        self.service = service = OrderService(
            seed=seed,
            catalogue=catalogue,
            ledger=ledger,
            surface=Surface(
                now_ms=lambda: scheduler.now_ms,
                wall_ms=lambda: scheduler.now_ms,
                send=send,
                inject=lambda *_: None,  # connections break at the other end
            ),
            wallets={WALLET: DEPOSIT_NANOS},
            fault_file=FaultFile(chances=rates.of_orders()),
            prove=prove,
        )
        self.desk, self.entry, self.reads = service.desk, service.entry, service.reads
        self.mishaps = Mishaps(rates, service.faults, Random(f"{seed}/mishaps"))
        self.api_key: ApiKey = service.keys.create(WALLET, 0)
        self.signatures: dict[str, list[str]] = defaultdict(list)
        """Venue order ids of all signatures, by order id."""
        self.signed_for: dict[str, str] = {}
        """Order ids, by venue order id."""
        self.on_their_way: Counter[str] = Counter()
        """Number of posted copies that have not arrived yet, by order id."""

    def begin(self) -> None:
        """Start the passing of time."""
        self._scheduler.after(_TICK_MS, self.begin)
        now_ms = self.now_ms
        for window in self.service.catalogue:
            if isinstance(window, SimulatedWindow):
                due_ms = window.engine.next_due_ms
                if due_ms is not None and due_ms <= now_ms:
                    self._send(window.publish(window.engine.advance(now_ms), now_ms))
        self.service.advance()

    def misbehaviours(self) -> dict[str, Callable[[], None]]:
        """Return the faults that the exchange causes by itself, by kind."""
        desk, entry, mishaps = self.desk, self.entry, self.mishaps
        return {
            "silences": self._fall_silent,
            "replay": lambda: desk.replay(mishaps.replayed_count(), self.now_ms),
            "cancel_by_venue": self._cancel_by_venue,
            "restart": lambda: mishaps.restart(entry, self.now_ms),
            "restrictions": lambda: mishaps.restrict(entry, self.now_ms),
        }

    def heal(self) -> None:
        """Accept all orders and stop all faults."""
        self.entry.restrict(EntryMode.OPEN, self.now_ms, for_ms=0)
        self.mishaps.heal()

    @property
    def now_ms(self) -> int:
        """Venue time."""
        return self._scheduler.now_ms

    def slip(self, token: str, *, is_buy: bool) -> None:
        """Move the fair value so that an order for this token is too late, and rests."""
        market = self.service.catalogue.with_token(token)
        if isinstance(market, SimulatedWindow) and not market.is_resolved:
            is_up_wanted = (token == market.window.up_token) is is_buy
            by_ticks = _SLIP_TICKS if is_up_wanted else -_SLIP_TICKS
            self._send(market.move(by_ticks, self.now_ms))

    # Other requests of clients

    def sign(self, command: SignOrder, signer_ms: int) -> OrderSigned:
        """Sign an order; each signature makes a different order."""
        self._signed_count += 1
        signed = sign(command, self.api_key.key, self._signed_count, signer_ms)
        self.signatures[command.order_id].append(signed.venue_order_id)
        self.signed_for[signed.venue_order_id] = command.order_id
        return signed

    def new_session(self) -> UserSession:
        """Open a connection of the user channel."""
        session = self.service.new_session()
        self._sessions.append(session)
        return session

    def rows(self, read: Callable[..., dict[str, Any]], market_id: str) -> list[Any]:
        """Return all pages of a market's open orders or trades."""
        rows: list[Any] = []
        cursor = "0"
        while cursor != END_CURSOR:
            page = read(WALLET, {"market": market_id, "next_cursor": cursor}, self.now_ms)
            rows += page["data"]
            cursor = page["next_cursor"]
        return rows

    # The exchange's records

    def books(self) -> ExchangeBooks:
        """Return the exchange's books of the wallet, checked."""
        return exchange_books(self.service.reports.of([WALLET], self.now_ms), WALLET)

    @property
    def records(self) -> Sequence[OrderRecord]:
        """Every order that was ever accepted, oldest first."""
        return self.desk.books.orders_of(WALLET)

    def records_of(self, order_id: str) -> list[OrderRecord]:
        """Return the exchange's records for one order id; more than one is an error."""
        orders = self.desk.books.orders
        return [orders[each] for each in self.signatures.get(order_id, ()) if each in orders]

    def fills_of(self, order_id: str) -> dict[str, FillDetail]:
        """Return an order's trades by trade id, including failed ones."""
        return {
            trade_id: _fill_of(self.desk.books.trades[trade_id], record.order_id)
            for record in self.records_of(order_id)
            for trade_id in record.trade_ids
        }

    def failed_of(self, order_id: str) -> frozenset[str]:
        """Return the trade ids of failed trades."""
        trades = self.desk.books.trades
        return frozenset(
            trade_id
            for record in self.records_of(order_id)
            for trade_id in record.trade_ids
            if trades[trade_id].status is TradeStatus.FAILED
        )

    def _fall_silent(self) -> None:
        """Drop the subscriptions of the user channel without telling its clients."""
        for session in self._sessions:
            session.keys.clear()
        self._sessions.clear()

    def _cancel_by_venue(self) -> None:
        self.desk.cancel_by_venue(self.now_ms)


def _fill_of(trade: TradeRecord, venue_order_id: str) -> FillDetail:
    """Return an order's part of a trade as its owner is told; its time is in whole seconds."""
    part = next(each for each in trade.parts if each.order_id == venue_order_id)
    return FillDetail(
        trade_id=trade.trade_id,
        price_ticks=part.price_ticks,
        size_units=part.size_units,
        fee_nanos=part.fee_nanos,
        is_maker=part.is_maker,
        timestamp_ms=trade.traded.traded_at_ms // _MS_PER_S * _MS_PER_S,
    )
