"""Finds a private key's account, in a process of its own, so that no other has to hold the key.

Prints the lower-case address of the key's account; or one sentence, with exit status 1. With
``--new`` it first makes a key, for an account that only a local exchange knows. The address is
computed here (Ethereum's yellow paper, appendix F): every live run begins with this process, and
eth_account takes ten times as long to import.
"""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

from coincurve import PrivateKey
from eth_hash.auto import keccak

from understudy.credentials.private_key import (
    FILE_VARIABLE,
    NEW,
    KeyUnavailable,
    read_private_key,
)
from understudy.display.terminal import show_everything


def main() -> int:
    """Print the address, or why there is none."""
    show_everything()
    if NEW in sys.argv:
        Path(os.environ[FILE_VARIABLE]).write_text("0x" + secrets.token_hex(32))
    try:
        key = read_private_key()
    except KeyUnavailable as problem:
        print(problem)  # noqa: T201 # its one reader is a pipe
        return 1
    try:
        address = _address(bytes.fromhex(key.text.removeprefix("0x")))
    except ValueError:  # its message might quote the key
        print("the private key is a number that no account has")  # noqa: T201 # as above
        return 1
    print(address)  # noqa: T201 # as above
    return 0


def _address(key: bytes) -> str:
    """Lower-case address of a private key's account.

    Raises:
        ValueError: the key is zero, or not below the curve's order.
    """
    point = PrivateKey(key).public_key.format(compressed=False)[1:]
    return "0x" + keccak(point)[-20:].hex()


if __name__ == "__main__":
    sys.exit(main())
