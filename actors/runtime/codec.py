"""Exact conversion of recorded attrs values to JSON text and back.

Integers of any length stay integers, enums become their values, frozensets sorted lists. A row's
class is found by its tag (row_tags.py), so that a journal cannot name any other class.
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
"""Exceptions raised when decoding a damaged record, or one of another version."""


class NoTag(ValueError):
    """The class of a value to be saved has no tag in row_tags.py."""


class Undecodable(ValueError):
    """A row or event does not contain what it should."""


def encode(value: object) -> str:
    """Return an attrs value as JSON text."""
    plain = _converter.unstructure(value)
    try:
        return msgspec.json.encode(plain).decode()
    except UnicodeEncodeError:  # half a surrogate pair, which cannot be encoded as UTF-8
        return json.dumps(plain, separators=(",", ":"))


def warm_up() -> None:
    """Generate the encoders and decoders of all recorded classes, for all later forks.

    Otherwise each actor generates them at its first record, which takes an order's actor longer
    than everything else that it does before its order is sent.
    """
    classes = [
        value
        for name, module in sorted(sys.modules.items())
        if name.startswith(_RECORDING_PACKAGES)
        for value in vars(module).values()
        if isinstance(value, type) and attrs.has(value) and value.__module__ == name
    ]
    # Twice: generating code for a new kind of tuple discards what was generated before.
    for _ in range(2):
        for each in classes:
            _converter.get_unstructure_hook(each)
            with contextlib.suppress(StructureHandlerNotFoundError):  # this class is never recorded
                _converter.get_structure_hook(each)


def tag_of(value_class: type) -> str:
    """Return the tag of the rows that hold values of a class.

    Raises:
        NoTag: the class has none.
    """
    name = f"{value_class.__module__}:{value_class.__qualname__}"
    tag = _TAGS.get(name)
    if tag is None:
        raise NoTag(f"{name} cannot be saved: it has no tag in actors/runtime/row_tags.py")
    return tag


_TAGS = {place: tag for tag, place in PLACES.items()}


@functools.cache
def class_of(tag: str) -> type[Any]:
    """Return the class of a tag, or of the name that schema 1 wrote instead of a tag.

    Raises:
        Undecodable: there is no such tag.
    """
    place = PLACES.get(SCHEMA_1_NAMES.get(tag, tag))
    if place is None:
        raise Undecodable(f"{tag} is not a record of this program")
    module_name, _, class_name = place.partition(":")
    found: type[Any] = getattr(importlib.import_module(module_name), class_name)
    return found


def decode(tag: str, text: str) -> object:
    """Return the value that ``encode`` wrote into a row with this tag.

    Raises:
        Undecodable: the tag is unknown, or the text does not match it.
    """
    return decode_as(class_of(tag), text)


def decode_as(value_class: type[_Value], text: str) -> _Value:
    """Return the value of a class that ``encode`` wrote.

    Fields that the class no longer has are ignored and new ones take their defaults, so an older
    journal stays readable.

    Raises:
        Undecodable: the text does not match the class.
    """
    try:
        return _converter.structure(json.loads(text), value_class)
    except _UNDECODABLE as error:
        raise Undecodable(f"{type(error).__name__}: {error}") from error
