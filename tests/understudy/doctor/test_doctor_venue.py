"""What the doctor finds on the way to the venue: clock, addresses, place, market, prices."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from doctor_stage import (
    FAIL,
    PASS,
    SKIPPED,
    WARN,
    against,
    answering,
    credentials_at,
    inject,
    live_at,
    look,
    nobody_answers,
    nobody_listens,
    settings_at,
    subject,
)
from several_series import several
from websockets.asyncio.server import ServerConnection, serve

from actors.model import Market
from actors.proxies import is_on_this_host
from understudy.doctor import examination, network, venue
from understudy.doctor.findings import Finding
from understudy.doctor.sight import FoundMarket, VenueSight
from understudy.doctor.subject import Subject
from understudy.doctor.venue import check_geoblock, check_market
from venue.frames import Channel
from venue.server import LocalExchange

NETWORK = ("clock", "gamma", "clob", "market stream", "coinbase", "rtds", "market")
Check = Callable[[Subject, VenueSight], Awaitable[Finding]]


@against()
async def test_at_a_healthy_exchange_all_is_well(exchange: LocalExchange, tmp_path: Path) -> None:
    settings = settings_at(exchange.http_url, exchange.ws_url)
    variables = await credentials_at(exchange)
    found = await look(subject(settings, tmp_path, variables=variables))
    names = {*NETWORK, "host", "config", "disk", "journal", "lock", "halt file"}
    for name in (*names, "polybolt", "strike source"):
        assert found[name].outcome is PASS, found[name]
    skipped = {"geoblock", "credentials", "wallet", "balance", "allowance", "key place"}
    assert {name for name, each in found.items() if each.outcome is SKIPPED} == skipped
    assert found["urgency"].outcome in {PASS, WARN}, "whoever runs this may not be allowed to"
    assert "btc-updown-15m-" in found["market"].sentence


@against(series=(("btc", 5), ("eth", 5)))
async def test_each_of_several_series_is_looked_at_by_its_name(
    exchange: LocalExchange, tmp_path: Path
) -> None:
    settings = settings_at(exchange.http_url, exchange.ws_url)
    three = several("btc-5m", "eth-5m", "btc-15m", base=settings)
    found = await look(subject(three, tmp_path))
    for name in ("coinbase btc", "coinbase eth", "rtds btc", "rtds eth", "market btc-5m"):
        assert found[name].outcome is PASS, found[name]
    assert "eth-updown-5m-" in found["market eth-5m"].sentence
    assert found["market btc-15m"].outcome is FAIL, "it is not offered here"


def test_where_nobody_listens_every_host_is_named(tmp_path: Path) -> None:
    async def scenario(port: int) -> None:
        found = await look(
            subject(settings_at(f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}"), tmp_path)
        )
        for name in (*NETWORK, "strike source"):
            assert found[name].outcome is FAIL, found[name]
        for name in ("gamma", "clob", "market stream", "coinbase", "rtds"):
            assert f"127.0.0.1:{port} refused the connection" in found[name].sentence
            assert found[name].advice

    with nobody_listens() as port:
        asyncio.run(scenario(port))


def test_where_nobody_answers_it_ends_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = pytest.importorskip("understudy.doctor.account")
    monkeypatch.setattr(network, "CONNECT_LIMIT_S", 0.3)
    monkeypatch.setattr(account, "OPEN_LIMIT_S", 0.4)
    with nobody_answers() as port:
        settings = settings_at(
            f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}", mode="live", durability="full"
        )
        found = {each.name: each for each in examination.examine(subject(settings, tmp_path))}
    for name in (*NETWORK, "strike source", "credentials"):
        assert found[name].outcome is FAIL, found[name]
    assert "did not answer within 0.3 s" in found["gamma"].sentence
    assert "no answer within 0.4 s" in found["credentials"].sentence
    assert (found["wallet"].outcome, found["balance"].outcome) == (PASS, SKIPPED)


def test_a_check_that_has_no_end_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examination, "LIMIT_S", 0.3)
    with nobody_answers() as port:
        settings = settings_at(f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}")
        found = {each.name: each for each in examination.examine(subject(settings, tmp_path))}
    for name in (*NETWORK, "strike source"):
        assert (found[name].outcome, "no end within" in found[name].sentence) == (FAIL, True)


def test_a_name_server_that_hangs_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()

    def hang(*_arguments: Any, **_hints: Any) -> Any:
        released.wait(30)
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(network, "CONNECT_LIMIT_S", 0.3)
    monkeypatch.setattr(examination, "LIMIT_S", 1.5)
    monkeypatch.setattr(socket, "getaddrinfo", hang)
    settings = settings_at("http://venue.example", "ws://venue.example")
    try:
        found = {each.name: each for each in examination.examine(subject(settings, tmp_path))}
        assert not released.is_set()
    finally:
        released.set()
    assert "venue.example did not answer" in found["clob"].sentence
    assert "venue.example did not answer" in found["coinbase"].sentence


def test_a_name_that_does_not_exist_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_arguments: Any, **_hints: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    settings = settings_at("http://venue.example", "ws://venue.example")
    found = {each.name: each for each in examination.examine(subject(settings, tmp_path))}
    for name in ("gamma", "coinbase"):
        sentence = "the name venue.example cannot be looked up: Name or service not known"
        assert (found[name].outcome, found[name].sentence) == (FAIL, sentence)


@pytest.mark.parametrize(
    ("url", "is_local"),
    [
        ("http://127.0.0.1:80", True),
        ("http://localhost/x", True),
        ("http://[::1]:5", True),
        ("https://clob.polymarket.com", False),
        ("https://127.0.0.1.example.com", False),
        ("http://10.0.0.1", False),
    ],
)
def test_only_this_host_is_local(url: str, is_local: bool) -> None:
    assert is_on_this_host(url) is is_local


# Clock


@pytest.mark.parametrize(
    ("skew_ms", "changes", "outcome"),
    [
        (0, {"is_local": False}, PASS),
        (6_000, {"is_local": False}, WARN),
        (-6_000, {"is_local": False}, WARN),
        (20_000, {"is_local": False}, FAIL),
        (-90_000, {"is_local": False}, FAIL),
        (90_000, {}, PASS),
    ],
)
@against()
async def test_a_clock_that_is_off_is_measured(
    exchange: LocalExchange, tmp_path: Path, skew_ms: int, changes: dict[str, Any], outcome: object
) -> None:
    if skew_ms:
        await inject(exchange, kind="clock_skew", for_ms=skew_ms)
    found = await look(subject(live_at(exchange), tmp_path, **changes))
    assert found["clock"].outcome is outcome, found["clock"]
    assert (outcome is PASS) == (found["clock"].advice == "")


@against()
async def test_a_wrong_clock_does_not_stop_orders_on_paper(
    exchange: LocalExchange, tmp_path: Path
) -> None:
    await inject(exchange, kind="clock_skew", for_ms=60_000)
    settings = settings_at(exchange.http_url, exchange.ws_url)
    found = await look(subject(settings, tmp_path, is_local=False))
    assert found["clock"].outcome is WARN


# Addresses


@pytest.mark.parametrize(
    ("status", "outcome"), [(200, PASS), (403, FAIL), (451, FAIL), (502, WARN)]
)
def test_an_answer_that_is_none_is_told_apart(tmp_path: Path, status: int, outcome: object) -> None:
    async def scenario() -> None:
        async with answering("1", "/time", status) as url:
            settings = settings_at(url.removesuffix("/time"), "ws://127.0.0.1:1")
            found = await venue.check_clob(subject(settings, tmp_path))
            assert found.outcome is outcome
            assert outcome is PASS or str(status) in found.sentence

    asyncio.run(scenario())


@against()
async def test_a_stream_that_is_open_and_silent_fails(
    exchange: LocalExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(venue, "DATA_LIMIT_S", 0.3)
    settings = settings_at(exchange.http_url, exchange.ws_url)
    user_channel = exchange.url(Channel.USER)  # it says nothing without credentials
    settings = attrs.evolve(
        settings, venue=attrs.evolve(settings.venue, coinbase_ws_url=user_channel)
    )
    found = await venue.check_coinbase(subject(settings, tmp_path))
    assert found.outcome is FAIL


@pytest.mark.parametrize(("kind", "outcome"), [("heartbeat", FAIL), ("ticker", PASS)])
def test_a_stream_that_brings_only_heartbeats_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, outcome: object
) -> None:
    row = {"product_id": "BTC-USD", "sequence": 1, "time": "2026-04-16T09:30:00Z", "price": "1"}
    text = json.dumps({**row, "type": kind, "trade_id": 1, "last_trade_id": 1})

    async def confirm_and_go_on(connection: ServerConnection) -> None:
        await connection.send('{"type":"subscriptions","channels":[]}')
        for _ in range(5):
            await connection.send(text)
        await connection.wait_closed()

    async def scenario() -> None:
        async with serve(confirm_and_go_on, "127.0.0.1", 0) as server:
            url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
            found = await venue.check_coinbase(subject(settings_at("http://x", url), tmp_path))
        assert found.outcome is outcome

    monkeypatch.setattr(venue, "DATA_LIMIT_S", 0.5)
    asyncio.run(scenario())


# Place


@pytest.mark.parametrize(
    ("body", "status", "mode", "outcome", "word"),
    [
        ({"blocked": False, "country": "IE"}, 200, "live", PASS, "IE"),
        ({"blocked": True, "country": "US", "region": "NY"}, 200, "live", FAIL, "US-NY"),
        ({"blocked": True, "country": "US", "region": "NY"}, 200, "simulated", WARN, "US-NY"),
        ({"blocked": "no"}, 200, "live", WARN, "unknown"),
        ([], 200, "live", WARN, "unknown"),
        ({}, 503, "live", WARN, "503"),
    ],
)
def test_where_orders_are_not_taken_is_said(
    tmp_path: Path, body: Any, status: int, mode: str, outcome: object, word: str
) -> None:
    async def scenario() -> None:
        settings = settings_at("http://127.0.0.1:1", "ws://127.0.0.1:1", mode=mode)
        async with answering(body, "/api/geoblock", status) as url:
            found = await check_geoblock(subject(settings, tmp_path, geoblock_url=url))
        assert (found.outcome, word in found.sentence) == (outcome, True)

    asyncio.run(scenario())


def test_a_place_that_cannot_be_asked_for_is_unknown(tmp_path: Path) -> None:
    settings = settings_at("http://127.0.0.1:1", "ws://127.0.0.1:1", mode="live")
    with nobody_listens() as port:
        url = f"http://127.0.0.1:{port}"
        found = asyncio.run(check_geoblock(subject(settings, tmp_path, geoblock_url=url)))
    assert found.outcome is WARN


# Market and prices


@against()
async def test_a_series_that_is_not_listed_fails(exchange: LocalExchange, tmp_path: Path) -> None:
    settings = settings_at(exchange.http_url, exchange.ws_url)
    settings = attrs.evolve(settings, series=attrs.evolve(settings.series, asset="eth"))
    found = await look(subject(settings, tmp_path))
    assert (found["market"].outcome, "eth-updown" in found["market"].sentence) == (FAIL, True)
    assert found["market stream"].outcome is PASS
    assert found["strike source"].outcome is FAIL


@against()
async def test_a_window_settled_on_another_average_is_a_warning(
    exchange: LocalExchange, tmp_path: Path
) -> None:
    sight = VenueSight(subject(settings_at(exchange.http_url, exchange.ws_url), tmp_path))
    found = await sight.current()
    assert (await check_market(sight)).outcome is PASS
    other: Market = attrs.evolve(found.market, twap_window_s=30)

    class Sight(VenueSight):
        def __init__(self) -> None:
            pass

        async def current(self) -> FoundMarket:
            return FoundMarket(other, found.now_ms)

    told = await check_market(Sight())
    assert (told.outcome, "30 s" in told.sentence) == (WARN, True)
