from __future__ import annotations

import json

import pytest

from bench.common import Machine, Row, Table, Target, latency_figures, show
from bench.orders import drilled
from understudy.drill.report import COUNTERS

MACHINE = Machine(began_at="2026-11-22 12:00 UTC", cpu_count=2, python="3.11", load_before=0.5)


def table_of(figure: float | None, target: Target) -> Table:
    row = Row(name="a thing", figures={"p99 ms": figure}, target=target)
    return Table(title="things", rows=[row], notes=["a note"])


AT_MOST = Target(column="p99 ms", limit=10)
AT_LEAST = Target(column="p99 ms", limit=10, is_least=True)


@pytest.mark.parametrize(
    ("target", "figure", "is_met"),
    [
        (AT_MOST, 10, True),
        (AT_MOST, 10.1, False),
        (AT_LEAST, 10, True),
        (AT_LEAST, 9.9, False),
        (AT_MOST, None, None),
    ],
)
def test_a_figure_is_held_against_its_target(
    target: Target, figure: float | None, is_met: bool | None, capsys: pytest.CaptureFixture[str]
) -> None:
    show(MACHINE, [table_of(figure, target)], is_json=True)
    said = json.loads(capsys.readouterr().out)
    (row,) = said["tables"][0]["rows"]
    assert 0 <= said["machine"]["stolen_percent"] <= 100
    assert row["is_met"] is is_met


def test_a_table_shows_target_verdict_notes_and_load(capsys: pytest.CaptureFixture[str]) -> None:
    show(MACHINE, [table_of(12.0, AT_MOST)], is_json=False)
    printed = capsys.readouterr().out
    assert all(
        word in printed for word in ("things", "12", "≤ 10", "missed", "a note", "load", "stolen")
    )


def test_latencies_are_told_in_milliseconds() -> None:
    figures = latency_figures([1_000] * 98 + [5_000, 9_000])
    assert figures["samples"] == 100
    assert figures["p50 ms"] == pytest.approx(1.0, rel=1 / 64)
    assert figures["p99 ms"] == pytest.approx(5.0, rel=1 / 64)
    assert figures["max ms"] == pytest.approx(9.0, rel=1 / 64)


@pytest.mark.parametrize(("lost", "findings", "is_met"), [(0, [], True), (1, ["order_7"], False)])
def test_a_drill_s_times_are_shown_by_target_and_what_is_wrong_is_counted(
    lost: int, findings: list[str], is_met: bool
) -> None:
    times = {"p50": 90, "p99": 210, "max": 210, "kills": 2, "hung": 1, "orders_in_flight": 3}
    said = dict.fromkeys(COUNTERS, 0) | {"kills": 2, "orders_lost": lost, "findings": findings}
    desk, total = drilled(said | {"recovery_ms": {"desk": times}, "fills": 8}).rows
    assert (desk.name, desk.figures["p99 ms"], desk.figures["hung"]) == ("desk", 210, 1)
    assert (total.figures["wrong"], total.is_met) == (lost + len(findings), is_met)
