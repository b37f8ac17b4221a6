"""What windows that are over still owe us: complete pairs are merged, the rest is redeemed.

A claim is opened when a window is over in which we hold shares, and closed when the venue has gone
on saying that the account holds none any more, whoever turned them into money: we, the platform's
own redemption, or a person. One such reading proves nothing: the venue's balances lag behind its
trades, and are answered from caches. Until then it is tried again and again, ever more rarely, and
what does not succeed is told as something to be done by hand. A claim that was closed is opened
again when more was bought than was known then. Nothing here forgets.
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
"""So long after a window's end its last trades are settled."""
REDEEM_AFTER_MS = 180_000
"""By then it is resolved, and the platform may have redeemed it by itself."""
TRY_AGAIN_FIRST_MS = 60_000
TRY_AGAIN_MAX_MS = 3_600_000
EMPTY_FOR_MS = 60_000
"""A claim is closed when every reading has shown no shares for so long,"""
EMPTY_READINGS = 3
"""and so many of them, for the clock may jump."""
BY_HAND_AFTER = 3
"""After so many failures it is told as something to do."""


@attrs.frozen(kw_only=True)
class Claim:
    """A window that is over, and in which the account may still hold shares."""

    market: Market
    failed_count: int = 0
    next_at_ms: int = 0
    reason: str = ""
    """Of the last failure."""


@attrs.define
class _Empty:
    """Since when, and how often, every reading has shown that no shares are held."""

    since_ms: int
    readings_count: int = 0


@attrs.frozen
class ClaimOpened:
    """Recorded: a window is over, and we hold shares of it."""

    market_id: str


@attrs.frozen
class ClaimClosed:
    """Recorded: the account holds no shares of the window any more."""

    market_id: str


class Claims:
    """All claims that are open; at most one transaction is under way."""

    def __init__(self) -> None:
        self._claims: dict[str, Claim] = {}
        self._closed: dict[str, int] = {}
        """Market ids of claims that were closed since the start, and what had been bought then."""
        self._bought: dict[str, int] = {}
        """What is known to have been bought in windows that are over, by market id."""
        self._empty: dict[str, _Empty] = {}
        self._under_way = ""

    def clock_set_back(self, by_ms: int) -> None:
        """What was read is as long ago as before."""
        for empty in self._empty.values():
            empty.since_ms -= by_ms

    def load(self, value: object) -> None:
        """Take over a recorded row."""
        if isinstance(value, Claim):
            self._claims[value.market.market_id] = value

    @property
    def tokens(self) -> tuple[str, ...]:
        """Tokens whose balances tell how the claims stand."""
        return tuple(claim.market.token(side) for claim in self._claims.values() for side in Side)

    def open_for(self, orders: Iterable[LiveOrder], now_ms: int) -> Effects:
        """Open a claim for each window that is over and was traded; done before rows are closed."""
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

    def take(self, read: AccountRead, now_ms: int) -> Effects:
        """Look at the balances: close what is paid, and go on with what is not."""
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
        """A transaction is over; whether it was enough, the balances tell."""
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
        """Say at a start what is still to be done."""
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
        """Close a claim whose shares are gone, once that has lasted."""
        market = claim.market
        if now_ms < market.closes_at_ms + MERGE_AFTER_MS:
            return []  # what was bought last may not have arrived yet
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
            Log("info", f"{market.slug}: the account holds no shares of it any more"),
        ]


def _bought_units(live: LiveOrder) -> int:
    """What an order bought, as far as it did not fail."""
    if live.intent.action is not Action.BUY:
        return 0
    stand = (trade for trade in live.trades if trade.settlement is not Settlement.FAILED)
    return sum(trade.fill.size_units for trade in stand)


def _to_do(claim: Claim) -> Log:
    return Log(
        "warning",
        f"to do by hand: redeem the shares of {claim.market.slug}; it failed "
        f"{claim.failed_count} times, last: {claim.reason}",
    )
