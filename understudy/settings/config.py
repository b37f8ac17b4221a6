"""Turns one TOML file into ``Settings``, and knows the origin of every value.

A section is a class of ``actors.settings``, a key one of its fields. Any error in a file becomes
one ``ConfigError``: a sentence that names the key, its value and what is allowed. No file is read
that was not named.
"""

from __future__ import annotations

import enum
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from actors.settings import SeriesPlan, Settings
from understudy.settings.keys import (
    KEYS,
    SECTIONS,
    ConfigError,
    Key,
    check_section,
    key_named,
    outside_a_section,
)
from understudy.settings.series_choice import (
    ChosenSeries,
    chosen_series,
    element_tables,
    refuse_account_keys,
)
from understudy.settings.strategy_keys import (
    SECTION,
    USE,
    StrategyKeys,
    chosen_keys,
    is_parameter,
    keys_of,
)

__all__ = ["Config", "ConfigError", "Effective", "Source", "config_of", "load"]


class Source(enum.Enum):
    """Origin of a value; a later one overrides an earlier one."""

    DEFAULT = "default"
    FILE = "file"
    COMMAND_LINE = "command line"
    RUNNING = "running system"
    """A running system reports its values only: this one is not the default."""


@attrs.frozen(kw_only=True)
class Effective:
    """A key's value in force."""

    key: Key
    value: Any
    source: Source


@attrs.frozen(kw_only=True)
class Config:
    """A whole configuration: the settings for actors, and the values with their origins."""

    settings: Settings
    effective: tuple[Effective, ...]
    """Every key, in the order of ``actors.settings``; with several series, the common values."""
    series: Mapping[str, tuple[Effective, ...]] = attrs.field(factory=dict)
    """By name, what differs in each of several series; empty with one."""


def load(
    path: Path | None = None, assignments: Sequence[str] = (), series: Sequence[str] = ()
) -> Config:
    """Read a configuration; without a file or assignments it is the defaults.

    Args:
        path: a TOML file, or None.
        assignments: from the command line, ``section.key=value`` each; they override the file.
        series: from the command line, names of the series traded instead of the file's.

    Raises:
        ConfigError: the file cannot be read or parsed, or a key or value is not allowed.
    """
    from_file, elements = ({}, []) if path is None else _read(path)
    from_command_line = dict(map(_assigned, assignments))
    try:
        chosen = chosen_series(elements, series, from_command_line)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}" if path and not series else str(error)) from None
    each = [_of_series(one, from_file, from_command_line, path) for one in chosen]
    if not each:
        return _merged(from_file, from_command_line, path)
    return each[0] if len(each) == 1 else _together(each, from_file, from_command_line, path)


def _of_series(
    one: ChosenSeries,
    from_file: Mapping[str, Any],
    from_command_line: Mapping[str, Any],
    path: Path | None,
) -> Config:
    """The configuration for one series."""
    named = {**from_command_line, **one.from_command_line}
    return _merged({**from_file, **one.from_file}, named, path)


def _together(
    each: Sequence[Config],
    from_file: Mapping[str, Any],
    from_command_line: Mapping[str, Any],
    path: Path | None,
) -> Config:
    """Combine the configurations of several series."""
    base = _merged(from_file, from_command_line, path)
    plans = tuple(map(_plan, (one.settings for one in each)))
    own = {
        plan.series.name: _own(one.effective, base.effective)
        for plan, one in zip(plans, each, strict=True)
    }
    settings = attrs.evolve(base.settings, series=plans[0].series, traded=plans)
    return Config(settings=settings, effective=base.effective, series=own)


def _plan(settings: Settings) -> SeriesPlan:
    return SeriesPlan(
        series=settings.series,
        strategy=settings.strategy,
        risk=settings.risk,
        protections=settings.protections,
    )


def _own(each: Sequence[Effective], base: Sequence[Effective]) -> tuple[Effective, ...]:
    """What a series has for itself: its name, and what differs from all others' values."""
    known = {one.key.full_name: one.value for one in base}
    return tuple(
        one
        for one in each
        if one.key.section == "series" or one.value != known.get(one.key.full_name, one.key.default)
    )


def _merged(
    from_file: Mapping[str, Any], from_command_line: Mapping[str, Any], path: Path | None
) -> Config:
    """The configuration of one series."""
    strategy = _strategy(from_file, from_command_line, path)
    given = {
        **_checked(from_file, strategy, "" if path is None else f"{path}: "),
        **_checked(from_command_line, strategy),
    }
    if USE in given:
        given[USE] = strategy.use
    keys = {**KEYS, **strategy.parameters}

    def source(key: Key) -> Source:
        if _is_named(key, from_command_line, strategy):
            return Source.COMMAND_LINE
        return Source.FILE if _is_named(key, from_file, strategy) else Source.DEFAULT

    effective = tuple(
        Effective(key=key, value=given.get(key.full_name, key.default), source=source(key))
        for key in {key.full_name: key for key in keys.values()}.values()
    )
    return Config(settings=_settings(effective, strategy), effective=effective)


def _strategy(
    from_file: Mapping[str, Any], from_command_line: Mapping[str, Any], path: Path | None
) -> StrategyKeys:
    """Find the strategy in use; its file is searched for beside the file that names it."""
    key = KEYS[USE]
    if USE in from_command_line:
        return chosen_keys(key.checked(from_command_line[USE]), Path.cwd())
    if USE not in from_file or path is None:
        return chosen_keys(key.default, Path())
    try:
        return chosen_keys(key.checked(from_file[USE]), path.absolute().parent)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def _checked(raw: Mapping[str, Any], strategy: StrategyKeys, where: str = "") -> dict[str, Any]:
    """Check values, given by the full names of their keys."""
    checked: dict[str, Any] = {}
    for name, value in raw.items():
        try:
            key = strategy.key(name) if is_parameter(name) else key_named(name)
            allowed = key.checked(value)
        except ConfigError as error:
            raise ConfigError(f"{where}{error}") from None
        if key.full_name in checked:
            raise ConfigError(f"{where}{name} is the same as {key.full_name}: the key is set twice")
        checked[key.full_name] = allowed
    return checked


def _is_named(key: Key, raw: Mapping[str, Any], strategy: StrategyKeys) -> bool:
    return key.full_name in raw or any(
        strategy.parameters.get(name) is key for name in raw if is_parameter(name)
    )


def config_of(settings: Settings) -> Config:
    """Describe the settings of a running system as a configuration.

    Raises:
        ConfigError: its strategy is no longer available.
    """
    effective = _effective_of(settings)
    if not settings.traded:
        return Config(settings=settings, effective=effective)
    own = {
        plan.series.name: _own(_effective_of(settings.of(plan.series.name)), effective)
        for plan in settings.traded
    }
    return Config(settings=settings, effective=effective, series=own)


def _effective_of(settings: Settings) -> tuple[Effective, ...]:
    own = dict(settings.strategy.parameters)

    def told(key: Key) -> Effective:
        if is_parameter(key.full_name):
            value = own.get(key.name, key.default)
        else:
            value = getattr(getattr(settings, key.section), key.name)
        source = Source.DEFAULT if value == key.default else Source.RUNNING
        return Effective(key=key, value=value, source=source)

    keys = {**KEYS, **keys_of(settings.strategy).parameters}
    by_name = {key.full_name: key for key in keys.values()}
    return tuple(map(told, by_name.values()))


def _settings(effective: tuple[Effective, ...], strategy: StrategyKeys) -> Settings:
    sections = {
        section: section_class(
            **{each.key.name: each.value for each in effective if each.key.section == section}
        )
        for section, section_class in SECTIONS.items()
    }
    own = tuple(
        (each.key.name, each.value)
        for each in effective
        if is_parameter(each.key.full_name) and each.source is not Source.DEFAULT
    )
    made = Settings(**sections)
    with_strategy = attrs.evolve(made.strategy, file=strategy.file, parameters=own)
    return attrs.evolve(made, strategy=with_strategy)


def _read(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return a file's values by full key name, and those of each ``[[series]]``, unchecked."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8 text") from None
    try:
        return _split(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(_syntax_sentence(path, text, str(error))) from None
    except RecursionError:
        raise ConfigError(f"{path}: lists or tables are nested too deeply") from None
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    except ValueError:
        raise ConfigError(f"{path}: a number has too many digits") from None


def _split(tables: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    elements = tables.get("series")
    if not isinstance(elements, list):
        return dict(_flattened(tables)), []
    rest = {name: table for name, table in tables.items() if name != "series"}
    own = [dict(_flattened(element_tables(element))) for element in elements]
    if len(own) > 1:
        for each in own:
            refuse_account_keys(each)
    return dict(_flattened(rest)), own


def _flattened(tables: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for section, table in tables.items():
        if not isinstance(table, dict):
            raise outside_a_section(section, table)
        check_section(section)
        for name, value in table.items():
            if f"{section}.{name}" == SECTION and isinstance(value, dict):
                yield from ((f"{SECTION}.{each}", given) for each, given in value.items())
            else:
                yield f"{section}.{name}", value


def _syntax_sentence(path: Path, text: str, error: str) -> str:
    """Turn the parser's "what (at line 3, column 5)" into a sentence that begins with the place."""
    what, _, where = error.rpartition(" (at ")
    found = re.match(r"line (\d+)", where)
    line = int(found[1]) if found else len(text.splitlines())
    return f"{path}, line {line}: this is not TOML: {what or error}"


def _assigned(assignment: str) -> tuple[str, Any]:
    """Parse ``section.key=value``; the value is TOML, or else plain text."""
    name, equals, text = (part.strip() for part in assignment.partition("="))
    if not equals:
        raise ConfigError(f"{assignment}: must be section.key=value")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    # raised by the TOML parser, or for a number with too many digits
    except (ValueError, RecursionError):
        value = text
    return name, value
