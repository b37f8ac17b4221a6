"""Signature checks: EIP-712 typed data as in the venue's contracts, and transactions (EIP-155).

The Ethereum libraries take half a second to load, so they are loaded when the first signature
arrives: an exchange that takes no orders never needs them.
"""

from __future__ import annotations

import binascii
import re
from typing import Any

import attrs

from venue.wire.orders import BUY, SignedTerms

CHAIN_ID = 137
"""Polygon."""
EXCHANGE_ADDRESS = "0xE111180000d2663C0091e4f400237545B87B996B"
"""The contract that settles these markets: CTF Exchange V2."""
EXTERNALLY_OWNED = 0
"""The signature type of a plain key's wallet; the only one that is supported."""

_AUTH_MESSAGE = "This message attests that I control the given wallet"
_AUTH_TYPES = {
    "ClobAuth": [
        {"name": "address", "type": "address"},
        {"name": "timestamp", "type": "string"},
        {"name": "nonce", "type": "uint256"},
        {"name": "message", "type": "string"},
    ]
}
_AUTH_DOMAIN = {"name": "ClobAuthDomain", "version": "1", "chainId": CHAIN_ID}
_ORDER_TYPES = {
    "Order": [
        {"name": "salt", "type": "uint256"},
        {"name": "maker", "type": "address"},
        {"name": "signer", "type": "address"},
        {"name": "tokenId", "type": "uint256"},
        {"name": "makerAmount", "type": "uint256"},
        {"name": "takerAmount", "type": "uint256"},
        {"name": "side", "type": "uint8"},
        {"name": "signatureType", "type": "uint8"},
        {"name": "timestamp", "type": "uint256"},
        {"name": "metadata", "type": "bytes32"},
        {"name": "builder", "type": "bytes32"},
    ]
}
_ORDER_DOMAIN = {
    "name": "Polymarket CTF Exchange",
    "version": "2",
    "chainId": CHAIN_ID,
    "verifyingContract": EXCHANGE_ADDRESS,
}
_EIP_155_OFFSET = 35
_SIGNATURE = re.compile(r"0x[0-9a-fA-F]{130}")


class BadSignature(ValueError):
    """A signature, or what it is said to sign, cannot be read."""


@attrs.frozen
class Proof:
    """The result of checking a signed order."""

    order_id: str
    """The digest that was signed: the venue's id of the order."""
    signer: str
    """Lower-case address of the key that signed it."""


@attrs.frozen
class SignedTransaction:
    """A transaction for the chain (RLP), with the sender that its signature proves."""

    hash: str
    sender: str
    """Lower-case address."""
    nonce: int
    to: str
    data: str


def wallet_of(address: str, timestamp: str, nonce: int, signature: str) -> str:
    """Recover whose key signed a request for API credentials ("L1").

    Returns:
        The lower-case address of the key, whatever address the message claims.

    Raises:
        BadSignature: the address or signature is malformed.
    """
    message = {
        "address": address,
        "timestamp": timestamp,
        "nonce": nonce,
        "message": _AUTH_MESSAGE,
    }
    return _recover(_AUTH_DOMAIN, _AUTH_TYPES, message, signature).signer


def prove_order(order: SignedTerms) -> Proof:
    """Compute an order's id and recover its signer.

    Raises:
        BadSignature: a field does not fit its type, or the signature is malformed.
    """
    try:
        message = {
            "salt": order.salt,
            "maker": order.maker,
            "signer": order.signer,
            "tokenId": int(order.token_id),
            "makerAmount": int(order.maker_amount),
            "takerAmount": int(order.taker_amount),
            "side": 0 if order.side == BUY else 1,
            "signatureType": order.signature_type,
            "timestamp": int(order.timestamp),
            "metadata": order.metadata,
            "builder": order.builder,
        }
    except ValueError as error:
        raise BadSignature(str(error)) from None
    return _recover(_ORDER_DOMAIN, _ORDER_TYPES, message, order.signature)


def read_transaction(raw: str) -> SignedTransaction:
    """Decode a signed transaction and recover its signer.

    Raises:
        BadSignature: it is malformed, is a typed transaction, or is for another chain.
    """
    import rlp
    from eth_account import Account
    from eth_keys.exceptions import BadSignature as UnreadableSignature
    from eth_utils.crypto import keccak
    from rlp.exceptions import RLPException

    try:
        packed = bytes.fromhex(raw.removeprefix("0x"))
        nonce, _price, _gas, to, _value, data, v, _r, _s = rlp.decode(packed)
        if (int.from_bytes(v) - _EIP_155_OFFSET) // 2 != CHAIN_ID:
            raise BadSignature(f"the transaction is not for chain {CHAIN_ID}")
        sender = Account.recover_transaction(packed)
    except (RLPException, UnreadableSignature, TypeError, ValueError) as error:
        raise BadSignature(str(error)) from None
    return SignedTransaction(
        hash="0x" + keccak(packed).hex(),
        sender=str(sender).lower(),
        nonce=int.from_bytes(nonce),
        to="0x" + to.hex(),
        data="0x" + data.hex(),
    )


def _recover(
    domain: dict[str, Any], types: dict[str, Any], message: dict[str, Any], signature: str
) -> Proof:
    from eth_abi.exceptions import EncodingError
    from eth_account import Account
    from eth_account.messages import encode_typed_data
    from eth_keys.exceptions import BadSignature as UnreadableSignature
    from eth_utils.crypto import keccak
    from eth_utils.exceptions import ValidationError

    if not _SIGNATURE.fullmatch(signature):
        raise BadSignature("a signature has 65 bytes")
    try:
        signable = encode_typed_data(domain, types, message)
        order_id = keccak(b"\x19" + signable.version + signable.header + signable.body)
        signer = Account.recover_message(signable, signature=signature)
    except (
        EncodingError,
        UnreadableSignature,
        ValidationError,
        binascii.Error,
        TypeError,
        ValueError,
    ) as error:
        raise BadSignature(str(error)) from None
    return Proof(order_id="0x" + order_id.hex(), signer=str(signer).lower())
