"""One whole drill: the stage, the system, the plan, and the result."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from actors.settings import ExecutionSettings, Settings
from actors.units import NANOS_PER_DOLLAR
from understudy.credentials.live import live_account
from understudy.drill.conduct import Drill, DrilledAccount, Recovery
from understudy.drill.plan import INJECTIONS, REAL_INJECTIONS, DrillRequest, plan
from understudy.drill.report import Result
from understudy.drill.stage import (
    ACCOUNT_DOLLARS,
    FAULTS,
    FAULTS_NAME,
    LIVE_SETTINGS,
    SETTINGS,
    drill_stage,
    run_options,
)
from understudy.drill.system import DrilledSystem
from understudy.drill.witness import ExchangeWitness, Witness
from understudy.settings.options import DrillStage


def run_drill(
    directory: Path, request: DrillRequest, on_recovery: Callable[[int, Recovery], None]
) -> Result:
    """Drill a new system in an empty directory; its journal and log stay there.

    ``on_recovery`` is called with the number and recovery of each injection as soon as it is over.

    Raises:
        ExchangeFailed: the local exchange did not start.
    """
    recoveries: list[Recovery] = []

    def note(recovery: Recovery) -> None:
        recoveries.append(recovery)
        on_recovery(len(recoveries), recovery)

    seed, series, is_live = request.seed, request.series, request.is_live
    with stage_for(directory, seed, series, request.faults, is_live=is_live) as (stage, account):
        chosen = (f"supervision.layout={request.layout}", f"strategy.use={request.use}")
        settings = (*(LIVE_SETTINGS if is_live else SETTINGS), *chosen)
        options = run_options(stage, seed, settings, series)
        system, witness = DrilledSystem(directory, options, series), Witness(stage.http_url)
        drill = Drill(system, stage, witness, account, request.windows)
        injections = REAL_INJECTIONS if is_live else INJECTIONS
        verdict = drill.conduct(plan(request.kills, seed, request.targets, injections), note)
    return Result(seed=seed, recoveries=tuple(recoveries), verdict=verdict, traded=drill.traded)


@contextlib.contextmanager
def stage_for(
    directory: Path,
    seed: int,
    series: Sequence[str],
    faults: Path | None = None,
    *,
    is_live: bool,
    **more: Any,
) -> Iterator[tuple[DrillStage, DrilledAccount | None]]:
    """Open an exchange that survives all injections; ``more`` is as for ``drill_stage``.

    For live orders it injects faults, and an account with money is opened there.
    """
    if not is_live:
        with drill_stage(directory, seed, series=series, **more) as stage:
            yield stage, None
        return
    if faults is None:
        faults = directory / FAULTS_NAME
        faults.write_text(FAULTS)
    live = Settings(execution=ExecutionSettings(mode="live"))
    with (
        live_account(live, has_own_key=False) as address,
        drill_stage(
            directory, seed, account=address, faults=faults, series=series, **more
        ) as stage,
    ):
        witness = ExchangeWitness(stage.http_url, address)
        yield stage, DrilledAccount(witness, ACCOUNT_DOLLARS * NANOS_PER_DOLLAR)
