"""Queries on a journal: as of one moment, newest first, by part of a name.

Nothing here decodes more rows than it returns, so that a journal of many months answers as fast as
a young one.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from actors.execution.real.live_order import LiveOrder
from actors.execution.real.user_channel import Settlement
from actors.messages.execution import OrderIntent, OrderState
from actors.messages.settings import SettingsChanged
from actors.position.ledger import WindowLedger
from actors.runtime.codec import Undecodable, decode_as
from actors.runtime.journal import JournalReader, StoredEvent
from actors.runtime.journal_file import reading
from actors.runtime.journal_rows import DamagedRow, decoded
from actors.series import slug_part

_ORDERS, _WINDOWS, _LIVE = "order", "position", "live"
_MARKET_PATHS = {_ORDERS: "$.intent.market", _WINDOWS: "$.market"}
"""JSON path of the market in a stored value."""

_AGES = {
    _ORDERS: "seq",
    _WINDOWS: "CASE WHEN json_valid(body) THEN json_extract(body, '$.market.opens_at_ms') END",
}
"""Sort key of age: an order's last change, or the time at which its window opened."""

_ALL = "state WHERE kind = :kind"
_OPEN = "state INDEXED BY state_open WHERE kind = :kind AND is_open = 1"
"""SQLite would otherwise choose the index that also visits every closed row."""

_ALL_ROWS = -1
"""SQLite's LIMIT for no limit."""

_FIRST_STEP_BACK = 64
"""How many events before an order's first one the search for its creation starts."""


class Archive(JournalReader):
    """A snapshot of a journal: every query sees the same moment, whatever is written meanwhile.

    A damaged row is skipped, and named in ``damage``.

    Raises:
        JournalError: there is no journal in the directory, or it cannot be read.
    """

    def __init__(self, data_dir: Path) -> None:
        super().__init__(data_dir)
        self._connection.execute("BEGIN")

    def orders(self, *, market: str = "", limit: int | None = None) -> Iterator[OrderState]:
        """Orders, last changed first; of matching markets if given, and at most ``limit``.

        ``market`` is any part of a slug, or the beginning of a market's id.

        Raises:
            JournalError: the file is damaged.
        """
        for value in self._newest(_ALL, _ORDERS, market, limit):
            if isinstance(value, OrderState):
                yield value

    def open_orders(self, *, market: str = "") -> Iterator[OrderState]:
        """Orders whose record is not closed yet, last changed first.

        Raises:
            JournalError: the file is damaged.
        """
        for value in self._newest(_OPEN, _ORDERS, market):
            if isinstance(value, OrderState):
                yield value

    def windows(self, *, market: str = "") -> Iterator[WindowLedger]:
        """The ledgers of all windows, last opened first; of matching markets, if given.

        Raises:
            JournalError: the file is damaged.
        """
        for value in self._newest(_ALL, _WINDOWS, market):
            if isinstance(value, WindowLedger):
                yield value

    def order(self, order_id: str) -> OrderState | None:
        """One order; None if this id is unknown.

        If its row is damaged, the order as it was created.

        Raises:
            JournalError: the file is damaged.
        """
        value, is_there = self._one(_ORDERS, order_id)
        if is_there and value is None:
            return self._as_created(order_id)
        return value if isinstance(value, OrderState) else None

    def settlements(self, order_id: str) -> dict[str, Settlement]:
        """Settlement of each trade of a live order, by trade id; empty for a simulated one.

        Raises:
            JournalError: the file is damaged.
        """
        value, _ = self._one(_LIVE, order_id)
        trades = value.trades if isinstance(value, LiveOrder) else ()
        return {trade.fill.trade_id: trade.settlement for trade in trades}

    def settings(self, number: int) -> SettingsChanged | None:
        """The record that put the settings with this number in force; None if there is none."""
        for event in self.events(kind=SettingsChanged.__name__):
            if event.body.get("number") == number:
                with contextlib.suppress(Undecodable):
                    return decode_as(SettingsChanged, json.dumps(event.body))
        return None

    def order_ids(self, prefix: str, limit: int) -> tuple[str, ...]:
        """At most ``limit`` of the order ids with this prefix, in alphabetical order."""
        with reading(self._path):
            rows = self._connection.execute(
                "SELECT key FROM state WHERE kind = ? AND key >= ? AND key < ? "
                "ORDER BY key LIMIT ?",
                (_ORDERS, prefix, prefix + "\U0010ffff", limit),
            )
            return tuple(row["key"] for row in rows)

    def story(self, order_id: str) -> tuple[StoredEvent, ...]:
        """Every event of one order, from its creation on, in the order of their times.

        Actors write with delay, so their records may be in another order.
        """
        events = list(self.events(order_id=order_id))
        before_seq = events[0].seq if events else self.last_event()[0] + 1
        created = self._creation(order_id, before_seq)
        if created is not None:
            events.append(created)
        return tuple(sorted(events, key=lambda event: (event.at_ms, event.seq)))

    def _creation(self, order_id: str, before_seq: int) -> StoredEvent | None:
        """Find the record that created an order, perhaps together with others.

        It has no order's id of its own, but is a little before the order's first event. The search
        goes back from there in growing steps, and so reads very little.
        """
        step = _FIRST_STEP_BACK
        last_seq = before_seq
        while last_seq > 0:
            first_seq = max(0, last_seq - step)
            for event in self.events(kind="OrdersCreated", after_seq=first_seq):
                if event.seq > last_seq:
                    break
                if order_id in created_ids(event):
                    return event
            last_seq, step = first_seq, step * 2
        return None

    def _newest(
        self, rows_of: str, kind: str, market: str, limit: int | None = None
    ) -> Iterator[object]:
        # json_extract would abort the whole query at a row that is not JSON.
        query = (
            f"SELECT * FROM {rows_of} "  # noqa: S608 # all of them constants
            "AND (:market = '' OR NOT json_valid(body) "
            "OR instr(json_extract(body, :path || '.slug'), :market) > 0 "
            "OR instr(json_extract(body, :path || '.market_id'), :market) = 1) "
            f"ORDER BY {_AGES[kind]} DESC LIMIT :limit"
        )
        values = {
            "kind": kind,
            "market": slug_part(market),
            "path": _MARKET_PATHS[kind],
            "limit": _ALL_ROWS if limit is None else limit,
        }
        with reading(self._path):
            for row in self._connection.execute(query, values):
                value = self._decoded(row)
                if value is not None:
                    yield value

    def _one(self, kind: str, key: str) -> tuple[object | None, bool]:
        """A row's value, None if it is damaged; and whether the row exists."""
        with reading(self._path):
            row = self._connection.execute(
                "SELECT * FROM state WHERE kind = ? AND key = ?", (kind, key)
            ).fetchone()
        return (None, False) if row is None else (self._decoded(row), True)

    def _decoded(self, row: sqlite3.Row) -> object | None:
        try:
            return decoded(row)
        except DamagedRow as damage:
            self.damage[str(damage)] = None
            return None

    def _as_created(self, order_id: str) -> OrderState | None:
        event = self._creation(order_id, self.last_event()[0] + 1)
        for intent in () if event is None else event.body["intents"]:
            if intent["order_id"] == order_id:
                with contextlib.suppress(Undecodable):
                    return OrderState(intent=decode_as(OrderIntent, json.dumps(intent)))
        return None


def created_ids(event: StoredEvent) -> tuple[str, ...]:
    """Ids of the orders that an OrdersCreated record created, as far as it can be read."""
    intents = event.body.get("intents")
    if not isinstance(intents, list):
        return ()
    return tuple(str(each.get("order_id")) for each in intents if isinstance(each, dict))
