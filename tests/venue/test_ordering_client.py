"""The venue's own client, unmodified, against the exchange."""

from __future__ import annotations

import time
from typing import Any

import pytest
from ordering_stage import (
    ALICE,
    BOB_KEY,
    against,
    book_of,
    client,
    eventually,
    get,
    ledger_of,
    polymarket,
    post,
    window_of,
)

from venue.ordering.signatures import EXCHANGE_ADDRESS, prove_order
from venue.server import LocalExchange
from venue.wire.orders import PostedOrder, decode_order

RequestRejectedError = polymarket.RequestRejectedError


def body_of(signed: Any) -> PostedOrder:
    import msgspec
    from polymarket._internal.actions.orders.post import build_post_order_request

    body = build_post_order_request(signed, owner_api_key="key")[1]
    return decode_order(msgspec.json.encode(body))


@against()
async def test_a_client_makes_its_credentials_and_finds_them_again(exchange: LocalExchange) -> None:
    async with client(exchange) as first:
        credentials = first.credentials
        assert await first.fetch_api_keys() == (credentials.key,)
    async with client(exchange, credentials=credentials) as second:
        assert second.credentials == credentials
    async with client(exchange) as third:
        assert third.credentials == credentials
    async with client(exchange, nonce=1) as fourth:
        assert fourth.credentials != credentials
        assert len(await fourth.fetch_api_keys()) == 2
        await fourth.delete_api_key()
    async with client(exchange) as fifth:
        assert await fifth.fetch_api_keys() == (credentials.key,)


@against()
async def test_credentials_of_another_exchange_are_replaced(exchange: LocalExchange) -> None:
    from polymarket.models import ApiKeyCreds

    foreign = ApiKeyCreds.model_validate(
        {"apiKey": "other", "secret": "c2VjcmV0", "passphrase": "p"}
    )
    async with client(exchange, credentials=foreign) as made:
        assert made.credentials.key != "other"
        assert (await made.get_balance_allowance(asset_type="COLLATERAL")).balance == 10**9


@against()
async def test_a_limit_order_is_placed_found_and_cancelled(exchange: LocalExchange) -> None:
    window = await window_of(exchange)
    async with client(exchange) as alice, client(exchange, BOB_KEY) as bob:
        placed = await alice.place_limit_order(
            token_id=window.up, price="0.07", size=20, side="BUY"
        )
        assert (placed.ok, placed.status) == (True, "live")
        order = await alice.get_order(order_id=placed.order_id)
        assert (order.status, order.side, order.outcome) == ("LIVE", "BUY", "Up")
        assert (str(order.price), str(order.original_size)) == ("0.07", "20")
        for filters in ({}, {"market": window.condition_id}, {"token_id": window.up}):
            page = await alice.list_open_orders(**filters).first_page()
            assert [item.id for item in page.items] == [placed.order_id]
        for filters in ({"token_id": window.down}, {"id": "0x1"}, {"market": "0x1"}):
            assert not (await alice.list_open_orders(**filters).first_page()).items
        assert not (await bob.list_open_orders().first_page()).items
        refused = await bob.cancel_order(order_id=placed.order_id)
        assert set(refused.not_canceled) == {placed.order_id}
        done = await alice.cancel_order(order_id=placed.order_id)
        assert done.canceled == (placed.order_id,)
        assert not (await alice.list_open_orders().first_page()).items


@against()
async def test_the_order_id_is_known_before_it_is_posted(
    exchange: LocalExchange, alice: Any
) -> None:
    window = await window_of(exchange)
    signed = await alice.create_limit_order(token_id=window.down, price="0.05", size=10, side="BUY")
    expected = prove_order(body_of(signed).order).order_id
    assert (await alice.post_order(signed)).order_id == expected
    with pytest.raises(RequestRejectedError) as refused:
        await alice.post_order(signed)
    assert str(refused.value) == f"order {expected} is invalid. Duplicated."
    assert refused.value.status == 400


@against()
async def test_a_batch_is_answered_leg_by_leg(exchange: LocalExchange, alice: Any) -> None:
    window = await window_of(exchange)
    prices = ("0.05", "0.06", "0.07")
    legs = [
        await alice.create_limit_order(token_id=window.up, price=price, size=size, side="BUY")
        for price, size in zip(prices, (10, 2, 10), strict=True)
    ]
    answers = await alice.post_orders(legs)
    assert [leg.ok for leg in answers] == [True, False, True]
    assert "lower than the minimum: 5" in answers[1].message
    ids = [leg.order_id for leg in answers if leg.ok]
    assert set((await alice.cancel_orders(order_ids=ids)).canceled) == set(ids)


@against()
async def test_every_cancel_takes_what_it_names(exchange: LocalExchange, alice: Any) -> None:
    near, far = await window_of(exchange, 1), await window_of(exchange, 2)
    placed = {
        token: (
            await alice.place_limit_order(token_id=token, price="0.02", size=9, side="BUY")
        ).order_id
        for token in (near.up, near.down, far.up, far.down)
    }
    done = await alice.cancel_market_orders(market=near.condition_id)
    assert set(done.canceled) == {placed[near.up], placed[near.down]}
    done = await alice.cancel_market_orders(token_id=far.up)
    assert done.canceled == (placed[far.up],)
    assert (await alice.cancel_all()).canceled == (placed[far.down],)
    with pytest.raises(RequestRejectedError, match="Invalid orderID"):
        await alice.cancel_order(order_id="0x12")
    done = await alice.cancel_orders(order_ids=list(placed.values()))
    assert set(done.not_canceled.values()) == {"order can't be found - already canceled or matched"}


@against(speed=20.0)
async def test_a_marketable_order_is_delayed_and_settles(
    exchange: LocalExchange, alice: Any
) -> None:
    window = await window_of(exchange)
    _, ask = await book_of(exchange, window.up)
    placed = await alice.place_market_order(
        token_id=window.up, side="BUY", amount=10, max_price=str(round(ask + 0.05, 2))
    )
    assert (placed.status, placed.trade_ids, placed.taking_amount) == ("delayed", (), 0)

    async def confirmed() -> Any:
        page = await alice.list_account_trades(market=window.condition_id).first_page()
        is_over = page.items and all(one.status == "CONFIRMED" for one in page.items)
        return page.items if is_over else None

    trades = await eventually(confirmed)
    assert {trade.taker_order_id for trade in trades} == {placed.order_id}
    assert {trade.trader_side for trade in trades} == {"TAKER"}
    bought = sum(trade.size for trade in trades)
    held = await alice.get_balance_allowance(asset_type="CONDITIONAL", token_id=window.up)
    assert held.balance == bought * 1_000_000
    assert list(held.allowances) == [EXCHANGE_ADDRESS]
    books = await ledger_of(exchange, ALICE)
    money = await alice.get_balance_allowance(asset_type="COLLATERAL")
    assert money.balance == books["cash_nanos"] // 1_000
    spent = sum(part["price_ticks"] * part["size_units"] for part in books["trades"])
    fees = sum(part["fee_nanos"] for part in books["trades"])
    assert books["cash_nanos"] == 1_000 * 10**9 - spent - fees
    sold = await alice.place_market_order(
        token_id=window.up, side="SELL", shares=5, min_price="0.01"
    )
    assert sold.ok


@against(speed=20.0)
async def test_reads_of_trades_can_be_narrowed(exchange: LocalExchange, alice: Any) -> None:
    window = await window_of(exchange)
    await alice.place_market_order(token_id=window.up, side="BUY", amount=10, max_price="0.99")

    async def first_trade() -> Any:
        return (await alice.list_account_trades().first_page()).items

    (trade, *_) = await eventually(first_trade)
    matched_s = int(trade.matched_at.timestamp())
    for filters, is_found in (
        ({"id": trade.id}, True),
        ({"id": "another"}, False),
        ({"token_id": window.up}, True),
        ({"after": str(matched_s)}, True),
        ({"after": str(matched_s + 1)}, False),
        ({"before": str(matched_s)}, False),
        ({"maker_address": ALICE}, True),
    ):
        page = await alice.list_account_trades(**filters).first_page()
        assert bool(page.items) == is_found, filters
    with pytest.raises(RequestRejectedError, match="invalid after"):
        await alice.list_account_trades(after="yesterday").first_page()


@against(wallets={})
async def test_a_wallet_without_money_buys_nothing_until_it_has_some(
    exchange: LocalExchange, alice: Any
) -> None:
    window = await window_of(exchange)
    terms = {"token_id": window.up, "price": "0.05", "size": 20, "side": "BUY"}
    with pytest.raises(RequestRejectedError, match="balance: 0, order amount: 1000000"):
        await alice.place_limit_order(**terms)
    move = {"wallet": ALICE, "action": "deposit", "amount": "1.5"}
    await post(f"{exchange.http_url}/admin/wallets", move)
    assert (await alice.place_limit_order(**terms)).ok


@against()
async def test_pairs_are_split_and_merged_for_a_wallet(exchange: LocalExchange, alice: Any) -> None:
    window = await window_of(exchange)
    url = f"{exchange.http_url}/admin/wallets"
    about = {"wallet": ALICE, "market": window.condition_id}
    await post(url, {**about, "action": "split", "amount": "30"})
    sold = await alice.place_limit_order(token_id=window.down, price="0.95", size=10, side="SELL")
    assert sold.status == "live"
    await post(url, {**about, "action": "merge", "amount": "20"})
    books = await ledger_of(exchange, ALICE)
    assert books["cash_nanos"] == 990 * 10**9
    assert {share["outcome"]: share["units"] for share in books["shares"]} == {
        "Up": 10_000_000,
        "Down": 10_000_000,
    }


@against()
async def test_an_order_until_a_date_is_taken(exchange: LocalExchange, alice: Any) -> None:
    window = await window_of(exchange, 2)
    expiration = int(time.time()) + 400
    placed = await alice.place_limit_order(
        token_id=window.up, price="0.03", size=9, side="BUY", expiration=expiration
    )
    order = await alice.get_order(order_id=placed.order_id)
    assert order.order_type == "GTD"
    assert int(order.expires_at.timestamp()) == expiration


@against(speed=4.0)
async def test_orders_go_when_the_heartbeat_stops(exchange: LocalExchange) -> None:
    window = await window_of(exchange, 2)
    async with client(exchange) as alice, client(exchange, nonce=1) as other_key:
        for who in (alice, other_key):
            await who.place_limit_order(token_id=window.up, price="0.03", size=9, side="BUY")
        first = await alice.send_order_heartbeat()
        with pytest.raises(polymarket.OrderHeartbeatMismatchError) as mismatch:
            await alice.send_order_heartbeat()
        assert mismatch.value.heartbeat_id == first.heartbeat_id
        await alice.send_order_heartbeat(heartbeat_id=first.heartbeat_id)
        assert len((await alice.list_open_orders().first_page()).items) == 2

        async def only_one_is_left() -> bool:
            return len((await alice.list_open_orders().first_page()).items) == 1

        await eventually(only_one_is_left)
        (left,) = (await alice.list_open_orders().first_page()).items
        assert left.owner == other_key.credentials.key


# In slow motion no bucket fills between two requests, however slow the machine.
@against(speed=0.05)
async def test_the_client_is_told_its_rate_limit_and_its_end(exchange: LocalExchange) -> None:
    updates: list[Any] = []
    window = await window_of(exchange, 2)
    async with client(exchange, on_rate_limit_update=updates.append) as alice:
        signed = await alice.create_limit_order(
            token_id=window.up, price="0.03", size=9, side="BUY"
        )
        await alice.post_order(signed)
        assert (updates[0].tier, updates[0].remaining) == ("standard", 59)

        async def hurry() -> None:
            for _ in range(10):
                await alice.post_orders([signed] * 15)

        with pytest.raises(polymarket.RateLimitError) as limited:
            await hurry()
        assert limited.value.retry_after >= 1
        assert limited.value.rate_limit.tier == "standard"
        assert (await alice.cancel_all()).canceled
        assert updates[-1].remaining == 118


@against()
async def test_more_than_fifteen_orders_or_a_thousand_cancels_are_too_many(
    exchange: LocalExchange, alice: Any
) -> None:
    window = await window_of(exchange)
    signed = await alice.create_limit_order(token_id=window.up, price="0.03", size=9, side="BUY")
    transport = alice._ctx.secure_clob
    from polymarket._internal.actions.orders.post import build_post_order_request

    one = build_post_order_request(signed, owner_api_key=alice.credentials.key)[1]
    words = "Too many orders in payload: 16, max allowed: 15"
    with pytest.raises(RequestRejectedError, match=words):
        await transport.post_json("/orders", json=[one] * 16)
    with pytest.raises(RequestRejectedError, match="Invalid order payload"):
        await transport.post_json("/orders", json=[])
    with pytest.raises(RequestRejectedError, match="Invalid order payload"):
        await transport.post_json("/order", json={**one, "orderType": "IOC"})
    with pytest.raises(RequestRejectedError, match="max allowed: 1000"):
        await alice.cancel_orders(order_ids=[f"0x{number:064x}" for number in range(1_001)])


@against()
async def test_a_request_without_a_proof_is_refused(exchange: LocalExchange) -> None:
    for path in ("data/orders", "data/order/0x1", "data/trades", "balance-allowance"):
        assert await get(f"{exchange.http_url}/{path}") == {"error": "Unauthorized/Invalid api key"}
    assert await get(f"{exchange.http_url}/auth/derive-api-key") == {
        "error": "Invalid L1 Request headers"
    }


@against(begun_ms=150_000, speed=30.0, rate=1.0)
async def test_a_resolved_market_has_paid_out_and_takes_no_more_orders(
    exchange: LocalExchange, alice: Any
) -> None:
    window = await window_of(exchange, 0)
    move = {"wallet": ALICE, "market": window.condition_id, "action": "split", "amount": "30"}
    await post(f"{exchange.http_url}/admin/wallets", move)
    resting = await alice.place_limit_order(token_id=window.up, price="0.02", size=9, side="BUY")
    signed = await alice.create_limit_order(token_id=window.up, price="0.03", size=9, side="BUY")

    async def is_over() -> bool:
        return not (await alice.list_open_orders().first_page()).items

    await eventually(is_over)
    with pytest.raises(RequestRejectedError, match="not yet ready to process new orders"):
        await alice.post_order(signed)
    books = await ledger_of(exchange, ALICE)
    assert books["cash_nanos"] == 1_000 * 10**9
    assert (books["shares"], books["reserved_nanos"]) == ([], 0)
    (order,) = books["orders"]
    assert order["order_id"] == resting.order_id
    assert order["status"] == "CANCELED_MARKET_RESOLVED"
