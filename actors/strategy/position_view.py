"""What the strategy knows of its own position when it decides."""

from __future__ import annotations

import msgspec

from actors.messages.execution import OpenOrders
from actors.messages.position import Holding, PositionSnapshot
from actors.model import Side


class PositionView(msgspec.Struct, frozen=True, kw_only=True):
    """One window's holdings, and which sides already have an order at work."""

    yes: Holding = msgspec.field(default_factory=Holding)
    no: Holding = msgspec.field(default_factory=Holding)
    fees_nanos: int = 0
    live_sides: frozenset[Side] = frozenset()
    """Sides on which an order is live; nothing more is bought there."""
    position_version: int = 0
    is_stopped: bool = False
    """The desk takes no more signals for this window."""

    @classmethod
    def of(cls, position: PositionSnapshot, orders: OpenOrders) -> PositionView:
        """Join what the ledger and the desk last said."""
        return cls(
            yes=position.yes,
            no=position.no,
            fees_nanos=position.fees_nanos,
            live_sides=frozenset(side for side, _order_id in orders.live),
            position_version=position.version,
            is_stopped=orders.is_stopped,
        )

    def holding(self, side: Side) -> Holding:
        """The holding of an outcome."""
        return self.yes if side is Side.YES else self.no

    def quantity_units(self, side: Side) -> int:
        """Shares held of an outcome, in units."""
        return self.holding(side).quantity_units

    @property
    def cost_nanos(self) -> int:
        """What both holdings cost, without fees."""
        return self.yes.cost_nanos + self.no.cost_nanos

    @property
    def imbalance_units(self) -> int:
        """How far the two holdings are apart."""
        return abs(self.yes.quantity_units - self.no.quantity_units)

    @property
    def heavy_side(self) -> Side:
        """The side with more shares; YES if both have as many."""
        return Side.YES if self.yes.quantity_units >= self.no.quantity_units else Side.NO

    @property
    def held_sides(self) -> tuple[Side, ...]:
        """Sides of which anything is held, YES first."""
        return tuple(side for side in Side if self.quantity_units(side) > 0)
