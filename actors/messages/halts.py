"""Halts: what a person or a guard rail says to the desk, and what it answers."""

from __future__ import annotations

import attrs

from actors.model import Side

OPERATOR = "operator"
"""Who halts when a person does, by a command."""
PAGE = "operator at the page"
"""Who halts when a person does in the browser, logged in with the token."""
BY_HAND = "halted by hand"
"""The reason of a person who gives none."""
KILL_SWITCH = "kill-switch file"
"""Who halts when there is a file named HALT in the data directory."""
STRATEGY_FALLS = "strategy"
"""Who halts a series when its strategy goes on raising, or hangs again and again."""
EXECUTOR_CHECKS = "executor"
"""Who halts when the venue's account is not as the ledger believes."""


@attrs.frozen(kw_only=True)
class Halt:
    """One reason why nothing is traded; it lasts until it is lifted."""

    who: str
    reason: str
    since_ms: int
    cancels: bool
    """Live orders are cancelled."""
    flattens: bool = False
    """One-sided holdings are sold as well."""
    series: str = ""
    """The one series that is halted; empty: everything."""

    @property
    def sentence(self) -> str:
        """The reason, whose it is, and where it holds if not everywhere, for people."""
        return f"{self.reason} ({self.who}{f', {self.series} only' if self.series else ''})"


@attrs.frozen(kw_only=True)
class ResumeTrading:
    """Lift every halt that lasts; a cause that is still there halts again."""

    who: str
    reason: str
    request_id: int = 0
    """As of HaltTrading."""
    series: str = ""
    """Lift only what halts this series alone; empty: everything."""


@attrs.frozen(kw_only=True)
class FlattenHoldings:
    """Halt, cancel every order and sell what is held of one side only."""

    who: str
    reason: str
    request_id: int = 0
    """As of HaltTrading."""
    series: str = ""
    """Do so in this series only; empty: in all."""


@attrs.frozen
class GetHalts:
    """Ask for HaltStatus."""

    request_id: int


@attrs.frozen(kw_only=True)
class ExcessLeft:
    """What an open window holds of one side beyond the other, and why it is not sold."""

    series: str
    side: Side | None
    """None if that is not known yet, as the note says."""
    units: int
    note: str
    """As ``HaltStatus.excess_note``."""
    is_final: bool
    """As ``HaltStatus.is_excess_final``."""


@attrs.frozen(kw_only=True)
class HaltStatus:
    """The desk's answer: what is halted, and what is left to do about it."""

    request_id: int
    halts: tuple[Halt, ...]
    """What lasts; empty if nothing does."""
    passing_reason: str
    """Why nothing is traded until the desk's process ends; empty if there is no such reason."""
    live_count: int
    cancelling_count: int
    """Live orders that are asked to end."""
    excess_side: Side | None
    """The side of which the open window holds more than of the other; None if neither."""
    excess_units: int
    excess_note: str
    """Why the excess is not sold; empty while it is being sold, or need not be."""
    is_excess_final: bool
    """The reason will not pass by itself: what is left stays for the window's result."""
    stop_reason: str = ""
    """Why open windows are not traded although nothing is halted: their stop loss."""
    live_by_series: dict[str, int] = attrs.field(factory=dict)
    """Live orders in each series that has any."""
    excesses: tuple[ExcessLeft, ...] = ()
    """One for each open window that holds an excess, or of which that is not known; the fields
    above tell of the first."""

    @property
    def is_flat(self) -> bool:
        """Whether no order lives and nothing one-sided is held."""
        return self.live_count == 0 and self.excess_units == 0 and not self.excess_note
