"""What the ledger has told the desk: each window's newest position, and the day's result."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import attrs

from actors.messages.position import MS_PER_DAY, PositionSnapshot, TrackRecord
from actors.model import Side


@attrs.frozen
class Excess:
    """What is held of one side beyond the other: it pays only if that side wins."""

    side: Side
    units: int


def excess_of(position: PositionSnapshot) -> Excess | None:
    """The one-sided part of a holding; None if every share has its counterpart.

    A complete pair pays exactly $1, whoever wins: there is no risk in it to be sold.
    """
    difference = position.yes.quantity_units - position.no.quantity_units
    if difference == 0:
        return None
    return Excess(Side.YES if difference > 0 else Side.NO, abs(difference))


class Holdings:
    """The newest that the desk has heard from the ledger."""

    def __init__(self) -> None:
        self._positions: dict[str, PositionSnapshot] = {}
        self._floors: dict[str, int] = {}
        """By market, the first version heard: what is older was computed before it."""
        self._newest: PositionSnapshot | None = None

    def get(self, market_id: str) -> PositionSnapshot | None:
        """The newest position of a window; None before the first since the desk started."""
        return self._positions.get(market_id)

    def of(self, market_id: str) -> PositionSnapshot:
        """The newest position of a window that is known.

        Raises:
            KeyError: it is not.
        """
        return self._positions[market_id]

    def floor(self, market_id: str) -> int:
        """The first version heard of a window."""
        return self._floors.get(market_id, 0)

    def take(self, message: PositionSnapshot) -> bool:
        """Keep a position if it is newer; returns whether it is."""
        self._floors.setdefault(message.market_id, message.version)
        if self._newest is None or message.ledger_version >= self._newest.ledger_version:
            self._newest = message
        known = self._positions.get(message.market_id)
        if known is not None and message.version <= known.version:
            return False
        self._positions[message.market_id] = message
        return True

    def keep(self, market_ids: Collection[str]) -> None:
        """Forget the windows that are no longer of interest."""
        self._positions = {
            key: self._positions[key] for key in self._positions if key in market_ids
        }
        self._floors = {key: self._floors[key] for key in self._floors if key in market_ids}

    @property
    def records(self) -> Mapping[str, TrackRecord]:
        """How trading has gone, as of the newest that the ledger has said."""
        return {} if self._newest is None else self._newest.records

    def day_loss_nanos(self, now_ms: int) -> int:
        """What this UTC day has lost over all windows; negative if it has won."""
        newest = self._newest
        is_today = newest is not None and newest.day == now_ms // MS_PER_DAY
        return -newest.day_pnl_nanos if newest is not None and is_today else 0
