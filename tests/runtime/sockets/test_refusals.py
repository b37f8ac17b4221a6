from __future__ import annotations

import pytest

from actors.runtime.sockets import refusals
from actors.runtime.sockets.refusals import Refusals


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(refusals.time, "monotonic", lambda: now[0])
    return now


def test_each_is_counted_and_one_a_second_is_told(clock: list[float]) -> None:
    told: list[str] = []
    kept = Refusals()
    kept.listen(told.append)
    for _ in range(1_000):
        kept.note("a knock")
    clock[0] += 1.0
    kept.note("a shout")
    assert kept.count == 1_001
    assert told == ["refused a knock", "refused a shout (999 more were refused before)"]


def test_a_fork_begins_anew(clock: list[float]) -> None:
    kept = Refusals()
    kept.note("a knock")
    kept.begin_anew()
    assert kept.count == 0
