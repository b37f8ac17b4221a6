"""Redemptions: turn the shares that are left from ended windows into money on the chain.

Complete pairs are merged; other shares are redeemed once the window is resolved. A claim is opened
when a window ends in which the account holds shares. It is closed when several readings over some
time show that the account holds none, whether this system, the platform's automatic redemption or a
person turned them into money. A single reading proves nothing, because the venue's balances lag
behind its trades and are cached. Failed transactions are retried with growing delays, and after
some failures a warning asks the operator to redeem by hand. A closed claim is opened again if more
shares turn out to have been bought than were known. A claim is never dropped otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from actors.core import Command, Effects, Log, Record, Save
from actors.execution.real.comparison import TOLERANCE_UNITS
from actors.execution.real.live_order import LiveOrder
from actors.execution.real.messages import AccountRead, ClaimEvent, ClaimHoldings, HoldingsClaimed
from actors.execution.real.user_channel import Settlement
from actors.model import Action, Market, Side

MERGE_AFTER_MS = 20_000
"""Time after a window's end by which its last trades are settled."""
REDEEM_AFTER_MS = 180_000
"""Time after a window's end by which it is resolved, and the platform may have redeemed it."""
TRY_AGAIN_FIRST_MS = 60_000
TRY_AGAIN_MAX_MS = 3_600_000
EMPTY_FOR_MS = 60_000
"""How long every reading must have shown no shares before a claim is closed."""
EMPTY_READINGS = 3
"""How many such readings are needed as well, since the clock may jump."""
BY_HAND_AFTER = 3
"""Number of failures after which the operator is asked to redeem by hand."""


@attrs.frozen(kw_only=True)
class Claim:
    """An ended window in which the account may still hold shares."""

    market: Market
    failed_count: int = 0
    next_at_ms: int = 0
    reason: str = ""
    """Reason of the last failure."""


@attrs.define
class _Empty:
    """Since when, and in how many readings, no shares were held."""

    since_ms: int
    readings_count: int = 0


@attrs.frozen
class ClaimOpened:
    """Recorded: a window has ended, and the account holds shares of it."""

    market_id: str


@attrs.frozen
class ClaimClosed:
    """Recorded: the account no longer holds shares of the window."""

    market_id: str


class Redemptions:
    """All open claims; at most one transaction is in flight."""

    def __init__(self) -> None:
        self._claims: dict[str, Claim] = {}
        self._closed: dict[str, int] = {}
        """Units bought when the claim was closed, by market id, for claims closed since the
        start."""
        self._bought: dict[str, int] = {}
        """Units known to have been bought in ended windows, by market id."""
        self._empty: dict[str, _Empty] = {}
        self._under_way = ""

    def clock_set_back(self, by_ms: int) -> None:
        """Shift the times of readings back by as much as the clock was."""
        for empty in self._empty.values():
            empty.since_ms -= by_ms

    def load(self, value: object) -> None:
        """Restore a recorded claim."""
        if isinstance(value, Claim):
            self._claims[value.market.market_id] = value

    @property
    def tokens(self) -> tuple[str, ...]:
        """Tokens whose balances the claims need."""
        return tuple(claim.market.token(side) for claim in self._claims.values() for side in Side)

    def open_for(self, orders: Iterable[LiveOrder], now_ms: int) -> Effects:
        """Open a claim for each ended window with purchases; must run before orders are closed."""
        effects: Effects = []
        markets: dict[str, Market] = {}
        self._bought = {}
        for live in orders:
            market, units = live.intent.market, _bought_units(live)
            if now_ms >= market.closes_at_ms and units:
                markets[market.market_id] = market
                self._bought[market.market_id] = self._bought.get(market.market_id, 0) + units
        for market_id, market in markets.items():
            is_closed = self._bought[market_id] <= self._closed.get(market_id, 0)
            if market_id not in self._claims and not is_closed:
                claim = Claim(market=market, next_at_ms=market.closes_at_ms + MERGE_AFTER_MS)
                effects.append(self._record(claim, ClaimOpened(market_id)))
        return effects

    def check_balances(self, read: AccountRead, now_ms: int) -> Effects:
        """Check the balances: close claims without shares, and go on with the others."""
        balances = dict(read.balances)
        effects: Effects = []
        for claim in list(self._claims.values()):
            held = {side: balances.get(claim.market.token(side)) for side in Side}
            yes_units, no_units = held[Side.YES], held[Side.NO]
            if yes_units is None or no_units is None:
                continue
            if max(yes_units, no_units) <= TOLERANCE_UNITS:
                effects += self._take_empty(claim, now_ms)
            else:
                self._empty.pop(claim.market.market_id, None)
                effects += self._try(claim, yes_units, no_units, now_ms)
        return effects

    def answered(self, event: ClaimEvent, now_ms: int) -> Effects:
        """Record a transaction's outcome; the balances show later whether it was enough."""
        self._under_way = ""
        claim = self._claims.get(event.market_id)
        if claim is None:
            return []
        if isinstance(event, HoldingsClaimed):
            text = f"{claim.market.slug}: shares were turned into money"
            later = attrs.evolve(claim, next_at_ms=now_ms + TRY_AGAIN_FIRST_MS)
            return [self._record(later, event), Log("info", text)]
        failed_count = claim.failed_count + 1
        wait_ms = min(TRY_AGAIN_MAX_MS, TRY_AGAIN_FIRST_MS << min(failed_count, 16))
        failed = attrs.evolve(
            claim, failed_count=failed_count, next_at_ms=now_ms + wait_ms, reason=event.reason
        )
        effects: Effects = [self._record(failed, event)]
        if failed_count >= BY_HAND_AFTER:
            effects.append(_to_do(failed))
        return effects

    def remind(self) -> Effects:
        """Repeat at a start which redemptions have failed so far."""
        return [_to_do(claim) for claim in self._claims.values() if claim.failed_count]

    def _try(self, claim: Claim, yes_units: int, no_units: int, now_ms: int) -> Effects:
        if self._under_way or now_ms < claim.next_at_ms:
            return []
        market = claim.market
        pairs_units = min(yes_units, no_units)
        is_redeemable = now_ms >= market.closes_at_ms + REDEEM_AFTER_MS
        if pairs_units <= TOLERANCE_UNITS and not is_redeemable:
            return []
        pairs_units = 0 if is_redeemable else pairs_units
        self._under_way = market.market_id
        return [Command(ClaimHoldings(market_id=market.market_id, pairs_units=pairs_units))]

    def _record(self, claim: Claim, event: object) -> Record:
        self._claims[claim.market.market_id] = claim
        return Record(event, (Save("claim", claim.market.market_id, claim),))

    def _take_empty(self, claim: Claim, now_ms: int) -> Effects:
        """Close a claim once its shares have been gone for long enough."""
        market = claim.market
        if now_ms < market.closes_at_ms + MERGE_AFTER_MS:
            return []  # the last purchases may not have arrived yet
        empty = self._empty.setdefault(market.market_id, _Empty(since_ms=now_ms))
        empty.readings_count += 1
        has_lasted = now_ms - empty.since_ms >= EMPTY_FOR_MS
        if not has_lasted or empty.readings_count < EMPTY_READINGS:
            return []
        del self._claims[market.market_id], self._empty[market.market_id]
        self._closed[market.market_id] = self._bought.get(market.market_id, 0)
        save = Save("claim", market.market_id, claim, is_open=False)
        return [
            Record(ClaimClosed(market.market_id), (save,)),
            Log("info", f"{market.slug}: the account no longer holds shares of it"),
        ]


def _bought_units(live: LiveOrder) -> int:
    """Return the units that an order bought, without trades that failed."""
    if live.intent.action is not Action.BUY:
        return 0
    stand = (trade for trade in live.trades if trade.settlement is not Settlement.FAILED)
    return sum(trade.fill.size_units for trade in stand)


def _to_do(claim: Claim) -> Log:
    return Log(
        "warning",
        f"redeem the shares of {claim.market.slug} by hand: it failed "
        f"{claim.failed_count} times, last: {claim.reason}",
    )
