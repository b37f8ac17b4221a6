"""The exchange's own account of what a drilled system has traded."""

from __future__ import annotations

import json
import urllib.request
from typing import Any
from urllib.error import HTTPError

from actors.model import Side
from audit.exchange_books import ExchangeBooks, exchange_books

_WINNERS = {("1", "0"): Side.YES, ("0", "1"): Side.NO, ("0.5", "0.5"): None}
"""Winner by the outcome prices of Up and Down, as Gamma writes them for a decided window."""


_PATIENCE_S = 30.0
"""Far longer than an answer takes: a busy machine is not a failed drill."""
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def ask_exchange(url: str, body: bytes | None = None) -> Any:
    """GET an exchange's address, or POST a body to it; return the decoded JSON of the answer.

    Raises:
        HTTPError: the exchange answers with a status other than 200.
        OSError: it cannot be reached, or does not answer in time.
    """
    try:
        with _opener.open(url, body, timeout=_PATIENCE_S) as response:
            return json.load(response)
    except TimeoutError:
        raise TimeoutError(f"no answer from {url} in {_PATIENCE_S:g} s") from None


class Witness:
    """Asks the local exchange for its outcomes, while it still has them."""

    def __init__(self, http_url: str) -> None:
        self._http_url = http_url
        self.outcomes: dict[str, Side | None] = {}

    def ask(self, slug: str) -> None:
        """Note a window's outcome, if the exchange has decided it."""
        if slug in self.outcomes:
            return
        try:
            row = ask_exchange(f"{self._http_url}/markets/slug/{slug}")
        except HTTPError as error:
            if error.code == 404:  # forgotten, or never listed: the verdict reports it as missing
                return
            raise
        prices = dict(
            zip(json.loads(row["outcomes"]), json.loads(row["outcomePrices"]), strict=True)
        )
        shown = (prices["Up"], prices["Down"])
        if row["closed"] and shown in _WINNERS:
            self.outcomes[slug] = _WINNERS[shown]


class ExchangeWitness:
    """Reads the books of an account from a local exchange that serves ``/admin/``."""

    def __init__(self, http_url: str, account: str) -> None:
        self._admin_url = f"{http_url}/admin"
        self._account = account

    def call_off(self) -> None:
        """Stop injecting faults into orders and trades."""
        body = json.dumps({"kind": "call_off"}).encode()
        ask_exchange(f"{self._admin_url}/faults", body)

    def books(self) -> ExchangeBooks:
        """Read the account's books, which the exchange checks itself first."""
        return exchange_books(ask_exchange(f"{self._admin_url}/ledger"), self._account)
