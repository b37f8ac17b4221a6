"""A strategy's view of its own position."""

from __future__ import annotations

import msgspec

from actors.messages.execution import OpenOrders
from actors.messages.position import Holding, PositionSnapshot
from actors.model import Side


class PositionView(msgspec.Struct, frozen=True, kw_only=True):
    """One window's holdings, and the sides that already have an open order."""

    yes: Holding = msgspec.field(default_factory=Holding)
    no: Holding = msgspec.field(default_factory=Holding)
    fees_nanos: int = 0
    live_sides: frozenset[Side] = frozenset()
    """Sides with an open order, on which nothing more is bought."""
    position_version: int = 0
    is_stopped: bool = False
    """Whether the desk accepts no more signals for this window."""

    @classmethod
    def of(cls, position: PositionSnapshot, orders: OpenOrders) -> PositionView:
        """Combine the newest messages of the ledger and the desk."""
        return cls(
            yes=position.yes,
            no=position.no,
            fees_nanos=position.fees_nanos,
            live_sides=frozenset(side for side, _order_id in orders.live),
            position_version=position.version,
            is_stopped=orders.is_stopped,
        )

    def holding(self, side: Side) -> Holding:
        """Return the holding of an outcome."""
        return self.yes if side is Side.YES else self.no

    def quantity_units(self, side: Side) -> int:
        """Return the shares held of an outcome, in units."""
        return self.holding(side).quantity_units

    @property
    def cost_nanos(self) -> int:
        """What both holdings cost, without fees."""
        return self.yes.cost_nanos + self.no.cost_nanos

    @property
    def imbalance_units(self) -> int:
        """The difference between the two holdings."""
        return abs(self.yes.quantity_units - self.no.quantity_units)

    @property
    def heavy_side(self) -> Side:
        """The side with more shares; YES if they are equal."""
        return Side.YES if self.yes.quantity_units >= self.no.quantity_units else Side.NO

    @property
    def held_sides(self) -> tuple[Side, ...]:
        """The sides with holdings, YES first."""
        return tuple(side for side in Side if self.quantity_units(side) > 0)
