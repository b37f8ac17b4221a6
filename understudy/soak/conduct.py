"""Conducts a soak: a drill whose injections are minutes apart, with other faults in between."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator

import attrs

from audit.verdict import AuditVerdict
from understudy.drill.conduct import Drill, Recovery
from understudy.drill.plan import INJECTIONS, REAL_INJECTIONS, Step, plan
from understudy.drill.system import DrilledSystem
from understudy.soak.curves import Judgement, curves_of, judged
from understudy.soak.sampling import Sample, Sampler
from understudy.soak.troubles import HOLD_S, Troubles

EVERY_S = 90.0
"""Time between two faults; less in a short soak."""
_LEAST = 20
"""Faults in a short soak, if the system recovers fast enough."""
_KILLS_PER_TROUBLE = 2
_LOOKS = 360
_LOOK_LEAST_S, _LOOK_MOST_S = 0.5, 30.0
_ENDLESS = 10**9
_BEAT_S = 0.1


@attrs.frozen(kw_only=True)
class SoakResult:
    """A soak from its seed to its verdict."""

    seed: int
    wanted_s: float
    lasted_s: float
    interrupted_by: str
    """The signal that ended it early; empty if none did."""
    watchers: tuple[str, ...]
    """The watchers beside the run."""
    recoveries: tuple[Recovery, ...]
    troubles: tuple[tuple[float, str], ...]
    """(seconds, problem) besides kills."""
    verdict: AuditVerdict
    traded: dict[str, int]
    samples: tuple[Sample, ...]
    judgements: tuple[Judgement, ...]

    @property
    def is_good(self) -> bool:
        """Whether all books agree and no curve grows."""
        return self.verdict.is_good and all(each.is_flat is not False for each in self.judgements)


class Soak:
    """One system over hours."""

    def __init__(
        self,
        drill: Drill,
        system: DrilledSystem,
        troubles: Troubles,
        *,
        seconds: float,
        seed: int,
        is_live: bool,
        interrupted_by: Callable[[], str],
        on_progress: Callable[[float, str], None],
    ) -> None:
        """Prepare a soak.

        Args:
            drill: injects kills, and audits the system.
            system: the system.
            troubles: the other faults.
            seconds: how long it lasts; real time.
            seed: decides the faults and their times.
            is_live: orders are signed.
            interrupted_by: names the signal that asks for the end; empty while none does.
            on_progress: called now and then with the seconds that have passed, and the present
                activity.
        """
        self._drill, self._system, self._troubles = drill, system, troubles
        self._seconds, self._seed = seconds, seed
        self._injections = REAL_INJECTIONS if is_live else INJECTIONS
        self._interrupted_by, self._on_progress = interrupted_by, on_progress
        self._every_s = min(EVERY_S, seconds / _LEAST)
        self._look_every_s = min(_LOOK_MOST_S, max(_LOOK_LEAST_S, seconds / _LOOKS))
        self._sampler = Sampler(system)
        self._samples: list[Sample] = []
        self._look_at_s = 0.0
        self._doing = "starting"
        self._done: list[tuple[float, str]] = []
        self._recoveries: list[Recovery] = []
        self._began_s = time.monotonic()

    def conduct(self, watchers: tuple[str, ...]) -> SoakResult:
        """Conduct the whole soak; ends in order, even if early."""
        verdict = self._drill.conduct(self._steps(), self._recoveries.append)
        lasted_s = self._passed_s
        return SoakResult(
            seed=self._seed,
            wanted_s=self._seconds,
            lasted_s=lasted_s,
            interrupted_by=self._interrupted_by(),
            watchers=watchers,
            recoveries=tuple(self._recoveries),
            troubles=tuple(self._done),
            verdict=verdict,
            traded=self._drill.traded,
            samples=tuple(self._samples),
            judgements=tuple(map(judged, curves_of(self._samples))),
        )

    @property
    def _passed_s(self) -> float:
        return time.monotonic() - self._began_s

    def _steps(self) -> Iterator[Step]:
        """The drill's injections at their times, with other faults in between."""
        dice = random.Random(f"soak/{self._seed}")
        kills = plan(_ENDLESS, self._seed, injections=self._injections)
        self._began_s = time.monotonic()
        while True:
            for name in self._round(dice):
                self._doing = "all is well"
                if not self._pass(self._every_s * dice.uniform(0.7, 1.3)):
                    return
                if not name:
                    step = next(kills)
                    self._doing = f"{step.injection.target} {step.injection.means.value}"
                    yield step
                    continue
                self._doing = name
                self._done.append((self._passed_s, name))
                self._troubles.by_name[name](self._pass, min(HOLD_S, self._every_s))
                self._drill.settle()

    def _round(self, dice: random.Random) -> list[str]:
        """Every fault once, in random order; an empty name is a kill."""
        names = list(self._troubles.by_name)
        kills = [""] * (_KILLS_PER_TROUBLE * len(names))
        return dice.sample([*names, *kills], len(names) + len(kills))

    def _pass(self, seconds: float) -> bool:
        """Let time pass; return False when the soak is over."""
        ends_s = min(self._passed_s + seconds, self._seconds)
        while self._passed_s < ends_s and not self._interrupted_by():
            self._look()
            time.sleep(_BEAT_S)
        return self._passed_s < self._seconds and not self._interrupted_by()

    def _look(self) -> None:
        self._on_progress(self._passed_s, self._doing)
        if self._passed_s < self._look_at_s:
            return
        self._look_at_s = self._passed_s + self._look_every_s
        sample = self._sampler.look(self._passed_s)
        if sample is not None:
            self._samples.append(sample)
        self._drill.ask_exchange()


def starts_before_midnight(now_ms: int, window_ms: int) -> int:
    """Venue time at which the last window of a UTC day opens, so that the day soon changes."""
    day_ms = 86_400_000
    return -(-now_ms // day_ms) * day_ms - window_ms
