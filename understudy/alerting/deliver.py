"""Delivers one message, or one ping, in a process of its own: ``python -m …``, controlled by stdin.

So an endlessly slow server can be given up at any time, and whatever a library might log of an
address is never seen: this process prints nothing, and only its exit code says how it went.
"""

from __future__ import annotations

import enum
import json
import logging
import sys
import urllib.request
from http import HTTPStatus

from actors.proxies import proxy_url

PING_LIMIT_S = 20.0


class Delivery(enum.IntEnum):
    """The outcome of an attempt, as this process's exit code."""

    DONE = 0
    REFUSED = 1
    """The server refused it, or could not be reached."""
    NOT_AN_ADDRESS = 3
    """The address is of no supported kind."""
    NO_APPRISE = 4
    """The library is not installed."""


def main() -> int:
    """Do what stdin says: a JSON object with "url", and with "title" and "body" or "ping"."""
    logging.disable(logging.CRITICAL)
    asked = json.load(sys.stdin)
    if asked.get("ping"):
        return _ping(asked["url"])
    return _notify(asked["url"], asked["title"], asked["body"])


def _notify(url: str, title: str, body: str) -> Delivery:
    try:
        import apprise
    except ModuleNotFoundError:
        return Delivery.NO_APPRISE
    asset = apprise.AppriseAsset(app_id="Understudy", app_desc="Understudy", async_mode=False)
    sender = apprise.Apprise(asset=asset)
    if not sender.add(url):
        return Delivery.NOT_AN_ADDRESS
    is_done = sender.notify(title=title, body=body, body_format=apprise.NotifyFormat.TEXT)
    return Delivery.DONE if is_done else Delivery.REFUSED


def _ping(url: str) -> Delivery:
    proxy = proxy_url(url)
    proxies = {"http": proxy, "https": proxy} if proxy is not None else {}
    opener = urllib.request.build_opener(urllib.request.ProxyHandler(proxies))
    try:
        with opener.open(url, timeout=PING_LIMIT_S) as answer:
            is_done = HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES
    except (OSError, ValueError):
        is_done = False
    return Delivery.DONE if is_done else Delivery.REFUSED


if __name__ == "__main__":
    sys.exit(main())
