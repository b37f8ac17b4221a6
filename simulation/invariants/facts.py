"""The recorded facts, computed from the records alone, without any core."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from actors.core import Record
from actors.directory.windows import WindowState
from actors.execution.desk_state import Halted, Resumed, TradingStopped
from actors.execution.order_state import is_booked
from actors.messages.execution import OrderState
from actors.messages.halts import Halts, with_halt
from actors.position.ledger import LedgerEntry, WindowLedger
from simulation.invariants.evidence import Evidence


@attrs.frozen
class OrderFact:
    """The recorded state of an order."""

    state: OrderState
    is_open: bool
    """Whether its actor still has something to do."""
    was_over: bool = False
    """Whether it had ended before: a later failed trade does not make its side busy again."""

    @property
    def is_over(self) -> bool:
        """Whether it is terminal, and every fill it knows of is booked."""
        return self.state.is_terminal and is_booked(self.state)

    @property
    def owns_side(self) -> bool:
        """Whether no other order may be created on its side."""
        return not (self.is_over or self.was_over)


class Facts:
    """Orders, ledgers and windows according to the journal."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.orders: dict[str, OrderFact] = {}
        self.ledgers: dict[str, WindowLedger] = {}
        self.windows: dict[str, WindowState] = {}
        self.open_windows: dict[str, None] = {}
        """Ids of windows that the directory has not finished, or reviews."""
        self.stops: dict[str, TradingStopped] = {}
        self.halts: Halts = ()
        """Why nothing is traded until a person resumes."""
        self.version = 0
        """Version of the ledger."""

    def take(self, record: Record) -> None:
        """Add an accepted record."""
        self.evidence.take(record)
        if isinstance(record.event, TradingStopped):
            self.stops[record.event.market_id] = record.event
        if isinstance(record.event, Halted):
            self.halts = with_halt(self.halts, record.event.halt)
        elif isinstance(record.event, Resumed):
            self.halts = ()
        for save in record.saves:
            value = save.value
            if isinstance(value, OrderState):
                known = self.orders.get(save.key)
                was_over = known is not None and not known.owns_side
                self.orders[save.key] = OrderFact(value, save.is_open, was_over)
            elif isinstance(value, WindowLedger):
                self.ledgers[save.key] = value
                self.version = max(self.version, value.version)
            elif isinstance(value, WindowState):
                self.windows[save.key] = value
                self.open_windows.pop(save.key, None)
                if save.is_open:
                    self.open_windows[save.key] = None

    def orders_of(self, market_id: str) -> Iterable[OrderFact]:
        """Return a window's orders, oldest first."""
        return [
            fact for fact in self.orders.values() if fact.state.intent.market.market_id == market_id
        ]

    def booking(self, market_id: str, trade_id: str, order_id: str) -> LedgerEntry | None:
        """Return the ledger's entry of a (trade, order) pair; None if it is not booked."""
        ledger = self.ledgers.get(market_id)
        return ledger.entry(trade_id, order_id) if ledger is not None else None
