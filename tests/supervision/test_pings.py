from __future__ import annotations

from actors.messages.lifecycle import Ping
from actors.supervision.pings import PING_GAP_MS, PacedPings

CHILDREN = range(1, 19)


def round_of(number: int, at_ms: int, pings: PacedPings | None = None) -> PacedPings:
    pings = pings or PacedPings()
    for handle in CHILDREN:
        pings.add(handle, Ping(number, 0), at_ms)
    return pings


def test_a_round_leaves_in_parts_and_whole() -> None:
    pings, now_ms, parts = round_of(1, 0), 0, []
    while pings.are_waiting:
        now_ms += PING_GAP_MS
        parts.append([handle for handle, _ in pings.take_part(now_ms)])
    assert [handle for part in parts for handle in part] == list(CHILDREN)
    assert max(map(len, parts)) <= 4
    assert now_ms < 500


def test_a_supervisor_that_ran_late_sends_what_should_have_left_meanwhile() -> None:
    pings = round_of(1, 0)
    assert len(pings.take_part(10 * PING_GAP_MS)) == len(CHILDREN)


def test_a_ping_that_waits_is_replaced_by_the_next_in_its_place() -> None:
    pings = round_of(1, 0)
    first = pings.take_part(PING_GAP_MS)
    told = round_of(2, 2 * PING_GAP_MS, pings).take_part(20 * PING_GAP_MS)
    assert [handle for handle, _ in told[-len(first) :]] == [handle for handle, _ in first]
    assert {ping.number for _, ping in told} == {2}


def test_only_the_first_ping_of_a_round_asks_for_a_wake_up() -> None:
    pings = PacedPings()
    assert [pings.add(handle, Ping(1, 0), 0) for handle in CHILDREN] == [True] + [False] * 17
