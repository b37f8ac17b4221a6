"""Transactions that wallets sign for the chain: RLP, with the chain in the signature (EIP-155).

The Ethereum libraries are loaded when the first one arrives, as in ``signatures``.
"""

from __future__ import annotations

import attrs

from venue.ordering.signatures import CHAIN_ID, BadSignature

_EIP_155_OFFSET = 35


@attrs.frozen
class SignedTransaction:
    """A transaction as its signature proves it."""

    hash: str
    sender: str
    """Lower-case address."""
    nonce: int
    to: str
    data: str


def read_transaction(raw: str) -> SignedTransaction:
    """Read a signed transaction and find out who signed it.

    Raises:
        BadSignature: it is none, is of one of the kinds with a type, or is for another chain.
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
