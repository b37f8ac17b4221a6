"""The keys of ``[strategy.parameters]``, which depend on the strategy in use.

Those of ``pair`` are also keys of ``[strategy]``, as they were before there were other strategies;
both spellings mean the same.
"""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs

from actors.settings import StrategyFile, StrategySettings
from actors.strategy.choice import PAIR, strategy_class
from actors.strategy.loading import StrategyUnavailable, chosen_file, only_class
from actors.strategy.parameters import parameters_of
from understudy.settings.keys import KEYS, ConfigError, Key, toml_text

USE = "strategy.use"
SECTION = "strategy.parameters"
_PREFIX = f"{SECTION}."

COMMON = frozenset({"use", "max_book_age_ms", "max_trade_shares", "max_shares"})
"""Keys of ``[strategy]`` for every strategy; the others are parameters of ``pair``."""


@attrs.frozen(kw_only=True)
class StrategyKeys:
    """The strategy that a configuration names, and its keys."""

    use: str
    """The value of ``strategy.use``: a file by its absolute path."""
    file: StrategyFile | None
    parameters: Mapping[str, Key]
    """By full name, ``strategy.parameters.<name>``."""

    def key(self, full_name: str) -> Key:
        """Find a key of ``[strategy.parameters]``.

        Raises:
            ConfigError: there is none; the sentence names the nearest one.
        """
        if full_name in self.parameters:
            return self.parameters[full_name]
        names = {each.removeprefix(_PREFIX): each for each in self.parameters}
        near = difflib.get_close_matches(full_name.removeprefix(_PREFIX), names, n=1)
        if near:
            hint = f"did you mean {names[near[0]]}?"
        else:
            hint = f"allowed are {', '.join(names)}" if names else f"{self.use} has no parameters"
        raise ConfigError(f"unknown key {full_name}: {hint}")


def is_parameter(full_name: str) -> bool:
    """Whether a name is one of ``[strategy.parameters]``."""
    return full_name.startswith(_PREFIX)


def keys_of(settings: StrategySettings) -> StrategyKeys:
    """The keys of a strategy that is in use.

    Raises:
        ConfigError: it is not available.
    """
    with _told_of(settings.use):
        return _keys(settings)


def chosen_keys(use: str, folder: Path) -> StrategyKeys:
    """Find the strategy that ``strategy.use`` names.

    Args:
        use: the value as it was given.
        folder: what a relative path in it is relative to.

    Raises:
        ConfigError: there is none, or it is invalid.
    """
    with _told_of(use):
        file = _file(use, folder)
        absolute = use if file is None else f"{file.path}:{file.class_name}"
        return _keys(StrategySettings(use=absolute, file=file))


@contextlib.contextmanager
def _told_of(use: str) -> Iterator[None]:
    try:
        yield
    except StrategyUnavailable as error:
        raise ConfigError(f"{USE} = {toml_text(use)}: {error}") from None


def _keys(settings: StrategySettings) -> StrategyKeys:
    parameters = _parameters(settings)
    return StrategyKeys(use=settings.use, file=settings.file, parameters=parameters)


def _file(use: str, folder: Path) -> StrategyFile | None:
    path, colon, class_name = use.rpartition(":")
    if not colon:
        path, class_name = use, ""
    if not path.endswith(".py"):
        return None
    file = chosen_file(folder / Path(path).expanduser(), class_name)
    return file if class_name else attrs.evolve(file, class_name=only_class(file))


def _parameters(settings: StrategySettings) -> dict[str, Key]:
    if settings.use == PAIR:
        return {f"{_PREFIX}{key.name}": key for key in _of_pair()}
    keys = (
        Key(
            section=SECTION,
            name=each.name,
            kind=each.kind,
            default=each.default,
            rule=each.rule,
            meaning=each.meaning,
        )
        for each in parameters_of(strategy_class(settings))
    )
    return {key.full_name: key for key in keys}


def _of_pair() -> Iterator[Key]:
    return (key for key in KEYS.values() if key.section == "strategy" and key.name not in COMMON)


def unused_parameters(settings: StrategySettings) -> list[str]:
    """Keys of ``[strategy]`` that are set but ignored by the strategy in use."""
    if settings.use == PAIR:
        return []
    return [key.full_name for key in _of_pair() if getattr(settings, key.name) != key.default]
