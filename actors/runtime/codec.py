"""Turns the attrs values that actors record into JSON text and back, exactly.

Integers of any length stay integers, enums are their values, frozensets sorted lists. A row's class
is found again by its tag (row_tags.py), so that a journal can name nothing else.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import json
import sys
from typing import Any, TypeVar

import attrs
import msgspec
from cattrs import BaseValidationError
from cattrs.errors import StructureHandlerNotFoundError
from cattrs.preconf.json import make_converter

from actors.runtime.row_tags import PLACES, SCHEMA_1_NAMES

_RECORDING_PACKAGES = tuple(
    f"actors.{name}." for name in ("directory", "execution", "observer", "position")
)

_Value = TypeVar("_Value")

_converter = make_converter(unstruct_collection_overrides={frozenset: sorted})


_UNDECODABLE = (
    AttributeError,
    BaseValidationError,
    KeyError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What decoding raises for a record of another version, or a damaged one."""


class NoTag(ValueError):
    """A value was to be saved whose class has no tag in row_tags.py."""


class Undecodable(ValueError):
    """A row or event does not hold what it says it holds."""


def encode(value: object) -> str:
    """JSON text of an attrs value."""
    plain = _converter.unstructure(value)
    try:
        return msgspec.json.encode(plain).decode()
    except UnicodeEncodeError:  # half a surrogate pair, which UTF-8 has no bytes for
        return json.dumps(plain, separators=(",", ":"))


def warm_up() -> None:
    """Make the code that encodes and decodes each recorded class, for all forks that follow.

    Otherwise each actor makes it anew at its first record, which takes an order's actor longer
    than everything else it does before its order leaves.
    """
    classes = [
        value
        for name, module in sorted(sys.modules.items())
        if name.startswith(_RECORDING_PACKAGES)
        for value in vars(module).values()
        if isinstance(value, type) and attrs.has(value) and value.__module__ == name
    ]
    # Twice: making the code for a new kind of tuple throws away what was made before.
    for _ in range(2):
        for each in classes:
            _converter.get_unstructure_hook(each)
            with contextlib.suppress(StructureHandlerNotFoundError):  # it is never recorded
                _converter.get_structure_hook(each)


def tag_of(value_class: type) -> str:
    """Tag of the rows that hold values of a class.

    Raises:
        NoTag: it has none.
    """
    name = f"{value_class.__module__}:{value_class.__qualname__}"
    tag = _TAGS.get(name)
    if tag is None:
        raise NoTag(f"{name} cannot be saved: it has no tag in actors/runtime/row_tags.py")
    return tag


_TAGS = {place: tag for tag, place in PLACES.items()}


@functools.cache
def class_of(tag: str) -> type[Any]:
    """Class behind a tag, or behind the name that schema 1 wrote instead of one.

    Raises:
        Undecodable: there is no such tag.
    """
    place = PLACES.get(SCHEMA_1_NAMES.get(tag, tag))
    if place is None:
        raise Undecodable(f"{tag} is none of this program's records")
    module_name, _, class_name = place.partition(":")
    found: type[Any] = getattr(importlib.import_module(module_name), class_name)
    return found


def decode(tag: str, text: str) -> object:
    """Value that ``encode`` wrote into a row with this tag.

    Raises:
        Undecodable: the tag is unknown, or the text is not what it says.
    """
    return decode_as(class_of(tag), text)


def decode_as(value_class: type[_Value], text: str) -> _Value:
    """Value of a class that ``encode`` wrote.

    Fields that the class no longer has are ignored and new ones take their defaults, so an older
    journal stays readable.

    Raises:
        Undecodable: the text is not what it says.
    """
    try:
        return _converter.structure(json.loads(text), value_class)
    except _UNDECODABLE as error:
        raise Undecodable(f"{type(error).__name__}: {error}") from error
