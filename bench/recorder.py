"""The flight recorder's cost for a host: each role's messages of a simulated run, twice.

``python -m bench.recorder`` prints one JSON object. Hosts are the product's own; nothing is sent,
written or waited for, so the share is an upper bound: in a process the transport and the journal
add to the total. Turns alternate; each figure is the least of all.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from collections import defaultdict, deque
from collections.abc import Callable
from pathlib import Path

from actors.core import Core, Record
from actors.messages.lifecycle import Recalled, Started
from actors.runtime.crashes import CrashKeeper
from actors.runtime.host import Host
from actors.runtime.host_context import HostContext, HostWatch, RunningHost
from actors.series import SeriesSettings
from actors.settings import Settings
from simulation.plan import FaultRates, SeedPlan
from simulation.trial import Trial

TURNS = 5
SEED = 3
_Heard = list[tuple[int, object]]


class _Tape(HostWatch):
    """Keeps what one role's actor receives in a run without crashes."""

    def __init__(self, tapes: dict[str, _Heard]) -> None:
        self._tapes = tapes

    def hears(self, host: RunningHost, message: object, now_ms: int) -> None:
        self._tapes[host.role].append((now_ms, message))


class _Told:
    """Venue time at the receipt of each message."""

    at_ms = 0
    offset_ms = 0

    def now_ms(self) -> int:
        return self.at_ms


class _Nothing:
    """A measured host's post, timers and journal, which do nothing."""

    def __init__(self, heard: _Heard) -> None:
        self._recalled = deque(each.value for _, each in heard if isinstance(each, Recalled))

    def claim(self) -> int:
        return 1

    def load(self, kind: str, key: str | None = None) -> tuple[object, ...]:
        del kind, key
        return ()

    def recall(self, kind: str, key: str) -> object | None:
        del kind, key
        return self._recalled.popleft()

    def record(self, record: Record, at_ms: int) -> None:
        """Keep nothing."""

    def send(self, sender: RunningHost, to: str, message: object) -> None:
        """Send nothing."""

    def set(self, key: str, delay_ms: int) -> None:
        """Wait for nothing."""

    def cancel(self, key: str) -> None:
        """Wait for nothing."""

    def clear(self) -> None:
        """Wait for nothing."""

    def perform(self, command: object) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Hold nothing."""


def main() -> None:
    """Measure, and print."""
    tapes: dict[str, _Heard] = defaultdict(list)
    calm = SeedPlan(
        rates=FaultRates(),
        settings=Settings(series=SeriesSettings(window_minutes=5)),
        torn_most=0,
        is_adverse=False,
        is_encoding=False,
    )
    trial = Trial(SEED, plan=calm)
    trial.context.recorder = lambda _make_core: _Tape(tapes)
    failure = trial.run().failure
    if failure is not None:
        raise RuntimeError(failure.text)
    shares, total = {}, [0, 0]
    for role, heard in tapes.items():
        if len(heard) < 200:
            continue

        def make_core(_generation: int, role: str = role) -> Core:
            core_class = trial.actor_table.core_class(role)
            return core_class(role, trial.plan.settings, random.Random(1))

        least = [
            min(each)
            for each in zip(*(_turn(role, heard, make_core) for _ in range(TURNS)), strict=True)
        ]
        shares[role] = {
            "messages": len(heard),
            "us_without": round(least[0] / len(heard) / 1000, 2),
            "us_with": round(least[1] / len(heard) / 1000, 2),
        }
        total = [total[0] + least[0], total[1] + least[1]]
    told = {"roles": shares, "with_to_without": round(total[1] / total[0], 4)}
    sys.stdout.write(json.dumps(told, indent=2) + "\n")


def _turn(role: str, heard: _Heard, make_core: Callable[[int], Core]) -> tuple[int, int]:
    return _once(role, heard, make_core, HostWatch()), _once(role, heard, make_core, None)


def _once(
    role: str, heard: _Heard, make_core: Callable[[int], Core], watch: HostWatch | None
) -> int:
    """Processor time in ns that a host needs for all messages; ``watch`` None: a recorder."""
    nothing = _Nothing(heard)
    clock = _Told()
    with tempfile.TemporaryDirectory() as folder:
        keeper = CrashKeeper(Path(folder), Settings(), 1, lambda _level, _text: None)
        host = Host(
            role,
            HostContext(
                make_core=make_core,
                post=nothing,
                journal=nothing,
                timers=nothing,
                clock=clock,
                log=lambda _level, _text: None,
                make_port=lambda: nothing,
                watch=watch or keeper.recorder(make_core),
            ),
        )
        told = [each for each in heard if not isinstance(each[1], Started | Recalled)]
        host.start()
        began_ns = time.process_time_ns()
        for clock.at_ms, message in told:
            host.hand(message)
        return time.process_time_ns() - began_ns


if __name__ == "__main__":
    main()
