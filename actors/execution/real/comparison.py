"""Compares the ledger's position of the open window with the venue's trades and balances.

Both sides change all the time, so one difference proves nothing: a fill may be on its way to the
ledger. A difference counts when several readings over some seconds show the same one, and a reading
is discarded if the window trades before the ledger has answered. Balances follow the chain, so they
count only when every trade of the window is settled. They are given more time, because the venue
caches them.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from actors.core import earlier
from actors.execution.real.user_channel import Settlement, TradeAllocation
from actors.messages.position import PositionSnapshot
from actors.model import Action, Market, Side
from actors.units import UNITS_PER_SHARE, size_text

TOLERANCE_UNITS = UNITS_PER_SHARE // 20
"""Tolerated rounding between trades, fees and balances, for a whole window."""
PATIENCE_MS = 10_000
RESTART_PATIENCE_MS = 5_000
"""Real time in which a crashed ledger is restarted and has received all its fills."""
BALANCE_PATIENCE_MS = 60_000
_BALANCE_FACTOR = BALANCE_PATIENCE_MS // PATIENCE_MS
_CHANGING_FACTOR = 6
"""A difference that is another one each time is given so many times the patience."""
DISAGREEMENTS_MIN = 3

Units = dict[Side, int]


@attrs.frozen(kw_only=True)
class VenueHoldings:
    """The account's holdings in a window, as reported by the venue."""

    market: Market
    by_trades: Units
    by_balances: Units | None
    """None while a trade is unsettled, or if the balances were not read."""


def venue_holdings(
    market: Market, parts: Iterable[TradeAllocation], balances: dict[str, int]
) -> VenueHoldings:
    """Add up the account's own parts of a window's trades, each (trade, order) once.

    A reading may show a trade twice, because pages shift while they are read (F39). The later row
    counts, unless the trade had already failed.
    """
    once: dict[tuple[str, str], TradeAllocation] = {}
    for part in parts:
        key = (part.trade_id, part.venue_order_id)
        known = once.get(key)
        if known is None or known.settlement is not Settlement.FAILED:
            once[key] = part
    by_trades = dict.fromkeys(Side, 0)
    is_settled = True
    for part in once.values():
        is_settled = is_settled and part.settlement.is_settled
        if part.settlement is not Settlement.FAILED:
            sign = 1 if part.action is Action.BUY else -1
            by_trades[market.side(part.token)] += sign * part.size_units
    tokens = {side: market.token(side) for side in Side}
    has_balances = is_settled and all(token in balances for token in tokens.values())
    return VenueHoldings(
        market=market,
        by_trades=by_trades,
        by_balances={side: balances[tokens[side]] for side in Side} if has_balances else None,
    )


@attrs.define
class _Sightings:
    """Since when, and how often, something was seen."""

    since_ms: int
    count: int = 0

    def lasts(self, now_ms: int, patience_ms: int) -> bool:
        return now_ms - self.since_ms >= patience_ms and self.count >= DISAGREEMENTS_MIN


@attrs.define
class _Difference:
    """How long the ledger has differed from the venue's trades, or from its balances.

    While a window trades, each comparison may differ by another trade that is still on its way. So
    each size of a difference is counted by itself, until the two agree.
    """

    patience_ms: int
    text: str = ""
    _by_size: dict[tuple[int, ...], _Sightings] = attrs.field(factory=dict)

    def clear(self) -> None:
        self.text = ""
        self._by_size.clear()

    def note(self, size: tuple[int, ...], text: str, now_ms: int) -> None:
        if not text:
            self.clear()
            return
        self.text = text
        self._by_size.setdefault(size, _Sightings(now_ms)).count += 1

    def lasts(self, now_ms: int) -> bool:
        sizes = self._by_size.values()
        if not sizes:
            return False
        total = _Sightings(min(each.since_ms for each in sizes), sum(each.count for each in sizes))
        return total.lasts(now_ms, self.patience_ms * _CHANGING_FACTOR) or any(
            each.lasts(now_ms, self.patience_ms) for each in sizes
        )

    def clock_set_back(self, by_ms: int) -> None:
        for each in self._by_size.values():
            each.since_ms -= by_ms


class Comparison:
    """Compares ledger and venue for one window at a time, the open one."""

    def __init__(self, speed: float = 1.0) -> None:
        patience_ms = max(PATIENCE_MS, int(RESTART_PATIENCE_MS * speed))
        self._holdings: VenueHoldings | None = None
        self._agreed_market_id = ""
        self._by_trades = _Difference(patience_ms)
        self._by_balances = _Difference(patience_ms * _BALANCE_FACTOR)
        self._traded_at_ms: int | None = None
        self.mismatch = ""
        """Why trading must stop, with both holdings; empty while they agree."""

    def is_agreed(self, market_id: str) -> bool:
        """Return whether ledger and venue have agreed on this window and no mismatch was found."""
        return self._agreed_market_id == market_id and not self.mismatch

    @property
    def differs(self) -> bool:
        """Whether the last comparison found a difference, which may be temporary."""
        return bool(self._by_trades.text or self._by_balances.text)

    @property
    def is_waiting(self) -> bool:
        """Whether a reading waits for the ledger's answer."""
        return self._holdings is not None

    def take_holdings(self, holdings: VenueHoldings, began_at_ms: int) -> None:
        """Store a reading until the ledger has answered, unless the window has traded meanwhile.

        Args:
            holdings: what the venue showed.
            began_at_ms: when the reading began. It may not show what traded since.
        """
        has_traded = self._traded_at_ms is not None and began_at_ms <= self._traded_at_ms
        self._holdings = None if has_traded else holdings

    def discard(self) -> None:
        """Discard the reading: it proves nothing."""
        self._holdings = None

    def note_trade(self, now_ms: int) -> None:
        """Discard the reading, also one that is under way: the window trades."""
        self._holdings, self._traded_at_ms = None, now_ms

    def clock_set_back(self, by_ms: int) -> None:
        """Shift the starts of differences back by as much as the clock was."""
        for difference in (self._by_trades, self._by_balances):
            difference.clock_set_back(by_ms)
        self._traded_at_ms = earlier(self._traded_at_ms, by_ms)

    def forget(self) -> None:
        """Forget the previous window's findings, since another window opens."""
        self._holdings = None
        self._by_trades.clear()
        self._by_balances.clear()

    def take_position(self, snapshot: PositionSnapshot, now_ms: int) -> None:
        """Compare the ledger's answer with the last reading."""
        holdings = self._holdings
        if holdings is None or holdings.market.market_id != snapshot.market_id:
            return
        self._holdings = None
        ledger = {side: snapshot.holding(side).quantity_units for side in Side}
        self._by_trades.note(*_differ(holdings, ledger, holdings.by_trades, "trades"), now_ms)
        if holdings.by_balances is not None:
            differing = _differ(holdings, ledger, holdings.by_balances, "balances")
            self._by_balances.note(*differing, now_ms)
        if not self.differs:
            self._agreed_market_id = snapshot.market_id
        for difference in (self._by_trades, self._by_balances):
            if difference.lasts(now_ms):
                self.mismatch = difference.text


def _differ(
    holdings: VenueHoldings, ledger: Units, venue: Units, what: str
) -> tuple[tuple[int, ...], str]:
    """Return by how many units the two differ on each side, and a sentence; empty if they agree."""
    size = tuple(ledger[side] - venue[side] for side in Side)
    if all(abs(units) <= TOLERANCE_UNITS for units in size):
        return size, ""
    return size, (
        f"{holdings.market.slug}: the ledger holds {_shown(ledger)}, the venue's {what} say "
        f"{_shown(venue)}"
    )


def _shown(units: Units) -> str:
    return " and ".join(f"{size_text(units[side])} {side.value}" for side in Side)
