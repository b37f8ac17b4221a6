"""The port alone: what it says when the venue is away, refuses, or when it has a bug itself."""

from __future__ import annotations

import json
import select
import time
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from live_stage import LIMIT_S, RunningExchange, address_of
from polymarket.errors import PolymarketError, RequestRejectedError, UnexpectedResponseError
from unused_port import unused_port

from actors.execution.real.client import VenueClient
from actors.execution.real.messages import (
    AccountRead,
    AccountUnread,
    CancelFailed,
    CancelOrders,
    ClaimFailed,
    ClaimHoldings,
    ClientFailed,
    ClientReady,
    HeartbeatAnswered,
    HeartbeatFailed,
    OpenClient,
    OrderSigned,
    PostOrder,
    PostRefused,
    ReadAccount,
    SendHeartbeat,
    SigningFailed,
    SignOrder,
)
from actors.execution.real.port import BrokenPort, VenuePort
from actors.feeds.polybolt import ApiCredentials
from actors.model import Action, TimeInForce
from actors.settings import Settings, VenueSettings
from actors.units import shares
from understudy.composition import pointed_at_local_exchange
from understudy.drill.processes import Allowance

pytestmark = pytest.mark.processes

KEY = "0x" + "b2" * 32
READING = ReadAccount(
    read_id=1, venue_order_ids=("0x" + "1" * 64,), market_ids=("0x2",), balances_of=()
)


@pytest.fixture(scope="module")
def exchange() -> Iterator[RunningExchange]:
    with RunningExchange() as running:
        yield running


@pytest.fixture
def port(exchange: RunningExchange) -> Iterator[VenuePort]:
    exchange.inject(kind="call_off")
    opened = VenuePort(venue_of(exchange), None, KEY)
    opened.perform(OpenClient())
    ready = next_event(opened)
    assert isinstance(ready, ClientReady)
    assert ready.wallet == address_of(KEY).lower()
    yield opened
    opened.close()


def venue_of(exchange: RunningExchange) -> VenueSettings:
    return pointed_at_local_exchange(Settings(), exchange.http_url, exchange.ws_url).venue


def next_event(port: VenuePort) -> Any:
    allowance = Allowance(LIMIT_S)
    while not allowance.is_used_up():
        if select.select([port], [], [], 0.1)[0]:
            events = port.drain()
            if events:
                (event,) = events
                return event
    raise AssertionError("the port said nothing")


def answer(port: VenuePort, command: object) -> Any:
    port.perform(command)
    return next_event(port)


def sign(exchange: RunningExchange, **changes: Any) -> SignOrder:
    values: dict[str, Any] = {
        "order_id": "order_1_0",
        "token": exchange.market().yes_token,
        "action": Action.BUY,
        "price_ticks": 450,
        "size_units": shares(10),
        "time_in_force": TimeInForce.GTC,
    }
    return SignOrder(**(values | changes))


def asked_with_credentials(signed: OrderSigned) -> list[object]:
    """One command of each kind that needs them."""
    return [
        PostOrder(order_id=signed.order_id, payload=signed.payload),
        CancelOrders(("0x" + "1" * 64,)),
        READING,
        SendHeartbeat(""),
    ]


def test_a_signed_order_carries_its_hash_and_was_signed_by_the_key(
    exchange: RunningExchange, port: VenuePort
) -> None:
    from venue.ordering.signatures import prove_order
    from venue.wire.orders import decode_order

    signed = answer(port, sign(exchange))
    assert isinstance(signed, OrderSigned)
    posted = decode_order(signed.payload.encode())
    proof = prove_order(posted.order)
    assert proof.order_id == signed.venue_order_id
    assert proof.signer == address_of(KEY).lower()
    assert (posted.order.maker_amount, posted.order.taker_amount) == ("4500000", "10000000")
    assert signed.offered_units == shares(10)
    assert posted.order_type == "GTC"


def test_a_sale_that_must_not_rest_is_signed_as_fill_and_kill(
    exchange: RunningExchange, port: VenuePort
) -> None:
    wanted = sign(exchange, action=Action.SELL, time_in_force=TimeInForce.FAK)
    body = json.loads(answer(port, wanted).payload)
    assert (body["orderType"], body["order"]["side"]) == ("FAK", "SELL")
    assert (body["order"]["makerAmount"], body["order"]["takerAmount"]) == ("10000000", "4500000")


@pytest.mark.parametrize("kind", [TimeInForce.FAK, TimeInForce.FOK])
def test_a_purchase_that_must_not_rest_is_signed_as_money_at_its_limit(
    exchange: RunningExchange, port: VenuePort, kind: TimeInForce
) -> None:
    signed = answer(port, sign(exchange, time_in_force=kind, size_units=10_010_000))
    body = json.loads(signed.payload)
    assert (body["orderType"], body["order"]["side"]) == (kind.value, "BUY")
    # 10.01 shares at 0.45 would be $4.5045: whole cents are offered, for four decimals of a share
    assert (body["order"]["makerAmount"], body["order"]["takerAmount"]) == ("4500000", "10000000")
    assert signed.offered_units == shares(10)


def test_a_quote_is_posted_as_one_that_must_not_take(
    exchange: RunningExchange, port: VenuePort
) -> None:
    body = json.loads(answer(port, sign(exchange, is_post_only=True)).payload)
    assert (body["orderType"], body["postOnly"]) == ("GTC", True)
    assert "postOnly" not in json.loads(answer(port, sign(exchange)).payload)


def test_a_good_till_date_order_names_the_second_of_its_expiration(
    exchange: RunningExchange, port: VenuePort
) -> None:
    expires_at_s = int(time.time()) + 600
    wanted = sign(exchange, time_in_force=TimeInForce.GTD, venue_expiry_s=expires_at_s)
    body = json.loads(answer(port, wanted).payload)
    assert (body["orderType"], body["order"]["expiration"]) == ("GTD", str(expires_at_s))


def test_an_order_that_the_client_will_not_build_is_refused_for_good(
    exchange: RunningExchange, port: VenuePort
) -> None:
    failed = answer(port, sign(exchange, price_ticks=455))
    assert isinstance(failed, SigningFailed)
    assert not failed.may_retry


def test_an_order_of_an_unknown_market_may_be_tried_again(
    exchange: RunningExchange, port: VenuePort
) -> None:
    failed = answer(port, sign(exchange, token="12345"))
    assert isinstance(failed, SigningFailed)
    assert failed.may_retry


def test_a_refusal_carries_the_venue_s_status_and_words(
    exchange: RunningExchange, port: VenuePort
) -> None:
    signed = answer(port, sign(exchange))
    refused = answer(port, PostOrder(order_id="order_1_0", payload=signed.payload))
    assert isinstance(refused, PostRefused)
    assert refused.status == 400
    assert "not enough balance" in refused.text


def test_a_rate_limit_carries_how_long_to_wait(exchange: RunningExchange, port: VenuePort) -> None:
    signed = answer(port, sign(exchange))
    exchange.inject(kind="rate_limited", for_ms=3_000)
    refused = answer(port, PostOrder(order_id="order_1_0", payload=signed.payload))
    assert (refused.status, refused.retry_after_ms) == (429, 3_000)


def test_heartbeats_are_answered_with_the_next_id(port: VenuePort) -> None:
    first = answer(port, SendHeartbeat(""))
    assert isinstance(first, HeartbeatAnswered)
    assert isinstance(answer(port, SendHeartbeat(first.heartbeat_id)), HeartbeatAnswered)
    wrong = answer(port, SendHeartbeat("made-up"))
    assert isinstance(wrong, HeartbeatFailed)
    assert wrong.expected_id


def test_a_claim_that_cannot_succeed_says_why(exchange: RunningExchange, port: VenuePort) -> None:
    market_id = exchange.market().market_id
    failed = answer(port, ClaimHoldings(market_id=market_id, pairs_units=shares(5)))
    assert isinstance(failed, ClaimFailed)
    assert failed.reason


def test_when_the_venue_is_gone_it_is_known_that_nothing_was_sent(
    exchange: RunningExchange, port: VenuePort
) -> None:
    signed = answer(port, sign(exchange))
    with RunningExchange() as other:
        away = VenuePort(venue_of(other), None, KEY)
        assert isinstance(answer(away, OpenClient()), ClientReady)
    refused = answer(away, PostOrder(order_id="order_1_0", payload=signed.payload))
    assert isinstance(refused, PostRefused)
    assert refused.status == 0
    assert isinstance(answer(away, CancelOrders(("0x1",))), CancelFailed)
    nothing = ReadAccount(read_id=1, venue_order_ids=("0x1",), market_ids=("0x2",), balances_of=())
    assert isinstance(answer(away, nothing), AccountUnread)
    away.close()


@pytest.mark.parametrize(
    "problem",
    [
        UnexpectedResponseError("answered with no page"),
        RequestRejectedError("no such market", status=404),
    ],
)
def test_f30_a_market_that_the_venue_does_not_show_spoils_no_other_one(
    port: VenuePort, monkeypatch: pytest.MonkeyPatch, problem: PolymarketError
) -> None:
    async def rows(_client: VenueClient, _path: str, market_id: str) -> list[object]:
        if market_id == "0xold":
            raise problem
        return [{"id": "0x1", "market": market_id, "status": "LIVE"}]

    monkeypatch.setattr(VenueClient, "rows", rows)
    command = ReadAccount(
        read_id=1, venue_order_ids=(), market_ids=("0xold", "0xnew"), balances_of=()
    )
    read = answer(port, command)
    assert isinstance(read, AccountRead)
    assert [order.market_id for order in read.open_orders] == ["0xnew"]
    assert set(read.unread_markets) == {"0xold"}


def test_cash_that_the_venue_does_not_show_spoils_nothing_beside_it(
    port: VenuePort, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cash_units(_client: VenueClient) -> int:
        raise UnexpectedResponseError("the balance is no number")

    monkeypatch.setattr(VenueClient, "cash_units", cash_units)
    command = ReadAccount(
        read_id=1, venue_order_ids=(), market_ids=(), balances_of=(), with_cash=True
    )
    read = answer(port, command)
    assert isinstance(read, AccountRead)
    assert read.cash_units is None
    assert "the account's cash" in read.unread[0].market_id


def test_without_a_venue_there_are_no_credentials() -> None:
    address = f"http://127.0.0.1:{unused_port()}"
    settings = pointed_at_local_exchange(Settings(), address, address.replace("http", "ws"))
    port = VenuePort(settings.venue, None, KEY)
    failed = answer(port, OpenClient())
    assert isinstance(failed, ClientFailed)
    assert KEY[2:] not in failed.reason
    port.close()


def test_a_key_that_does_not_own_the_wallet_is_refused(exchange: RunningExchange) -> None:
    port = VenuePort(venue_of(exchange), "0x" + "12" * 20, KEY)
    failed = answer(port, OpenClient())
    assert failed.is_refused
    assert "does not control execution.wallet" in failed.reason
    port.close()


def test_a_venue_that_refuses_the_wallet_s_proof_gives_no_credentials(
    exchange: RunningExchange,
) -> None:
    exchange.inject(kind="clock_skew", for_ms=60_000)
    port = VenuePort(venue_of(exchange), None, KEY)
    failed = answer(port, OpenClient())
    assert (failed.is_refused, "Invalid L1 Request headers" in failed.reason) == (True, True)
    exchange.inject(kind="call_off")
    assert isinstance(answer(port, OpenClient()), ClientReady)
    port.close()


def test_a_wrong_passphrase_is_told_by_every_answer_and_mended_by_new_credentials(
    exchange: RunningExchange, port: VenuePort
) -> None:
    signed = answer(port, sign(exchange))
    assert port._client is not None
    port._client._client.credentials.__dict__["passphrase"] = "not the one that was given"
    for command in asked_with_credentials(signed):
        assert answer(port, command).is_unauthorized, command
    assert isinstance(answer(port, OpenClient()), ClientReady)
    assert isinstance(answer(port, READING), AccountRead)


@pytest.mark.parametrize("kind", ["revoked_keys", "unauthorized"])
def test_credentials_that_the_venue_no_longer_takes_are_told_by_every_answer(
    exchange: RunningExchange, port: VenuePort, kind: str
) -> None:
    signed = answer(port, sign(exchange))
    exchange.inject(kind=kind)
    for command in asked_with_credentials(signed):
        assert answer(port, command).is_unauthorized, command
    assert isinstance(answer(port, OpenClient()), ClientReady)
    read = answer(port, READING)
    assert isinstance(read, AccountRead if kind == "revoked_keys" else AccountUnread)


def test_a_bug_ends_the_actor_without_showing_a_secret(
    port: VenuePort, exchange: RunningExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def sign_badly(_self: VenueClient, _order: SignOrder) -> OrderSigned:
        raise RuntimeError(f"cannot sign with {KEY}")

    monkeypatch.setattr(VenueClient, "sign", sign_badly)
    with pytest.raises(BrokenPort) as broken:
        answer(port, sign(exchange))
    assert "RuntimeError" in str(broken.value)
    assert KEY[2:] not in str(broken.value)
    assert broken.value.__cause__ is None
    assert broken.value.__suppress_context__


def test_what_a_venue_says_back_of_an_order_and_its_headers_is_taken_out(
    port: VenuePort, exchange: RunningExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed = answer(port, sign(exchange))
    signature = json.loads(signed.payload)["order"]["signature"]
    assert len(signature) >= 132
    credentials = port._ready.api_credentials
    secrets = [signature[2:], *attrs.astuple(credentials), "bWluZQ=="]
    echo = f"bad request: {signed.payload} {credentials} {attrs.astuple(credentials)}"
    echo += " 'POLY_SIGNATURE': 'bWluZQ=='"

    async def post(_self: VenueClient, _payload: str) -> object:
        return {"errorMsg": echo, "orderID": "", "status": ""}

    async def cancel(_self: VenueClient, ids: tuple[str, ...]) -> object:
        return {"canceled": [], "not_canceled": dict.fromkeys(ids, echo)}

    monkeypatch.setattr(VenueClient, "post", post)
    monkeypatch.setattr(VenueClient, "cancel", cancel)
    refused = answer(port, PostOrder(order_id="order_1_0", payload=signed.payload))
    kept = answer(port, CancelOrders((signed.venue_order_id,)))
    assert isinstance(refused, PostRefused)
    assert kept.not_canceled[0][0] == signed.venue_order_id
    for said in (refused.text, kept.not_canceled[0][1]):
        assert said.startswith("bad request: ")
        assert not [each for each in secrets if each in said]


def test_a_command_that_is_not_its_own_is_refused(port: VenuePort) -> None:
    with pytest.raises(TypeError):
        port.perform("nonsense")


def test_api_credentials_are_handed_over_each_time_that_there_are_new_ones(
    exchange: RunningExchange,
) -> None:
    handed: list[ApiCredentials] = []
    port = VenuePort(venue_of(exchange), None, exchange.new_wallet(), handed.append)
    try:
        port.perform(OpenClient())
        ready = next_event(port)
        assert isinstance(ready, ClientReady)
        assert [each.key for each in handed] == [ready.owner]
        exchange.inject(kind="revoked_keys")
        port.perform(OpenClient())
        renewed = next_event(port)
        assert isinstance(renewed, ClientReady)
        assert [each.key for each in handed] == [ready.owner, renewed.owner]
        assert handed[0].fingerprint != handed[1].fingerprint
    finally:
        port.close()
