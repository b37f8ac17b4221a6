"""Whose private key it is: run as a process of its own, so that no other has to hold the key.

Prints the lower-case address of the key's account; or one sentence, with exit status 1.
"""

from __future__ import annotations

import sys

from eth_account import Account

from understudy.credentials.private_key import KeyUnavailable, read_private_key
from understudy.display.terminal import show_everything


def main() -> int:
    """Print the address, or why there is none."""
    show_everything()
    try:
        key = read_private_key()
    except KeyUnavailable as problem:
        print(problem)  # noqa: T201 # its one reader is a pipe
        return 1
    try:
        address = Account.from_key(key.text).address
    except Exception:  # its message might quote the key
        print("the private key is a number that no account has")  # noqa: T201 # as above
        return 1
    print(address.lower())  # noqa: T201 # as above
    return 0


if __name__ == "__main__":
    sys.exit(main())
