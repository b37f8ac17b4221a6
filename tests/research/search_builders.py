from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from actors.settings import Settings, StrategySettings
from research.search.folds import Folds, folds_of
from research.search.space import Dimension, Value
from research.search.study import Search, SearchPlan
from research.search.workers import TaskResult, WindowTask

WINDOWS = 12
SPACE = (
    Dimension(name="strategy.max_trade_shares", low=1, high=40),
    Dimension(name="strategy.base_sense_dollars", low=1.0, high=100.0, is_log=True),
    Dimension(name="strategy.oracle", choices=("linear", "diffusion")),
)


def settings_of(values: Mapping[str, Value]) -> Settings:
    fields = {name.removeprefix("strategy."): value for name, value in values.items()}
    return Settings(strategy=StrategySettings(**fields))  # type: ignore[arg-type] # by name


def plan(
    *, windows: int = WINDOWS, folds: int = 4, held_out: int = 25, seed: int = 1, name: str = "one"
) -> SearchPlan:
    return SearchPlan(
        space=SPACE,
        folds=folds_of(windows, folds, held_out),
        places=tuple(f"window {number}" for number in range(windows)),
        seed=seed,
        settings_of=settings_of,
        made_of={"name": name, "bounds": (1, 2)},
    )


class PaperWorkers:
    """Plays no window: a formula says what it would have brought."""

    def __init__(self, dollars: Callable[[Settings, int], float] | None = None) -> None:
        self.played: list[str] = []
        self.stops_after: int | None = None
        self._dollars = dollars or peak

    def play(self, tasks: Sequence[WindowTask]) -> list[TaskResult]:
        if self.stops_after is not None and len(self.played) + len(tasks) > self.stops_after:
            raise KeyboardInterrupt
        self.played += [task.place for task in tasks]
        return [
            TaskResult(
                pnl_nanos=round(
                    self._dollars(task.plan.settings, int(task.place.split()[1])) * 10**9
                ),
                is_settled=True,
                orders_count=1,
                fills_count=1,
                events_count=1,
            )
            for task in tasks
        ]


def peak(settings: Settings, window: int) -> float:
    """Best at 25 shares; windows differ."""
    shares = settings.strategy.max_trade_shares
    return 10 - abs(shares - 25) * 0.4 + (window * 7 % 5) * 0.3


def opened(folder: Path, made: SearchPlan | None = None) -> Search:
    return Search(folder / "study.log", made or plan())


def four_folds() -> Folds:
    return folds_of(WINDOWS, 4, 25)
