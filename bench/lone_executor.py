"""The real executor alone: its core, its port and its journal in this process, with fake peers.

Its host is the product's own, without messages between processes. The fake ledger holds nothing and
fake orders only listen, so the orders must not trade.
"""

from __future__ import annotations

import json
import random
import select
import time
import urllib.request
from collections import Counter, deque
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from actors.core import Command, Effect, Record
from actors.execution.real.core import RealExecutorCore
from actors.execution.real.live_order import LiveOrder
from actors.execution.real.messages import PostOrder
from actors.execution.real.port import VenuePort
from actors.messages.directory import MarketOpened
from actors.messages.execution import OrderIntent, SubmitOrder
from actors.messages.lifecycle import TimerFired
from actors.messages.position import Holding, PositionSnapshot, PositionWanted
from actors.model import Action, Market, Side, TimeInForce
from actors.roles import EXECUTOR
from actors.runtime.clock import Clock, ClockSpec
from actors.runtime.host import Host
from actors.runtime.host_context import HostContext, HostWatch
from actors.runtime.journal import Journal
from actors.runtime.journal_file import prepare
from actors.settings import ExecutionSettings, Settings
from actors.units import NANOS_PER_DOLLAR, UNITS_PER_SHARE
from bench.orders_worker import KEY, PRICE_TICKS, SHARES
from understudy.composition import pointed_at_local_exchange

_LIMIT_S = 60.0
_LONG_MS = 3_600_000


def market_at(http_url: str, opens_at_ms: int) -> Market:
    """The window of the exchange that opens then, altered to be open for an hour.

    Raises:
        LookupError: it lists none.
    """
    with urllib.request.urlopen(f"{http_url}/markets/keyset", timeout=10) as answer:  # noqa: S310 # on loopback
        rows = json.load(answer)["markets"]
    for row in rows:
        if row["slug"].endswith(str(opens_at_ms // 1000)):
            break
    else:
        raise LookupError(f"the exchange lists no window that opens at {opens_at_ms}")
    yes_token, no_token = json.loads(row["clobTokenIds"])
    return Market(
        market_id=row["conditionId"],
        slug=row["slug"],
        yes_token=yes_token,
        no_token=no_token,
        opens_at_ms=opens_at_ms,
        closes_at_ms=opens_at_ms + _LONG_MS,
        tick_size_ticks=10,
        minimum_size_units=5 * UNITS_PER_SHARE,
        minimum_notional_nanos=NANOS_PER_DOLLAR,
        fee_rate_bps=700,
        twap_window_s=60,
    )


class LoneExecutor:
    """An executor that serves, from the beginning to the end of a ``with`` block."""

    def __init__(
        self, http_url: str, ws_url: str, clock: ClockSpec, data_dir: Path, durability: str
    ) -> None:
        live = Settings(execution=ExecutionSettings(mode="live", durability=durability))
        settings = pointed_at_local_exchange(live, http_url, ws_url)
        self._clock = Clock(clock)
        prepare(data_dir)
        self._journal = Journal(data_dir, EXECUTOR, durability)
        self._port = VenuePort(settings.venue, None, KEY)
        self._mail: deque[object] = deque()
        self._due_s: dict[str, float] = {}
        self._count = 0
        self.orders: dict[str, LiveOrder] = {}
        """The last record of each order."""
        self.posted_ns: dict[str, int] = {}
        """When each was first given to the port to be posted."""
        self.heard: Counter[type] = Counter()
        """Number of events of each kind that the port received."""
        self._host = Host(
            EXECUTOR,
            HostContext(
                make_core=lambda generation: RealExecutorCore(
                    EXECUTOR, settings, random.Random(generation)
                ),
                post=self,
                journal=self._journal,
                timers=_DueTimes(self._clock, self._due_s),
                clock=self._clock,
                log=lambda _level, _text: None,
                is_live=True,
                stays_without_journal=True,
                make_port=lambda: self._port,
                watch=_Accounts(self),
            ),
        )

    def __enter__(self) -> LoneExecutor:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._host.end()
        self._journal.close()

    def open(self, market: Market) -> None:
        """Start, and wait until orders of this window would be sent."""
        self._market = market
        self._host.start()
        self.tell(MarketOpened(market=market, strike=None))
        self.run_until(lambda: self._host.is_serving, "it serves")

    def submit(self) -> str:
        """Submit a new order that rests deep below the market; return its id."""
        self._count += 1
        now_ms = self._clock.now_ms()
        intent = OrderIntent(
            order_id=f"order_{self._count}_{self._count:08x}",
            market=self._market,
            side=Side.YES,
            action=Action.BUY,
            price_ticks=PRICE_TICKS,
            size_units=SHARES * UNITS_PER_SHARE,
            time_in_force=TimeInForce.GTC,
            created_at_ms=now_ms,
            expires_at_ms=now_ms + _LONG_MS,
            priority=2,
            reason="it is measured",
            pair_id=None,
            position_version=0,
            tick_ns=0,
        )
        self.tell(SubmitOrder(intent))
        return intent.order_id

    def tell(self, message: object) -> None:
        """Let the core handle a message, and perform its effects."""
        self._mail.append(message)
        while self._mail:
            self._host.hand(self._mail.popleft())
        if self._host.error is not None:
            raise self._host.error

    def run_until(self, holds: Callable[[], bool], what: str) -> None:
        """Let events and time pass until a condition holds.

        Raises:
            TimeoutError: it does not.
        """
        deadline_s = time.monotonic() + _LIMIT_S
        while not holds():
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"in vain for {_LIMIT_S:g} s: {what}")
            self._turn()

    def _turn(self) -> None:
        now_s = time.monotonic()
        for key in [key for key, due_s in self._due_s.items() if due_s <= now_s]:
            del self._due_s[key]
            self.tell(TimerFired(key))
        wait_s = max(0.0, min(self._due_s.values(), default=now_s + 1) - time.monotonic())
        if select.select([self._port], [], [], wait_s)[0]:
            for event in self._port.drain():
                self.heard[type(event)] += 1
                self.tell(event)

    def send(self, sender: Host, to: str, message: object) -> None:
        """Answer the executor as its ledger; all other peers only listen."""
        del sender, to
        if isinstance(message, PositionWanted):
            self._mail.append(_nothing_held(message.market_id))


class _DueTimes:
    """The executor's timers."""

    def __init__(self, clock: Clock, due_s: dict[str, float]) -> None:
        self._clock = clock
        self._due_s = due_s

    def set(self, key: str, delay_ms: int) -> None:
        self._due_s[key] = time.monotonic() + self._clock.real_seconds(delay_ms)

    def cancel(self, key: str) -> None:
        self._due_s.pop(key, None)

    def clear(self) -> None:
        self._due_s.clear()


class _Accounts(HostWatch):
    """Keeps the last record of each order, and when it was posted."""

    def __init__(self, executor: LoneExecutor) -> None:
        self._executor = executor

    def performs(self, host: Host, effect: Effect) -> None:
        del host
        if isinstance(effect, Command) and isinstance(effect.command, PostOrder):
            self._executor.posted_ns.setdefault(effect.command.order_id, time.monotonic_ns())

    def performed(self, host: Host, effect: Effect) -> None:
        del host
        if isinstance(effect, Record):
            live = [save.value for save in effect.saves if isinstance(save.value, LiveOrder)]
            self._executor.orders |= {each.order_id: each for each in live}


def _nothing_held(market_id: str) -> PositionSnapshot:
    return PositionSnapshot(
        market_id=market_id,
        version=0,
        yes=Holding(quantity_units=0),
        no=Holding(quantity_units=0),
        fees_nanos=0,
        realized_nanos=0,
    )
