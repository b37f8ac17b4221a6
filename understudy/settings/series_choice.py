"""Chooses the series that a configuration trades: ``[[series]]`` in the file, or ``--series``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from actors.protection_settings import ACCOUNT_PROTECTIONS
from actors.series import LENGTHS, SeriesSettings, series_named
from actors.settings import ACCOUNT_LIMITS
from understudy.settings.keys import ConfigError, toml_text

_ASSET, _MINUTES = "series.asset", "series.window_minutes"
_OWN_SECTIONS = ("strategy", "risk", "protections")
_ACCOUNTS = frozenset(
    {
        "risk.halt_on",
        *(f"risk.{name}" for name in ACCOUNT_LIMITS),
        *(f"protections.{name}" for name in ACCOUNT_PROTECTIONS),
    }
)


@attrs.frozen(kw_only=True)
class ChosenSeries:
    """One series, and the keys it overrides, by full name and unchecked."""

    from_file: Mapping[str, Any]
    from_command_line: Mapping[str, Any] = attrs.field(factory=dict)


def element_tables(element: object) -> dict[str, Any]:
    """Sections of one ``[[series]]``: its own keys, and those it overrides.

    Raises:
        ConfigError: it is not a table, or overrides a key that is not a series' own.
    """
    if not isinstance(element, dict):
        raise ConfigError(
            f"series = {toml_text(element)}: each must be a table, written [[series]]"
        )
    own = {name: value for name, value in element.items() if name not in _OWN_SECTIONS}
    others = {name: element[name] for name in _OWN_SECTIONS if name in element}
    for name, value in own.items():
        if isinstance(value, dict):
            raise ConfigError(
                f"[series.{name}] is not known: a series may override [series.strategy], "
                "[series.risk] and [series.protections]"
            )
    return {"series": own, **others}


def refuse_account_keys(raw: Mapping[str, Any]) -> None:
    """Refuse the account's limits among the keys that a series overrides.

    Raises:
        ConfigError: there is one.
    """
    for name in raw:
        if name in _ACCOUNTS:
            raise ConfigError(
                f"{name} applies to the account, not to one series: set it in "
                f"[{name.partition('.')[0]}]"
            )


def name_of(raw: Mapping[str, Any]) -> str:
    """Name of the series that raw keys describe; empty if they describe none."""
    defaults = SeriesSettings()
    asset = raw.get(_ASSET, defaults.asset)
    minutes = raw.get(_MINUTES, defaults.window_minutes)
    label = LENGTHS.get(minutes) if isinstance(minutes, int) else None
    return f"{asset}-{label}" if label is not None else ""


def series_keys(name: str) -> dict[str, Any]:
    """The keys that describe a series by its name, such as ``btc-15m``.

    Raises:
        ConfigError: there is no such series; the sentence says which there are.
    """
    try:
        series = series_named(name)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    return {_ASSET: series.asset, _MINUTES: series.window_minutes}


def chosen_series(
    elements: Sequence[Mapping[str, Any]],
    names: Sequence[str],
    from_command_line: Mapping[str, Any],
) -> list[ChosenSeries]:
    """The series that are traded; the command line's choice overrides the file's.

    Args:
        elements: raw keys of each ``[[series]]`` of the file.
        names: of ``--series``; empty for the file's.
        from_command_line: raw keys that are set there.

    Raises:
        ConfigError: a series is named twice or does not exist, or another key names one as
            well.
    """
    in_file = {name_of(element): element for element in elements}
    if names:
        chosen = [
            ChosenSeries(from_file=in_file.get(name, {}), from_command_line=series_keys(name))
            for name in names
        ]
        every = list(names)
    else:
        chosen = [ChosenSeries(from_file=element) for element in elements]
        every = [name_of(element) for element in elements]
    for number, name in enumerate(every):
        if name and name in every[:number]:
            raise ConfigError(f"the series {name} is given twice")
    set_too = next((key for key in (_ASSET, _MINUTES) if key in from_command_line), None)
    if set_too is not None and (names or len(elements) > 1):
        raise ConfigError(f"{set_too} names one series: with several, or --series, leave it out")
    return chosen
