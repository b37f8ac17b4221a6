"""Differences between settings, which of them may change during a run, and the record of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import attrs

from actors.core import Record, Save
from actors.directory.windows import WindowState
from actors.messages.settings import SettingChange, SettingsChanged, SettingsInForce
from actors.runtime.journal import Journal
from actors.settings import Settings, StrategySettings
from understudy.composition import processes_for, with_kept_strategies, with_patience
from understudy.settings.keys import SECTIONS, keys_in, toml_text

ROLE = "foreground"
"""The role under which settings are recorded."""

SERIES = "series"
"""Stands for the names of the traded series, which only ``understudy series`` changes."""

_ROW = "settings"
_OF_A_SERIES = ("strategy", "risk", "protections")
_CHANGEABLE_SECTIONS = frozenset({*_OF_A_SERIES, "alerts"})
_CHANGEABLE_KEYS = frozenset({"execution.max_open_orders"})
_OF_NO_RUN = "backtest"
_UNSET = "unset"


def values_of(settings: Settings) -> dict[str, str]:
    """Every value of a run, by its key's full name; of several series, each one's own as well."""
    told = {
        name: text
        for section in SECTIONS
        if section not in ("series", _OF_NO_RUN)
        for name, text in _section(section, getattr(settings, section)).items()
    }
    told[SERIES] = ", ".join(
        plan.series.name + (" until its window ends" if plan.is_ending else "")
        for plan in settings.plans
    )
    for plan in settings.traded:
        for section in _OF_A_SERIES:
            for name, text in _section(section, getattr(plan, section)).items():
                if text != told.get(name):
                    told[f"series.{plan.series.name}.{name}"] = text
    return told


def _section(name: str, value: object) -> dict[str, str]:
    told = {
        f"{name}.{field.name}": toml_text(getattr(value, field.name))
        for field in keys_in(type(value))
    }
    if isinstance(value, StrategySettings):
        told |= {f"{name}.parameters.{key}": toml_text(given) for key, given in value.parameters}
        if value.file is not None:
            told[f"{name}.use"] += f" ({value.file.sha256[:12]})"
    return told


def differences(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[SettingChange, ...]:
    """The differences between two results of ``values_of``, in the order of the keys."""
    return tuple(
        SettingChange(key, old.get(key, _UNSET), new.get(key, _UNSET))
        for key in dict.fromkeys([*new, *old])
        if old.get(key, _UNSET) != new.get(key, _UNSET)
    )


def needs_restart(changes: Iterable[SettingChange]) -> str:
    """Why these cannot change during a run, in one sentence; empty if they can."""
    fixed = [change for change in changes if not _may_change(change.key)]
    if not fixed:
        return ""
    words = f"nothing was changed: {'; '.join(change.words for change in fixed)}"
    ways = [_series_way(change) for change in fixed if change.key == SERIES]
    if len(ways) == len(fixed):
        return f"{words}: {ways[0]}"
    return "; ".join([f"{words}: that needs a restart", *ways])


def _series_way(change: SettingChange) -> str:
    """Name the commands for a change that a reload cannot make."""
    old, new = (
        [name.split()[0] for name in names.split(", ") if name]
        for names in (change.old, change.new)
    )
    steps = [f"understudy series add {name}" for name in new if name not in old]
    steps += [f"understudy series drop {name}" for name in old if name not in new]
    return f"series change by {', '.join(steps)}" if steps else "their order needs a restart"


def moves_a_strategy(old: Settings, new: Settings) -> str:
    """Why a strategy would have to change its process, in one sentence; empty if none would."""
    if processes_for(old) == processes_for(
        attrs.evolve(old, strategy=new.strategy, traded=new.traded)
    ):
        return ""
    return (
        "nothing was changed: in the grouped layout a built-in strategy runs in the shared "
        "process, any other in its own; changing strategy.use from one kind to the other needs a "
        "restart, unless supervision.strategy_isolated is set"
    )


def _may_change(key: str) -> bool:
    if key.startswith("series."):
        key = key.split(".", 2)[2]
    return key.partition(".")[0] in _CHANGEABLE_SECTIONS or key in _CHANGEABLE_KEYS


def replaced(in_force: Settings, given: Settings, number: int, data_dir: Path) -> Settings:
    """The settings in force, with everything changeable replaced.

    Args:
        in_force: what the actors have, which in a demo point to its own exchange.
        given: as configured; ``needs_restart`` has nothing against it.
        number: of the resulting settings.
        data_dir: keeps copies of your own strategies.

    Raises:
        StrategyUnavailable: a strategy's file has changed.
        OSError: a copy cannot be written.
    """
    fit = with_kept_strategies(with_patience(given, in_force.speed), data_dir)
    return attrs.evolve(
        in_force,
        strategy=fit.strategy,
        risk=fit.risk,
        protections=fit.protections,
        alerts=fit.alerts,
        series=fit.series,
        traded=fit.traded,
        execution=attrs.evolve(in_force.execution, max_open_orders=fit.execution.max_open_orders),
        number=number,
    )


class SettingsRecord:
    """The foreground's access to the journal: it alone records which settings are in force.

    Raises:
        JournalError: the journal cannot be written.
    """

    def __init__(self, data_dir: Path, durability: str) -> None:
        self._journal = Journal(data_dir, ROLE, durability)
        self._journal.claim()
        saved = self._journal.recall(_ROW, _ROW)
        self.last = saved if isinstance(saved, SettingsInForce) else None

    def change(self, values: Mapping[str, str], who: str, reason: str, at_ms: int) -> int:
        """Record other settings in one transaction; return their number.

        Raises:
            JournalError: it could not be written; nothing has changed.
        """
        last = self.last or SettingsInForce(number=0, values={})
        changes = differences(last.values, values) if self.last is not None else ()
        now = SettingsInForce(number=last.number + 1, values=dict(values))
        event = SettingsChanged(number=now.number, who=who, reason=reason, changes=changes)
        self._journal.record(Record(event, (Save(_ROW, _ROW, now),)), at_ms)
        self.last = now
        return now.number

    def unsettled_series(self) -> set[str]:
        """Series of the windows that are open, or that position has not settled yet."""
        return {
            window.market.series
            for window in self._journal.load("window")
            if isinstance(window, WindowState) and window.settled_at_ms is None
        }

    def close(self) -> None:
        """Close the file."""
        self._journal.close()
