"""A thousand open orders on the simulated executor, and the cost of restarting them.

Run as ``python -m bench.many_orders``. A strategy never wants so many: it may trade only the two
sides of a window. So they are written where an order begins, into the record of the desk, whose
process is then killed; the new desk finds them and has an actor started for each. An order counts
as accepted when its actor has recorded that it rests. In the end trading is halted and every order
cancelled: none may be missing or have been accepted twice.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import attrs

from actors.core import Record, Save
from actors.execution.desk_state import DeskState, OrdersCreated
from actors.messages.execution import OrderIntent, OrderState
from actors.messages.halts import OPERATOR, HaltStatus, HaltTrading
from actors.model import Action, Side, TimeInForce
from actors.roles import DESK, order_role
from actors.runtime.journal import Journal, JournalReader
from actors.settings import SupervisionSettings
from actors.supervision.messages import ChildrenReport, ChildState
from actors.units import UNITS_PER_SHARE
from bench.common import Machine, Row, Table, Target, latency_figures, options, show
from bench.lone_executor import market_at
from bench.system import (
    ORDINARY,
    WINDOW_MINUTES,
    System,
    add_layout,
    exchange,
    in_layout,
    layouts_of,
    now_ms,
    system,
)

SETTINGS = attrs.evolve(
    ORDINARY,
    supervision=SupervisionSettings(max_restarts=1_000, restart_period_s=1.0),
)
_FRAMES_PER_SECOND = 100
_LEAD_MS = 12_000
_DEEP_TICKS, _SHARES = 40, 30
_LIMIT_S = 120.0
_LOOK_EVERY_S = 0.1
_APART_S = 1.5
"""Time between two kills, so that each is a first crash."""


class Planted:
    """A running system into whose record orders are written, as if its desk had decided on them."""

    def __init__(self, running: System) -> None:
        self.running = running
        self.order_ids: list[str] = []
        venue = running.venue
        closes_at_ms = venue.opens_at_ms + WINDOW_MINUTES * 60_000
        market = market_at(venue.http_url, venue.opens_at_ms)
        self._market = attrs.evolve(market, closes_at_ms=closes_at_ms)
        self._reader = JournalReader(running.data_dir)

    def plant(self, count: int) -> int:
        """Write this many more orders and have them started; return venue time when that began."""
        known = len(self.order_ids)
        intents = [self._intent(number) for number in range(known + 1, known + count + 1)]
        self.order_ids += [intent.order_id for intent in intents]
        journal = Journal(self.running.data_dir, DESK)
        journal.claim()  # the present desk can record nothing any more
        at_ms = self.running.clock.now_ms()
        states = (OrderState(intent=intent, updated_at_ms=at_ms) for intent in intents)
        created = OrdersCreated(
            market_id=self._market.market_id, signals_id=1, intents=tuple(intents)
        )
        desk_state = DeskState(next_number=len(self.order_ids) + 1)
        saves = [Save("order", each.intent.order_id, each) for each in states]
        journal.record(Record(created, (*saves, Save("desk", "", desk_state))), at_ms)
        journal.close()
        killed_at_ms = self.running.clock.now_ms()
        kill_process_of(DESK, self.running.report())
        return killed_at_ms

    def _intent(self, number: int) -> OrderIntent:
        at_ms = self.running.clock.now_ms()
        return OrderIntent(
            order_id=f"order_{number}_{number:08x}",
            market=self._market,
            side=Side.YES if number % 2 else Side.NO,
            action=Action.BUY,
            price_ticks=_DEEP_TICKS,
            size_units=_SHARES * UNITS_PER_SHARE,
            time_in_force=TimeInForce.GTC,
            created_at_ms=at_ms,
            expires_at_ms=self._market.closes_at_ms,
            priority=2,
            reason="it is measured",
            pair_id=None,
            position_version=0,
            tick_ns=0,
        )

    def accepted_at_ms(self) -> dict[str, int]:
        """Venue time at which each order's actor recorded that it rests."""
        return {
            each.order_id: each.at_ms
            for each in self._reader.events(kind="OrderAccepted")
            if each.order_id is not None
        }

    def closed_counts(self) -> Counter[str | None]:
        """How often each order's record was closed: once, if all is well."""
        return Counter(each.order_id for each in self._reader.events(kind="OrderClosed"))

    def wait_until(self, holds: Callable[[], bool], what: str) -> None:
        """Look repeatedly until a condition holds.

        Raises:
            TimeoutError: it does not in time.
        """
        deadline = time.monotonic() + _LIMIT_S
        while not holds():
            if time.monotonic() > deadline:
                raise TimeoutError(f"in vain for {_LIMIT_S:g} s: {what}")
            time.sleep(_LOOK_EVERY_S)

    def wait_until_accepted(self) -> dict[str, int]:
        """Wait until every order rests; return venue time of each."""
        self.wait_until(
            lambda: len(self.accepted_at_ms()) >= len(self.order_ids), "every order is accepted"
        )
        return self.accepted_at_ms()

    def wait_until_all_serve(self, since_ms: int = 0) -> ChildrenReport:
        """Wait until every order's actor serves, and began to after a (monotonic) instant."""
        roles = set(map(order_role, self.order_ids))
        return self.running.wait_until(
            lambda report: (
                roles
                <= {
                    child.role
                    for child in report.children
                    if child.state is ChildState.SERVING and child.serving_since_ms >= since_ms
                }
            ),
            _LIMIT_S,
        )

    def take_all_back(self) -> None:
        """Halt, and wait until every order has closed its record."""
        halt = HaltTrading("it is measured", cancel=True, who=OPERATOR, request_id=1)
        self.wait_until(
            lambda: self.running.tree.ask_role(DESK, halt, HaltStatus, 5.0) is not None,
            "the desk has halted",
        )
        self.wait_until(
            lambda: len(self.closed_counts()) >= len(self.order_ids), "every order is taken back"
        )


def kill_process_of(role: str, report: ChildrenReport) -> None:
    """SIGKILL the process that a role lives in."""
    os.kill(next(child.pid for child in report.children if child.role == role), signal.SIGKILL)


@contextmanager
def planted(layout: str, *, has_pause_points: bool = False) -> Iterator[Planted]:
    """Run a whole system into which orders can be written."""
    with (
        exchange(_FRAMES_PER_SECOND, _LEAD_MS) as venue,
        system(in_layout(SETTINGS, layout), venue, has_pause_points=has_pause_points) as running,
    ):
        running.wait_for_window()
        yield Planted(running)


def rows(layout: str, count: int, rounds: int) -> list[Row]:
    """Start this many orders, kill their actors, and cancel them."""
    with planted(layout) as orders:
        began_at_ms = orders.plant(count)
        accepted = orders.wait_until_accepted()
        restarts_ms = []
        for _ in range(rounds):
            time.sleep(_APART_S)
            report = orders.wait_until_all_serve()
            killed_at_ms = now_ms()
            kill_process_of(order_role(orders.order_ids[0]), report)
            report = orders.wait_until_all_serve(killed_at_ms)
            served = [child.serving_since_ms for child in report.children]
            restarts_ms.append(max(served) - killed_at_ms)
        began_ending_ms = now_ms()
        orders.take_all_back()
        ended_in_s = (now_ms() - began_ending_ms) / 1000
        closed = orders.closed_counts()
        wrong = sum(closed[order_id] != 1 for order_id in orders.order_ids)
        wrong += len(set(closed) ^ set(orders.order_ids)) + count - len(accepted)
    taken_us = [1_000 * (at_ms - began_at_ms) for at_ms in accepted.values()]
    return [
        Row(
            name=f"from the desk's fall to acceptance, {layout}", figures=latency_figures(taken_us)
        ),
        Row(
            name=f"SIGKILL of them all to the last serving, {layout}",
            figures=latency_figures(1_000 * each for each in restarts_ms),
        ),
        Row(
            name=f"taken back in {ended_in_s:.1f} s; lost or doubled, {layout}",
            figures={"wrong": wrong},
            target=Target(column="wrong", limit=0),
        ),
    ]


def main() -> None:
    """Measure and print."""
    parser = options(__doc__)
    add_layout(parser)
    parser.add_argument("--orders", type=int, help="how many")
    arguments = parser.parse_args()
    machine = Machine.now()
    count = arguments.orders or (20 if arguments.quick else 1_000)
    layouts = layouts_of(arguments)
    table = Table(
        title=f"{count:,} orders at once, simulated executor",
        rows=[row for each in layouts for row in rows(each, count, 1 if arguments.quick else 5)],
        notes=(f"latency_ms is {SETTINGS.execution.latency_ms}, which acceptance contains",),
    )
    show(machine, [table], is_json=arguments.json)


if __name__ == "__main__":
    main()
