"""What the recorders of a whole run keep is played to the same effects, for every kind of core."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import broken_cores as broken
import pytest
from trial_plans import plan

from actors.core import Core, Effect
from actors.roles import DESK, STRATEGY
from actors.runtime import flight_recorder
from actors.runtime.crash_file import read_flight, write_crash
from actors.runtime.crashes import report_of
from actors.runtime.flight_recorder import Flight, FlightRecorder
from actors.runtime.host_context import HostWatch, HostWatches, RunningHost
from actors.runtime.replay import play
from actors.settings import Settings
from simulation.actor_table import ActorTable
from simulation.chance import dice
from simulation.flight_keeper import FlightKeeper
from simulation.plan import LIVE, SIMULATED, draw_live_plan, draw_plan
from simulation.trial import Trial


class Held(HostWatch):
    """Holds what a recorder keeps against what the core really did, each few messages."""

    def __init__(self, recorder: FlightRecorder, compared: Counter[str], folder: Path) -> None:
        self._recorder = recorder
        self._compared = compared
        self._folder = folder
        self._effects: list[Sequence[Effect]] = []
        self._handled_count = 0

    def made(self, host: RunningHost) -> None:
        del host
        self._effects = []

    def decided(self, host: RunningHost, effects: Sequence[Effect]) -> None:
        del host
        self._effects.append(effects)

    def handled(self, host: RunningHost, message: object) -> None:
        del message
        self._handled_count += 1
        if self._handled_count % 61 and not (self._handled_count == 3 and "/" in host.role):
            return
        self._compare(self._flight())
        name = host.role.partition("/")[0]
        if self._compared[name] % 10 == 0:
            self._compare(self._through_a_file(self._flight()))
        self._compared[name] += 1

    def _flight(self) -> Flight:
        flight = self._recorder.flight()
        assert flight is not None
        return flight

    def _compare(self, flight: Flight) -> None:
        again = [effects for _, _, effects in play(flight)]
        assert again == self._effects[-len(again) :], flight.role

    def _through_a_file(self, flight: Flight) -> Flight:
        report = report_of(flight, RuntimeError(), Settings(), 1, is_in_core=True)
        return read_flight(write_crash(self._folder, report, flight))


class Compared(FlightKeeper):
    """A run's recorders, each held against its actor."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()
        self._folder = folder

    def recorder(self, make_core: Callable[[int], Core]) -> HostWatch:
        recorder = FlightRecorder(make_core, self)
        return HostWatches(recorder, Held(recorder, self.counts, self._folder))


@pytest.mark.parametrize(("mode", "seed"), [(SIMULATED, 3), (SIMULATED, 5), (LIVE, 3)])
def test_every_core_is_played_to_the_same_effects(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mode: str, seed: int
) -> None:
    monkeypatch.setattr(flight_recorder, "_MESSAGES_MAX", 40)
    monkeypatch.setattr(flight_recorder, "_SNAPSHOT_SHARE", 0)
    recording = Compared(tmp_path)
    draw = draw_live_plan if mode == LIVE else draw_plan
    trial = Trial(seed, minutes=6, plan=draw(dice(seed, "plan")))  # with one series
    trial.record(recording)
    result = trial.run()
    assert result.failure is None, result.failure
    assert set(recording.counts) == {
        *("directory", "market-feed", "reference-feed", "twap-feed", "market-state"),
        *("strategy", "desk", "order", "executor", "position", "observer"),
    }


@pytest.mark.parametrize(
    ("actor_table", "role", "is_in_core"),
    [
        (ActorTable().replacing(STRATEGY, broken.Raises), STRATEGY, True),
        (ActorTable().replacing(DESK, broken.ForgetsBusySides), DESK, False),
    ],
    ids=["raises", "breaks a promise"],
)
def test_a_failure_keeps_the_flight_of_the_actor_in_which_it_came_to_light(
    actor_table: ActorTable, role: str, is_in_core: bool
) -> None:
    for seed in range(1, 13):
        recording = FlightKeeper()
        trial = Trial(seed, minutes=3, plan=plan(), actor_table=actor_table)
        trial.record(recording)
        if trial.run().failure is not None:
            break
    kept = recording.failure
    assert kept is not None
    assert (kept.flight.role, kept.is_in_core) == (role, is_in_core)
    if is_in_core:
        with pytest.raises(type(kept.error)) as again:
            list(play(kept.flight))
        assert str(again.value) == str(kept.error)
    else:
        assert list(play(kept.flight))[-1][1] is kept.flight.heard[-1][1]


def test_a_recorded_run_is_the_same_run() -> None:
    first = Trial(5, minutes=2).run()
    again = Trial(5, minutes=2)
    again.record(FlightKeeper())
    assert again.run() == first
