"""Gets a private key's API credentials, in a process of its own, so that no other holds the key.

Takes the CLOB's address, reads the key as ``understudy.credentials.private_key`` does, and prints
the venue's answer: a secret, for the one pipe that reads it. Or it prints one sentence on stderr,
with exit status 1.
"""

from __future__ import annotations

import asyncio
import sys

from polymarket.errors import PolymarketError

from actors.execution.real.client import KeyNotAnAccount, VenueClient
from actors.feeds.polybolt import ApiCredentials
from actors.redaction import Redactor
from actors.settings import VenueSettings
from understudy.credentials.price_feed import credentials_text
from understudy.credentials.private_key import KeyUnavailable, PrivateKey, read_private_key

_LIMIT_S = 10.0


async def _asked(clob_url: str, key: PrivateKey) -> ApiCredentials:
    async with asyncio.timeout(_LIMIT_S):
        client = await VenueClient.open(VenueSettings(clob_url=clob_url), key.text, None)
    try:
        return client.api_credentials
    finally:
        await client.close()


def main(clob_url: str) -> int:
    """Print the credentials, or why there are none."""
    redactor = Redactor()
    try:
        key = read_private_key()
        redactor.add(key.text)
        text = credentials_text(asyncio.run(_asked(clob_url, key)))
    except KeyUnavailable as problem:
        reason = str(problem)
    except KeyNotAnAccount:
        reason = "the private key is a number that no account has"
    except (PolymarketError, OSError, ValueError) as problem:
        reason = redactor.clean(f"{clob_url} gives none: {problem or type(problem).__name__}")
    else:
        print(text)  # noqa: T201 # its one reader is a pipe
        return 0
    print(reason, file=sys.stderr)  # noqa: T201 # as above
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
