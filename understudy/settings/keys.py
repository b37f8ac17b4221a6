"""The keys of a configuration, derived from ``actors.settings``, and the check of one value."""

from __future__ import annotations

import difflib
import json
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from actors.setting_rules import Rule
from actors.settings import Settings

SECTIONS: Mapping[str, type] = types.MappingProxyType(
    {name: kind for name, kind in typing.get_type_hints(Settings).items() if attrs.has(kind)}
)
"""Every section's name and the class that declares its keys."""

_KIND_WORDS: Mapping[type, str] = types.MappingProxyType(
    {bool: "", str: "", int: "a whole number, ", float: "a number, ", tuple: ""}
)
"""Put before what a key allows when a value has the wrong type."""


class ConfigError(Exception):
    """A configuration that cannot be used; one sentence says why."""


_SHOWN_CHARS = 200
_EXACT_MAX = 2**53
"""Larger integers are not exact as floats, and much larger ones not representable."""


@attrs.frozen(kw_only=True)
class Key:
    """One configurable key, as ``actors.settings`` declares it."""

    section: str
    name: str
    kind: type
    """bool, int, float, str or tuple (a list of texts)."""
    default: Any
    rule: Rule
    meaning: str

    @property
    def full_name(self) -> str:
        """Such as ``strategy.stop_loss_ticks``."""
        return f"{self.section}.{self.name}"

    def checked(self, value: object) -> Any:
        """Return the value as the key's type, if it is allowed.

        Raises:
            ConfigError: it has another type (true is not a number, 1.0 not an integer) or is
                not allowed.
        """
        if self.kind is float and type(value) is int and abs(value) <= _EXACT_MAX:
            value = float(value)
        if self.kind is tuple and isinstance(value, list):
            value = tuple(value)
        words = "" if type(value) is self.kind else _KIND_WORDS[self.kind]
        if type(value) is not self.kind or not self.rule.holds(value):
            raise ConfigError(
                f"{self.full_name} = {shown(value)}: must be {words}{self.rule.allowed}"
            )
        return value


def toml_text(value: object) -> str:
    """Write a value as a TOML file would, on one line; None, which TOML lacks, as ``unset``."""
    match value:
        case None:
            return "unset"
        case bool() | str():
            return json.dumps(value, ensure_ascii=False)
        case dict():
            return "{…}"
        case list():
            return "[…]"
        case tuple():
            return f"[{', '.join(map(toml_text, value))}]"
        case _:
            return str(value)


def shown(value: object) -> str:
    """Write a value within a sentence, shortened to what one can read."""
    try:
        text = toml_text(value)
    except ValueError:  # Python refuses to write a number with so many digits
        return "a number of thousands of digits"
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}…"


def _declared() -> Iterator[Key]:
    for section, section_class in SECTIONS.items():
        hints = typing.get_type_hints(section_class)
        for field in keys_in(section_class):
            yield Key(
                section=section,
                name=field.name,
                kind=_kind_of(hints[field.name]),
                default=field.default,
                rule=field.validator,
                meaning=field.metadata["meaning"],
            )


def keys_in(section_class: Any) -> list[Any]:
    """The attrs fields of a section that are keys; the other fields are not configurable."""
    return [field for field in attrs.fields(section_class) if "meaning" in field.metadata]


def _kind_of(hint: Any) -> type:
    """``str`` of ``str | None``, ``tuple`` of ``tuple[str, ...]``."""
    if typing.get_origin(hint) is tuple:
        return tuple
    kinds: list[type] = [kind for kind in typing.get_args(hint) if kind is not type(None)]
    return kinds[0] if kinds else hint


KEYS: Mapping[str, Key] = types.MappingProxyType({key.full_name: key for key in _declared()})
"""Every key by its full name, in the order of ``actors.settings``."""


def key_named(full_name: str) -> Key:
    """Find a key.

    Raises:
        ConfigError: there is none; the sentence names the nearest one.
    """
    if full_name in KEYS:
        return KEYS[full_name]
    section, _, name = full_name.rpartition(".")
    if section:
        check_section(section)
    raise ConfigError(f"unknown key {full_name}: {_nearest_key(section, name)}")


def check_section(section: str) -> None:
    """Refuse a section that does not exist.

    Raises:
        ConfigError: names the nearest one, or all.
    """
    if section in SECTIONS:
        return
    near = difflib.get_close_matches(section, SECTIONS, n=1)
    allowed = ", ".join(f"[{name}]" for name in SECTIONS)
    hint = f"did you mean [{near[0]}]?" if near else f"allowed are {allowed}"
    raise ConfigError(f"unknown section [{section}]: {hint}")


def outside_a_section(name: str, value: object) -> ConfigError:
    """Describe a top-level ``name = value``, which belongs in some section."""
    if name in SECTIONS:
        return ConfigError(f"{name} = {shown(value)}: must be a section, written [{name}]")
    homes = [key.section for key in KEYS.values() if key.name == name]
    hint = f"it belongs below [{homes[0]}]" if homes else "each key belongs below a section"
    return ConfigError(f"{name} = {shown(value)} is outside a section: {hint}")


def _nearest_key(section: str, name: str) -> str:
    """Suggest the same name elsewhere, else a similar one in the section, else all in it."""
    moved = [key.full_name for key in KEYS.values() if key.name == name]
    beside = {key.name: key.full_name for key in KEYS.values() if section in (key.section, "")}
    near = moved or [beside[match] for match in difflib.get_close_matches(name, beside, n=1)]
    return f"did you mean {near[0]}?" if near else f"allowed are {', '.join(beside)}"
