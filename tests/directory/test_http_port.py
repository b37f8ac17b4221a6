import asyncio
import select
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from aiohttp import web
from thread_server import WebSite

from actors.directory import port as port_module
from actors.directory.port import HttpPort
from actors.messages.directory import HttpAnswered, HttpFailed, HttpGet
from understudy.drill.processes import Allowance

LIMIT_S = 20.0


@pytest.fixture
def port() -> Iterator[HttpPort]:
    port = HttpPort()
    yield port
    port.close()


@pytest.fixture
def site() -> Iterator[str]:
    """Serve a few answers on loopback; gives the address."""

    async def text(_request: web.Request) -> web.Response:
        return web.json_response({"slug": "btc-updown-5m-1776331800"})

    async def long(_request: web.Request) -> web.Response:
        return web.Response(body=b"x" * 5_000)

    async def busy(request: web.Request) -> web.Response:
        headers = {"Retry-After": request.query["after"], "Date": "Sat, 28 Nov 2026 06:00:00 GMT"}
        return web.Response(status=429, headers=headers)

    async def never(_request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    with WebSite(text=text, long=long, busy=busy, never=never) as running:
        yield running.url


def drain_until(port: HttpPort, count: int) -> list[object]:
    events: list[object] = []
    allowance = Allowance(LIMIT_S)
    while len(events) < count:
        assert not allowance.is_used_up(), f"only {events} came"
        if select.select([port], [], [], 0.1)[0]:
            events += port.drain()
    return events


def test_an_answer_carries_its_request_status_and_body(port: HttpPort, site: str) -> None:
    port.perform(HttpGet("find/1@7", f"{site}/text"))
    assert drain_until(port, 1) == [
        HttpAnswered("find/1@7", 200, b'{"slug": "btc-updown-5m-1776331800"}')
    ]


def test_how_long_an_answer_took_is_measured_to_its_handing_over(port: HttpPort, site: str) -> None:
    before_ns = time.monotonic_ns()
    port.perform(HttpGet("a", f"{site}/text"))
    asked_ns = time.monotonic_ns()
    (event,) = drain_until(port, 1)
    after_ns = time.monotonic_ns()
    assert isinstance(event, HttpAnswered)
    least_ms, most_ms = (event.arrived_ns - asked_ns) // 10**6, (after_ns - before_ns) // 10**6
    assert least_ms <= event.took_ms <= most_ms


def test_an_error_status_is_an_answer_too(port: HttpPort, site: str) -> None:
    port.perform(HttpGet("a", f"{site}/nothing-here"))
    (event,) = drain_until(port, 1)
    assert isinstance(event, HttpAnswered)
    assert event.status == 404


@pytest.mark.parametrize(
    ("after", "wait_ms"),
    [
        ("7", 7_000),
        ("Sat, 28 Nov 2026 06:00:30 GMT", 30_000),
        ("Sat, 28 Nov 2026 05:59:00 GMT", 0),
        ("soon", 0),
        ("-5", 0),
        ("99999999", 300_000),
    ],
)
def test_how_long_a_server_asks_to_be_left_alone_is_told(
    port: HttpPort, site: str, after: str, wait_ms: int
) -> None:
    port.perform(HttpGet("a", f"{site}/busy?after={after.replace(' ', '%20')}"))
    assert drain_until(port, 1) == [HttpAnswered("a", 429, b"", wait_ms)]


def test_each_of_several_requests_is_answered_once(port: HttpPort, site: str) -> None:
    for number in range(5):
        port.perform(HttpGet(str(number), f"{site}/text"))
    answered = [event.request_id for event in drain_until(port, 5) if hasattr(event, "request_id")]
    assert sorted(answered) == ["0", "1", "2", "3", "4"]


def test_a_server_that_does_not_answer_fails_the_request_in_time(
    port: HttpPort, site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(port_module, "TIMEOUT_S", 0.1)
    port.perform(HttpGet("slow", f"{site}/never"))
    (event,) = drain_until(port, 1)
    assert isinstance(event, HttpFailed)
    assert event.request_id == "slow"
    assert "no answer" in event.reason


def test_an_answer_that_is_too_long_fails_the_request(
    port: HttpPort, site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(port_module, "BODY_BYTES_MAX", 4_999)
    port.perform(HttpGet("long", f"{site}/long"))
    (event,) = drain_until(port, 1)
    assert isinstance(event, HttpFailed)
    assert "longer than 4999 bytes" in event.reason


@pytest.mark.parametrize(
    ("url", "beginning"),
    [
        ("http://127.0.0.1:{port}/", "127.0.0.1:{port} refused the connection"),
        (
            "http://no-such-host.invalid/",
            "the name no-such-host.invalid cannot be looked up: ",
        ),
        ("?", "cannot read ?: "),
    ],
)
def test_whatever_cannot_be_reached_fails_with_one_sentence(
    port: HttpPort, url: str, beginning: str
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        number = unused.getsockname()[1]
    port.perform(HttpGet("lost", url.format(port=number)))
    (event,) = drain_until(port, 1)
    assert isinstance(event, HttpFailed)
    assert event.reason.startswith(beginning.format(port=number))
    assert "\n" not in event.reason


def test_only_its_own_command_is_performed(port: HttpPort) -> None:
    with pytest.raises(TypeError, match="cannot perform"):
        port.perform("GET /")


def test_closing_gives_up_what_is_under_way(site: str) -> None:
    port = HttpPort()
    port.perform(HttpGet("slow", f"{site}/never"))
    began = time.monotonic()
    port.close()
    assert time.monotonic() - began < port_module.TIMEOUT_S
    assert "http" not in {thread.name for thread in threading.enumerate()}
