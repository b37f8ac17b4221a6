"""Each of the numbered faults has a test that is found by its number."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
ROOT = FOLDER.parent.parent
LIST_OF_FAULTS = ROOT.parent / "shared" / "faults.md"
PAGE = ROOT / "docs" / "faults.md"


def names_of_tests() -> list[str]:
    trees = (ast.parse(path.read_text()) for path in sorted(FOLDER.glob("test_*.py")))
    functions = (node for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef))
    return [each.name for each in functions if re.match(r"test_f\d\d_", each.name)]


def rows_of(path: Path) -> frozenset[int]:
    """Numbers of the faults that have a row in a table."""
    return frozenset(int(number) for number in re.findall(r"(?m)^\| F(\d+) \|", path.read_text()))


def test_every_fault_has_a_test_of_its_number() -> None:
    assert {int(name[6:8]) for name in names_of_tests()} == rows_of(PAGE)


@pytest.mark.skipif(not LIST_OF_FAULTS.exists(), reason="the list of faults is not beside the repo")
def test_no_fault_of_the_list_is_left_out() -> None:
    assert rows_of(PAGE) == rows_of(LIST_OF_FAULTS)


def test_the_page_of_faults_names_every_test_and_no_other() -> None:
    assert sorted(set(re.findall(r"test_f\d\d_\w+", PAGE.read_text()))) == sorted(names_of_tests())
