"""Handling of damaged journal rows before any actor starts.

Two actors look after an order, each with a row: its own actor, and the executor. The order's own
row can be rebuilt from the event that created it, because the executor reports everything again. If
the executor's row is lost, the order must never be sent again, and nobody can follow it: it is set
aside, and everything else trades on. With real money it may be at the venue. So the executor gets a
note of it. It cancels the order by its id, if an event still has that; otherwise it treats every
unknown order as a reason to halt (actors/execution/real/gate.py). What the order traded shows when
the ledger is compared with the venue's account, and halts as well.

A row without which money or halts could not be accounted for (ledger, desk, windows, account)
prevents the run from starting.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import attrs

from actors.core import Record, Save
from actors.execution.damaged import OrderMadeAnew, OrderSetAside
from actors.execution.desk_state import OrdersCreated
from actors.execution.paper import PaperEnd, PaperLiquidity
from actors.execution.real.messages import OrderSigned
from actors.execution.real.orders import TakenBack
from actors.messages.execution import OrderReport, OrderState, OrderStatus
from actors.observer.tally import ObserverMemory
from actors.runtime.codec import Undecodable, decode_as
from actors.runtime.journal import Journal, JournalReader
from actors.runtime.journal_file import JOURNAL_NAME, damage_sentence
from actors.runtime.journal_rows import DamagedRow, JournalError
from understudy.data_dir.last_run import read_run

_NOTED_FOR_MS = 86_400_000
"""How long an order that was set aside is watched; no window lasts longer."""
_ORDER, _LIVE, _PAPER = "order", "live", "paper"
_BEGUN_ANEW = {
    (_PAPER, "liquidity"): PaperLiquidity(),
    ("observer", "counts"): ObserverMemory(),
}
"""Rows that only count; each is replaced by the value of a first run."""


def refuse_emptied(data_dir: Path) -> None:
    """Refuse an empty journal where there has been a run: its ledger is lost, it is not new.

    A first run that was killed before it wrote anything leaves an empty file too, but no record of
    a run. A missing file is somebody's choice (`damage_sentence`).

    Raises:
        JournalError: the file is empty, though it was not always.
    """
    path = data_dir / JOURNAL_NAME
    if read_run(data_dir) is not None and path.exists() and path.stat().st_size == 0:
        raise JournalError(damage_sentence(path, "it is empty, although there has been a run here"))


def see_to_damage(
    data_dir: Path, damaged: Iterable[DamagedRow], durability: str
) -> tuple[str, ...]:
    """Set aside or rebuild the damaged rows; return one sentence for each.

    Args:
        data_dir: where a prepared journal is that nothing else writes.
        damaged: its open rows that cannot be read.
        durability: "process" or "full".

    Raises:
        JournalError: a row is needed, or the journal cannot be written.
    """
    orders: dict[str, dict[str, DamagedRow]] = {}
    told: list[str] = []
    records: list[Record] = []
    for row in damaged:
        fresh = _BEGUN_ANEW.get((row.kind, row.key))
        if fresh is not None:
            told.append(f"{row.kind} {row.key} starts over: {row}")
            records.append(Record(fresh, (Save(row.kind, row.key, fresh),)))
        elif row.kind in (_ORDER, _LIVE, _PAPER):
            orders.setdefault(row.key, {})[row.kind] = row
        else:
            raise row
    with contextlib.closing(JournalReader(data_dir)) as reader:
        at_ms = reader.last_event()[1]
        for order_id, rows in orders.items():
            reason = str(next(iter(rows.values())))
            if list(rows) == [_ORDER]:
                told.append(f"{order_id} goes on from its creation: {reason}")
                records.append(_made_anew(reader, order_id, rows[_ORDER]))
            else:
                told.append(f"{order_id} is set aside, nobody follows it any more: {reason}")
                records.append(_set_aside(reader, order_id, rows, at_ms + _NOTED_FOR_MS))
    if records:
        _write(data_dir, records, at_ms, durability)
    return tuple(told)


def _write(data_dir: Path, records: Iterable[Record], at_ms: int, durability: str) -> None:
    journal = Journal(data_dir, "foreground", durability)
    try:
        journal.claim()
        for record in records:
            journal.record(record, at_ms)
    finally:
        journal.close()


def _made_anew(reader: JournalReader, order_id: str, damage: DamagedRow) -> Record:
    anew = _created(reader, order_id, damage)
    return Record(OrderMadeAnew(order_id, str(damage)), (Save(_ORDER, order_id, anew),))


def _set_aside(
    reader: JournalReader, order_id: str, rows: dict[str, DamagedRow], keep_until_ms: int
) -> Record:
    reason = str(next(iter(rows.values())))
    report = OrderReport(order_id=order_id, status=OrderStatus.UNKNOWN, reason=reason)
    saves = list(_closed(reader, order_id, rows.get(_ORDER), reason))
    if _LIVE in rows:
        note = TakenBack(
            report=report,
            keep_until_ms=keep_until_ms,
            is_set_aside=True,
            venue_order_id=_venue_order_id(reader, order_id),
        )
        saves.append(Save(_LIVE, order_id, note))
    if _PAPER in rows:
        end = PaperEnd(report=report, keep_until_ms=keep_until_ms)
        saves.append(Save(_PAPER, order_id, end, is_open=False))
    return Record(OrderSetAside(order_id, reason), tuple(saves))


def _closed(
    reader: JournalReader, order_id: str, damage: DamagedRow | None, reason: str
) -> Iterator[Save]:
    """Close an order's own row, if it is open; rewrite it if it is damaged."""
    if damage is not None:
        order: object = _created(reader, order_id, damage)
    else:
        order = next(iter(reader.states(_ORDER, order_id, open_only=True)), None)
    if isinstance(order, OrderState):
        status = order.status if order.is_terminal else OrderStatus.UNKNOWN
        ended = attrs.evolve(order, status=status, end_reason=f"set aside: {reason}")
        yield Save(_ORDER, order_id, ended, is_open=False)


def _created(reader: JournalReader, order_id: str, damage: DamagedRow) -> OrderState:
    """An order as it was created; None if that event is damaged as well."""
    for event in reader.events(kind=OrdersCreated.__name__):
        with contextlib.suppress(Undecodable):
            for intent in decode_as(OrdersCreated, json.dumps(event.body)).intents:
                if intent.order_id == order_id:
                    return OrderState(intent=intent, updated_at_ms=intent.created_at_ms)
    raise damage


def _venue_order_id(reader: JournalReader, order_id: str) -> str:
    """The venue's id of an order; empty if no event has it."""
    for event in reader.events(order_id=order_id, kind=OrderSigned.__name__):
        with contextlib.suppress(Undecodable):
            return decode_as(OrderSigned, json.dumps(event.body)).venue_order_id
    return ""
