"""The page that explains the simulation names all there is, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

from simulation.invariants.referee import INVARIANTS
from simulation.plan import FaultRates

PAGE = (Path(__file__).parents[2] / "docs" / "simulation.md").read_text()


def rows_of(heading: str) -> str:
    return "\n".join(
        line
        for line in PAGE.split(f"## {heading}")[1].split("\n## ")[0].splitlines()
        if line[:1] == "|"
    )


def test_every_kind_of_fault_is_explained() -> None:
    assert set(re.findall(r"`(\w+)`", rows_of("A run"))) - {"durability"} == set(
        FaultRates.meanings()
    )


def test_every_invariant_is_explained_with_its_number() -> None:
    rows = dict(re.findall(r"^\| (\d) \|.*\| (.*) \|$", rows_of("What must hold"), re.MULTILINE))
    for invariant in INVARIANTS:
        assert f"`{invariant.__name__}`" in rows[str(invariant.number)]
