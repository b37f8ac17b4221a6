"""What goes wrong with orders, on command or by chance.

Each kind is something that users of the real venue reported. A command says how often from now on;
a chance says which share of all suffers, and is drawn from the exchange's seed and the name of what
suffers. So two runs with the same seed and the same orders have the same faults.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Mapping
from random import Random

import attrs


class OrderFaultKind(enum.Enum):
    """What can go wrong with requests, orders, trades and events."""

    # a request: what is done is done, and only the answer suffers; except RESET
    LOST_ANSWER = "lost_answer"
    """It is carried out; then the connection is cut without an answer."""
    SERVER_ERROR = "server_error"
    """It is carried out; then it is answered with 500."""
    SLOW_ANSWER = "slow_answer"
    """It is carried out; the answer comes ``for_ms`` later."""
    PACKED_ANSWER = "packed_answer"
    """It is carried out; the answer is a megabyte of gzip that unpacks to a gigabyte."""
    NESTED_ANSWER = "nested_answer"
    """It is carried out; the answer is a hundred thousand lists within each other."""
    ENDLESS_ANSWER = "endless_answer"
    """It is carried out; the answer is longer than anyone would read."""
    RESET = "reset"
    """The connection is cut before anything was done."""
    RATE_LIMITED = "rate_limited"
    """It is refused with 429; the header names ``for_ms``."""
    GEOBLOCKED = "geoblocked"
    """It is refused with 403, as from a country where the venue does not serve."""

    # an order
    LONG_DELAY = "long_delay"
    """If it is marketable it waits for ``for_ms`` instead of the usual quarter of a second."""
    UNMATCHED = "unmatched"
    """It is accepted and answered ``unmatched``, which clients take for a refusal."""
    HIDDEN_ORDER = "hidden_order"
    """For ``for_ms`` no read shows the order or its trades."""
    PARTIAL_BATCH = "partial_batch"
    """Of the orders of a batch only the first is accepted."""
    SHORT_MATCH = "short_match"
    """It counts as MATCHED with less than was ordered: what it has not traded yet goes, or its last
    trade is a little smaller than what was left of it (F29)."""
    EXCESS_FILL = "excess_fill"
    """Its last trade is a little larger than what was left of it (F40)."""

    # a trade
    GHOST_FILL = "ghost_fill"
    """It fails on the chain: money and shares go back."""
    RETRIED_TRADE = "retried_trade"
    """It fails on the chain at first, and then does not."""
    LATE_FAILURE = "late_failure"
    """It is confirmed, and then fails after all (F41)."""
    UNREADABLE_PART = "unreadable_part"
    """A stranger's part in it cannot be read: no amount, none at all, or no order (F30)."""
    REPEATED_ROW = "repeated_row"
    """Every reading tells its row twice, as pages that overlap do (F39)."""
    SHARE_LAG = "share_lag"
    """The shares it brings cannot be sold for ``for_ms``, or until the balance is updated."""

    # a window
    PROPOSED_RESULT = "proposed_result"
    """For ``for_ms`` after its time it is closed and its result only proposed, then disputed:
    half each, or for the loser (F33)."""
    OVERTURNED_RESULT = "overturned_result"
    """For ``for_ms`` it is resolved for the loser, and then for the winner (F33)."""
    UNSURE_FEES = "unsure_fees"
    """Its metadata tells a fee rate of 0 beside the legacy fees; ``/fee-rate`` tells it (F42)."""
    UNKNOWN_FEES = "unknown_fees"
    """So, and ``/fee-rate`` does not answer either (F42)."""
    NOT_ACCEPTING = "not_accepting"
    """Until ``for_ms`` after its start it says that it takes no orders (F46)."""
    INACTIVE = "inactive"
    """So long it is not active (F46)."""
    CLOSED_EARLY = "closed_early"
    """So long it says that it is closed (F46)."""
    NEGATIVE_RISK = "negative_risk"
    """So long it says that it is a negative-risk market (F46)."""
    QUARTER_CENT_GRID = "quarter_cent_grid"
    """From ``for_ms`` after its start on, or at once if that is over, its grid is 0.0025 (F46)."""
    HUNDREDTH_CENT_GRID = "hundredth_cent_grid"
    """From then on its grid is 0.0001 (F46)."""

    # a transaction that a wallet sends to the chain by itself
    REVERTED_TRANSACTION = "reverted_transaction"
    """It is mined, and fails."""

    # an event of the user channel
    DUPLICATE_EVENT = "duplicate_event"
    """It is sent again a little later."""
    LATE_EVENT = "late_event"
    """It is sent after others that happened later."""

    # the exchange, at once
    RESTART = "restart"
    """Order entry is away for ``for_ms``, then post-only for two minutes."""
    POST_ONLY = "post_only"
    CANCEL_ONLY = "cancel_only"
    DISABLED = "disabled"
    UNAUTHORIZED = "unauthorized"
    """For ``for_ms`` every proof by an API key is refused with 401, however new the key is."""
    REVOKED_KEYS = "revoked_keys"
    """All API keys are valid no more; new ones, of other names, can be had."""
    CLOCK_SKEW = "clock_skew"
    """The clock that clients are measured by is ``for_ms`` ahead; negative: behind."""
    CANCEL_BY_VENUE = "cancel_by_venue"
    """All resting orders are cancelled, as if their wallets no longer had the money."""
    REPLAY = "replay"
    """The last ``count`` events of the user channel are sent again."""
    CALL_OFF = "call_off"
    """All of the above is called off."""


class FaultTarget(enum.Enum):
    """Which requests a fault is for."""

    ORDERS = "orders"
    """Those that place orders."""
    CANCELS = "cancels"


RESULT_FAULTS = (OrderFaultKind.PROPOSED_RESULT, OrderFaultKind.OVERTURNED_RESULT)
"""Drawn for a window when its time is over."""
OPENING_FAULTS = (
    OrderFaultKind.UNSURE_FEES,
    OrderFaultKind.UNKNOWN_FEES,
    OrderFaultKind.NOT_ACCEPTING,
    OrderFaultKind.INACTIVE,
    OrderFaultKind.CLOSED_EARLY,
    OrderFaultKind.NEGATIVE_RISK,
    OrderFaultKind.QUARTER_CENT_GRID,
    OrderFaultKind.HUNDREDTH_CENT_GRID,
)
"""Drawn for a window shortly before it begins."""
IMMEDIATE_FAULTS = frozenset(
    {
        OrderFaultKind.RESTART,
        OrderFaultKind.POST_ONLY,
        OrderFaultKind.CANCEL_ONLY,
        OrderFaultKind.DISABLED,
        OrderFaultKind.UNAUTHORIZED,
        OrderFaultKind.REVOKED_KEYS,
        OrderFaultKind.CLOCK_SKEW,
        OrderFaultKind.CANCEL_BY_VENUE,
        OrderFaultKind.REPLAY,
        OrderFaultKind.CALL_OFF,
    }
)

DEFAULT_MS = {
    OrderFaultKind.SLOW_ANSWER: 3_000,
    OrderFaultKind.RATE_LIMITED: 2_000,
    OrderFaultKind.LONG_DELAY: 5_000,
    OrderFaultKind.HIDDEN_ORDER: 3_000,
    OrderFaultKind.SHARE_LAG: 5_000,
    OrderFaultKind.PROPOSED_RESULT: 60_000,
    OrderFaultKind.OVERTURNED_RESULT: 60_000,
    OrderFaultKind.NOT_ACCEPTING: 60_000,
    OrderFaultKind.INACTIVE: 60_000,
    OrderFaultKind.CLOSED_EARLY: 60_000,
    OrderFaultKind.NEGATIVE_RISK: 3_600_000,
    OrderFaultKind.QUARTER_CENT_GRID: 30_000,
    OrderFaultKind.HUNDREDTH_CENT_GRID: 30_000,
    OrderFaultKind.RESTART: 90_000,
    OrderFaultKind.POST_ONLY: 120_000,
    OrderFaultKind.CANCEL_ONLY: 60_000,
    OrderFaultKind.DISABLED: 60_000,
    OrderFaultKind.UNAUTHORIZED: 60_000,
    OrderFaultKind.CLOCK_SKEW: 45_000,
}
"""How long each lasts if nothing is said, in ms of venue time."""


@attrs.frozen(kw_only=True)
class OrderFault:
    """A command: let this go wrong from now on."""

    kind: OrderFaultKind
    count: int = 1
    """How many requests, orders, trades or events suffer."""
    for_ms: int | None = None
    """How long, for kinds that last; None for their usual time."""
    target: FaultTarget = FaultTarget.ORDERS

    @property
    def lasts_ms(self) -> int:
        """How long it lasts."""
        return DEFAULT_MS.get(self.kind, 0) if self.for_ms is None else self.for_ms


class OrderFaults:
    """Which of them are still to come, and the dice for those that come by chance."""

    def __init__(self, seed: int, chances: Mapping[OrderFaultKind, float] | None = None) -> None:
        self._seed = seed
        self._chances = dict(chances or {})
        self._left: Counter[tuple[OrderFaultKind, FaultTarget]] = Counter()
        self._lasts_ms = dict(DEFAULT_MS)
        self.injected: Counter[OrderFaultKind] = Counter()
        """How often each has happened."""

    def plan(self, fault: OrderFault) -> None:
        """Let the next ones suffer."""
        self._left[fault.kind, fault.target] = fault.count
        self._lasts_ms[fault.kind] = fault.lasts_ms

    def call_off(self) -> None:
        """Let nothing go wrong any more, by command or by chance."""
        self._left.clear()
        self._chances.clear()

    def strikes(
        self,
        kind: OrderFaultKind,
        name: str,
        target: FaultTarget = FaultTarget.ORDERS,
        *,
        by_chance: bool = True,
    ) -> bool:
        """Whether this order, trade, event, window or request suffers.

        Args:
            kind: what may go wrong.
            name: what it may go wrong with; the dice depend on it.
            target: which commands count; chances are for orders alone.
            by_chance: whether it may suffer without a command; once for each name.
        """
        is_struck = self._left[kind, target] > 0
        if is_struck:
            self._left[kind, target] -= 1
        elif by_chance and target is FaultTarget.ORDERS and kind in self._chances:
            dice = Random(f"{self._seed}/{kind.value}/{name}")
            is_struck = dice.random() < self._chances[kind]
        if is_struck:
            self.injected[kind] += 1
        return is_struck

    def lasts_ms(self, kind: OrderFaultKind) -> int:
        """How long a fault of this kind lasts; 0 if that means nothing."""
        return self._lasts_ms.get(kind, 0)
