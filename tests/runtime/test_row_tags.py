"""Rows are found again by their tags, whatever has become of the classes behind them."""

from __future__ import annotations

import ast
from pathlib import Path

import attrs
import pytest

from actors.runtime.codec import NoTag, Undecodable, class_of, decode, encode, tag_of
from actors.runtime.row_tags import PLACES, SCHEMA_1_NAMES

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.parametrize("tag", PLACES)
def test_a_tag_names_a_class_that_can_be_saved(tag: str) -> None:
    assert attrs.has(class_of(tag))
    assert tag_of(class_of(tag)) == tag


@pytest.mark.parametrize("name", SCHEMA_1_NAMES)
def test_what_schema_1_called_a_class_is_still_understood(name: str) -> None:
    assert class_of(name) is class_of(SCHEMA_1_NAMES[name])


@pytest.mark.parametrize("tag", ["os:PathLike", "actors.execution.messages:Nothing", "", "orders"])
def test_nothing_else_is_decoded(tag: str) -> None:
    with pytest.raises(Undecodable, match="not a record of this program"):
        decode(tag, "{}")


def test_a_class_without_a_tag_cannot_be_saved() -> None:
    with pytest.raises(NoTag, match="Path cannot be saved"):
        tag_of(Path)


@pytest.mark.parametrize("text", ["no json", "{}", "[]", '{"address": {}}', "7", "[" * 5_000])
def test_a_text_that_is_not_what_its_tag_says_is_undecodable(text: str) -> None:
    with pytest.raises(Undecodable):
        decode("order", text)


def test_every_tag_goes_there_and_back() -> None:
    account = class_of("account")("0xab")
    assert decode(tag_of(type(account)), encode(account)) == account


def test_no_module_path_is_written_anywhere_but_in_the_table() -> None:
    """Only row_tags.py may say where a saved class lives."""
    for path in (ROOT / "actors").rglob("*.py"):
        if path.name == "row_tags.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert node.value not in SCHEMA_1_NAMES, f"{path}:{node.lineno}"
