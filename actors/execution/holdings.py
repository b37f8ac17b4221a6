"""The ledger's reports to the desk: each window's newest position, and the day's result."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import attrs

from actors.messages.position import MS_PER_DAY, PositionSnapshot, TrackRecord
from actors.model import Side


@attrs.frozen
class Excess:
    """Shares of one side beyond the other: they pay only if that side wins."""

    side: Side
    units: int


def excess_of(position: PositionSnapshot) -> Excess | None:
    """Return the one-sided part of a holding; None if every share has its counterpart.

    A complete pair pays exactly $1 whichever side wins, so selling it would not reduce risk.
    """
    difference = position.yes.quantity_units - position.no.quantity_units
    if difference == 0:
        return None
    return Excess(Side.YES if difference > 0 else Side.NO, abs(difference))


class Holdings:
    """The newest positions and results from the ledger."""

    def __init__(self) -> None:
        self._positions: dict[str, PositionSnapshot] = {}
        self._floors: dict[str, int] = {}
        """By market, the first version received; older versions were computed before it."""
        self._newest: PositionSnapshot | None = None

    def get(self, market_id: str) -> PositionSnapshot | None:
        """Return a window's newest position; None before the first since the desk started."""
        return self._positions.get(market_id)

    def of(self, market_id: str) -> PositionSnapshot:
        """Return the newest position of a window that is known.

        Raises:
            KeyError: it is unknown.
        """
        return self._positions[market_id]

    def floor(self, market_id: str) -> int:
        """Return the first version received for a window."""
        return self._floors.get(market_id, 0)

    def take(self, message: PositionSnapshot) -> bool:
        """Keep a position if it is newer; return whether it is."""
        self._floors.setdefault(message.market_id, message.version)
        if self._newest is None or message.ledger_version >= self._newest.ledger_version:
            self._newest = message
        known = self._positions.get(message.market_id)
        if known is not None and message.version <= known.version:
            return False
        self._positions[message.market_id] = message
        return True

    def keep(self, market_ids: Collection[str]) -> None:
        """Forget all other windows."""
        self._positions = {
            key: self._positions[key] for key in self._positions if key in market_ids
        }
        self._floors = {key: self._floors[key] for key in self._floors if key in market_ids}

    @property
    def records(self) -> Mapping[str, TrackRecord]:
        """The newest track records reported by the ledger."""
        return {} if self._newest is None else self._newest.records

    def day_loss_nanos(self, now_ms: int) -> int:
        """Return this UTC day's loss over all windows; negative for a profit."""
        newest = self._newest
        is_today = newest is not None and newest.day == now_ms // MS_PER_DAY
        return -newest.day_pnl_nanos if newest is not None and is_today else 0
