"""Run as a program: a strategy of one's own orders in real processes, and falls again and again.

Market state is a stand-in that shows one quiet book; everyone else is what a run has. Prints what
`understudy ps` would show once the strategy is given up.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import attrs
from msgspec.structs import replace
from still_actors import tree_of, wait_until

from actors.core import Core, Effects, Send, SetTimer, handles
from actors.execution.desk import DeskCore
from actors.execution.order import OrderCore
from actors.execution.simulated import SimulatedExecutorCore
from actors.messages.directory import MarketOpened
from actors.messages.lifecycle import Started, TimerFired
from actors.messages.market import SnapshotTaken, SnapshotWanted
from actors.position.core import PositionCore
from actors.roles import DESK, EXECUTOR, MARKET_STATE, POSITION, STRATEGY
from actors.runtime.actor_spec import ActorSpec
from actors.settings import ExecutionSettings, Settings, SupervisionSettings
from actors.strategy.core import StrategyCore
from actors.supervision.messages import ChildReport, ChildState, ProcessSpec
from understudy.strategy.check import example_context, settings_of_file

EVERY_MS = 100
WINDOW_MS = 900_000
FALLS = {"raises": 'raise RuntimeError("on purpose")', "hangs": "while True: pass"}
FILE = """
from understudy.strategy import Context, Decision, Order, Side, Strategy


class Falls(Strategy):
    def evaluate(self, context: Context) -> Decision:
        if context.unready_reason():
            return Decision()
        if context.orders or context.position.held_sides:
            {fall}
        ask_ticks = context.book(Side.YES).best_ask_ticks
        order = Order(side=Side.YES, price_ticks=ask_ticks, size_units=10_000_000, reason="once")
        return Decision(orders=(order,))
"""


class QuietMarketCore(Core):
    """Opens one window, and shows the same book again and again."""

    _opens_at_ms = 0
    _sequence = 0

    @handles(Started)
    def start(self, _message: Started, now_ms: int) -> Effects:
        self._opens_at_ms = now_ms
        return [SetTimer("show", EVERY_MS)]

    @handles(SnapshotTaken, SnapshotWanted)
    def go_on(self, _message: object, _now_ms: int) -> Effects:
        return []

    @handles(TimerFired)
    def show(self, _message: TimerFired, now_ms: int) -> Effects:
        self._sequence += 1
        seen = example_context().snapshot
        closes_at_ms = self._opens_at_ms + WINDOW_MS
        market = attrs.evolve(seen.market, opens_at_ms=self._opens_at_ms, closes_at_ms=closes_at_ms)
        snapshot = replace(
            seen,
            sequence=self._sequence,
            market=market,
            taken_at_ms=now_ms,
            yes=replace(seen.yes, updated_at_ms=now_ms),
            no=replace(seen.no, updated_at_ms=now_ms),
        )
        opened = MarketOpened(market=market, strike=seen.strike)
        return [
            *(Send(role, opened) for role in (POSITION, DESK, EXECUTOR)),
            *(Send(role, snapshot) for role in (STRATEGY, EXECUTOR)),
            SetTimer("show", EVERY_MS),
        ]


ACTORS = {
    POSITION: ActorSpec(core=PositionCore),
    EXECUTOR: ActorSpec(core=SimulatedExecutorCore),
    DESK: ActorSpec(core=DeskCore),
    STRATEGY: ActorSpec(core=StrategyCore),
    MARKET_STATE: ActorSpec(core=QuietMarketCore),
}


def main() -> None:
    data_dir = Path(sys.argv[1])
    path = data_dir / "falls.py"
    path.write_text(FILE.format(fall=FALLS[sys.argv[2]]))
    settings = Settings(
        strategy=attrs.evolve(settings_of_file(path), max_book_age_ms=60_000),
        execution=ExecutionSettings(latency_ms=20, order_ttl_ms=60_000),
        supervision=SupervisionSettings(heartbeat_limit_ms=1_000, max_restarts=2),
    )
    processes = [ProcessSpec(name=role, roles=(role,)) for role in ACTORS]
    tree = tree_of(
        data_dir, *processes, settings=settings, actors=ACTORS, order=ActorSpec(core=OrderCore)
    )

    def given_up(children: dict[str, ChildReport]) -> dict[str, ChildReport] | None:
        row = children.get(STRATEGY)
        is_over = row is not None and row.state is ChildState.GIVEN_UP
        return children if is_over and not any("order/" in role for role in children) else None

    try:
        rows = wait_until(tree, given_up) or {}
        report = tree.ask_children(patience_s=5.0)
    finally:
        tree.end("the test is over")
    outcome = {
        "restarts": {role: rows[role].restarts for role in ACTORS if role in rows},
        "escalation": "unknown" if report is None else report.escalation,
    }
    sys.stdout.write(json.dumps(outcome))


if __name__ == "__main__":
    main()
