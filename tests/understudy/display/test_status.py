from __future__ import annotations

import json
import threading

from scenes import NOW_MS, report, view

from actors.messages.halts import Halt
from understudy.display.latency import Histogram
from understudy.display.status import Status, status_of, status_reply
from understudy.running.fresh_view import FreshView


def test_a_status_is_read_back_as_it_was_told() -> None:
    told = Status(
        view=view(),
        report=report(),
        now_ms=NOW_MS,
        speed=20.0,
        stakes="REAL MONEY",
        latencies={"tick_to_order": Histogram([1_000, 2_000, 2_000])},
        halts=(Halt(who="operator", reason="odd prices", since_ms=NOW_MS, cancels=True),),
        restarts={"directory": 2},
        handled_count=14_808,
    )

    read = status_of(json.loads(json.dumps(status_reply(told))))

    assert read.latencies["tick_to_order"].counts == told.latencies["tick_to_order"].counts
    for name in ("view", "report", "now_ms", "speed", "stakes", "halts", "restarts", "settings"):
        assert getattr(read, name) == getattr(told, name)


def test_a_status_without_a_view_is_read_back_too() -> None:
    told = Status(view=None, report=None, now_ms=0, speed=1.0)
    assert status_of(status_reply(told)).view is None


def test_a_histogram_is_made_of_another_ones_counts() -> None:
    histogram = Histogram([1, 1, 2, 130_000])
    assert Histogram.of_counts(histogram.counts).counts == histogram.counts
    assert histogram.counts == {1: 2, 2: 1, 129_024: 1}


def test_a_fresh_view_is_waited_for_until_the_loop_gives_it() -> None:
    fresh = FreshView()
    waiting = threading.Thread(target=fresh.wait, args=(60.0,))
    waiting.start()
    while not fresh.is_wanted:
        assert waiting.is_alive()

    fresh.give()

    waiting.join(60.0)
    assert not waiting.is_alive()
    assert not fresh.is_wanted


def test_without_a_loop_the_patience_ends() -> None:
    fresh = FreshView()
    fresh.wait(0.001)
    assert fresh.is_wanted
