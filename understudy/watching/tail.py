"""Counts recorded events by kind: the whole journal once, and then only new events."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from actors.execution.real.messages import ClaimFailed, PostRefused, PostUnclear, SigningFailed
from actors.messages.directory import MarketResolved
from actors.messages.execution import FillFailed, OrderRejected, OutcomeUnknown
from actors.messages.position import WindowSettled
from actors.position.ledger import WindowLedger
from actors.roles import POSITION
from actors.runtime.journal import JournalReader
from actors.runtime.journal_file import JournalError

ERRORS: Mapping[str, str] = {
    OrderRejected.__name__: "order_rejected",
    OutcomeUnknown.__name__: "outcome_unknown",
    FillFailed.__name__: "trade_failed",
    SigningFailed.__name__: "not_signed",
    PostRefused.__name__: "post_refused",
    PostUnclear.__name__: "post_unclear",
    ClaimFailed.__name__: "claim_failed",
}
"""Recorded events that report trouble with the exchange, with their names here."""


_COUNTS = "SELECT kind, count(*) FROM events WHERE seq > ? AND seq <= ? GROUP BY 1"
_STATUS = "iif(json_valid(body), coalesce(json_extract(body, '$.status'), ''), '')"
_ERRORS = (
    f"SELECT kind, {_STATUS}, count(*) FROM events "  # noqa: S608 # only question marks are put in
    f"WHERE kind IN ({','.join('?' * len(ERRORS))}) AND seq > ? AND seq <= ? GROUP BY 1, 2"
)


_SETTLED = (
    "SELECT DISTINCT market_id FROM events "
    "WHERE kind = ? AND role = ? AND seq > ? AND seq <= ? ORDER BY seq"
)


class _CountingReader(JournalReader):
    def kinds_between(self, after_seq: int, last_seq: int) -> Counter[str]:
        """Number of recorded events by kind."""
        rows = self._connection.execute(_COUNTS, (after_seq, last_seq))
        return Counter(dict(rows))

    def errors_between(self, after_seq: int, last_seq: int) -> Counter[tuple[str, str]]:
        """Number of recorded exchange errors by kind and HTTP status."""
        rows = self._connection.execute(_ERRORS, (*ERRORS, after_seq, last_seq))
        return Counter({(ERRORS[kind], str(status)): count for kind, status, count in rows})

    def settled_between(self, after_seq: int, last_seq: int) -> tuple[WindowSettled, ...]:
        """Results of settled windows, each without the total of all windows."""
        events = (MarketResolved.__name__, POSITION, after_seq, last_seq)
        return tuple(
            settled
            for row in self._connection.execute(_SETTLED, events).fetchall()
            for ledger in self.states("position", row["market_id"], open_only=False)
            if isinstance(ledger, WindowLedger)
            and (settled := ledger.settlement(ledger.pnl_nanos())) is not None
        )


class JournalTail:
    """Running counts over one data directory's journal, whichever file is there."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._seq = 0
        self._kinds: Counter[str] = Counter()
        self._errors: Counter[tuple[str, str]] = Counter()
        self.settled: tuple[WindowSettled, ...] = ()
        """Results recorded between the last two calls of ``read``."""

    def read(self) -> None:
        """Count the events recorded since the last call.

        Raises:
            JournalError: there is no journal, or it cannot be read.
        """
        reader = _CountingReader(self._data_dir)
        try:
            newest_seq, _ = reader.last_event()
            if newest_seq < self._seq:  # the journal was replaced by another
                self._seq = 0
                self._kinds.clear()
                self._errors.clear()
            kinds = reader.kinds_between(self._seq, newest_seq)
            errors = reader.errors_between(self._seq, newest_seq)
            is_first = self._seq == 0  # windows settled before the first read are not news
            self.settled = () if is_first else reader.settled_between(self._seq, newest_seq)
            self._kinds += kinds  # only now: after an error everything is counted again
            self._errors += errors
            self._seq = newest_seq
        except sqlite3.Error as error:
            raise JournalError(
                f"the journal in {self._data_dir} cannot be read: {error}"
            ) from error
        finally:
            reader.close()

    @property
    def kinds(self) -> dict[str, int]:
        """Events by the name of their kind."""
        return dict(self._kinds)

    @property
    def errors(self) -> dict[tuple[str, str], int]:
        """Exchange errors by (kind, HTTP status); the status is empty where there is none."""
        return dict(self._errors)
