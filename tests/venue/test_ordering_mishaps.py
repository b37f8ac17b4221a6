"""Every fault that the venue causes, met with the venue's own client."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
import websockets
from ordering_stage import (
    ALICE,
    against,
    book_of,
    client,
    eventually,
    get,
    inject,
    ledger_of,
    polymarket,
    window_of,
)

from venue.frames import Channel
from venue.server import LocalExchange

RequestRejectedError = polymarket.RequestRejectedError


async def signed_order(alice: Any, exchange: LocalExchange, price: str = "0.03") -> Any:
    window = await window_of(exchange, 2)
    return await alice.create_limit_order(token_id=window.up, price=price, size=9, side="BUY")


async def orders_of(exchange: LocalExchange) -> list[Any]:
    return list((await ledger_of(exchange, ALICE))["orders"])


def user_subscription(alice: Any, **fields: Any) -> str:
    credentials = alice.credentials
    auth = {
        "apiKey": credentials.key,
        "secret": credentials.secret,
        "passphrase": credentials.passphrase,
    }
    return json.dumps({"type": "user", "auth": auth, **fields})


@pytest.mark.parametrize(
    ("kind", "error"),
    [("lost_answer", polymarket.TransportError), ("server_error", RequestRejectedError)],
)
@against()
async def test_an_order_whose_answer_is_lost_is_found_and_cannot_be_placed_twice(
    exchange: LocalExchange, alice: Any, kind: str, error: type[Exception]
) -> None:
    signed = await signed_order(alice, exchange)
    await inject(exchange, kind=kind)
    with pytest.raises(error):
        await alice.post_order(signed)
    (order,) = await orders_of(exchange)
    assert order["status"] == "LIVE"
    assert (await alice.get_order(order_id=order["order_id"])).status == "LIVE"
    with pytest.raises(RequestRejectedError, match="Duplicated"):
        await alice.post_order(signed)
    assert len(await orders_of(exchange)) == 1


@against()
async def test_a_connection_may_be_reset_before_anything_was_done(
    exchange: LocalExchange, alice: Any
) -> None:
    signed = await signed_order(alice, exchange)
    await inject(exchange, kind="reset")
    with pytest.raises(polymarket.TransportError):
        await alice.post_order(signed)
    assert await orders_of(exchange) == []
    assert (await alice.post_order(signed)).status == "live"


@against(speed=50.0)
async def test_a_slow_answer_comes_after_the_order_is_on_the_book(
    exchange: LocalExchange, alice: Any
) -> None:
    signed = await signed_order(alice, exchange)
    await inject(exchange, kind="slow_answer", for_ms=150_000)
    waiting = asyncio.create_task(alice.post_order(signed))
    (order,) = await eventually(lambda: orders_of(exchange))
    assert order["status"] == "LIVE"
    assert not waiting.done()
    assert (await waiting).order_id == order["order_id"]


@against()
async def test_a_cancel_may_lose_its_answer_too(exchange: LocalExchange, alice: Any) -> None:
    placed = await alice.post_order(await signed_order(alice, exchange))
    await inject(exchange, kind="lost_answer", target="cancels")
    with pytest.raises(polymarket.TransportError):
        await alice.cancel_order(order_id=placed.order_id)
    (order,) = await orders_of(exchange)
    assert order["status"] == "CANCELED"


@against()
async def test_a_refused_request_is_not_struck(exchange: LocalExchange, alice: Any) -> None:
    await inject(exchange, kind="lost_answer")
    poor = await alice.create_limit_order(
        token_id=(await window_of(exchange)).up, price="0.5", size=9_000, side="BUY"
    )
    with pytest.raises(RequestRejectedError, match="not enough balance"):
        await alice.post_order(poor)
    with pytest.raises(polymarket.TransportError):
        await alice.post_order(await signed_order(alice, exchange))


@against()
async def test_429_names_a_wait(exchange: LocalExchange, alice: Any) -> None:
    signed = await signed_order(alice, exchange)
    await inject(exchange, kind="rate_limited", count=2, for_ms=7_000)
    for _ in range(2):
        with pytest.raises(polymarket.RateLimitError) as limited:
            await alice.post_order(signed)
        assert limited.value.retry_after == 7
    assert (await alice.post_order(signed)).ok


@against()
async def test_from_some_countries_nothing_is_taken(exchange: LocalExchange, alice: Any) -> None:
    signed = await signed_order(alice, exchange)
    await inject(exchange, kind="geoblocked")
    with pytest.raises(RequestRejectedError, match="restricted in your region") as refused:
        await alice.post_order(signed)
    assert refused.value.status == 403
    assert (await alice.post_order(signed)).ok


@against(speed=5.0)
async def test_a_restart_is_425_and_then_post_only(exchange: LocalExchange, alice: Any) -> None:
    signed = await signed_order(alice, exchange)
    await inject(exchange, kind="restart", for_ms=15_000)
    for attempt in (alice.post_order(signed), alice.cancel_all()):
        with pytest.raises(RequestRejectedError) as away:
            await attempt
        assert (away.value.status, away.value.restriction) == (425, "restarting")

    async def is_back() -> bool:
        try:
            await alice.cancel_all()
        except RequestRejectedError:
            return False
        return True

    await eventually(is_back)
    with pytest.raises(RequestRejectedError) as restricted:
        await alice.post_order(signed)
    assert restricted.value.restriction == "post_only"
    window = await window_of(exchange, 2)
    quiet = await alice.create_limit_order(
        token_id=window.up, price="0.02", size=9, side="BUY", post_only=True
    )
    answers = await alice.post_orders([quiet, signed])
    assert [leg.ok for leg in answers] == [True, False]
    assert answers[1].code == "post_only_mode"


@pytest.mark.parametrize("kind", ["cancel_only", "disabled"])
@against()
async def test_trading_may_be_restricted_and_opened_again(
    exchange: LocalExchange, alice: Any, kind: str
) -> None:
    signed = await signed_order(alice, exchange)
    await inject(exchange, kind=kind)
    with pytest.raises(RequestRejectedError) as restricted:
        await alice.post_order(signed)
    assert restricted.value.status == 503
    assert (restricted.value.restriction == "cancel_only") == (kind == "cancel_only")
    await inject(exchange, kind="call_off")
    assert (await alice.post_order(signed)).ok


@against()
async def test_a_skewed_clock_refuses_proofs_and_can_be_measured(
    exchange: LocalExchange, alice: Any
) -> None:
    before_s = await get(f"{exchange.http_url}/time")
    await inject(exchange, kind="clock_skew", for_ms=-45_000)
    assert await get(f"{exchange.http_url}/time") - before_s < -40
    with pytest.raises(RequestRejectedError) as refused:
        await alice.cancel_all()
    assert refused.value.status == 401
    await inject(exchange, kind="clock_skew", for_ms=20_000)
    await alice.cancel_all()


@pytest.mark.parametrize("kind", ["unauthorized", "revoked_keys"])
@against()
async def test_api_keys_may_prove_nothing_any_more(
    exchange: LocalExchange, alice: Any, kind: str
) -> None:
    signed = await signed_order(alice, exchange)
    await inject(exchange, kind=kind)
    for ask in (alice.cancel_all, lambda: alice.post_order(signed), alice.fetch_api_keys):
        with pytest.raises(RequestRejectedError) as refused:
            await ask()
        assert refused.value.status == 401
    async with websockets.connect(exchange.url(Channel.USER)) as channel:
        await channel.send(user_subscription(alice))
        with pytest.raises(websockets.ConnectionClosed, match="invalid credentials"):
            await channel.recv()
    async with client(exchange) as again:
        assert (again.credentials.key == alice.credentials.key) == (kind == "unauthorized")
        await inject(exchange, kind="call_off")
        await again.cancel_all()


@against(speed=4.0)
async def test_a_hidden_order_is_shown_later(exchange: LocalExchange, alice: Any) -> None:
    await inject(exchange, kind="hidden_order", for_ms=12_000)
    placed = await alice.post_order(await signed_order(alice, exchange))
    absent = (polymarket.UnexpectedResponseError, RequestRejectedError)
    with pytest.raises(absent):
        await alice.get_order(order_id=placed.order_id)

    async def is_shown() -> bool:
        return bool((await alice.list_open_orders().first_page()).items)

    await eventually(is_shown)
    assert (await alice.get_order(order_id=placed.order_id)).status == "LIVE"


@against()
async def test_only_the_first_leg_of_a_batch_may_be_taken(
    exchange: LocalExchange, alice: Any
) -> None:
    legs = [await signed_order(alice, exchange, price) for price in ("0.03", "0.04")]
    await inject(exchange, kind="partial_batch")
    answers = await alice.post_orders(legs)
    assert [leg.ok for leg in answers] == [True, False]
    assert answers[1].code == "market_not_ready"
    assert (await alice.post_order(legs[1])).ok


@against()
async def test_an_order_called_unmatched_rests(exchange: LocalExchange, alice: Any) -> None:
    await inject(exchange, kind="unmatched")
    answer = await alice.post_order(await signed_order(alice, exchange))
    assert (answer.ok, answer.code) == (False, "unmatched")
    (order,) = (await alice.list_open_orders().first_page()).items
    assert order.status == "LIVE"


@against(speed=20.0)
async def test_a_ghost_fill_is_reversed_and_told(exchange: LocalExchange, alice: Any) -> None:
    from polymarket.streams import UserSpec

    window = await window_of(exchange)
    handle = await alice.subscribe(UserSpec(markets=[window.condition_id]))
    await inject(exchange, kind="ghost_fill", count=50)
    _, ask = await book_of(exchange, window.up)
    await alice.place_market_order(
        token_id=window.up, side="BUY", amount=10, max_price=str(round(ask + 0.05, 2))
    )
    statuses: dict[str, list[str]] = {}
    async for event in handle:
        if event.type == "trade":
            told = statuses.setdefault(event.payload.id, [])
            told.append(event.payload.status)
            if all(one[-1] == "FAILED" for one in statuses.values()):
                break
    books = await ledger_of(exchange, ALICE)
    assert {part["status"] for part in books["trades"]} == {"FAILED"}
    assert (books["cash_nanos"], books["shares"]) == (1_000 * 10**9, [])
    (row, *_) = (await alice.list_account_trades().first_page()).items
    assert row.status == "FAILED"
    assert alice._user_manager.dropped_events == 0
    assert told == ["MATCHED", "RETRYING", "FAILED"]


@against()
async def test_the_user_channel_tells_what_the_client_can_read(
    exchange: LocalExchange, alice: Any
) -> None:
    from polymarket.streams import UserSpec

    window = await window_of(exchange)
    handle = await alice.subscribe(UserSpec())
    other = await alice.subscribe(UserSpec(markets=["0x" + "00" * 32]))
    placed = await alice.place_limit_order(token_id=window.down, price="0.02", size=9, side="BUY")
    await alice.cancel_all()
    told = []
    async for event in handle:
        assert event.payload.id == placed.order_id
        told.append((event.payload.order_event_type, event.payload.status))
        if len(told) == 2:
            break
    assert told == [("PLACEMENT", "LIVE"), ("CANCELLATION", "CANCELED")]
    assert alice._user_manager.dropped_events == 0
    await other.close()


@against()
async def test_the_user_channel_is_closed_to_strangers(exchange: LocalExchange) -> None:
    auth = {"apiKey": "k", "secret": "s", "passphrase": "p"}
    for first in ({"type": "user", "auth": auth}, {"type": "user"}, {"type": "market"}):
        async with websockets.connect(exchange.url(Channel.USER)) as socket:
            await socket.send(json.dumps(first))
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await socket.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1008


@against(speed=20.0)
async def test_the_user_stream_may_be_silent_double_or_dropped(exchange: LocalExchange) -> None:
    async with (
        client(exchange) as alice,
        websockets.connect(exchange.url(Channel.USER)) as socket,
    ):
        await socket.send(user_subscription(alice))
        await socket.send("PING")
        assert await socket.recv() == "PONG"
        await inject(exchange, kind="stall", channel="user")
        await alice.post_order(await signed_order(alice, exchange))
        sent_ms = exchange.orders.now_ms
        while exchange.orders.now_ms < sent_ms + 1_000:
            await asyncio.sleep(0.01)
        await socket.send("PING")
        assert await socket.recv() == "PONG"
        await inject(exchange, kind="resume", channel="user")
        await inject(exchange, kind="duplicate", channel="user")
        await alice.cancel_all()
        first, second = await socket.recv(), await socket.recv()
        assert json.loads(first)["type"] == "CANCELLATION"
        assert first == second
        await inject(exchange, kind="drop", channel="user")
        with pytest.raises(websockets.ConnectionClosed):
            await socket.recv()


@against(speed=50.0)
async def test_a_reconnected_client_may_hear_the_old_events_again(
    exchange: LocalExchange, alice: Any
) -> None:
    placed = await alice.post_order(await signed_order(alice, exchange))
    for _ in range(2):
        async with websockets.connect(exchange.url(Channel.USER)) as socket:
            await socket.send(user_subscription(alice))
            await socket.send("PING")
            while await socket.recv() != "PONG":
                pass
            await inject(exchange, kind="replay")
            event = json.loads(await socket.recv())
        assert (event["type"], event["id"]) == ("PLACEMENT", placed.order_id)


@against()
async def test_the_venue_cancels_resting_orders_by_itself(
    exchange: LocalExchange, alice: Any
) -> None:
    await alice.post_order(await signed_order(alice, exchange))
    await inject(exchange, kind="cancel_by_venue")
    (order,) = await orders_of(exchange)
    assert order["status"] == "CANCELED_NOT_ENOUGH_BALANCE"
    assert not (await alice.list_open_orders().first_page()).items


@against(
    faults="""
    [chance]
    lost_answer = 1.0

    [[at]]
    seconds = 100
    kind = "call_off"
    """,
    speed=20.0,
)
async def test_a_file_of_faults_is_followed(exchange: LocalExchange, alice: Any) -> None:
    with pytest.raises(polymarket.TransportError):
        await alice.post_order(await signed_order(alice, exchange))

    async def is_answered() -> bool:
        try:
            await alice.post_order(await signed_order(alice, exchange, "0.04"))
        except polymarket.TransportError:
            return False
        return True

    await eventually(is_answered)
    report = await get(f"{exchange.http_url}/admin/ledger")
    assert report["faults"]["lost_answer"] == len(await orders_of(exchange)) - 1
    assert report["faults"]["call_off"] == 1
