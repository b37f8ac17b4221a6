"""Metadata of a window that is wrong, or early: faults F33, F42 and F46.

The market itself goes on as usual, except that a result that is only proposed, or wrong at first,
delays the resolution.
"""

from __future__ import annotations

from random import Random
from typing import Any

import attrs

from actors.units import PAYOUT_TICKS
from venue.faults import FaultKind, Occasion
from venue.windows import Window
from venue.wire.gamma import AnnouncedResult, MarketStatus

_DRAWN_BEFORE_MS = 60_000
"""How long before a window begins its oddities at the start are drawn."""
_GRIDS = {
    FaultKind.QUARTER_CENT_GRID: "0.0025",
    FaultKind.HUNDREDTH_CENT_GRID: "0.0001",
}
_AT_THE_START: dict[FaultKind, dict[str, Any]] = {
    FaultKind.NOT_ACCEPTING: {"accepts_orders": False},
    FaultKind.INACTIVE: {"is_active": False},
    FaultKind.CLOSED_EARLY: {"is_closed_early": True},
    FaultKind.NEGATIVE_RISK: {"is_negative_risk": True},
}
_FEES: dict[FaultKind, dict[str, Any]] = {
    FaultKind.UNSURE_FEES: {"has_sure_fees": False},
    FaultKind.UNKNOWN_FEES: {"has_sure_fees": False, "knows_fee_rate": False},
}
_VOID_TICKS = PAYOUT_TICKS // 2
_OF_OPENINGS = tuple(kind for kind in FaultKind if kind.occasion is Occasion.OPENING)
_OF_RESULTS = tuple(kind for kind in FaultKind if kind.occasion is Occasion.RESULT)


class Oddities:
    """The oddities of one window, and when they show."""

    def __init__(self, window: Window, dice: Random) -> None:
        self._window = window
        self._dice = dice
        self._lasts_ms: dict[FaultKind, int] = {}
        self._is_halved = True

    def kinds_to_draw(self, now_ms: int) -> tuple[FaultKind, ...]:
        """The kinds to draw for the window from about now on."""
        if now_ms >= self._window.closes_at_ms:
            return _OF_RESULTS
        return _OF_OPENINGS if now_ms >= self._window.opens_at_ms - _DRAWN_BEFORE_MS else ()

    def would_show(self, kind: FaultKind, lasts_ms: int, now_ms: int) -> bool:
        """Whether the window would still show it, and does not have it already."""
        if kind in self._lasts_ms:
            return False
        if kind in _AT_THE_START:
            return now_ms < self._window.opens_at_ms + lasts_ms
        if kind.occasion is Occasion.RESULT:
            return now_ms < self._window.resolves_at_ms
        return kind not in _FEES or now_ms < self._window.opens_at_ms

    def add(self, kind: FaultKind, lasts_ms: int) -> None:
        """Add an oddity to the window."""
        self._lasts_ms[kind] = lasts_ms
        if kind is FaultKind.PROPOSED_RESULT:
            self._is_halved = self._dice.random() < 0.5

    @property
    def decided_at_ms(self) -> int:
        """When the window is really resolved."""
        late_ms = max(self._lasts_ms.get(kind, 0) for kind in _OF_RESULTS)
        return self._window.resolves_at_ms + late_ms

    def overturned_winner(self, up_wins: bool, now_ms: int) -> bool | None:
        """The winner announced before it is overturned; None while there is none."""
        is_it = FaultKind.OVERTURNED_RESULT in self._lasts_ms
        is_time = self._window.resolves_at_ms <= now_ms < self.decided_at_ms
        return not up_wins if is_it and is_time else None

    def grid_text(self, now_ms: int) -> str:
        """The grid shown in place of the engine's; empty for the engine's."""
        for kind, text in _GRIDS.items():
            if kind in self._lasts_ms and now_ms >= self._starts_after_ms(kind):
                return text
        return ""

    def shown(self, status: MarketStatus, up_wins: bool | None, now_ms: int) -> MarketStatus:
        """Turn the true status into the one that is shown.

        Args:
            status: the truth.
            up_wins: whether Up wins, once that is known; it is shown later.
            now_ms: venue time.
        """
        changes: dict[str, Any] = {"grid_text": self.grid_text(now_ms)}
        for kind, fields in _FEES.items():
            changes |= fields if kind in self._lasts_ms else {}
        for kind, fields in _AT_THE_START.items():
            is_so = kind in self._lasts_ms and now_ms < self._starts_after_ms(kind)
            changes |= fields if is_so else {}
        if up_wins is not None and not status.is_closed and now_ms >= self._window.resolves_at_ms:
            changes["announced_result"] = self._announced_result(up_wins, now_ms)
        return attrs.evolve(status, **changes)

    def _starts_after_ms(self, kind: FaultKind) -> int:
        return self._window.opens_at_ms + self._lasts_ms[kind]

    def _announced_result(self, up_wins: bool, now_ms: int) -> AnnouncedResult | None:
        loser_ticks = 0 if up_wins else PAYOUT_TICKS
        if FaultKind.OVERTURNED_RESULT in self._lasts_ms:
            return AnnouncedResult(up_ticks=loser_ticks, uma_status="resolved")
        if FaultKind.PROPOSED_RESULT not in self._lasts_ms:
            return None
        half_ms = self._lasts_ms[FaultKind.PROPOSED_RESULT] // 2
        is_disputed = now_ms >= self._window.resolves_at_ms + half_ms
        return AnnouncedResult(
            up_ticks=_VOID_TICKS if self._is_halved else loser_ticks,
            uma_status="disputed" if is_disputed else "proposed",
        )
