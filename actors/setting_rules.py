"""Rules for the values of settings, as tests and in words."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import attrs


@attrs.frozen
class Rule:
    """The rule for a value, as a test and in words; None passes, as "not set"."""

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


_REST_OF_URL = r"://([^\s/?#@]*@)?(\[[0-9a-f:.]+\]|[^\s/?#@:\[\]]+)(:[0-9]{1,5})?([/?#]\S*)?"
"""User and password, a host, a port, and what follows; RFC 3986, section 3.2, as far as needed."""


def url(*schemes: str) -> Rule:
    """Allow addresses of these schemes that name a host."""
    pattern = re.compile(f"({'|'.join(schemes)}){_REST_OF_URL}", re.IGNORECASE)
    allowed = " or ".join(f"{scheme}://…" for scheme in schemes)
    return Rule(allowed, lambda value: pattern.fullmatch(value) is not None)


FLAG = Rule("true or false", lambda value: value in (True, False))


def any_of(*choices: str) -> Rule:
    """Allow lists of these texts."""
    return Rule(
        f"a list of {', '.join(choices)}", lambda value: all(each in choices for each in value)
    )


def setting(default: Any, rule: Rule, meaning: str) -> Any:
    """Declare one key: its default, what it allows, and its meaning in one line for people."""
    return attrs.field(default=default, validator=rule, metadata={"meaning": meaning})
