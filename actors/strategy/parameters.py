"""Declaration of a strategy's parameters, and reading them from its class."""

from __future__ import annotations

import typing
from collections.abc import Collection, Iterator
from typing import Any

import attrs

from actors.setting_rules import Rule, setting

_KINDS = (bool, int, float, str)
_ANYTHING = Rule("", lambda _value: True)


class BadParameter(TypeError):
    """A strategy declares a parameter that cannot be configured; one sentence says why."""


@attrs.frozen(kw_only=True)
class Parameter:
    """One parameter of a strategy."""

    name: str
    kind: type
    """bool, int, float or str."""
    default: Any
    rule: Rule
    meaning: str


def parameter(
    default: Any,
    meaning: str = "",
    *,
    least: float | None = None,
    most: float | None = None,
    choices: Collection[str | int] = (),
) -> Any:
    """Declare a parameter of a strategy, in its class body.

    Args:
        default: a bool, int, float or str; used unless the configuration sets the parameter.
        meaning: one line for people.
        least: the smallest permitted value.
        most: the largest permitted value.
        choices: the only permitted values.
    """
    return setting(default, _rule(least, most, tuple(choices)), meaning)


def parameters_of(strategy_class: type) -> tuple[Parameter, ...]:
    """Return the parameters of a strategy's class, in the order of declaration.

    Raises:
        BadParameter: one has no default, or a type that cannot be configured.
    """
    return tuple(_read(strategy_class))


def _read(strategy_class: type) -> Iterator[Parameter]:
    try:
        hints = typing.get_type_hints(strategy_class)
    except NameError as error:
        raise BadParameter(f"{strategy_class.__name__}: {error}") from None
    for field in attrs.fields(strategy_class):
        where = f"{strategy_class.__name__}.{field.name}"
        kind = hints[field.name]
        if kind not in _KINDS:
            raise BadParameter(f"{where} must be a bool, int, float or str, to be configured")
        if not isinstance(field.default, _KINDS):
            raise BadParameter(f"{where} needs a default, such as parameter(20, …)")
        rule = field.validator if isinstance(field.validator, Rule) else _rule(None, None, ())
        yield Parameter(
            name=field.name,
            kind=kind,
            default=field.default,
            rule=_worded(rule, kind),
            meaning=field.metadata.get("meaning", ""),
        )


def _worded(rule: Rule, kind: type) -> Rule:
    """Return the rule, with words for a type that permits everything."""
    if rule.allowed:
        return rule
    words = {bool: "true or false", str: "a text"}.get(kind, "of any size")
    return Rule(words, rule.holds)


def _rule(least: float | None, most: float | None, choices: tuple[str | int, ...]) -> Rule:
    if choices:
        texts = (f'"{each}"' if isinstance(each, str) else str(each) for each in choices)
        return Rule(" or ".join(texts), lambda value: value in choices)
    if least is None and most is None:
        return _ANYTHING
    low, high = _text(least), _text(most)
    words = f"{low} to {high}" if low and high else f"at least {low}" if low else f"at most {high}"
    return Rule(
        words,
        lambda value: (least is None or value >= least) and (most is None or value <= most),
    )


def _text(number: float | None) -> str:
    return "" if number is None else f"{number:,.6f}".rstrip("0").rstrip(".")
