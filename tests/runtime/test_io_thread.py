import asyncio
import gc
import os
import select
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.runtime.io_thread import IoThread
from understudy.drill.processes import Allowance

LIMIT_S = 5.0


@pytest.fixture
def io() -> Iterator[IoThread]:
    thread = IoThread("test")
    yield thread
    thread.close()


def is_readable(io: IoThread, within_s: float = 0.0) -> bool:
    return bool(select.select([io], [], [], within_s)[0])


def drain_until(io: IoThread, count: int) -> list[object]:
    events: list[object] = []
    allowance = Allowance(LIMIT_S)
    while len(events) < count:
        assert not allowance.is_used_up(), f"only {events} came"
        if is_readable(io, 0.1):
            events += io.drain()
    return events


def open_descriptor_count() -> int:
    return len([*Path("/proc/self/fd").iterdir()])


async def post_all(io: IoThread, events: range) -> None:
    for event in events:
        io.post(event)


def test_posted_events_come_out_in_order_and_make_it_readable(io: IoThread) -> None:
    assert not is_readable(io)
    assert io.drain() == []
    io.submit(post_all(io, range(3)))
    assert is_readable(io, LIMIT_S)
    assert drain_until(io, 3) == [0, 1, 2]
    assert not is_readable(io)


def test_a_burst_is_one_wake_up(io: IoThread) -> None:
    io.submit(post_all(io, range(1_000))).result(LIMIT_S)
    assert io.waiting_count == 1_000
    assert os.read(io.fileno(), 100) == b"\0"
    assert len(io.drain()) == 1_000


def test_no_event_is_lost_between_a_drain_and_the_next_wake_up(io: IoThread) -> None:
    async def trickle() -> None:
        for number in range(2_000):
            io.post(number)
            if number % 7 == 0:
                await asyncio.sleep(0)

    io.submit(trickle())
    assert drain_until(io, 2_000) == [*range(2_000)]


def test_the_work_runs_on_another_thread_and_can_be_cancelled(io: IoThread) -> None:
    ended = threading.Event()
    seen: list[int] = []

    async def wait_for_ever() -> None:
        seen.append(threading.get_ident())
        io.post("begun")
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    work = io.submit(wait_for_ever())
    assert drain_until(io, 1) == ["begun"]
    work.cancel()
    assert ended.wait(LIMIT_S)
    assert io.drain() == []
    assert seen[0] != threading.get_ident()


def test_a_failure_on_the_thread_comes_out_of_drain_once(io: IoThread) -> None:
    async def fail() -> None:
        raise ZeroDivisionError("a bug")

    io.submit(fail())
    assert is_readable(io, LIMIT_S)
    with pytest.raises(ZeroDivisionError, match="a bug"):
        io.drain()
    assert io.drain() == []


def test_closing_ends_the_work_the_thread_and_the_descriptors() -> None:
    before = {thread.ident for thread in threading.enumerate()}
    descriptors = open_descriptor_count()
    io = IoThread("test")
    io.submit(asyncio.sleep(3_600))
    io.close()
    io.close()
    assert {thread.ident for thread in threading.enumerate()} <= before
    gc.collect()
    assert open_descriptor_count() <= descriptors
