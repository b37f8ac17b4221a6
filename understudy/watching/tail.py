"""How often each kind of event was recorded: read once as a whole, and then only what is new."""

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
"""Recorded events that tell of trouble with the exchange, and what each is called here."""


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
        """How many events of each kind were recorded."""
        rows = self._connection.execute(_COUNTS, (after_seq, last_seq))
        return Counter(dict(rows))

    def errors_between(self, after_seq: int, last_seq: int) -> Counter[tuple[str, str]]:
        """How many exchange errors of each kind and HTTP status were recorded."""
        rows = self._connection.execute(_ERRORS, (*ERRORS, after_seq, last_seq))
        return Counter({(ERRORS[kind], str(status)): count for kind, status, count in rows})

    def settled_between(self, after_seq: int, last_seq: int) -> tuple[WindowSettled, ...]:
        """Results of the windows that were settled, each beside no other window's."""
        events = (MarketResolved.__name__, POSITION, after_seq, last_seq)
        return tuple(
            settled
            for row in self._connection.execute(_SETTLED, events).fetchall()
            for ledger in self.states("position", row["market_id"], open_only=False)
            if isinstance(ledger, WindowLedger)
            and (settled := ledger.settlement(ledger.pnl_nanos())) is not None
        )


class JournalTail:
    """Running counts over one data directory's journal, whatever file lies there."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._seq = 0
        self._kinds: Counter[str] = Counter()
        self._errors: Counter[tuple[str, str]] = Counter()
        self.settled: tuple[WindowSettled, ...] = ()
        """Results that were recorded between the last two calls of ``read``."""

    def read(self) -> None:
        """Count what was recorded since the last call.

        Raises:
            JournalError: there is no journal, or it cannot be read.
        """
        reader = _CountingReader(self._data_dir)
        try:
            newest_seq, _ = reader.last_event()
            if newest_seq < self._seq:  # another journal was put in its place
                self._seq = 0
                self._kinds.clear()
                self._errors.clear()
            kinds = reader.kinds_between(self._seq, newest_seq)
            errors = reader.errors_between(self._seq, newest_seq)
            is_first = self._seq == 0  # what was settled before anyone looked is no news
            self.settled = () if is_first else reader.settled_between(self._seq, newest_seq)
            self._kinds += kinds  # only now: whoever cannot read it all will count it all again
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
