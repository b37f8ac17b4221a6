"""Halts: what a person or a guard rail says to the desk, what it answers, and how halts add up."""

from __future__ import annotations

from collections.abc import Iterable

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
_PEOPLE = (OPERATOR, PAGE)
_THEN = "; then "
_REASON_MOST = 500


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


Halts = tuple[Halt, ...]
"""Why nothing is traded: one for each who and series."""


@attrs.frozen
class HaltTrading:
    """Take no more signals; optionally cancel what is live.

    The supervisor's, which has no ``who``, is answered with HaltReport when that is done.
    """

    reason: str
    cancel: bool
    who: str = ""
    """Whose halt it is: then it lasts until it is lifted. Empty: as long as the desk's process."""
    request_id: int = 0
    """Answered to the sender with HaltStatus, unless it is 0."""
    series: str = ""
    """The one series that is halted; empty: everything."""


@attrs.frozen
class CancelEverything:
    """Desk to the real executor: with a halt, take back whatever may rest, Orders or no Orders.

    Said again each second until EverythingCancelled answers it.
    """

    reason: str
    asked_at_ms: int
    """Names it: what is said again has the same."""


@attrs.frozen
class EverythingCancelled:
    """Real executor to desk: the end of all that it knows is asked for.

    With ``cancel_all_on_halt`` the venue has said as well that the whole account's is taken back.
    """

    asked_at_ms: int
    """Of the CancelEverything that this answers."""


@attrs.frozen
class HaltReport:
    """What a halt has left: 0 means that every order has ended."""

    live_count: int
    """A cancel of the whole account that the venue has not confirmed counts as one more."""
    reason: str = attrs.field(default="", eq=False)
    """Why the desk has halted until its process ends; empty if people or limits halted it."""


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


def with_halt(halts: Halts, new: Halt) -> Halts:
    """The halts with one more; the same value if it says nothing new.

    Each who has one for everything, and one a series: said again, its first time stands, and orders
    that were to be cancelled or holdings that were to be sold still are. A person's reasons are all
    kept; a guard rail's newest one has the newest numbers.
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
    """The halts that hold in a series: its own, and those of everything."""
    return tuple(halt for halt in halts if halt.series in ("", series))


def _both(known: str, new: str) -> str:
    if new in (BY_HAND, *known.split(_THEN)):
        return known
    return new if known == BY_HAND else f"{known}{_THEN}{new}"[:_REASON_MOST]


def halt_words(halts: Iterable[Halt], passing_reason: str = "") -> str:
    """Why nothing is traded, in words; empty if it is."""
    passing = [passing_reason] if passing_reason else []
    return "; ".join([*(halt.sentence for halt in halts), *passing])
