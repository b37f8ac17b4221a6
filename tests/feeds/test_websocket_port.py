import asyncio
import select
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from feed_stage import LIMIT_S, LoopbackVenue
from unused_port import unused_port
from websockets.asyncio.server import ServerConnection

from actors.feeds import port as port_module
from actors.feeds.connection import (
    Connect,
    Connected,
    Disconnect,
    Disconnected,
    FramesReceived,
    SendText,
)
from actors.feeds.port import WebSocketPort
from understudy.drill.processes import Allowance, wait_for


@pytest.fixture
def port() -> Iterator[WebSocketPort]:
    port = WebSocketPort()
    yield port
    port.close()


def drain_until(port: WebSocketPort, is_enough: Callable[[list[object]], bool]) -> list[object]:
    events: list[object] = []
    allowance = Allowance(LIMIT_S)
    while not is_enough(events):
        assert not allowance.is_used_up(), f"only {events} came"
        if select.select([port], [], [], 0.1)[0]:
            events += port.drain()
    return events


def until_waiting(port: WebSocketPort, count: int) -> None:
    """Wait until so many events wait to be drained."""
    assert wait_for(lambda: port._io.waiting_count >= count, LIMIT_S)


def frames_in(events: list[object]) -> list[tuple[bytes, int]]:
    return [
        frame for event in events if isinstance(event, FramesReceived) for frame in event.frames
    ]


def has(kind: type) -> Callable[[list[object]], bool]:
    return lambda events: any(isinstance(event, kind) for event in events)


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


def test_texts_go_out_in_order_and_frames_come_in_stamped(port: WebSocketPort) -> None:
    began_ns = time.monotonic_ns()
    with LoopbackVenue(echo) as venue:
        port.perform(Connect(4, venue.url))
        assert drain_until(port, has(Connected)) == [Connected(4)]
        for number in range(50):
            port.perform(SendText(f"text {number}"))
        events = drain_until(port, lambda found: len(frames_in(found)) == 50)
    assert {event.epoch for event in events if isinstance(event, FramesReceived)} == {4}
    assert [raw for raw, _ in frames_in(events)] == [b"text %d" % n for n in range(50)]
    stamps = [arrived_ns for _, arrived_ns in frames_in(events)]
    assert stamps == sorted(stamps)
    assert began_ns < stamps[0] <= stamps[-1] < time.monotonic_ns()


def test_frames_that_arrive_between_two_drains_come_as_one_event(port: WebSocketPort) -> None:
    async def burst(connection: ServerConnection) -> None:
        for number in range(100):
            await connection.send(str(number))
        await connection.close(1000, "that was all")

    with LoopbackVenue(burst) as venue:
        port.perform(Connect(1, venue.url))
        until_waiting(port, 102)  # opened, 100 frames, closed
        opened, received, closed = port.drain()
    assert opened == Connected(1)
    assert len(frames_in([received])) == 100
    assert isinstance(closed, Disconnected)
    assert "that was all" in closed.reason


def test_a_binary_frame_is_taken_like_a_text(port: WebSocketPort) -> None:
    async def binary(connection: ServerConnection) -> None:
        await connection.send(b"\x00\xff")
        await connection.wait_closed()

    with LoopbackVenue(binary) as venue:
        port.perform(Connect(1, venue.url))
        events = drain_until(port, has(FramesReceived))
    assert frames_in(events)[0][0] == b"\x00\xff"


def test_a_refused_connection_is_one_sentence(port: WebSocketPort) -> None:
    url = f"ws://127.0.0.1:{unused_port()}"
    port.perform(Connect(7, url))
    (event,) = drain_until(port, has(Disconnected))
    assert isinstance(event, Disconnected)
    assert event.epoch == 7
    assert event.reason == f"{url.removeprefix('ws://')} refused the connection"
    assert "\n" not in event.reason


@pytest.mark.parametrize(
    ("url", "beginning"),
    [
        ("wss://127.0.0.1:{port}", "no connection to "),
        ("ws://no-such-host.invalid", "the name no-such-host.invalid cannot be looked up: "),
        ("ws://[", "no connection to "),
    ],
)
def test_tls_dns_and_address_errors_are_reported_like_any_other(
    port: WebSocketPort, url: str, beginning: str
) -> None:
    with LoopbackVenue(echo) as venue:
        port.perform(Connect(1, url.format(port=venue.port)))
        (event,) = drain_until(port, has(Disconnected))
    assert isinstance(event, Disconnected)
    assert event.reason.startswith(beginning)


@pytest.mark.parametrize(
    ("status", "header", "retry_after_ms"),
    [
        ("503 Service Unavailable", "", None),
        ("503 Service Unavailable", "Retry-After: 7\r\n", 7_000),
        ("429 Too Many Requests", "Retry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\n", None),
    ],
)
def test_a_server_that_refuses_the_handshake_is_reported(
    port: WebSocketPort, status: str, header: str, retry_after_ms: int | None
) -> None:
    async def never(_connection: ServerConnection) -> None:
        raise AssertionError("not reached")

    class Refusing(LoopbackVenue):
        async def _serve(self) -> None:
            self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()

            async def refuse(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                head = f"HTTP/1.1 {status}\r\n{header}Content-Length: 0\r\n\r\n"
                writer.write(head.encode())
                await writer.drain()
                writer.close()
                await writer.wait_closed()

            async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
                self.port = server.sockets[0].getsockname()[1]
                self._ready.set()
                await self._stop.wait()

    with Refusing(never) as venue:
        port.perform(Connect(1, venue.url))
        (event,) = drain_until(port, has(Disconnected))
    assert isinstance(event, Disconnected)
    assert status[:3] in event.reason
    assert event.code == int(status[:3])
    assert event.retry_after_ms == retry_after_ms


def test_a_connection_let_go_is_closed_and_says_nothing_more(port: WebSocketPort) -> None:
    closed = threading.Event()

    async def chatter(connection: ServerConnection) -> None:
        await connection.wait_closed()
        closed.set()

    with LoopbackVenue(chatter) as venue:
        port.perform(Connect(1, venue.url))
        drain_until(port, has(Connected))
        port.perform(Disconnect())
        port.perform(Disconnect())
        assert closed.wait(LIMIT_S)
        port.perform(SendText("to nobody"))
        port.perform(Connect(2, venue.url))
        events = drain_until(port, has(Connected))
    assert events == [Connected(2)]


def test_a_new_connection_takes_the_place_of_the_old(port: WebSocketPort) -> None:
    with LoopbackVenue(echo) as venue:
        port.perform(Connect(1, venue.url))
        port.perform(Connect(2, venue.url))
        drain_until(port, lambda events: Connected(2) in events)
        port.perform(SendText("hello"))
        events = drain_until(port, has(FramesReceived))
    assert [event.epoch for event in events if isinstance(event, FramesReceived)] == [2]


def test_connections_of_two_names_live_side_by_side(port: WebSocketPort) -> None:
    with LoopbackVenue(echo) as one, LoopbackVenue(echo) as two:
        port.perform(Connect(1, one.url, "a"))
        port.perform(Connect(7, two.url, "b"))
        opened = drain_until(port, lambda events: len(events) == 2)
        assert {*opened} == {Connected(1, "a"), Connected(7, "b")}
        port.perform(SendText("to a", "a"))
        port.perform(SendText("to b", "b"))
        port.perform(SendText("to nobody", "c"))
        events = drain_until(port, lambda events: len(frames_in(events)) == 2)
        heard = {
            (event.name, event.epoch): [raw for raw, _ in event.frames]
            for event in events
            if isinstance(event, FramesReceived)
        }
        assert heard == {("a", 1): [b"to a"], ("b", 7): [b"to b"]}
        port.perform(Disconnect("a"))
        port.perform(SendText("again", "b"))
        (event,) = drain_until(port, has(FramesReceived))
    assert isinstance(event, FramesReceived)
    assert event.name == "b"


def test_a_new_connection_of_a_name_replaces_only_its_own(port: WebSocketPort) -> None:
    with LoopbackVenue(echo) as venue:
        port.perform(Connect(1, venue.url, "a"))
        port.perform(Connect(1, venue.url, "b"))
        port.perform(Connect(2, venue.url, "a"))
        drain_until(port, lambda events: {Connected(2, "a"), Connected(1, "b")} <= {*events})
        for name in ("a", "b"):
            port.perform(SendText(f"to {name}", name))
        events = drain_until(port, lambda events: len(frames_in(events)) == 2)
    frames = [event for event in events if isinstance(event, FramesReceived)]
    assert {(event.name, event.epoch) for event in frames} == {("a", 2), ("b", 1)}


@pytest.mark.parametrize("code", [4001, 4002, 4003, 4008, 1001])
def test_the_code_that_a_connection_was_closed_with_is_told(port: WebSocketPort, code: int) -> None:
    async def close(connection: ServerConnection) -> None:
        await connection.close(code, "so it is")

    with LoopbackVenue(close) as venue:
        port.perform(Connect(1, venue.url, "a"))
        closed = drain_until(port, has(Disconnected))[-1]
    assert isinstance(closed, Disconnected)
    assert (closed.code, closed.name) == (code, "a")


def test_an_actor_that_does_not_drain_loses_the_connection_not_the_memory(
    port: WebSocketPort, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(port_module, "WAITING_FRAMES_MAX", 20)

    async def flood(connection: ServerConnection) -> None:
        while True:
            await connection.send("x")

    with LoopbackVenue(flood) as venue:
        port.perform(Connect(1, venue.url))
        until_waiting(port, 21)
        events = drain_until(port, has(Disconnected))
    assert len(frames_in(events)) == 19


def test_a_frame_beyond_the_limit_ends_the_connection(
    port: WebSocketPort, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(port_module, "FRAME_BYTES_MAX", 1_000)

    async def giant(connection: ServerConnection) -> None:
        await connection.send("x" * 1_001)
        await connection.wait_closed()

    with LoopbackVenue(giant) as venue:
        port.perform(Connect(1, venue.url))
        events = drain_until(port, has(Disconnected))
    assert frames_in(events) == []


def test_only_its_own_commands_are_performed(port: WebSocketPort) -> None:
    with pytest.raises(TypeError, match="cannot perform"):
        port.perform("connect, please")


def test_large_frames_in_a_row_lose_the_connection_before_they_fill_the_memory(
    port: WebSocketPort, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(port_module, "WAITING_BYTES_MAX", 10_000)

    async def flood(connection: ServerConnection) -> None:
        while True:
            await connection.send("x" * 1_000)

    with LoopbackVenue(flood) as venue:
        port.perform(Connect(1, venue.url))
        until_waiting(port, 12)  # ten frames between the connection and its end
        events = drain_until(port, has(Disconnected))
        assert len(frames_in(events)) == 10
        (end,) = [event for event in events if isinstance(event, Disconnected)]
        assert "over 10000 bytes" in end.reason
        port.perform(Connect(2, venue.url))  # what was drained no longer counts
        assert frames_in(drain_until(port, lambda events: bool(frames_in(events))))
