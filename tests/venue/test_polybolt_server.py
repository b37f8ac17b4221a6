"""PolyBolt on a real socket: the venue's own client, credentials, and the faults by name."""

from __future__ import annotations

import asyncio
import json
from itertools import pairwise
from typing import Any

import aiohttp
import pytest
import websockets
from ordering_stage import against, client, inject

from venue.frames import Channel
from venue.server import LocalExchange

TWAP = {"channel": "price.crypto.twap", "filter": {"symbol": "btcusd", "window_seconds": 60}}


async def credentials_of(exchange: LocalExchange) -> dict[str, str]:
    async with client(exchange) as made:
        keys = made.credentials
    return {"apiKey": keys.key, "secret": keys.secret, "passphrase": keys.passphrase}


async def ask(socket: Any, **request: Any) -> dict[str, Any]:
    await socket.send(json.dumps(request))
    return dict(json.loads(await socket.recv()))


async def subscribed(exchange: LocalExchange, auth: dict[str, str]) -> Any:
    socket = await websockets.connect(exchange.url(Channel.POLYBOLT))
    assert (await ask(socket, op="auth", auth=auth))["op"] == "authed"
    assert (await ask(socket, op="subscribe", subscriptions=[TWAP]))["op"] == "subscribed"
    assert json.loads(await socket.recv())["snapshot"] is True
    return socket


async def close_code(socket: Any) -> int:
    await socket.wait_closed()
    return int(socket.close_code)


@against(speed=5.0)
async def test_the_venues_own_client_reads_history_and_prices_without_a_gap(
    exchange: LocalExchange, alice: Any
) -> None:
    from polymarket.streams import CryptoTwapPriceSpec

    handle = await alice.subscribe(CryptoTwapPriceSpec(symbols=["btcusd"]))
    events: list[Any] = []
    async for event in handle:
        events.append(event)
        if len(events) == 4:
            break
    assert [event.seq for event in events] == [1, 2, 3, 4]
    seconds = [point.timestamp for point in events[0].payload.data]
    seconds += [event.payload.timestamp for event in events[1:]]
    assert len(seconds) > 4
    assert {(later - earlier).seconds for earlier, later in pairwise(seconds)} == {1}


@against()
async def test_good_credentials_are_refused_by_name_until_it_is_over(
    exchange: LocalExchange,
) -> None:
    auth = await credentials_of(exchange)
    await inject(exchange, channel="polybolt", kind="refuse_credentials")
    async with websockets.connect(exchange.url(Channel.POLYBOLT)) as socket:
        assert (await ask(socket, op="auth", auth=auth))["code"] == "auth_invalid"
        assert await close_code(socket) == 4001
    await inject(exchange, channel="polybolt", kind="resume")
    async with await subscribed(exchange, auth):
        pass


@pytest.mark.parametrize(
    ("kind", "code"), [("drain", 4003), ("slow_consumer", 4002), ("policy_breach", 4008)]
)
@against()
async def test_connections_are_closed_with_the_code_asked_for(
    exchange: LocalExchange, kind: str, code: int
) -> None:
    async with await subscribed(exchange, await credentials_of(exchange)) as socket:
        await inject(exchange, channel="polybolt", kind=kind)
        assert await close_code(socket) == code


@against(speed=5.0)
async def test_a_stalled_connection_pongs_and_tells_nothing_while_a_new_one_works(
    exchange: LocalExchange,
) -> None:
    async def received_until_pong(socket: Any) -> list[str]:
        await socket.send('{"op":"ping"}')
        texts = []
        while not (text := await socket.recv()).startswith('{"op":"pong"'):
            texts.append(text)
        return texts

    auth = await credentials_of(exchange)
    async with await subscribed(exchange, auth) as stalled:
        await inject(exchange, channel="polybolt", kind="stall")
        async with await subscribed(exchange, auth) as fresh:
            assert "payload" in json.loads(await fresh.recv())
            waiting = [json.loads(text) for text in await received_until_pong(stalled)]
            await fresh.recv()
            assert await received_until_pong(stalled) == []
        assert all("payload" in frame for frame in waiting)


@against(speed=5.0)
async def test_a_silent_stream_answers_and_publishes_nothing_to_anyone(
    exchange: LocalExchange,
) -> None:
    auth = await credentials_of(exchange)
    await inject(exchange, channel="polybolt", kind="silence")
    async with await subscribed(exchange, auth) as socket:
        started_ms = exchange.orders.now_ms
        while exchange.orders.now_ms < started_ms + 3_000:
            await asyncio.sleep(0.02)
        assert (await ask(socket, op="ping"))["op"] == "pong"
        await inject(exchange, channel="polybolt", kind="resume")
        assert json.loads(await socket.recv())["seq"] == 2


@against()
async def test_rtds_is_switched_off_in_the_middle_of_a_run_and_on_again(
    exchange: LocalExchange,
) -> None:
    async with websockets.connect(exchange.url(Channel.RTDS)) as socket:
        await socket.send("PING")
        assert await socket.recv() == "PONG"
        await inject(exchange, channel="rtds", kind="off")
        assert await close_code(socket) == 1001
    with pytest.raises(websockets.InvalidStatus) as refused:
        await websockets.connect(exchange.url(Channel.RTDS))
    assert refused.value.response.status_code == 503
    async with await subscribed(exchange, await credentials_of(exchange)):
        pass
    await inject(exchange, channel="rtds", kind="resume")
    async with websockets.connect(exchange.url(Channel.RTDS)) as socket:
        await socket.send("PING")
        assert await socket.recv() == "PONG"


@pytest.mark.parametrize("answers", [True, False])
@against()
async def test_a_client_that_owes_two_pongs_is_left_with_4002(
    exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch, answers: bool
) -> None:
    monkeypatch.setattr("venue.server.PING_EVERY_S", 0.05)
    pings_count, is_patient = 0, True
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(exchange.url(Channel.POLYBOLT), autoping=False) as socket,
    ):
        while is_patient and (await socket.receive()).type is aiohttp.WSMsgType.PING:
            pings_count += 1
            if answers:
                await socket.pong()
                is_patient = pings_count < 8
    expected = (8, True) if answers else (2, False)
    assert (pings_count, socket.close_code != 4002) == expected


@against()
async def test_a_clients_own_ping_is_answered(exchange: LocalExchange) -> None:
    async with websockets.connect(exchange.url(Channel.MARKET)) as socket:
        await (await socket.ping())
