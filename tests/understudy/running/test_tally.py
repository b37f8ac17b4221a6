from __future__ import annotations

from scenes import report

from understudy.running.tally import Tally


def test_a_tally_counts_each_tree_once() -> None:
    tally = Tally()
    tally.add(report(handled_count=5, restarts={"desk": 1}))
    tally.add(report(handled_count=9, restarts={"desk": 2}))
    tally.count_crash("supervisor")
    tally.close_tree()
    tally.add(report(handled_count=3, restarts={"desk": 1, "order": 1}))

    assert tally.handled_count == 12
    assert tally.restarts == {"desk": 3, "supervisor": 1, "order": 1}


def test_a_tally_between_two_trees_keeps_what_it_knows() -> None:
    tally = Tally()
    tally.add(report(handled_count=9, restarts={"desk": 2}))
    tally.close_tree()
    tally.close_tree()

    assert (tally.handled_count, tally.restarts) == (9, {"desk": 2})


def test_a_tally_keeps_every_latency_sample() -> None:
    tally = Tally()
    tally.add(report(latencies_us={"tick_to_signal": (1, 2)}))
    tally.add(report(latencies_us={"tick_to_signal": (3,), "tick_to_order": (9,)}))

    assert tally.latencies["tick_to_signal"].count == 3
    assert tally.latencies["tick_to_order"].percentile(50) == 9
