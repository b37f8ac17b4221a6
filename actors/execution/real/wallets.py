"""What kinds of account the venue knows, and which of them a key and an address are.

Uses a private part of the venue's client, which is pinned for such reasons.
"""

from __future__ import annotations

import attrs
from eth_account import Account
from polymarket import PRODUCTION
from polymarket._internal.wallet import signature_type_for, try_classify_wallet_type


class KeyNotAnAccount(Exception):
    """A private key is a number that no account has."""


@attrs.frozen(kw_only=True)
class WalletKind:
    """What an account is at the venue."""

    address: str
    name: str
    """EOA (the key's own address), POLY_PROXY, GNOSIS_SAFE or DEPOSIT_WALLET."""
    signature_type: int
    """What its orders name it by: 0 to 3, in the same order."""


def wallet_kind(key: str, wallet: str | None) -> WalletKind | None:
    """Tell what kind of account a key and its wallet are; None if the wallet is not the key's.

    Nobody is asked: the address of a contract wallet follows from its owner's.

    Args:
        key: the private key.
        wallet: an address; None for the key's own.

    Raises:
        KeyNotAnAccount: the key is zero, or too great.
    """
    try:
        signer = str(Account.from_key(key).address)
    except Exception:  # its message might quote the key
        raise KeyNotAnAccount from None
    address = wallet or signer
    name = try_classify_wallet_type(
        signer=signer, wallet=address, config=PRODUCTION._config.wallet_derivation
    )
    if name is None:
        return None
    return WalletKind(address=address, name=name, signature_type=signature_type_for(name))
