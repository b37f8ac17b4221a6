"""The order side of the simulated exchange: the venue's own desk, books and reads, for one wallet.

What it knows is the truth that a run's records are held against.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
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
from venue.frames import Frame
from venue.order_faults import OrderFaults
from venue.ordering.desk import OrderDesk
from venue.ordering.entry import EntryMode, OrderEntry
from venue.ordering.heartbeats import Heartbeats
from venue.ordering.keys import ApiKey, KeyRing
from venue.ordering.reads import END_CURSOR, AccountReads
from venue.ordering.records import OrderRecord, TradeRecord
from venue.ordering.reports import WalletReports
from venue.ordering.settlement import TradeStatus
from venue.ordering.wallets import Wallets

DEPOSIT_NANOS = 5_000 * 10**9
_TICK_MS = 100
_SLIP_TICKS = 60
_MS_PER_S = 1_000


class OrderSide:
    """Takes orders of the simulation's one wallet, and remembers all that was signed for it."""

    def __init__(
        self,
        scheduler: Scheduler,
        windows: Mapping[tuple[str, int], SimulatedWindow],
        ledger: Ledger,
        send: Callable[[Iterable[Frame]], None],
        rates: LiveFaultRates,
        seed: int,
    ) -> None:
        self._scheduler = scheduler
        self._windows = windows
        self._send = send
        self._keys = KeyRing(seed)
        self._sessions: list[UserSession] = []
        self._signed_count = 0
        faults = OrderFaults(seed, rates.of_orders())
        self.ledger = ledger
        self.mishaps = Mishaps(rates, faults, Random(f"{seed}/mishaps"))
        self.api_key: ApiKey = self._keys.create(WALLET, 0)
        self.entry = OrderEntry()
        self.heartbeats = Heartbeats(seed)
        self.wallets = Wallets(ledger)
        self.desk = OrderDesk(
            seed=seed, ledger=ledger, markets=self, faults=faults, prove=prove, send=send
        )
        self.reads = AccountReads(seed, self.desk.books, ledger)
        self._reports = WalletReports(self.desk.books, ledger)
        self.signatures: dict[str, list[str]] = defaultdict(list)
        """The venue's ids of all that was signed, by our order id."""
        self.signed_for: dict[str, str] = {}
        """Our order id, by the venue's."""
        self.on_their_way: Counter[str] = Counter()
        """Posted copies that have not arrived yet, by our order id."""
        self.wallets.deposit(WALLET, DEPOSIT_NANOS)

    def begin(self) -> None:
        """Let time pass, from now on."""
        self._scheduler.after(_TICK_MS, self.begin)
        now_ms = self.now_ms
        for window in self._windows.values():
            due_ms = window.engine.next_due_ms
            if due_ms is not None and due_ms <= now_ms:
                self._send(window.publish(window.engine.advance(now_ms), now_ms))
        if self.heartbeats.expired(now_ms):
            self.desk.cancel_matching(WALLET, now_ms)
        self.desk.advance(now_ms)

    def misbehaviours(self) -> dict[str, Callable[[], None]]:
        """What the exchange does by itself now and then, by the kind of fault."""
        desk, entry, mishaps = self.desk, self.entry, self.mishaps
        return {
            "silences": self._fall_silent,
            "replays": lambda: desk.replay(mishaps.replayed_count(), self.now_ms),
            "venue_cancels": self._cancel_by_venue,
            "engine_restarts": lambda: mishaps.restart(entry, self.now_ms),
            "restrictions": lambda: mishaps.restrict(entry, self.now_ms),
        }

    def heal(self) -> None:
        """From now on take all orders, and let nothing go wrong."""
        self.entry.restrict(EntryMode.OPEN, self.now_ms, for_ms=0)
        self.mishaps.heal()

    @property
    def now_ms(self) -> int:
        """Venue time."""
        return self._scheduler.now_ms

    # Markets, as the desk finds them

    def with_token(self, token: str) -> SimulatedWindow | None:
        """The market that a token is an outcome of."""
        return next((each for each in self._windows.values() if token in each.window.tokens), None)

    def with_condition(self, condition_id: str) -> SimulatedWindow | None:
        """The market of a condition id."""
        markets = self._windows.values()
        return next((each for each in markets if each.window.condition_id == condition_id), None)

    def slip(self, token: str, *, is_buy: bool) -> None:
        """Let opinion move so that an order for this token is too late for its price, and rests."""
        market = self.with_token(token)
        if market is not None and not market.is_resolved:
            is_up_wanted = (token == market.window.up_token) is is_buy
            by_ticks = _SLIP_TICKS if is_up_wanted else -_SLIP_TICKS
            self._send(market.move(by_ticks, self.now_ms))

    # What clients do besides

    def sign(self, command: SignOrder, signer_ms: int) -> OrderSigned:
        """Sign an order; each signature makes another order."""
        self._signed_count += 1
        signed = sign(command, self.api_key.key, self._signed_count, signer_ms)
        self.signatures[command.order_id].append(signed.venue_order_id)
        self.signed_for[signed.venue_order_id] = command.order_id
        return signed

    def new_session(self) -> UserSession:
        """Begin a connection of the user channel."""
        session = UserSession(self._find_wallet)
        self._sessions.append(session)
        return session

    def rows(self, read: Callable[..., dict[str, Any]], market_id: str) -> list[Any]:
        """All pages of a market's open orders or trades."""
        rows: list[Any] = []
        cursor = "0"
        while cursor != END_CURSOR:
            page = read(WALLET, {"market": market_id, "next_cursor": cursor}, self.now_ms)
            rows += page["data"]
            cursor = page["next_cursor"]
        return rows

    # The truth

    def books(self) -> ExchangeBooks:
        """The exchange's books of the wallet, checked."""
        return exchange_books(self._reports.of([WALLET], self.now_ms), WALLET)

    @property
    def records(self) -> Sequence[OrderRecord]:
        """Every order that was ever taken, oldest first."""
        return self.desk.books.orders_of(WALLET)

    def records_of(self, order_id: str) -> list[OrderRecord]:
        """What the exchange has taken for one of our orders; more than one is one too many."""
        orders = self.desk.books.orders
        return [orders[each] for each in self.signatures.get(order_id, ()) if each in orders]

    def fills_of(self, order_id: str) -> dict[str, FillDetail]:
        """What an order traded, by trade id; failed trades too."""
        return {
            trade_id: _fill_of(self.desk.books.trades[trade_id], record.order_id)
            for record in self.records_of(order_id)
            for trade_id in record.trade_ids
        }

    def failed_of(self, order_id: str) -> frozenset[str]:
        """Trade ids of what was taken back."""
        trades = self.desk.books.trades
        return frozenset(
            trade_id
            for record in self.records_of(order_id)
            for trade_id in record.trade_ids
            if trades[trade_id].status is TradeStatus.FAILED
        )

    def _fall_silent(self) -> None:
        """Forget what the user channel's clients wanted to hear; they are not told."""
        for session in self._sessions:
            session.keys.clear()
        self._sessions.clear()

    def _cancel_by_venue(self) -> None:
        self.desk.cancel_by_venue(self.now_ms)

    def _find_wallet(self, key: str, secret: str, passphrase: str) -> str | None:
        api_key = self._keys.with_credentials(key, secret, passphrase)
        return None if api_key is None else api_key.wallet


def _fill_of(trade: TradeRecord, venue_order_id: str) -> FillDetail:
    """What a trade did to one of its orders, as its owner is told; its time in whole seconds."""
    traded_at_ms = trade.traded.traded_at_ms // _MS_PER_S * _MS_PER_S
    if trade.taker_order_id == venue_order_id:
        return FillDetail(
            trade_id=trade.trade_id,
            price_ticks=trade.traded.price_ticks,
            size_units=trade.traded.size_units,
            fee_nanos=trade.traded.fee_nanos,
            is_maker=False,
            timestamp_ms=traded_at_ms,
        )
    maker = next(each for each in trade.makers if each.order_id == venue_order_id)
    return FillDetail(
        trade_id=trade.trade_id,
        price_ticks=maker.price_ticks,
        size_units=maker.size_units,
        fee_nanos=0,
        is_maker=True,
        timestamp_ms=traded_at_ms,
    )
