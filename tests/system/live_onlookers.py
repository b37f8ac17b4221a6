"""Watches a system that trades with signed orders, and holds it against the exchange's books."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
from onlookers import RATE, Onlooker

from actors.messages.execution import OrderState, OrderStatus
from actors.settings import ExecutionSettings, Settings
from actors.units import NANOS_PER_DOLLAR
from audit.books import read_books
from audit.exchange_books import ExchangeBooks
from audit.reconciliation import reconcile
from understudy.credentials.live import live_account
from understudy.drill.stage import LIVE_SETTINGS, drill_stage, run_options
from understudy.drill.system import DrilledSystem
from understudy.drill.witness import ExchangeWitness, Witness
from understudy.settings.options import DrillStage

SEED = 5
DOLLARS = 10_000


@attrs.frozen
class LiveExchange:
    """A local exchange with an account of its own for one test module."""

    stage: DrillStage
    account: str

    @property
    def witness(self) -> ExchangeWitness:
        """Who has the exchange's own books."""
        return ExchangeWitness(self.stage.http_url, self.account)

    def inject(self, **fault: Any) -> None:
        """Let something go wrong."""
        self._post("/admin/faults", fault)

    def withdraw(self, dollars: int) -> None:
        """Take money out of the account."""
        move = {"wallet": self.account, "action": "withdraw", "amount": str(dollars)}
        self._post("/admin/wallets", move)

    def _post(self, path: str, body: object) -> None:
        url = self.stage.http_url + path
        request = urllib.request.Request(url, json.dumps(body).encode())  # noqa: S310 # on loopback
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310 # as above
            assert response.status == 200


def live_exchange(directory: Path) -> Iterator[LiveExchange]:
    """Run one, with the account's key where only an executor looks."""
    live = Settings(execution=ExecutionSettings(mode="live"))
    with (
        live_account(live, has_own_key=False) as account,
        drill_stage(directory, SEED, account=account, dollars=DOLLARS, rate=RATE) as stage,
    ):
        yield LiveExchange(stage, account)


class LiveOnlooker(Onlooker):
    """What a test asks about one system that trades live."""

    def __init__(
        self,
        exchange: LiveExchange,
        data_dir: Path,
        *settings: str,
        kind: type[DrilledSystem] = DrilledSystem,
    ) -> None:
        options = run_options(exchange.stage, SEED, (*LIVE_SETTINGS, *settings))
        super().__init__(kind(data_dir, options))
        self.exchange = exchange

    def until_an_order_is(self, *statuses: OrderStatus) -> OrderState:
        """Wait until the journal has an order that stands so."""

        def found() -> OrderState | None:
            return next((each for each in self.orders().values() if each.status in statuses), None)

        return self.until(f"an order is {statuses}", found)

    def books(self) -> ExchangeBooks:
        """The exchange's own."""
        return self.exchange.witness.books()

    def findings(self, deposit_dollars: int = DOLLARS) -> list[str]:
        """What differs between the journal and the exchange, after the end."""
        books, theirs = read_books(self.reader), self.books()
        witness = Witness(self.exchange.stage.http_url)
        verdict = self.verdict_on(books, witness)
        deposit_nanos = deposit_dollars * NANOS_PER_DOLLAR
        reconcile(books, theirs, witness.outcomes, deposit_nanos, verdict)
        return verdict.findings
