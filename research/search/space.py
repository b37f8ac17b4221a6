"""The settings to search, and their values: a TOML file with a table per setting.

``[strategy]`` and the like hold keys as a configuration does; each value is a table with either
``choices``, or ``low`` and ``high`` (integers or not), and optionally ``step`` or ``log``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

Value = bool | int | float | str
_KEYS = frozenset({"choices", "low", "high", "step", "log"})


class BadSpace(Exception):
    """A space cannot be used; one sentence names the file and the setting."""


@attrs.frozen(kw_only=True)
class Dimension:
    """One setting and its values."""

    name: str
    """Full name, such as ``strategy.max_shares``."""
    choices: tuple[Value, ...] = ()
    """Values to choose from; if empty, a range."""
    low: int | float = 0
    high: int | float = 0
    step: int | float | None = None
    is_log: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether it is a range of integers."""
        return isinstance(self.low, int) and isinstance(self.high, int)


def read_space(path: Path) -> tuple[Dimension, ...]:
    """Read a space.

    Raises:
        BadSpace: the file cannot be read, or is invalid.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise BadSpace(f"{path} cannot be read: {problem.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as problem:
        raise BadSpace(f"{path} is not TOML: {problem}") from None
    try:
        dimensions = tuple(_dimension(*each) for each in _named(tables, ""))
    except BadSpace as problem:
        raise BadSpace(f"{path}: {problem}") from None
    if not dimensions:
        raise BadSpace(f"{path} has no settings")
    return dimensions


def _named(tables: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, table in tables.items():
        full_name = f"{prefix}{name}"
        if not isinstance(table, dict):
            raise BadSpace(f"{full_name} must be a table, such as {{ low = 1, high = 9 }}")
        if table and set(table) <= _KEYS:
            yield full_name, table
        elif set(table) & _KEYS and not any(isinstance(each, dict) for each in table.values()):
            unknown = ", ".join(sorted(set(table) - _KEYS))
            raise BadSpace(f"{full_name} has unknown keys: {unknown}")
        else:
            yield from _named(table, f"{full_name}.")


def _dimension(name: str, table: Mapping[str, Any]) -> Dimension:
    if "choices" in table:
        choices = table["choices"]
        if len(table) > 1 or not isinstance(choices, list) or len(choices) < 2:
            raise BadSpace(f"{name} must have at least two choices, and no other keys")
        return Dimension(name=name, choices=tuple(choices))
    low, high, step = table.get("low"), table.get("high"), table.get("step")
    is_log = table.get("log", False)
    for bound in (low, high) if step is None else (low, high, step):
        if isinstance(bound, bool) or not isinstance(bound, int | float):
            raise BadSpace(f"{name} must have low and high, numbers, or choices")
    if low is None or high is None or not low < high:
        raise BadSpace(f"{name}: low must be less than high")
    if is_log and (step is not None or low <= 0):
        raise BadSpace(f"{name}: log needs a low above 0, and no step")
    if step is not None and not step > 0:
        raise BadSpace(f"{name}: step must be more than 0")
    return Dimension(name=name, low=low, high=high, step=step, is_log=bool(is_log))
