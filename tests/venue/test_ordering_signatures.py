from __future__ import annotations

from typing import Any

import msgspec
import pytest
from ordering_stage import ALICE, ALICE_KEY, BOB, polymarket

from venue.ordering.signatures import (
    CHAIN_ID,
    EXCHANGE_ADDRESS,
    BadSignature,
    prove_order,
    wallet_of,
)
from venue.wire.orders import SignedTerms

TOKEN = str(2**255 + 12345)


def unsigned(**changes: Any) -> Any:
    from polymarket._internal.actions.orders.types import BYTES32_ZERO, UnsignedOrder

    fields: dict[str, Any] = {
        "chain_id": CHAIN_ID,
        "builder": BYTES32_ZERO,
        "exchange_address": EXCHANGE_ADDRESS,
        "expiration": 0,
        "maker": ALICE,
        "maker_amount": 5_000_000,
        "metadata": BYTES32_ZERO,
        "order_type": "GTC",
        "salt": 8_998_886_657_203_422,
        "side": "BUY",
        "signature_type": 0,
        "signer": ALICE,
        "taker_amount": 10_000_000,
        "timestamp": 1_795_342_230_111,
        "token_id": TOKEN,
    }
    return UnsignedOrder(**(fields | changes))


def posted(order: Any) -> SignedTerms:
    """Sign and serialise an order with the client's own code."""
    from eth_account import Account
    from polymarket._internal.actions.orders.orders import create_signed_order
    from polymarket._internal.actions.orders.post import build_post_order_request
    from polymarket._internal.actions.orders.typed_data import build_order_typed_data

    signed = Account.from_key(ALICE_KEY).sign_typed_data(full_message=build_order_typed_data(order))
    wire = create_signed_order(order, "0x" + signed.signature.hex())
    body = build_post_order_request(wire, owner_api_key="key")[1]
    return msgspec.convert(body["order"], SignedTerms)


def digest_by_client(order: Any) -> str:
    """Hash an order with the client's other code: it packs bytes, and knows no typed data."""
    from eth_utils.crypto import keccak
    from polymarket._internal.actions.orders import typed_data

    separator = typed_data._app_domain_separator(order, protocol_version="2")
    contents = typed_data._order_contents_hash(order)
    return "0x" + keccak(b"\x19\x01" + bytes.fromhex(separator[2:]) + contents).hex()


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"side": "SELL", "maker_amount": 10_000_000, "taker_amount": 5_300_000},
        {"salt": 2**53 - 1},
        {"token_id": "7"},
        {"builder": "0x" + "be" * 32, "metadata": "0x" + "ef" * 32},
    ],
)
def test_the_order_id_is_the_hash_that_the_client_computes(changes: dict[str, Any]) -> None:
    order = unsigned(**changes)
    proof = prove_order(posted(order))
    assert proof.order_id == digest_by_client(order)
    assert proof.signer == ALICE.lower()


def test_the_exchange_and_the_chain_are_those_of_the_client() -> None:
    config = polymarket.PRODUCTION._config
    assert (config.chain_id, config.standard_exchange) == (CHAIN_ID, EXCHANGE_ADDRESS)


@pytest.mark.parametrize(
    "changes",
    [
        {"salt": 1},
        {"maker": BOB},
        {"maker_amount": "5000001"},
        {"taker_amount": "9"},
        {"token_id": "1"},
        {"side": "SELL"},
        {"timestamp": "1"},
        {"builder": "0x" + "01" * 32},
    ],
)
def test_whatever_is_changed_after_signing_makes_another_signer_and_another_id(
    changes: dict[str, Any],
) -> None:
    honest = posted(unsigned())
    proof = prove_order(msgspec.structs.replace(honest, **changes))
    assert proof.signer != ALICE.lower()
    assert proof.order_id != prove_order(honest).order_id


def test_the_expiration_is_not_signed() -> None:
    honest = posted(unsigned())
    changed = msgspec.structs.replace(honest, expiration="1795363200")
    assert prove_order(changed) == prove_order(honest)


@pytest.mark.parametrize(
    "changes",
    [
        {"signature": "0x"},
        {"signature": "none"},
        {"signature": "0x" + "00" * 65},
        {"signature": "0x" + "ff" * 65},
        {"maker": "0x1"},
        {"maker_amount": "-1"},
        {"maker_amount": "1.5"},
        {"taker_amount": "9" * 5_000},
        {"token_id": "up"},
        {"token_id": str(2**256)},
        {"metadata": "0x" + "00" * 33},
        {"salt": -1},
    ],
)
def test_what_cannot_be_read_is_a_bad_signature(changes: dict[str, Any]) -> None:
    with pytest.raises(BadSignature):
        prove_order(msgspec.structs.replace(posted(unsigned()), **changes))


def test_a_wallet_is_known_by_its_signature_on_the_credentials_request() -> None:
    from eth_account import Account
    from polymarket._internal.l1_auth import sign_api_key_auth

    signed = sign_api_key_auth(Account.from_key(ALICE_KEY), chain_id=CHAIN_ID, timestamp=7, nonce=3)
    assert wallet_of(signed.address, "7", 3, signed.signature) == ALICE.lower()
    assert wallet_of(signed.address, "8", 3, signed.signature) != ALICE.lower()
    assert wallet_of(signed.address, "7", 4, signed.signature) != ALICE.lower()
    with pytest.raises(BadSignature):
        wallet_of("0x1", "7", 3, signed.signature)
    with pytest.raises(BadSignature):
        wallet_of(signed.address, "7", 3, "0x12")
