"""Settings of runs that trade several series."""

from __future__ import annotations

from typing import Any

import attrs

from actors.series import series_named
from actors.settings import SeriesPlan, Settings


def several(*names: str, base: Settings | None = None, **changed: dict[str, Any]) -> Settings:
    """Settings that trade the named series; ``btc_15m={"risk": …}`` changes a section of one."""
    base = base or Settings()
    plans = []
    for name in names:
        plan = SeriesPlan(series=series_named(name), strategy=base.strategy, risk=base.risk)
        plans.append(attrs.evolve(plan, **changed.get(name.replace("-", "_"), {})))
    return attrs.evolve(base, series=plans[0].series, traded=tuple(plans))
