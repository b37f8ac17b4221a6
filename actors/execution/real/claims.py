"""What windows that are over still owe us: complete pairs are merged, the rest is redeemed.

A claim is opened when a window is over in which we hold shares, and closed when the venue says that
the account holds none any more, whoever turned them into money: we, the platform's own redemption,
or a person. Until then it is tried again and again, ever more rarely, and what does not succeed is
told as something to be done by hand. Nothing here forgets.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from actors.core import Command, Effects, Log, Record, Save
from actors.directory.messages import Market, Side
from actors.execution.real.comparison import TOLERANCE_UNITS
from actors.execution.real.live_order import LiveOrder
from actors.execution.real.messages import AccountRead, ClaimFailed, ClaimHoldings, HoldingsClaimed
from actors.feeds.user_channel import Settlement
from actors.strategy.messages import Action

MERGE_AFTER_MS = 20_000
"""So long after a window's end its last trades are settled."""
REDEEM_AFTER_MS = 180_000
"""By then it is resolved, and the platform may have redeemed it by itself."""
TRY_AGAIN_FIRST_MS = 60_000
TRY_AGAIN_MAX_MS = 3_600_000
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
        self._closed: set[str] = set()
        self._under_way = ""

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
        for live in orders:
            market = live.intent.market
            is_known = market.market_id in self._claims or market.market_id in self._closed
            if now_ms >= market.closes_at_ms and not is_known and _bought(live):
                claim = Claim(market=market, next_at_ms=market.closes_at_ms + MERGE_AFTER_MS)
                effects.append(self._record(claim, ClaimOpened(market.market_id)))
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
                effects += self._close(claim, now_ms)
            else:
                effects += self._try(claim, yes_units, no_units, now_ms)
        return effects

    def answered(self, event: HoldingsClaimed | ClaimFailed, now_ms: int) -> Effects:
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

    def _close(self, claim: Claim, now_ms: int) -> Effects:
        market = claim.market
        if now_ms < market.closes_at_ms + MERGE_AFTER_MS:
            return []  # what was bought last may not have arrived yet
        del self._claims[market.market_id]
        self._closed.add(market.market_id)
        save = Save("claim", market.market_id, claim, is_open=False)
        return [
            Record(ClaimClosed(market.market_id), (save,)),
            Log("info", f"{market.slug}: the account holds no shares of it any more"),
        ]


def _bought(live: LiveOrder) -> bool:
    is_buy = live.intent.action is Action.BUY
    return is_buy and any(trade.settlement is not Settlement.FAILED for trade in live.trades)


def _to_do(claim: Claim) -> Log:
    return Log(
        "warning",
        f"to do by hand: redeem the shares of {claim.market.slug}; it failed "
        f"{claim.failed_count} times, last: {claim.reason}",
    )
