"""Splitting, merging and redeeming with the venue's own client, over the chain's JSON-RPC."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from ordering_stage import (
    ALICE,
    ALICE_KEY,
    against,
    eventually,
    inject,
    ledger_of,
    polymarket,
    post,
    window_of,
)

from venue.ordering.chain import COLLATERAL_ADAPTER, UnknownCall, read_call
from venue.ordering.signatures import BadSignature, read_transaction
from venue.server import LocalExchange

MICRO = 1_000_000


async def rpc(exchange: LocalExchange, method: str, *params: Any) -> Any:
    body = {"jsonrpc": "2.0", "id": 7, "method": method, "params": list(params)}
    answer = await post(exchange.http_url + "/", body)
    assert answer["id"] == 7
    return answer.get("result", answer.get("error"))


FAST: dict[str, Any] = {"speed": 20.0, "rate": 1.0}


async def shares_of(exchange: LocalExchange) -> dict[str, int]:
    return {row["outcome"]: row["units"] for row in (await ledger_of(exchange, ALICE))["shares"]}


@against(**FAST)
async def test_a_client_splits_and_merges_pairs(exchange: LocalExchange, alice: Any) -> None:
    window = await window_of(exchange, 2)
    handle = await alice.split_position(condition_id=window.condition_id, amount=40 * MICRO)
    await handle.wait()
    assert await shares_of(exchange) == {"Up": 40 * MICRO, "Down": 40 * MICRO}
    handle = await alice.merge_positions(condition_id=window.condition_id, amount=15 * MICRO)
    outcome = await handle.wait()
    assert outcome.transaction_hash == handle.transaction_hash
    assert await shares_of(exchange) == {"Up": 25 * MICRO, "Down": 25 * MICRO}
    await (await alice.merge_positions(condition_id=window.condition_id, amount="max")).wait()
    books = await ledger_of(exchange, ALICE)
    assert (books["cash_nanos"], books["shares"]) == (1_000 * 10**9, [])


@against(**FAST)
async def test_what_reverts_changes_nothing(exchange: LocalExchange, alice: Any) -> None:
    window = await window_of(exchange, 2)
    with pytest.raises(polymarket.UserInputError):
        await alice.merge_positions(condition_id=window.condition_id, amount=MICRO)
    await inject(exchange, kind="reverted_transaction")
    for amount in (40 * MICRO, 4_000 * MICRO):
        handle = await alice.split_position(condition_id=window.condition_id, amount=amount)
        with pytest.raises(polymarket.TransactionFailedError):
            await handle.wait()
    books = await ledger_of(exchange, ALICE)
    assert (books["cash_nanos"], books["shares"]) == (1_000 * 10**9, [])


@against(begun_ms=180_000, **FAST)
async def test_redeeming_after_the_end_finds_everything_paid(
    exchange: LocalExchange, alice: Any
) -> None:
    window = await window_of(exchange, 0)
    split = await alice.split_position(condition_id=window.condition_id, amount=40 * MICRO)
    await split.wait()
    with pytest.raises(polymarket.UserInputError, match="No market found"):
        await alice.redeem_positions(condition_id=window.condition_id)

    async def is_paid() -> bool:
        return not await shares_of(exchange)

    await eventually(is_paid)
    handle = await alice.redeem_positions(condition_id=window.condition_id)
    await handle.wait()
    assert (await ledger_of(exchange, ALICE))["cash_nanos"] == 1_000 * 10**9


@against(**FAST)
async def test_the_chain_answers_what_clients_ask_and_refuses_the_rest(
    exchange: LocalExchange,
) -> None:
    assert await rpc(exchange, "eth_chainId") == "0x89"
    assert await rpc(exchange, "eth_getTransactionCount", ALICE, "pending") == "0x0"
    assert await rpc(exchange, "eth_getTransactionReceipt", "0x1") is None
    assert int((await rpc(exchange, "eth_getBlockByNumber", "latest", False))["timestamp"], 16)
    for method, params, code in (
        ("eth_mine", (), -32_601),
        ("eth_getTransactionCount", (), -32_600),
        ("eth_call", ({"to": "0x1"},), -32_600),
        ("eth_call", ({"to": "0x1", "data": "0x12345678"},), 3),
        ("eth_sendRawTransaction", ("0x1234",), -32_600),
    ):
        assert (await rpc(exchange, method, *params))["code"] == code
    batch = [{"method": "eth_chainId", "id": number} for number in (1, 2)]
    assert [one["id"] for one in await post(exchange.http_url + "/", batch)] == [1, 2]
    async with (
        aiohttp.ClientSession() as session,
        session.post(exchange.http_url + "/", data=b"{") as response,
    ):
        assert (await response.json())["error"]["code"] == -32_600


@against(**FAST)
async def test_a_transaction_proves_its_sender_and_comes_in_turn(exchange: LocalExchange) -> None:
    from eth_account import Account
    from polymarket.calls import merge_positions_call

    call = merge_positions_call(
        target=COLLATERAL_ADAPTER, collateral=ALICE, condition_id="0x" + "cd" * 32, amount=5
    )
    fields = {"to": COLLATERAL_ADAPTER, "value": 0, "data": call.data, "gas": 1, "gasPrice": 1}

    def signed(**changes: Any) -> str:
        made = Account.from_key(ALICE_KEY).sign_transaction(
            fields | {"nonce": 3, "chainId": 137} | changes
        )
        return "0x" + made.raw_transaction.hex()

    transaction = read_transaction(signed())
    assert (transaction.sender, transaction.nonce) == (ALICE.lower(), 3)
    assert transaction.to == COLLATERAL_ADAPTER.lower()
    assert transaction.data == call.data
    for bad in (signed(chainId=1), signed()[:-2], "0x", "nothing", "0x02" + "ab" * 40):
        with pytest.raises(BadSignature):
            read_transaction(bad)

    refused = await rpc(exchange, "eth_sendRawTransaction", signed())
    assert "nonce 3 is not 0" in refused["message"]


def test_a_call_to_the_wrong_contract_is_unknown() -> None:
    from polymarket.calls import split_position_call

    call = split_position_call(
        target=ALICE, collateral=ALICE, condition_id="0x" + "cd" * 32, amount=5
    )
    with pytest.raises(UnknownCall):
        read_call(ALICE, call.data)
    for data in ("0x", "nothing", call.data[:-2], "0x" + "00" * 40):
        with pytest.raises(UnknownCall):
            read_call(COLLATERAL_ADAPTER, data)


def test_the_adapter_is_the_one_the_client_calls() -> None:
    assert polymarket.PRODUCTION._config.collateral_adapter == COLLATERAL_ADAPTER
