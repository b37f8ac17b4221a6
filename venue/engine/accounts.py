"""What the ledger keeps: accounts with their shares, and the pool that backs a market's shares."""

from __future__ import annotations

import attrs

from actors.units import PAYOUT_TICKS
from venue.engine.messages import Outcome

FEES = "fees"
"""The account that collects taker fees."""
WORLD = "world"
"""The account that lends to unlimited ones; it alone may have less than nothing."""


class UnknownAccount(LookupError):
    """An owner has no account."""


class NotEnoughFunds(ValueError):
    """An owner has less than was to be taken from him."""


@attrs.define(eq=False)
class ShareHolding:
    """An account's shares of one outcome."""

    units: int = 0
    reserved_units: int = 0
    """Held back by open sells."""


@attrs.define(eq=False)
class Account:
    """One owner's money and shares; changed by the ledger alone.

    An unlimited account belongs to a simulated trader: it holds nothing back for open orders, and
    what it lacks when it trades is lent by the world.
    """

    owner: str
    is_unlimited: bool = False
    cash_nanos: int = 0
    reserved_nanos: int = 0
    """Held back by open buys."""
    holdings: dict[tuple[str, Outcome], ShareHolding] = attrs.field(factory=dict)

    @property
    def free_nanos(self) -> int:
        """Money that no open order holds back; negative when they hold more than there is."""
        return self.cash_nanos - self.reserved_nanos

    def holding(self, market_id: str, outcome: Outcome) -> ShareHolding:
        """The account's shares of an outcome."""
        key = (market_id, outcome)
        found = self.holdings.get(key)
        if found is None:
            found = self.holdings[key] = ShareHolding()
        return found

    @property
    def is_short(self) -> bool:
        """Whether open orders hold back more than there is."""
        return self.free_nanos < 0 or any(
            holding.units < holding.reserved_units for holding in self.holdings.values()
        )


@attrs.define(eq=False)
class Pool:
    """One market's collateral, and the shares that it backs."""

    collateral_nanos: int = 0
    issued_units: dict[Outcome, int] = attrs.field(factory=lambda: dict.fromkeys(Outcome, 0))

    @property
    def is_backed(self) -> bool:
        """Whether there are only whole pairs, with $1 behind each."""
        return all(
            issued * PAYOUT_TICKS == self.collateral_nanos for issued in self.issued_units.values()
        )


@attrs.frozen
class Leg:
    """One party's half of a match, as that party sees it."""

    owner: str
    outcome: Outcome
    is_buy: bool
    price_ticks: int
