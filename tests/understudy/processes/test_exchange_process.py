"""What a rehearsal's exchange is told to do wrong."""

from __future__ import annotations

from understudy.drill.stage import FAULTS
from understudy.processes.exchange import rehearsed_faults
from venue.faults import FaultKind, read_fault_file

MONEY = {
    FaultKind.SHORT_MATCH,
    FaultKind.UNREADABLE_PART,
    FaultKind.REPEATED_ROW,
    FaultKind.EXCESS_FILL,
    FaultKind.LATE_FAILURE,
}


def test_a_rehearsal_meets_the_faults_that_cost_money_at_the_rates_of_a_drill() -> None:
    with rehearsed_faults("0xa") as file:
        assert file is not None
        rehearsed = read_fault_file(file.read_text())
    assert not file.exists()
    assert (set(rehearsed.chances), rehearsed.planned) == (MONEY, ())
    drilled = read_fault_file(FAULTS).chances
    assert {kind: drilled[kind] for kind in MONEY} == rehearsed.chances


def test_where_orders_are_simulated_the_exchange_does_nothing_wrong() -> None:
    with rehearsed_faults("") as file:
        assert file is None
