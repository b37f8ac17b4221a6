"""What a system does when it cannot trade, and when too much has fallen."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import attrs
import pytest
from onlookers import PATIENT, RATE, Onlooker
from unused_port import unused_port

from actors.roles import DIRECTORY, POSITION
from actors.runtime.clock import ClockSpec
from understudy.drill.plan import ONE_SERIES
from understudy.drill.stage import SPEED
from understudy.processes.exit_codes import ExitCode
from understudy.settings.options import DrillStage

pytestmark = pytest.mark.processes


def exchange(stage: DrillStage, port: int) -> subprocess.Popen[bytes]:
    """Start an exchange with a stage's clock on a given port."""
    options = {
        "--port": port,
        "--speed": SPEED,
        "--rate": RATE,
        "--series": ONE_SERIES[0],
        "--start": stage.clock.origin_ms,
        "--origin-monotonic-ns": stage.clock.origin_monotonic_ns,
    }
    words = [str(word) for pair in options.items() for word in pair]
    return subprocess.Popen([sys.executable, "-m", "venue", *words], stdout=subprocess.DEVNULL)


def test_an_unreachable_exchange_is_told_once_and_traded_on_when_it_appears(
    new_system, stage: DrillStage
) -> None:
    port = unused_port()
    # With a clock that starts now: the exchange begins by catching up with it.
    nowhere = attrs.evolve(
        stage,
        http_url=f"http://127.0.0.1:{port}",
        ws_url=f"ws://127.0.0.1:{port}",
        clock=ClockSpec.starting_now(stage.clock.origin_ms, SPEED),
    )
    onlooker: Onlooker = new_system(on=nowhere)

    def complaints() -> list[str]:
        return [text for text in onlooker.log_lines(DIRECTORY) if str(port) in text]

    onlooker.until("the system answers", onlooker.system.look)
    onlooker.until("the directory has complained", complaints)
    late = exchange(nowhere, port)
    try:
        onlooker.until_an_order_lives()
        assert len([text for text in complaints() if "asking again" in text]) == 1
        onlooker.system.tell(signal.SIGTERM)
        assert onlooker.system.wait_for_end(60.0) == ExitCode.OK
    finally:
        late.terminate()
        late.wait(10)


def test_too_many_falls_end_every_order_and_the_run(new_system) -> None:
    onlooker: Onlooker = new_system(
        "supervision.max_restarts=2", "supervision.restart_period_s=60", PATIENT
    )
    onlooker.until_whole()
    onlooker.until_an_order_lives()
    killed: set[int] = set()
    while len(killed) < 3:
        pid = onlooker.until("there is a ledger to kill", lambda: ledger(onlooker, killed))
        os.kill(pid, signal.SIGKILL)
        killed.add(pid)
    assert onlooker.system.wait_for_end(60.0) == ExitCode.GAVE_UP
    assert "position crashed 3 times in 60 s" in onlooker.system.last_words()
    assert onlooker.system.outliving() == frozenset()
    assert onlooker.unfinished() == []


def ledger(onlooker: Onlooker, but: set[int]) -> int | None:
    seen = onlooker.system.look()
    row = seen.child(POSITION) if seen is not None else None
    return row.pid if row is not None and row.pid not in {0, *but} else None
