"""What the value of a setting must be, as a test and in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs


@attrs.frozen
class Rule:
    """What a value must be, as a test and in words; None passes, as "not set"."""

    allowed: str
    holds: Callable[[Any], bool]

    def __call__(self, _instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
        """Validate a field.

        Raises:
            ValueError: names the field, the value and what is allowed.
        """
        if value is not None and not self.holds(value):
            raise ValueError(f"{attribute.name} = {value!r}: must be {self.allowed}")


def between(low: float, high: float) -> Rule:
    """Allow numbers in a closed range."""
    return Rule(f"{_plain(low)} to {_plain(high)}", lambda value: low <= value <= high)


def _plain(number: float) -> str:
    return f"{number:,.6f}".rstrip("0").rstrip(".")


def one_of(*choices: str | int) -> Rule:
    """Allow these values."""
    texts = (f'"{choice}"' if isinstance(choice, str) else str(choice) for choice in choices)
    return Rule(" or ".join(texts), lambda value: value in choices)


def url(*schemes: str) -> Rule:
    """Allow addresses of these schemes."""
    prefixes = tuple(f"{scheme}://" for scheme in schemes)
    allowed = " or ".join(f"{prefix}…" for prefix in prefixes)
    return Rule(allowed, lambda value: value.startswith(prefixes))


FLAG = Rule("true or false", lambda value: value in (True, False))


def any_of(*choices: str) -> Rule:
    """Allow lists of these texts."""
    return Rule(
        f"a list of {', '.join(choices)}", lambda value: all(each in choices for each in value)
    )


def setting(default: Any, rule: Rule, meaning: str) -> Any:
    """Declare one key: its default, what it allows, and its meaning in one line for people."""
    return attrs.field(default=default, validator=rule, metadata={"meaning": meaning})
