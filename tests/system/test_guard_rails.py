"""A real run that is halted, resumed and flattened while its windows go on."""

from __future__ import annotations

import json

import pytest
from onlookers import Onlooker, understudy

from actors.execution.holdings import excess_of
from actors.position.ledger import WindowLedger
from actors.runtime.clock import Clock
from understudy.data_dir.kill_switch import pull_kill_switch
from understudy.processes.exit_codes import ExitCode
from understudy.settings.options import DrillStage

pytestmark = [pytest.mark.processes, pytest.mark.timeout(300)]

ENOUGH_MS = 120_000
"""Venue time that a flatten needs at most, so that its window does not end meanwhile."""


class Guarded:
    """What this test asks about a system, besides what every test does."""

    def __init__(self, onlooker: Onlooker, stage: DrillStage) -> None:
        self.onlooker = onlooker
        self.clock = Clock(stage.clock)

    def seq(self) -> int:
        return self.onlooker.reader.last_event()[0]

    def count(self, kind: str, after_seq: int) -> int:
        return len(list(self.onlooker.reader.events(kind=kind, after_seq=after_seq)))

    def until_recorded(self, kind: str, after_seq: int) -> None:
        self.onlooker.until(f"{kind} is recorded", lambda: self.count(kind, after_seq))

    def command(self, *words: str) -> tuple[int, dict[str, object]]:
        done = understudy(*words, "--json", "--data-dir", str(self.onlooker.system.data_dir))
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)

    def excess_units(self, least_left_ms: int = 0) -> int:
        """One-sided units of the window that is open for at least so long."""
        for ledger in self.onlooker.reader.states("position", open_only=True):
            if isinstance(ledger, WindowLedger) and not ledger.is_settled:
                left_ms = ledger.market.closes_at_ms - self.clock.now_ms()
                excess = excess_of(ledger.snapshot())
                if left_ms > least_left_ms and excess is not None:
                    return excess.units
        return 0


def test_halted_it_orders_nothing_resumed_it_does_and_flattened_it_holds_pairs_only(
    new_system, stage: DrillStage
) -> None:
    guarded = Guarded(new_system("execution.latency_ms=150"), stage)
    onlooker = guarded.onlooker
    onlooker.until_whole()
    onlooker.until_an_order_lives()

    code, told = guarded.command("halt", "--cancel", "--reason", "a test")
    assert (code, [halt["reason"] for halt in told["halts"]]) == (ExitCode.OK, ["a test"])  # type: ignore[attr-defined] # JSON
    at_halt = guarded.seq()
    guarded.until_recorded("MarketResolved", at_halt)
    assert guarded.count("OrdersCreated", at_halt) == 0
    assert onlooker.unfinished() == []

    assert guarded.command("resume")[0] == ExitCode.OK
    guarded.until_recorded("OrdersCreated", at_halt)

    onlooker.until("one side is held", lambda: guarded.excess_units(ENOUGH_MS))
    code, told = guarded.command("flatten", "--wait", "60")
    is_dust = "minimum" in str(told["excess_note"])
    assert code == ExitCode.OK or is_dust, told
    assert guarded.excess_units() == told["excess_units"]
    assert is_dust or told["excess_units"] == 0

    pull_kill_switch(onlooker.system.data_dir, "fire")
    onlooker.until("the file halts too", lambda: len(guarded.command("ps")[1]["halts"]) == 2)  # type: ignore[arg-type] # JSON
    assert guarded.command("halt")[0] == ExitCode.OK
