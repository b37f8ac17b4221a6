from __future__ import annotations

import functools
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import ordering_stage
import pytest
import websockets
from venue_frames import ORIGIN_MS, WINDOW_START_MS, ClientBook

from venue.frames import Channel
from venue.server import LocalExchange

SETTINGS: dict[str, Any] = {
    "start_ms": ORIGIN_MS,
    "rate": 100.0,
    "speed": 20.0,
    "has_admin": False,
    "wallets": {},
}
against = functools.partial(ordering_stage.against, **SETTINGS)


async def get(url: str) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        assert response.content_type == "application/json"
        return response.status, await response.json()


async def current_market(exchange: LocalExchange) -> dict[str, Any]:
    slug = f"btc-updown-5m-{WINDOW_START_MS // 1000 - 300}"
    _, row = await get(f"{exchange.http_url}/markets/slug/{slug}")
    return dict(row)


async def tokens_of(exchange: LocalExchange) -> list[str]:
    return list(json.loads((await current_market(exchange))["clobTokenIds"]))


async def subscribed(exchange: LocalExchange, **fields: Any) -> Any:
    socket = await websockets.connect(exchange.url(Channel.MARKET), max_size=None, max_queue=None)
    tokens = await tokens_of(exchange)
    await socket.send(json.dumps({"type": "market", "assets_ids": tokens, **fields}))
    return socket


async def events_of(socket: Any) -> AsyncIterator[dict[str, Any]]:
    async for text in socket:
        decoded = json.loads(text)
        for event in decoded if isinstance(decoded, list) else [decoded]:
            yield event


@against()
async def test_gamma_knows_the_current_and_the_coming_windows_by_slug(
    exchange: LocalExchange,
) -> None:
    for start_ms in (WINDOW_START_MS - 300_000, WINDOW_START_MS, WINDOW_START_MS + 300_000):
        slug = f"btc-updown-5m-{start_ms // 1000}"
        status, row = await get(f"{exchange.http_url}/markets/slug/{slug}")
        assert (status, row["slug"], row["closed"]) == (200, slug, False)
        status, event = await get(f"{exchange.http_url}/events/slug/{slug}")
        assert (status, event["markets"][0]["conditionId"]) == (200, row["conditionId"])
    status, _ = await get(f"{exchange.http_url}/markets/slug/btc-updown-5m-1")
    assert status == 404


@against(speed=1.0)
async def test_gamma_lists_markets_page_by_page_and_by_condition(exchange: LocalExchange) -> None:
    base = f"{exchange.http_url}/markets/keyset"
    _, first = await get(f"{base}?limit=2")
    _, rest = await get(f"{base}?limit=2&after_cursor={first['next_cursor']}")
    assert (len(first["markets"]), len(rest["markets"])) == (2, 1)
    assert "next_cursor" not in rest
    wanted = rest["markets"][0]["conditionId"]
    _, found = await get(f"{base}?condition_ids={wanted}")
    assert [row["conditionId"] for row in found["markets"]] == [wanted]
    _, closed = await get(f"{base}?closed=true")
    assert closed["markets"] == []
    status, _ = await get(f"{base}?limit=many")
    assert status == 422


@against()
async def test_the_clob_tells_a_token_its_market_and_its_book(exchange: LocalExchange) -> None:
    row = await current_market(exchange)
    up, down = json.loads(row["clobTokenIds"])
    base = exchange.http_url
    assert await get(f"{base}/markets-by-token/{down}") == (
        200,
        {"condition_id": row["conditionId"]},
    )
    _, market = await get(f"{base}/clob-markets/{row['conditionId']}")
    assert [token["t"] for token in market["t"]] == [up, down]
    _, book = await get(f"{base}/book?token_id={up}")
    assert float(book["bids"][-1]["price"]) < float(book["asks"][-1]["price"])
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{base}/books", json=[{"token_id": up}, {"token_id": down}]) as response,
    ):
        books = await response.json()
    assert [one["asset_id"] for one in books] == [up, down]
    assert abs((await get(f"{base}/time"))[1] - ORIGIN_MS // 1000) < 400
    for path in ("book", "book?token_id=1", "clob-markets/0x0", "markets-by-token/1"):
        status, body = await get(f"{base}/{path}")
        assert status in (400, 404)
        assert body["error"]


@against()
async def test_the_market_channel_starts_with_both_books_and_keeps_them_right(
    exchange: LocalExchange,
) -> None:
    up, down = (ClientBook(token) for token in await tokens_of(exchange))
    kinds: set[str] = set()
    async with await subscribed(exchange) as socket:
        first = json.loads(await socket.recv())
        assert [book["asset_id"] for book in first] == [up.token, down.token]
        for book in first:
            up.take(book)
            down.take(book)
        async for event in events_of(socket):
            up.take(event)
            down.take(event)
            kinds.add(event["event_type"])
            assert max(map(float, up.bids), default=0.0) < min(map(float, up.asks), default=1.0)
            if {"price_change", "last_trade_price", "book"} <= kinds:
                break
    assert "best_bid_ask" not in kinds


@against(speed=50.0, rate=25.0)
async def test_the_custom_feature_brings_best_prices_and_the_resolution(
    exchange: LocalExchange,
) -> None:
    row = await current_market(exchange)
    kinds: set[str] = set()
    async with await subscribed(exchange, custom_feature_enabled=True) as socket:
        async for event in events_of(socket):
            kinds.add(event["event_type"])
            if event["event_type"] == "market_resolved":
                break
    assert {"best_bid_ask", "new_market"} <= kinds
    assert event["market"] == row["conditionId"]
    closed = await current_market(exchange)
    index = json.loads(closed["outcomes"]).index(event["winning_outcome"])
    assert json.loads(closed["outcomePrices"])[index] == "1"
    assert json.loads(closed["clobTokenIds"])[index] == event["winning_asset_id"]


@against()
async def test_the_price_stream_tells_the_average_of_every_second(exchange: LocalExchange) -> None:
    topic = {"topic": "crypto_prices_twap_sixty", "type": "update"}
    async with websockets.connect(exchange.url(Channel.RTDS)) as socket:
        await socket.send(json.dumps({"action": "subscribe", "subscriptions": [topic]}))
        history = json.loads(await socket.recv())
        told = [json.loads(await socket.recv()) for _ in range(5)]
    assert history["type"] == "subscribe"
    stamps = [tick["payload"]["timestamp"] for tick in told]
    assert stamps == list(range(stamps[0], stamps[0] + 5_000, 1_000))
    assert stamps[0] == history["payload"]["data"][-1]["timestamp"] + 1_000
    assert all(tick["payload"]["window_s"] == 60 for tick in told)


@against()
async def test_coinbase_tells_matches_and_heartbeats(exchange: LocalExchange) -> None:
    request = {
        "type": "subscribe",
        "product_ids": ["BTC-USD"],
        "channels": ["ticker", "heartbeat"],
    }
    async with websockets.connect(exchange.url(Channel.COINBASE)) as socket:
        await socket.send(json.dumps(request))
        assert json.loads(await socket.recv())["type"] == "subscriptions"
        told = [json.loads(await socket.recv()) for _ in range(8)]
    assert {event["type"] for event in told} == {"ticker", "heartbeat"}


async def post_fault(exchange: LocalExchange, kind: str) -> int:
    url, body = f"{exchange.http_url}/admin/faults", {"channel": "rtds", "kind": kind}
    async with aiohttp.ClientSession() as session, session.post(url, json=body) as response:
        return response.status


@against()
async def test_faults_cannot_be_asked_for_over_http_unless_allowed(exchange: LocalExchange) -> None:
    assert await post_fault(exchange, "drop") == 404


@against(has_admin=True)
async def test_faults_are_asked_for_over_http_if_allowed(exchange: LocalExchange) -> None:
    assert await post_fault(exchange, "explode") == 400
    async with websockets.connect(exchange.url(Channel.RTDS)) as socket:
        await socket.send("PING")
        assert await socket.recv() == "PONG"
        assert await post_fault(exchange, "drop") == 200
        with pytest.raises(websockets.ConnectionClosed):
            await socket.recv()


def test_the_stream_is_the_same_at_every_speed() -> None:
    def told(speed: float) -> list[str]:
        texts: list[str] = []

        async def scenario(exchange: LocalExchange) -> None:
            async with await subscribed(exchange) as socket:
                while len(texts) < 300:
                    texts.append(await socket.recv())

        # Venue time starts a little later, so that the client is there from the first frame on.
        soon_ns = time.monotonic_ns() + 2 * 10**9
        start_ms = WINDOW_START_MS - 200_000
        changes = {"rate": 400.0, "start_ms": start_ms, "origin_monotonic_ns": soon_ns}
        ordering_stage.run(scenario, **SETTINGS | changes | {"speed": speed})
        return texts

    assert told(1.0) == told(50.0)
