"""F47: proxies in the environment, for everything that connects."""

from __future__ import annotations

import asyncio
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from live_stage import LIMIT_S, RunningExchange
from proxy_double import SECRET, ProxyDouble
from unused_port import unused_port

from actors.directory.port import HttpPort
from actors.execution.real.messages import ClientFailed, ClientReady, OpenClient
from actors.execution.real.port import VenuePort
from actors.feeds.connection import Connect, Connected, Disconnected
from actors.messages.directory import HttpAnswered, HttpFailed, HttpGet
from actors.settings import Settings, VenueSettings
from understudy.composition import pointed_at_local_exchange
from understudy.doctor.findings import CheckOutcome
from understudy.doctor.network import Unreachable, fetch, stream
from understudy.doctor.proxies import check_proxies
from understudy.doctor.subject import subject_of
from understudy.drill.processes import Allowance
from understudy.drill.witness import Witness

pytestmark = pytest.mark.processes

KEY = "0x" + "b2" * 32
NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
ELSEWHERE = "venue.example:8080"
"""A host that nobody can look up: only a proxy can lead there."""


@pytest.fixture(autouse=True)
def nothing_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def proxy(exchange: RunningExchange) -> Iterator[ProxyDouble]:
    port = urlsplit(exchange.http_url).port
    assert port == urlsplit(exchange.ws_url).port
    with ProxyDouble(port or 0) as running:
        yield running


def venue_at(http_url: str, ws_url: str) -> VenueSettings:
    return pointed_at_local_exchange(Settings(), http_url, ws_url).venue


def answers(venue: VenueSettings) -> dict[str, object]:
    """What everything that connects hears from the addresses of a venue."""
    return {
        "directory": heard(HttpPort(), HttpGet(1, f"{venue.clob_url}/time")),
        "feeds": heard(VenuePort(venue, None, KEY), Connect(1, venue.market_ws_url)),
        "client": heard(VenuePort(venue, None, KEY), OpenClient()),
        "doctor": asyncio.run(doctor_s_word(venue)),
    }


def heard(port: HttpPort | VenuePort, command: object) -> object:
    """The port's first word after a command."""
    allowance = Allowance(LIMIT_S)
    try:
        port.perform(command)
        while not allowance.is_used_up():
            if select.select([port], [], [], 0.1)[0] and (events := port.drain()):
                return events[0]
    finally:
        port.close()
    raise AssertionError(f"{command} was never answered")


async def doctor_s_word(venue: VenueSettings) -> int | str:
    try:
        async with stream(venue.market_ws_url):
            return (await fetch(f"{venue.clob_url}/time")).status
    except Unreachable as problem:
        return str(problem)


def reach_it(heard: dict[str, object]) -> bool:
    answered, client = heard["directory"], heard["client"]
    return (
        isinstance(answered, HttpAnswered)
        and isinstance(client, ClientReady)
        and (answered.status, heard["feeds"], heard["doctor"]) == (200, Connected(1), 200)
    )


def test_f47_whatever_the_environment_says_this_host_is_reached_directly(
    exchange: RunningExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in NAMES[:3]:
        monkeypatch.setenv(name, f"http://127.0.0.1:{unused_port()}")
    monkeypatch.setenv("all_proxy", "socks5://127.0.0.1:1")
    venue = venue_at(exchange.http_url, exchange.ws_url)
    found = answers(venue)
    assert reach_it(found), found
    Witness(exchange.http_url).ask("no-such-window")


def test_f47_a_stated_proxy_carries_everything_that_connects(
    proxy: ProxyDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    found = answers(venue_at(f"http://{ELSEWHERE}", f"ws://{ELSEWHERE}"))
    assert reach_it(found), found
    assert f"CONNECT {ELSEWHERE} HTTP/1.1" in proxy.asked
    assert f"GET http://{ELSEWHERE}/time HTTP/1.1" in proxy.asked
    monkeypatch.setenv("NO_PROXY", "example")
    asked_count = len(proxy.asked)
    assert not reach_it(answers(venue_at(f"http://{ELSEWHERE}", f"ws://{ELSEWHERE}")))
    assert len(proxy.asked) == asked_count


@pytest.mark.parametrize("password", ["not-the-one", SECRET])
def test_f47_a_proxy_s_password_is_given_to_it_and_shown_to_nobody(
    exchange: RunningExchange, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    with ProxyDouble(urlsplit(exchange.http_url).port or 0, asks_for_password=True) as proxy:
        host = urlsplit(proxy.url).netloc
        monkeypatch.setenv("ALL_PROXY", f"http://user:{password}@{host}")
        found = answers(venue_at(f"http://{ELSEWHERE}", f"ws://{ELSEWHERE}"))
    assert reach_it(found) is (password == SECRET), found
    assert password not in str(found)


def test_f47_a_proxy_that_cannot_be_used_is_one_sentence_from_everybody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", f"socks5://user:{SECRET}@127.0.0.1:1")
    sentence = "ALL_PROXY names a socks5:// proxy; only http:// proxies can be used"
    found = answers(venue_at(f"http://{ELSEWHERE}", f"ws://{ELSEWHERE}"))
    for name, kind in (
        ("directory", HttpFailed),
        ("feeds", Disconnected),
        ("client", ClientFailed),
    ):
        word = found[name]
        assert isinstance(word, kind)
        assert sentence in word.reason
    assert found["doctor"] == sentence

    finding = check_proxies(subject_of(Settings(), tmp_path))
    assert (finding.outcome, finding.sentence) == (CheckOutcome.FAIL, sentence)
    command = [sys.executable, "-m", "understudy", "run", "--data-dir", str(tmp_path / "data")]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert sentence in run.stderr
    assert not (tmp_path / "data").exists()


def test_f47_the_doctor_says_which_hosts_are_reached_through_which_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def said(settings: Settings) -> str:
        finding = check_proxies(subject_of(settings, tmp_path))
        assert finding.outcome is CheckOutcome.PASS
        return finding.sentence

    assert said(Settings()) == "every address is reached directly"
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:{SECRET}@proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "polymarket.com")
    through = "ws-feed.exchange.coinbase.com through HTTPS_PROXY proxy.example:3128"
    assert said(Settings()) == through
    local = pointed_at_local_exchange(Settings(), "http://127.0.0.1:1", "ws://127.0.0.1:1")
    assert said(local) == "every address is reached directly"
