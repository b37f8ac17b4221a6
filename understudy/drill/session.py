"""One whole drill: the stage, the system, the plan, and what came of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from understudy.drill.conduct import Drill, Recovery
from understudy.drill.plan import TARGETS, plan
from understudy.drill.report import Result
from understudy.drill.stage import drill_stage, run_options
from understudy.drill.system import DrilledSystem
from understudy.drill.witness import Witness


def run_drill(
    directory: Path,
    *,
    kills: int,
    seed: int,
    targets: Sequence[str] = TARGETS,
    told: Callable[[int, Recovery], None],
) -> Result:
    """Drill a new system in an empty directory; its journal and log stay there.

    Args:
        directory: where the system keeps its data.
        kills: how many blows.
        seed: decides whom, when and how, and the market's prices.
        targets: whom to strike.
        told: called with the number and recovery of each blow as soon as it is over.

    Raises:
        ExchangeFailed: the local exchange did not start.
    """
    recoveries: list[Recovery] = []

    def note(recovery: Recovery) -> None:
        recoveries.append(recovery)
        told(len(recoveries), recovery)

    with drill_stage(directory, seed) as stage:
        system = DrilledSystem(directory, run_options(stage, seed))
        drill = Drill(system, stage.pause_points_dir, Witness(stage.http_url))
        verdict = drill.conduct(plan(kills, seed, targets), note)
    return Result(seed=seed, recoveries=tuple(recoveries), verdict=verdict, traded=drill.traded)
