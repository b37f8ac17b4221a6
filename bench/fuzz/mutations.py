"""JSON with errors: one to three fields of a real shape, or bytes of its text.

A value is plain Python, with two additions: ``Pairs`` is an object whose keys may be repeated and
in any order, ``Literal`` is text that is written unchanged.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import attrs


class Pairs(list[tuple[str, Any]]):
    """An object, as its keys and values in the order of writing."""


@attrs.frozen
class Literal:
    """Text that is written unchanged."""

    text: str


NASTY: tuple[Any, ...] = (
    *(None, True, False, "", " ", "null", "NaN", "Infinity", "-Infinity", "nan", "sNaN", "1e999"),
    *(
        0,
        -1,
        1,
        -0.5,
        0.1,
        10**19,
        -(10**19),
        2**63,
        10**40,
        "0",
        "-1",
        "-0.5",
        "00",
        "+1",
        ".",
        "1.",
    ),
    *(
        "1e3",
        "1E-9",
        "1e999999999",
        "9" * 60,
        "9" * 5_000,
        "0.4975",
        "0.50000000001",
        "1,5",
        "0x10",
    ),
    *(
        "1_000",
        "\u0663",
        "\uff11",
        "\u00b2",
        "\u0000",
        "a" * 10_000,
        [],
        {},
        [[]],
        {"a": None},
        ["", None],
    ),
    *(1787396653000, "1787396653000", 1787396653000.5, "2026-11-28T00:00:00Z", "9999-99-99"),
    *("2026-04-16T09:30:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999+00:00"),
    *(Literal(text) for text in ("NaN", "Infinity", "-Infinity", "1e999", "1E400", "-0", "1e-400")),
    *(
        Literal(text)
        for text in ('"\\ud800"', "01", "1.", "[" * 3_000 + "]" * 3_000, "9" * 400, "'a'", "")
    ),
    *(Literal(text) for text in ("1e999999999", "-1e999999999", "1E+99999999999999999999")),
)


def mutated(value: Any, chance: random.Random) -> bytes:
    """The text of a value with an error in it, and now and then without one."""
    tree = _as_tree(value)
    for _ in range(chance.choice((0, 1, 1, 1, 1, 2, 3))):
        tree = _with_one_wrong(tree, chance)
    raw = text_of(tree).encode("utf-8", "surrogatepass")
    return _with_wrong_bytes(raw, chance) if chance.random() < 0.1 else raw


def text_of(tree: Any) -> str:
    """Write a value; what JSON does not have is written as Python's module does."""
    if isinstance(tree, Pairs):
        return "{" + ",".join(f"{json.dumps(key)}:{text_of(each)}" for key, each in tree) + "}"
    if isinstance(tree, list):
        return "[" + ",".join(text_of(each) for each in tree) + "]"
    return tree.text if isinstance(tree, Literal) else json.dumps(tree)


def _as_tree(value: Any) -> Any:
    if isinstance(value, dict):
        return Pairs((key, _as_tree(each)) for key, each in value.items())
    return [_as_tree(each) for each in value] if isinstance(value, list) else value


def _with_one_wrong(tree: Any, chance: random.Random) -> Any:
    """Put an error at a random place: the deeper the value, the more places there are."""
    holders = list(_holders(tree))
    if not holders:
        return _wrong(tree, chance)
    holder = chance.choice(holders)
    index = chance.randrange(len(holder))
    if isinstance(holder, Pairs):
        chance.choice(_PAIR_CHANGES)(holder, index, chance)
    else:
        chance.choice(_LIST_CHANGES)(holder, index, chance)
    return tree


def _holders(tree: Any) -> Any:
    if isinstance(tree, list) and tree:
        yield tree
        for each in tree:
            yield from _holders(each[1] if isinstance(tree, Pairs) else each)


def _wrong(value: Any, chance: random.Random) -> Any:
    """Another value: text for a number, a number for text, a similar one, or a malicious one."""
    kind = chance.random()
    if kind < 0.2 and isinstance(value, str):
        return Literal(value)
    if kind < 0.2 and isinstance(value, int | float):
        return str(value)
    if kind < 0.3 and isinstance(value, str) and value:
        at = chance.randrange(len(value))
        return value[:at] + chance.choice("0159.-eE +") + value[at + chance.randrange(2) :]
    if kind < 0.35:
        return [value]
    return _as_tree(chance.choice(NASTY))  # a copy, so that further changes affect this case only


def _replace_pair(pairs: Pairs, index: int, chance: random.Random) -> None:
    pairs[index] = (pairs[index][0], _wrong(pairs[index][1], chance))


def _drop(items: list[Any], index: int, _chance: random.Random) -> None:
    del items[index]


def _double_pair(pairs: Pairs, index: int, chance: random.Random) -> None:
    key, value = pairs[index]
    pairs.insert(chance.randrange(len(pairs) + 1), (key, _wrong(value, chance)))


def _rename(pairs: Pairs, index: int, chance: random.Random) -> None:
    pairs[index] = (chance.choice(("", "x", pairs[index][0].upper())), pairs[index][1])


def _shuffle(items: list[Any], _index: int, chance: random.Random) -> None:
    chance.shuffle(items)


def _replace(items: list[Any], index: int, chance: random.Random) -> None:
    items[index] = _wrong(items[index], chance)


def _double(items: list[Any], index: int, chance: random.Random) -> None:
    items.insert(chance.randrange(len(items) + 1), items[index])


_Change = Callable[[Any, int, random.Random], None]
_PAIR_CHANGES: tuple[_Change, ...] = (
    *(_replace_pair, _replace_pair, _replace_pair, _replace_pair),
    *(_drop, _drop, _double_pair, _rename, _shuffle),
)
_LIST_CHANGES: tuple[_Change, ...] = (_replace, _replace, _drop, _double, _shuffle)


def _with_wrong_bytes(raw: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(raw) + 1)
    kind = chance.randrange(3)
    if kind == 0:
        return raw[:at]
    wrong = bytes([chance.randrange(256)])
    return raw[:at] + wrong + raw[at + (kind == 1) :]
