"""Turns the attrs values that actors record into JSON text and back, exactly.

Integers of any length stay integers, enums are their values, frozensets sorted lists. A class is
found again by ``module:name`` among this project's own, so that a journal can name nothing else.
"""

from __future__ import annotations

import functools
import importlib
import json
from typing import Any

import attrs
from cattrs.preconf.json import make_converter

_OWN_PACKAGES = ("actors",)

_converter = make_converter(unstruct_collection_overrides={frozenset: sorted})


class NotOurs(ValueError):
    """A stored row names a class that is not one of this project's attrs classes."""


def encode(value: object) -> str:
    """JSON text of an attrs value."""
    return json.dumps(_converter.unstructure(value), separators=(",", ":"))


@functools.cache
def _class_of(name: str) -> type[Any]:
    module_name, _, class_name = name.partition(":")
    if module_name.split(".")[0] not in _OWN_PACKAGES:
        raise NotOurs(f"{name} is not a class of this project")
    found = getattr(importlib.import_module(module_name), class_name, None)
    if not isinstance(found, type) or not attrs.has(found):
        raise NotOurs(f"{name} is not an attrs class")
    return found


def decode(class_name: str, text: str) -> object:
    """Value that ``encode`` wrote for an instance of the named class (``module:name``).

    Fields that the class no longer has are ignored and new ones take their defaults, so an older
    journal stays readable.

    Raises:
        NotOurs: the class is not one of this project's.
    """
    return _converter.structure(json.loads(text), _class_of(class_name))
