"""A journal as its readers want it: as of one moment, newest first, found by part of a name.

Nothing here decodes more rows than it returns, so that a journal of many months answers as fast as
a young one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from actors.execution.real.live_order import LiveOrder
from actors.execution.real.user_channel import Settlement
from actors.messages.execution import OrderState
from actors.position.ledger import WindowLedger
from actors.runtime.codec import Undecodable, decode
from actors.runtime.journal import JournalReader, StoredEvent
from actors.runtime.journal_file import JournalError, unreadable_sentence

_ORDERS, _WINDOWS, _LIVE = "order", "position", "live"
_MARKET_PATHS = {_ORDERS: "$.intent.market", _WINDOWS: "$.market"}
"""Where a stored value keeps its market."""

_AGES = {
    _ORDERS: "seq",
    _WINDOWS: "json_extract(body, '$.market.opens_at_ms')",
}
"""What makes a value newer than another: its last change, or when its window opened."""

_ALL = "state WHERE kind = :kind"
_OPEN = "state INDEXED BY state_open WHERE kind = :kind AND is_open = 1"
"""Of two indexes that fit, SQLite would take the one that passes over every closed row too."""

_ALL_ROWS = -1
"""SQLite's LIMIT that is none."""

_FIRST_STEP_BACK = 64
"""How many events before an order's first one its creation is looked for at first."""


class Archive(JournalReader):
    """A journal held still: whatever is written meanwhile, every question sees one moment.

    Raises:
        JournalError: there is no journal in the directory, or it cannot be read.
    """

    def __init__(self, data_dir: Path) -> None:
        super().__init__(data_dir)
        self._connection.execute("BEGIN")

    def orders(self, *, market: str = "", limit: int | None = None) -> Iterator[OrderState]:
        """Orders, last changed first; of matching markets, and so many, if that is given.

        ``market`` is any part of a slug, or the beginning of a market's id.

        Raises:
            JournalError: a row cannot be decoded.
        """
        for value in self._newest(_ALL, _ORDERS, market, limit):
            if isinstance(value, OrderState):
                yield value

    def open_orders(self, *, market: str = "") -> Iterator[OrderState]:
        """Orders whose record is not closed yet, last changed first.

        Raises:
            JournalError: a row cannot be decoded.
        """
        for value in self._newest(_OPEN, _ORDERS, market):
            if isinstance(value, OrderState):
                yield value

    def windows(self, *, market: str = "") -> Iterator[WindowLedger]:
        """The ledgers of all windows, last opened first; of matching markets, if given.

        Raises:
            JournalError: a row cannot be decoded.
        """
        for value in self._newest(_ALL, _WINDOWS, market):
            if isinstance(value, WindowLedger):
                yield value

    def order(self, order_id: str) -> OrderState | None:
        """One order; None if there is none of this id.

        Raises:
            JournalError: its row cannot be decoded.
        """
        row = self._connection.execute(
            "SELECT key, class, body FROM state WHERE kind = ? AND key = ?", (_ORDERS, order_id)
        ).fetchone()
        value = None if row is None else _decoded(row)
        return value if isinstance(value, OrderState) else None

    def settlements(self, order_id: str) -> dict[str, Settlement]:
        """How far each trade of a live order has settled, by trade id; empty of a simulated one.

        Raises:
            JournalError: its row cannot be decoded.
        """
        row = self._connection.execute(
            "SELECT key, class, body FROM state WHERE kind = ? AND key = ?", (_LIVE, order_id)
        ).fetchone()
        value = None if row is None else _decoded(row)
        trades = value.trades if isinstance(value, LiveOrder) else ()
        return {trade.fill.trade_id: trade.settlement for trade in trades}

    def order_ids(self, prefix: str, limit: int) -> tuple[str, ...]:
        """So many of the order ids that begin with a text, in alphabetical order."""
        rows = self._connection.execute(
            "SELECT key FROM state WHERE kind = ? AND key >= ? AND key < ? ORDER BY key LIMIT ?",
            (_ORDERS, prefix, prefix + "\U0010ffff", limit),
        )
        return tuple(row["key"] for row in rows)

    def story(self, order_id: str) -> tuple[StoredEvent, ...]:
        """Every event of one order, from its creation on, as they happened.

        Actors write when they get to it: the order of their records may be another.
        """
        events = list(self.events(order_id=order_id))
        before_seq = events[0].seq if events else self.last_event()[0] + 1
        created = self._creation(order_id, before_seq)
        if created is not None:
            events.append(created)
        return tuple(sorted(events, key=lambda event: (event.at_ms, event.seq)))

    def _creation(self, order_id: str, before_seq: int) -> StoredEvent | None:
        """Find the record that created an order; it may have created others in the same piece.

        It has no order's id of its own, but it lies a little before the order's first event: the
        search goes back from there, each time further, and so reads next to nothing.
        """
        step = _FIRST_STEP_BACK
        last_seq = before_seq
        while last_seq > 0:
            first_seq = max(0, last_seq - step)
            for event in self.events(kind="OrdersCreated", after_seq=first_seq):
                if event.seq > last_seq:
                    break
                if any(intent["order_id"] == order_id for intent in event.body["intents"]):
                    return event
            last_seq, step = first_seq, step * 2
        return None

    def _newest(
        self, rows_of: str, kind: str, market: str, limit: int | None = None
    ) -> Iterator[object]:
        query = (
            f"SELECT key, class, body FROM {rows_of} "  # noqa: S608 # all of them constants
            "AND (:market = '' OR instr(json_extract(body, :path || '.slug'), :market) > 0 "
            "OR instr(json_extract(body, :path || '.market_id'), :market) = 1) "
            f"ORDER BY {_AGES[kind]} DESC LIMIT :limit"
        )
        values = {
            "kind": kind,
            "market": market,
            "path": _MARKET_PATHS[kind],
            "limit": _ALL_ROWS if limit is None else limit,
        }
        yield from map(_decoded, self._connection.execute(query, values))


def _decoded(row: sqlite3.Row) -> object:
    try:
        return decode(row["class"], row["body"])
    except Undecodable as error:
        raise JournalError(unreadable_sentence(row["key"], row["class"], error)) from error
