"""API credentials of a private key: run as a process of its own, so that no other holds the key.

Takes the CLOB's address, reads the key as ``understudy.credentials.private_key`` does, and prints
what the venue answers: a secret, for the one pipe that reads it. Or it prints one sentence on
stderr, with exit status 1. Source of the request ("L1"): Polymarket's CLOB documentation,
authentication.
"""

from __future__ import annotations

import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from urllib.parse import urlsplit

from eth_account import Account
from eth_account.messages import encode_typed_data

from actors.proxies import ProxyRefused, proxy_url
from actors.redaction import Redactor
from understudy.credentials.private_key import KeyUnavailable, PrivateKey, read_private_key

_CHAIN_ID = 137
_MESSAGE = "This message attests that I control the given wallet"
_DOMAIN = {"name": "ClobAuthDomain", "version": "1", "chainId": _CHAIN_ID}
_TYPES = {
    "ClobAuth": [
        {"name": "address", "type": "address"},
        {"name": "timestamp", "type": "string"},
        {"name": "nonce", "type": "uint256"},
        {"name": "message", "type": "string"},
    ]
}
_LIMIT_S = 10.0
_BYTES_MAX = 10_000
_SHOWN = 200
_EXISTS = 400
"""What the venue answers when the key has credentials already."""


class NoCredentials(Exception):
    """The venue gives none; one sentence says why."""


def ownership_headers(key: PrivateKey, timestamp_s: int) -> dict[str, str]:
    """Sign that the key's owner asks, at this time.

    Raises:
        NoCredentials: the key is a number that no account has.
    """
    try:
        account = Account.from_key(key.text)
    except Exception:  # its message might quote the key
        raise NoCredentials("the private key is a number that no account has") from None
    message = {
        "address": account.address,
        "timestamp": str(timestamp_s),
        "nonce": 0,
        "message": _MESSAGE,
    }
    signed = account.sign_message(encode_typed_data(_DOMAIN, _TYPES, message))
    return {
        "POLY_ADDRESS": account.address,
        "POLY_NONCE": "0",
        "POLY_SIGNATURE": "0x" + signed.signature.hex().removeprefix("0x"),
        "POLY_TIMESTAMP": str(timestamp_s),
    }


def ask_for_credentials(clob_url: str, headers: Mapping[str, str]) -> str:
    """Have the venue make credentials, or tell again those that it made before.

    Raises:
        NoCredentials: it does not, or cannot be reached.
    """
    status, text = _ask("POST", f"{clob_url}/auth/api-key", headers)
    if status == _EXISTS:
        status, text = _ask("GET", f"{clob_url}/auth/derive-api-key", headers)
    if status != 200:
        redactor = Redactor()
        redactor.add(headers["POLY_SIGNATURE"])
        raise NoCredentials(f"{clob_url} answered {status}: {redactor.clean(text)[:_SHOWN]}")
    return text


def _ask(method: str, url: str, headers: Mapping[str, str]) -> tuple[int, str]:
    request = urllib.request.Request(url, method=method, headers=dict(headers))  # noqa: S310 # of [venue], http or https
    try:
        proxy = proxy_url(url)
        proxies = {} if proxy is None else {urlsplit(url).scheme: proxy}
        opener = urllib.request.build_opener(urllib.request.ProxyHandler(proxies))
        with opener.open(request, timeout=_LIMIT_S) as answer:
            return answer.status, answer.read(_BYTES_MAX).decode()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read(_BYTES_MAX).decode(errors="replace")
    except (OSError, ValueError, ProxyRefused) as problem:
        raise NoCredentials(f"{url} cannot be asked: {problem}") from None


def main(clob_url: str) -> int:
    """Print the credentials, or why there are none."""
    try:
        headers = ownership_headers(read_private_key(), int(time.time()))
        text = ask_for_credentials(clob_url.rstrip("/"), headers)
    except (KeyUnavailable, NoCredentials) as problem:
        print(problem, file=sys.stderr)  # noqa: T201 # its one reader is a pipe
        return 1
    print(json.dumps(json.loads(text)))  # noqa: T201 # as above
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
