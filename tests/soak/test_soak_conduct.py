"""A soak's whole conduct in virtual time: what befalls a system, when, and what its curves show."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import attrs
import pytest
from test_soak_curves import sample

from actors.runtime.journal_file import prepare
from audit.verdict import AuditVerdict
from understudy.control import ControlServer
from understudy.display.latency import Histogram
from understudy.display.status import Status, status_reply
from understudy.drill.plan import INJECTIONS, Step
from understudy.soak import conduct
from understudy.soak.conduct import EVERY_S, Soak, SoakResult
from understudy.soak.sampling import FOREGROUND, ProcessUse, Sample, Sampler
from understudy.soak.troubles import HOLD_S, Troubles

HOUR_S = 3_600.0
RECOVERY_S = 0.3
NAMES = tuple(Troubles(None, None, "", ()).by_name)  # type: ignore[arg-type] # only its names


@attrs.define
class Played:
    """A system that recovers at once, its exchange, and the clock by which all of it goes."""

    now_s: float = 0.0
    leak_kib: float = 0.0
    """What the desk's process grows by in a second."""
    verdict: AuditVerdict = attrs.field(factory=AuditVerdict)
    traded: dict[str, int] = attrs.field(factory=lambda: {"orders": 1})
    befell: list[tuple[float, str]] = attrs.field(factory=list)
    """(seconds, what), kills as well."""
    settled_count: int = 0
    interrupted_at_s: float = float("inf")

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    # As a Drill

    def conduct(self, steps: Iterator[Step], _told: object) -> AuditVerdict:
        for step in steps:
            self.befell.append((self.now_s, step.injection.target))
            self.now_s += RECOVERY_S
        return self.verdict

    def settle(self) -> None:
        self.settled_count += 1

    def ask_exchange(self) -> None:
        """Nothing is asked."""

    # As a Sampler

    def look(self, at_s: float) -> Sample | None:
        if any(abs(at_s - befell_s) < 1.0 for befell_s, _ in self.befell[-1:]):
            return None  # it was just struck, and does not answer
        desk = ProcessUse(7, round(50_000 + self.leak_kib * at_s), 40, 2)
        return sample(round(at_s), desk=desk)

    # As Troubles

    @property
    def by_name(self) -> dict[str, Callable[[Callable[[float], None], float], None]]:
        def befall(name: str) -> Callable[[Callable[[float], None], float], None]:
            def trouble(wait: Callable[[float], None], hold_s: float) -> None:
                self.befell.append((self.now_s, name))
                assert hold_s <= HOLD_S
                wait(hold_s)

            return trouble

        return {name: befall(name) for name in NAMES}


def soaked(
    played: Played, monkeypatch: pytest.MonkeyPatch, hours: float = 2.0, seed: int = 3
) -> SoakResult:
    monkeypatch.setattr(conduct, "time", played)
    monkeypatch.setattr(conduct, "Sampler", lambda _system: played)
    parts: Any = played
    soak = Soak(
        parts,
        parts,
        parts,
        seconds=hours * HOUR_S,
        seed=seed,
        is_live=False,
        interrupted_by=lambda: "SIGINT" if played.now_s >= played.interrupted_at_s else "",
        on_progress=lambda _seconds, _doing: None,
    )
    return soak.conduct(("web",))


def test_in_two_hours_everything_befalls_the_system_again_and_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    played = Played()
    result = soaked(played, monkeypatch)
    assert 2 * HOUR_S <= result.lasted_s < 2 * HOUR_S + EVERY_S
    counts = Counter(name for _, name in result.troubles)
    assert set(counts) == set(NAMES)
    assert min(counts.values()) >= 3
    assert played.settled_count == len(result.troubles)
    kills = [name for _, name in played.befell if name not in NAMES]
    assert len(kills) >= 1.5 * len(result.troubles)
    assert {each.target for each in INJECTIONS} >= set(kills)
    assert len(set(kills)) > 10
    times = [at_s for at_s, _ in played.befell]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert min(gaps) >= 0.7 * EVERY_S - 1
    assert max(gaps) <= 1.3 * EVERY_S + HOLD_S + 1
    assert result.is_good
    assert {each.is_flat for each in result.judgements} <= {True, None}


def test_a_leak_of_two_hours_is_seen_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    result = soaked(Played(leak_kib=5.0), monkeypatch)
    assert not result.is_good
    grown = {each.name for each in result.judgements if each.is_flat is False}
    assert "memory of desk" in grown
    assert grown <= {"memory of desk", "memory in all"}


def test_the_same_seed_does_the_same_and_another_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    first, again, other = Played(), Played(), Played()
    for played, seed in ((first, 3), (again, 3), (other, 4)):
        soaked(played, monkeypatch, hours=0.5, seed=seed)
    assert first.befell == again.befell
    assert first.befell != other.befell


def test_a_short_soak_has_as_much_befall_it_as_there_is_time_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    played = Played()
    result = soaked(played, monkeypatch, hours=0.01)
    assert 10 <= len(played.befell) <= 20
    assert len(result.samples) > 30


def test_one_that_is_interrupted_ends_in_order_with_what_it_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    played = Played(interrupted_at_s=600.0)
    result = soaked(played, monkeypatch)
    assert result.interrupted_by == "SIGINT"
    assert result.lasted_s < 600.0 + 1
    assert result.samples
    assert result.is_good


@attrs.frozen
class Alone:
    """A system of which nothing but this process runs."""

    data_dir: Path
    foreground_pid: int = attrs.field(factory=os.getpid)

    def pids(self) -> frozenset[int]:
        return frozenset({self.foreground_pid, 2**22 + 1})


def test_a_sample_is_what_the_system_uses_and_its_latencies_since_the_one_before(
    tmp_path: Path,
) -> None:
    prepare(tmp_path)
    system: Any = Alone(tmp_path)
    sampler = Sampler(system)
    assert sampler.look(0.0) is None, "nobody answers"
    one = {"tick_to_order": Histogram([3_000])}
    shown = Status(view=None, report=None, now_ms=0, speed=1.0, latencies=one)
    server = ControlServer(tmp_path, {"status": lambda _request: status_reply(shown)})
    server.start()
    first = sampler.look(1.0)
    shown = attrs.evolve(shown, latencies={"tick_to_order": Histogram([3_000, 9_000, 9_000])})
    second = sampler.look(2.0)
    server.close()
    assert first is not None
    assert second is not None
    assert set(first.processes) == {FOREGROUND}
    assert first.processes[FOREGROUND].rss_kib > 1_000
    assert first.journal_bytes > 0
    slow_ms = second.latencies_ms["tick_to_order"][0]
    assert first.latencies_ms["tick_to_order"][0] < 3.1 < 8 < slow_ms
