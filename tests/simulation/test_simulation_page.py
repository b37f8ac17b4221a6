"""The page that explains the simulation names all there is, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

from simulation.exchange.order_rates import LiveFaultRates
from simulation.invariants.referee import INVARIANTS
from simulation.live.conduct import LIVE_INVARIANTS
from simulation.live.verdict import ExchangeVerdict
from simulation.plan import FaultRates

PAGE = (Path(__file__).parents[2] / "docs" / "simulation.md").read_text()


def rows_of(heading: str) -> str:
    return "\n".join(
        line
        for line in PAGE.split(f"## {heading}")[1].split("\n## ")[0].splitlines()
        if line[:1] == "|"
    )


def numbered(heading: str) -> dict[str, str]:
    return dict(re.findall(r"^\| (\d) \|.*\| (.*) \|$", rows_of(heading), re.MULTILINE))


def test_every_kind_of_fault_is_explained() -> None:
    assert set(re.findall(r"`(\w+)`", rows_of("A run"))) - {"durability"} == set(
        FaultRates.meanings()
    )


def test_every_kind_of_live_fault_is_explained() -> None:
    faults = rows_of("With live orders").split("| live fault |")[1].split("| | invariant")[0]
    first_cells = "\n".join(line.split("|")[1] for line in faults.splitlines() if line)
    assert set(re.findall(r"`(\w+)`", first_cells)) == set(LiveFaultRates.meanings())


def test_every_invariant_for_live_orders_is_explained_with_its_number() -> None:
    rows = numbered("With live orders")
    for invariant in LIVE_INVARIANTS:
        assert f"`{invariant.__name__}`" in rows[str(invariant.number)]
    assert f"`{ExchangeVerdict.__name__}`" in rows["8"]


def test_every_invariant_is_explained_with_its_number() -> None:
    rows = numbered("What must hold")
    for invariant in INVARIANTS:
        assert f"`{invariant.__name__}`" in rows[str(invariant.number)]
