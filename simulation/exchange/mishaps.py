"""Faults of requests, and of the exchange as a whole, until they are stopped."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

import attrs

from simulation.exchange.order_rates import OF_EXCHANGE, LiveFaultRates
from venue.faults import OrderFaults
from venue.ordering.admission import TOO_MANY_REQUESTS, EntryMode, OrderEntry, RequestRefused

_SERVER_ERROR = "Internal server error"
_SLOW_REQUEST_MOST_MS = 4_000
_SLOW_ANSWER_MOST_MS = 12_000
_TIMEOUT_MS = 10_000
_RETRY_MOST_S = 4
_RESTART_MOST_MS = 60_000
_RESTRICTION_MOST_MS = 40_000
_REPLAYED_MOST = 64


class Lost(Exception):
    """The outcome of a request is unknown."""


class NotSent(Exception):
    """No connection was made, so the request cannot have arrived."""


@attrs.frozen(kw_only=True)
class Passage:
    """What happens to one request; drawn before it is sent."""

    before: Exception | None = None
    """The request does not arrive, or is refused at once."""
    after: Exception | None = None
    """The request is carried out, and its sender gets this error."""
    there_ms: int
    back_ms: int
    cut_ms: int | None = None
    """Time after which its sender gives up, whether it has arrived or not; None if it waits."""


class Mishaps:
    """Draws what happens to requests, and counts the faults."""

    def __init__(self, rates: LiveFaultRates, desk_faults: OrderFaults, chance: Random) -> None:
        self._rates = rates
        self._desk_faults = desk_faults
        self._chance = chance
        self._counts = dict.fromkeys(LiveFaultRates.meanings(), 0)

    @property
    def counts(self) -> Mapping[str, int]:
        """How often each kind has occurred, including those drawn by the order service."""
        injected = self._desk_faults.injected
        return {
            name: count + (injected[OF_EXCHANGE[name]] if name in OF_EXCHANGE else 0)
            for name, count in self._counts.items()
        }

    def heal(self) -> None:
        """Stop all faults; markets go on."""
        self._rates = LiveFaultRates(slips=self._rates.slips)
        self._desk_faults.call_off()

    def strikes(self, kind: str) -> bool:
        """Draw whether a kind with a chance occurs now."""
        chance: float = getattr(self._rates, kind)
        is_struck = chance > 0 and self._chance.random() < chance
        self._counts[kind] += is_struck
        return is_struck

    def way_ms(self) -> int:
        """Draw the usual latency of a request or an answer."""
        return 10 + int(self._chance.random() * 50)

    def plain_passage(self) -> Passage:
        """Draw whether a request that does not concern an order arrives."""
        there_ms, back_ms = self.way_ms(), self.way_ms()
        if not self.strikes("reset"):
            return Passage(there_ms=there_ms, back_ms=back_ms)
        is_refused = self._chance.random() < 0.5
        before = NotSent("refused") if is_refused else Lost("the connection broke")
        return Passage(before=before, there_ms=there_ms, back_ms=0)

    def passage(self) -> Passage:
        """Draw what happens to a request that places or cancels orders."""
        plain = self.plain_passage()
        if plain.before is not None:
            return plain
        there_ms, back_ms = plain.there_ms, plain.back_ms
        if self.strikes("rate_limited"):
            wait_s = self._chance.randint(1, _RETRY_MOST_S)
            refused = RequestRefused(429, TOO_MANY_REQUESTS, retry_after_s=wait_s)
            return Passage(before=refused, there_ms=there_ms, back_ms=back_ms)
        if self.strikes("slow_answer"):
            there_ms += int(self._chance.random() * _SLOW_REQUEST_MOST_MS)
            back_ms += int(self._chance.random() * _SLOW_ANSWER_MOST_MS)
        if self.strikes("lost_answer"):
            return self._lost(there_ms, back_ms)
        is_error = self.strikes("server_error")
        after = RequestRefused(500, _SERVER_ERROR) if is_error else None
        return Passage(after=after, there_ms=there_ms, back_ms=back_ms)

    def _lost(self, there_ms: int, back_ms: int) -> Passage:
        """Return the passage of a request that is carried out, with its answer lost or late."""
        match self._chance.randrange(3):
            case 0:
                there_ms += int(self._chance.random() * _SLOW_REQUEST_MOST_MS)
                return Passage(there_ms=there_ms, back_ms=back_ms, cut_ms=back_ms)
            case 1:
                return Passage(after=Lost("it broke off"), there_ms=there_ms, back_ms=back_ms)
        timeout_ms = back_ms + _TIMEOUT_MS
        return Passage(after=Lost("no answer in 10 s"), there_ms=there_ms, back_ms=timeout_ms)

    # Faults of the whole exchange

    def restart(self, entry: OrderEntry, now_ms: int) -> None:
        """Stop order entry for a while, then make it post-only."""
        entry.restart(now_ms, int(self._chance.random() * _RESTART_MOST_MS))

    def restrict(self, entry: OrderEntry, now_ms: int) -> None:
        """Make order entry accept only some requests, or none."""
        modes = (EntryMode.POST_ONLY, EntryMode.CANCEL_ONLY, EntryMode.DISABLED)
        for_ms = int(self._chance.random() * _RESTRICTION_MOST_MS)
        entry.restrict(self._chance.choice(modes), now_ms, for_ms)

    def replayed_count(self) -> int:
        """Draw how many of the last events are sent again."""
        return self._chance.randint(1, _REPLAYED_MOST)
