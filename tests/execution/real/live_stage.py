"""The real executor with the venue's own client against a local exchange, and who it talks to.

Orders and the ledger are the real ones, in this process; their mail arrives at once. The desk's
part (let an order go that has ended) is played by the stage. Any of them can be killed and made
again from what was recorded. Venue time runs faster than life.
"""

from __future__ import annotations

import json
import select
import time
from collections import deque
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar
from urllib.parse import urlsplit

import attrs
import httpx
from host_bench import Falls, HostBench
from nouns import a_market
from order_builders import intent
from thread_server import LIMIT_S, ThreadServer

from actors.core import Command, Core, Effect, Log
from actors.execution.order import OrderCore
from actors.execution.order_state import is_booked
from actors.execution.real.core import RealExecutorCore
from actors.execution.real.live_order import LiveOrder
from actors.execution.real.port import VenuePort
from actors.messages.directory import MarketOpened
from actors.messages.execution import OrderDone, OrderState, OrderUpdated, SubmitOrder
from actors.messages.lifecycle import PeerRestarted, TimerFired
from actors.model import Market, Side
from actors.position.core import PositionCore
from actors.position.ledger import WindowLedger
from actors.roles import DESK, EXECUTOR, POSITION, order_role
from actors.runtime.clock import Clock
from actors.runtime.host import Host
from actors.runtime.port import HostPort
from actors.settings import ExecutionSettings, Settings
from actors.units import NANOS_PER_DOLLAR
from audit.books import books_of
from audit.exchange_books import ExchangeBooks, exchange_books
from audit.reconciliation import reconcile
from audit.verdict import AuditVerdict, judge
from understudy.composition import pointed_at_local_exchange
from understudy.drill.processes import Allowance, wait_for
from venue.options import ExchangeOptions
from venue.server import LocalExchange
from venue.windows import window_start_ms

DEPOSIT_NANOS = 1_000 * NANOS_PER_DOLLAR
SPEED = 8.0
MINUTES = 15
WINDOW_MS = MINUTES * 60_000
LONG_MS = 600_000
"""More than a minute of the host's: an order's time is not over before a busy machine is done."""

T = TypeVar("T")


def address_of(key: str) -> str:
    from eth_account import Account

    return str(Account.from_key(key).address)


class RunningExchange(ThreadServer):
    """A local exchange on a thread of its own.

    It starts so far into a window as it is told, whatever the hour is: so every run sees the same.
    """

    TRADED_INDEX: ClassVar[int] = -1
    """Which of the listed windows is traded: the last, as long before its start all is still."""

    def __init__(self, speed: float = SPEED, seed: int = 4, starts_after_ms: int = 1_000) -> None:
        super().__init__()
        now_ms = time.time_ns() // 1_000_000
        self._options = ExchangeOptions(
            seed=seed,
            minutes=MINUTES,
            speed=speed,
            start_ms=window_start_ms(MINUTES, now_ms) + starts_after_ms,
            rate=20.0,
            has_admin=True,
        )
        self._wallets = 0

    def new_wallet(self) -> str:
        """Give a new wallet $1,000; returns its private key."""
        self._wallets += 1
        key = f"0x{self._wallets:064x}"
        deposit = {
            "wallet": address_of(key),
            "action": "deposit",
            "amount": "1000",
        }
        self.post("/admin/wallets", deposit)
        return key

    async def _serve(self) -> None:
        async with LocalExchange(self._options) as exchange:
            self.http_url, self.ws_url = exchange.http_url, exchange.ws_url
            self.clock = Clock(exchange.clock_spec)
            await self._until_stopped(urlsplit(exchange.http_url).port or 0)

    def get(self, path: str) -> Any:
        return httpx.get(self.http_url + path, timeout=LIMIT_S).raise_for_status().json()

    def post(self, path: str, body: object) -> Any:
        answer = httpx.post(self.http_url + path, json=body, timeout=LIMIT_S)
        return answer.raise_for_status().json()

    def inject(self, **fault: Any) -> None:
        self.post("/admin/faults", fault)

    def wallet(self, key: str) -> dict[str, Any]:
        """The exchange's own books of a wallet."""
        return dict(self.get("/admin/ledger")["wallets"][address_of(key).lower()])

    def market(self, other_than: Market | None = None) -> Market:
        """A window to trade, perhaps another than the last; it is made out to be open long."""
        rows = self.get("/markets/keyset")["markets"]
        if other_than is not None:
            rows = [row for row in rows if row["slug"] != other_than.slug]
        return self._described(rows[self.TRADED_INDEX])

    def closed_market(self) -> Market:
        """A window that is over and has its result; it is made out to be open all the same."""
        rows = wait_for(lambda: self.get("/markets/keyset?closed=true")["markets"], LIMIT_S, 0.02)
        assert rows, "no window ever ends"
        return self._described(rows[0])

    def _described(self, row: dict[str, Any]) -> Market:
        yes_token, no_token = json.loads(row["clobTokenIds"])
        now_ms = self.clock.now_ms()
        return a_market(
            now_ms - 1_000,
            market_id=row["conditionId"],
            slug=row["slug"],
            yes_token=yes_token,
            no_token=no_token,
            closes_at_ms=now_ms + 3_600_000,
        )

    def best(self, token: str) -> tuple[int, int]:
        """(best bid, best ask) in ticks."""
        book = self.get(f"/book?token_id={token}")
        prices = book["bids"][-1]["price"], book["asks"][-1]["price"]
        bid, ask = (round(float(price) * 1000) for price in prices)
        return bid, ask


class StageWatch(Falls):
    """Shows a stage every effect."""

    def __init__(self, stage: LiveStage) -> None:
        super().__init__()
        self._stage = stage

    def performs(self, host: Host, effect: Effect) -> None:
        super().performs(host, effect)
        self._stage.before(host.role, effect)

    def performed(self, host: Host, effect: Effect) -> None:
        self._stage.after(host.role, effect)


class LiveStage:
    """Executor, Orders and ledger; what they record, and what happens to them."""

    CORES: ClassVar[dict[str, type[Core]]] = {
        POSITION: PositionCore,
        EXECUTOR: RealExecutorCore,
    }
    """Who may play a role; all others are Orders."""
    ROLES: ClassVar[tuple[str, ...]] = (POSITION, EXECUTOR)
    """Who is there from the beginning, in the order of their start."""

    def __init__(self, exchange: RunningExchange, **execution: Any) -> None:
        self.exchange = exchange
        values = {"mode": "live", "durability": "full"} | execution
        self.settings = pointed_at_local_exchange(
            Settings(execution=ExecutionSettings(**values)), exchange.http_url, exchange.ws_url
        )
        self.exchange.inject(kind="call_off")
        self.key = exchange.new_wallet()
        self.market = exchange.market()
        self.bench = self._make_bench()
        self.sent: list[tuple[str, object]] = []
        self.commands: list[object] = []
        self.port_events: list[object] = []
        self._mail: deque[tuple[str, object]] = deque()
        self._lives = 0
        self._count = 0

    def __enter__(self) -> LiveStage:
        for role in self.ROLES:
            self.start(role)
        self.run_until(lambda: self.executor.is_serving, "the executor serves")
        return self

    def __exit__(self, *_: object) -> None:
        self.kill(EXECUTOR)

    def _make_bench(self) -> HostBench:
        return HostBench(
            self.settings, self.exchange.clock.now_ms, self._post, watch=StageWatch(self)
        )

    @property
    def rows(self) -> dict[tuple[str, str], tuple[Any, bool]]:
        """What was recorded last of each thing, and whether it is open."""
        return self.bench.rows

    @property
    def events(self) -> list[object]:
        """What was recorded."""
        return self.bench.events

    @property
    def logs(self) -> list[Log]:
        """What was logged."""
        return self.bench.logs

    @property
    def cores(self) -> dict[str, Core]:
        """Who lives."""
        return self.bench.cores

    @property
    def now_ms(self) -> int:
        return self.exchange.clock.now_ms()

    @property
    def executor(self) -> RealExecutorCore:
        core = self.cores[EXECUTOR]
        assert isinstance(core, RealExecutorCore)
        return core

    # Life and death

    def start(self, role: str) -> None:
        self._lives += 1
        core_class = self.CORES.get(role, OrderCore)
        self.bench.start(
            role,
            core_class,
            self._lives,
            make_port=lambda: self._make_port(role),
            stays_without_journal=role == EXECUTOR,
        )
        if role in self.CORES:
            if core_class.accepts(MarketOpened):
                self._mail.append((role, MarketOpened(market=self.market, strike=None)))
            for other in list(self.cores):
                if other != role and type(self.cores[other]).accepts(PeerRestarted):
                    self._mail.append((other, PeerRestarted(role)))

    def kill(self, role: str) -> None:
        """End an actor where it stands."""
        self.bench.end(role)

    def _make_port(self, role: str) -> HostPort | None:
        if role == EXECUTOR:
            return VenuePort(self.settings.venue, None, self.key)
        return None

    def restart(self, role: str) -> None:
        self.kill(role)
        self.start(role)

    # What a test does

    def order(self, side: Side = Side.YES, *, ttl_ms: int = LONG_MS, **changes: Any) -> str:
        """Have an order made, as the desk would; return its id."""
        self._count += 1
        order_id = f"order_{self._count}_{self._count:08x}"
        wanted = intent(
            order_id=order_id,
            market=self.market,
            side=side,
            created_at_ms=self.now_ms,
            expires_at_ms=self.now_ms + ttl_ms,
            **changes,
        )
        self.rows["order", order_id] = (OrderState(intent=wanted), True)
        self._mail.append((EXECUTOR, SubmitOrder(wanted)))
        self.start(order_role(order_id))
        return order_id

    def end_window(self) -> None:
        """Let the system believe that the window is over, and begin another one.

        Orders bring their window with them, so the executor is made again from changed records.
        """
        over = attrs.evolve(self.market, closes_at_ms=self.now_ms)
        for key, (value, is_open) in list(self.rows.items()):
            if isinstance(value, LiveOrder):
                ended = attrs.evolve(value, intent=attrs.evolve(value.intent, market=over))
                self.rows[key] = (ended, is_open)
        self.market = self.exchange.market(other_than=self.market)
        self.restart(EXECUTOR)

    def tell(self, role: str, message: object) -> None:
        """Have a message delivered with the next mail."""
        self._mail.append((role, message))

    def state(self, order_id: str) -> OrderState:
        """What the Order has recorded last."""
        state = self.rows["order", order_id][0]
        assert isinstance(state, OrderState)
        return state

    def live(self, order_id: str) -> LiveOrder:
        """What the executor has recorded last."""
        live = self.rows["live", order_id][0]
        assert isinstance(live, LiveOrder)
        return live

    def commanded(self, kind: type[T]) -> list[T]:
        return [command for command in self.commands if isinstance(command, kind)]

    def heard(self, kind: type[T]) -> list[T]:
        """What the port told the executor, of one kind."""
        return [event for event in self.port_events if isinstance(event, kind)]

    def recorded(self, kind: type[T]) -> list[T]:
        return [event for event in self.events if isinstance(event, kind)]

    def ledger(self) -> WindowLedger:
        ledger = self.rows["position", self.market.market_id][0]
        assert isinstance(ledger, WindowLedger)
        return ledger

    @property
    def books(self) -> dict[str, Any]:
        """The exchange's own books of our wallet."""
        return self.exchange.wallet(self.key)

    def held(self, side: Side) -> int:
        """What the ledger holds."""
        return self.ledger().snapshot().holding(side).quantity_units

    def run_until(self, condition: Callable[[], Any], what: str) -> None:
        """Let time pass and mail and events come until the condition holds."""
        allowance = Allowance(LIMIT_S)
        while not condition():
            assert not allowance.is_used_up(), f"never: {what}; {self.logs[-3:]}"
            self._turn()

    def run_for(self, venue_ms: int) -> None:
        until_ms = self.now_ms + venue_ms
        self.run_until(lambda: self.now_ms >= until_ms, "time passes")

    # The machinery

    def _turn(self) -> None:
        while self._mail:
            self._handle(*self._mail.popleft())
        now_ms, timers = self.now_ms, self.bench.due_ms
        for due in [each for each, due_ms in timers.items() if due_ms <= now_ms]:
            if timers.pop(due, None) is not None:
                self._handle(due[0], TimerFired(due[1]))
        for role, host in list(self.bench.hosts.items()):
            port: Any = host.port
            wait_s = 0.002 if role == EXECUTOR else 0.0
            if port is not None and select.select([port], [], [], wait_s)[0]:
                for event in port.drain():
                    if role == EXECUTOR:
                        self.port_events.append(event)
                    self._handle(role, event)

    def _handle(self, role: str, message: object) -> None:
        self.bench.hand(role, message)

    def before(self, role: str, effect: object) -> None:
        """An effect is about to be performed."""

    def after(self, role: str, effect: object) -> None:
        """An effect was performed."""
        del role
        if isinstance(effect, Command):
            self.commands.append(effect.command)

    def _post(self, _sender: str, to: str, message: object) -> None:
        self.sent.append((to, message))
        self._deliver(to, message)

    def _deliver(self, to: str, message: object) -> None:
        if to in self.cores:
            self._mail.append((to, message))
        elif to == DESK and isinstance(message, OrderUpdated):
            order = message.order
            if order.is_terminal and is_booked(order):
                order_id = order.intent.order_id
                self._mail.append((order_role(order_id), OrderDone(order_id)))

    # What must hold in the end

    def assert_books_agree(self) -> None:
        """The ledger, the Orders and the exchange's own books come to agree on all of it."""
        self.run_until(lambda: not self.findings(), "the books agree")
        assert [log for log in self.logs if log.level == "error"] == []

    def findings(self) -> list[str]:
        """In what the records and the exchange's own books differ."""
        books, verdict = books_of(value for value, _ in self.rows.values()), AuditVerdict()
        settled = [window for window in books.windows if window.result is not None]
        outcomes = {each.market.slug: each.result.winner for each in settled if each.result}
        judge(books, outcomes, verdict, has_ended=False)
        reconcile(books, self.exchange_books(), outcomes, DEPOSIT_NANOS, verdict)
        return verdict.findings

    def exchange_books(self) -> ExchangeBooks:
        """The exchange's own books of our wallet."""
        return exchange_books(self.exchange.get("/admin/ledger"), address_of(self.key).lower())

    def _live_rows(self) -> list[LiveOrder]:
        return [value for value, _ in self.rows.values() if isinstance(value, LiveOrder)]
