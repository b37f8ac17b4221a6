"""Halts: commands of people and guard rails to the desk, its answers, and how halts combine."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from actors.model import Side

OPERATOR = "operator"
"""The author of a halt by a command."""
PAGE = "operator at the page"
"""The author of a halt in the browser, by someone logged in with the token."""
BY_HAND = "halted by hand"
"""The reason if a person gives none."""
KILL_SWITCH = "kill-switch file"
"""The author of a halt by a file named HALT in the data directory."""
STRATEGY_FALLS = "strategy"
"""The author of a series' halt because its strategy keeps raising or hanging."""
EXECUTOR_CHECKS = "executor"
"""The author of a halt because the venue's account differs from the ledger."""
_PEOPLE = (OPERATOR, PAGE)
_THEN = "; then "
_REASON_MOST = 500


@attrs.frozen(kw_only=True)
class Halt:
    """One reason why nothing is traded, until it is lifted."""

    who: str
    reason: str
    since_ms: int
    cancels: bool
    """Open orders are cancelled."""
    flattens: bool = False
    """One-sided holdings are sold as well."""
    series: str = ""
    """The one series that is halted; empty: everything."""

    @property
    def sentence(self) -> str:
        """The reason, its author and, if it is not everything, the series, for people."""
        return f"{self.reason} ({self.who}{f', {self.series} only' if self.series else ''})"


Halts = tuple[Halt, ...]
"""All reasons why nothing is traded: one per author and series."""


@attrs.frozen
class HaltTrading:
    """Accept no more signals; optionally cancel open orders.

    The supervisor's own, which has no ``who``, is answered with HaltReport when that is done.
    """

    reason: str
    cancel: bool
    who: str = ""
    """The author, whose halt lasts until it is lifted. If empty, it lasts as long as the desk's
    process."""
    request_id: int = 0
    """If not 0, it is answered to the sender with HaltStatus."""
    series: str = ""
    """The one series that is halted; empty: everything."""


@attrs.frozen
class CancelEverything:
    """Desk to the real executor, with a halt: cancel whatever may rest, known to an order or not.

    Repeated each second until EverythingCancelled answers it.
    """

    reason: str
    asked_at_ms: int
    """Request id; identical in repetitions."""


@attrs.frozen
class EverythingCancelled:
    """Real executor to desk: cancels of all orders that it knows are requested.

    With ``cancel_all_on_halt`` the venue has also confirmed the account-wide cancel.
    """

    asked_at_ms: int
    """Of the CancelEverything that this answers."""


@attrs.frozen
class HaltReport:
    """What remains after a halt: 0 means that every order has ended."""

    live_count: int
    """An account-wide cancel that the venue has not confirmed counts as one more."""
    reason: str = attrs.field(default="", eq=False)
    """Why the desk has halted for the life of its process; empty if a person or a limit halted
    it."""


@attrs.frozen(kw_only=True)
class ResumeTrading:
    """Lift every lasting halt; a cause that persists halts again."""

    who: str
    reason: str
    request_id: int = 0
    """As in HaltTrading."""
    series: str = ""
    """Lift only what halts this series alone; empty: everything."""


@attrs.frozen(kw_only=True)
class FlattenHoldings:
    """Halt, cancel every order, and sell the excess of one side over the other."""

    who: str
    reason: str
    request_id: int = 0
    """As in HaltTrading."""
    series: str = ""
    """The one series in which to do so; empty: all."""


@attrs.frozen
class GetHalts:
    """Ask for HaltStatus."""

    request_id: int


@attrs.frozen(kw_only=True)
class ExcessLeft:
    """The excess of one side over the other in an open window, and why it is not sold."""

    series: str
    side: Side | None
    """None if it is not known yet, as the note says."""
    units: int
    note: str
    """As in ``HaltStatus.excess_note``."""
    is_final: bool
    """As in ``HaltStatus.is_excess_final``."""


@attrs.frozen(kw_only=True)
class HaltStatus:
    """The desk's answer: what is halted, and what remains to be done about it."""

    request_id: int
    halts: tuple[Halt, ...]
    """Lasting halts; empty if there are none."""
    passing_reason: str
    """Why nothing is traded for the life of the desk's process; empty if there is no such
    reason."""
    live_count: int
    cancelling_count: int
    """Number of open orders whose cancel was requested."""
    excess_side: Side | None
    """The side of which the open window holds more than of the other; None if they are even."""
    excess_units: int
    excess_note: str
    """Why the excess is not sold; empty while it is being sold, or if there is no need."""
    is_excess_final: bool
    """The reason is permanent: the excess is kept for the window's result."""
    stop_reason: str = ""
    """Why open windows are not traded although nothing is halted: their stop loss."""
    live_by_series: dict[str, int] = attrs.field(factory=dict)
    """Number of open orders, by series; only series that have any."""
    excesses: tuple[ExcessLeft, ...] = ()
    """One for each open window with an excess, or where it is unknown; the fields above describe
    the first."""

    @property
    def is_flat(self) -> bool:
        """Whether no order is open and no excess is held."""
        return self.live_count == 0 and self.excess_units == 0 and not self.excess_note


def with_halt(halts: Halts, new: Halt) -> Halts:
    """Add a halt; returns the same value if it says nothing new.

    There is one per author and series, or for everything. A repeated one keeps its first time, and
    what it had already asked to cancel or sell. All reasons of a person are kept, but only the
    newest of a guard rail, which has the newest numbers.
    """
    same = (halt for halt in halts if (halt.who, halt.series) == (new.who, new.series))
    known = next(same, None)
    if known is None:
        return (*halts, new)
    joined = attrs.evolve(
        new,
        reason=_both(known.reason, new.reason) if new.who in _PEOPLE else new.reason,
        since_ms=known.since_ms,
        cancels=new.cancels or known.cancels,
        flattens=new.flattens or known.flattens,
    )
    return halts if joined == known else tuple(joined if h is known else h for h in halts)


def halts_of(halts: Iterable[Halt], series: str) -> Halts:
    """The halts that apply to a series: its own, and those of everything."""
    return tuple(halt for halt in halts if halt.series in ("", series))


def _both(known: str, new: str) -> str:
    if new in (BY_HAND, *known.split(_THEN)):
        return known
    return new if known == BY_HAND else f"{known}{_THEN}{new}"[:_REASON_MOST]


def halt_words(halts: Iterable[Halt], passing_reason: str = "") -> str:
    """Why nothing is traded, in words; empty if nothing is halted."""
    passing = [passing_reason] if passing_reason else []
    return "; ".join([*(halt.sentence for halt in halts), *passing])
