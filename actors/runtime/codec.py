"""Turns the attrs values that actors record into JSON text and back, exactly.

Integers of any length stay integers, enums are their values, frozensets sorted lists. A class is
found again by ``module:name`` among this project's own, so that a journal can name nothing else.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import json
import sys
from typing import Any

import attrs
from cattrs.errors import StructureHandlerNotFoundError
from cattrs.preconf.json import make_converter

_OWN_PACKAGES = ("actors",)
_RECORDING_PACKAGES = tuple(
    f"actors.{name}." for name in ("directory", "execution", "observer", "position")
)

_converter = make_converter(unstruct_collection_overrides={frozenset: sorted})


class NotOurs(ValueError):
    """A stored row names a class that is not one of this project's attrs classes."""


def encode(value: object) -> str:
    """JSON text of an attrs value."""
    return json.dumps(_converter.unstructure(value), separators=(",", ":"))


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
