"""What befalls requests, and the exchange as a whole, until it is told to stop."""

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
    """Nothing is known of what became of a request."""


class NotSent(Exception):
    """No connection was made, so a request cannot have arrived."""


@attrs.frozen(kw_only=True)
class Passage:
    """How one request fares on its way; drawn before it leaves."""

    before: Exception | None = None
    """It does not arrive, or is refused at the door."""
    after: Exception | None = None
    """It is carried out, and this is what its sender learns."""
    there_ms: int
    back_ms: int
    cut_ms: int | None = None
    """So soon its sender gives it up, whether it has arrived or not; None if it waits."""


class Mishaps:
    """Draws how requests fare, and counts what goes wrong."""

    def __init__(self, rates: LiveFaultRates, desk_faults: OrderFaults, chance: Random) -> None:
        self._rates = rates
        self._desk_faults = desk_faults
        self._chance = chance
        self._counts = dict.fromkeys(LiveFaultRates.meanings(), 0)

    @property
    def counts(self) -> Mapping[str, int]:
        """How often each kind has struck, those that the order desk draws included."""
        injected = self._desk_faults.injected
        return {
            name: count + (injected[OF_EXCHANGE[name]] if name in OF_EXCHANGE else 0)
            for name, count in self._counts.items()
        }

    def heal(self) -> None:
        """From now on nothing goes wrong; markets go on to move."""
        self._rates = LiveFaultRates(slips=self._rates.slips)
        self._desk_faults.call_off()

    def strikes(self, kind: str) -> bool:
        """Draw whether a kind that has a chance strikes now."""
        chance: float = getattr(self._rates, kind)
        is_struck = chance > 0 and self._chance.random() < chance
        self._counts[kind] += is_struck
        return is_struck

    def way_ms(self) -> int:
        """How long a request or an answer usually takes."""
        return 10 + int(self._chance.random() * 50)

    def plain_passage(self) -> Passage:
        """Draw whether a request that is about no order arrives."""
        there_ms, back_ms = self.way_ms(), self.way_ms()
        if not self.strikes("reset"):
            return Passage(there_ms=there_ms, back_ms=back_ms)
        is_refused = self._chance.random() < 0.5
        before = NotSent("refused") if is_refused else Lost("the connection broke")
        return Passage(before=before, there_ms=there_ms, back_ms=0)

    def passage(self) -> Passage:
        """Draw how a request fares that places or cancels orders."""
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
        """Of a request that is carried out: its sender sees the connection break, or waits long."""
        match self._chance.randrange(3):
            case 0:
                there_ms += int(self._chance.random() * _SLOW_REQUEST_MOST_MS)
                return Passage(there_ms=there_ms, back_ms=back_ms, cut_ms=back_ms)
            case 1:
                return Passage(after=Lost("it broke off"), there_ms=there_ms, back_ms=back_ms)
        timeout_ms = back_ms + _TIMEOUT_MS
        return Passage(after=Lost("no answer in 10 s"), there_ms=there_ms, back_ms=timeout_ms)

    # What befalls the exchange at once

    def restart(self, entry: OrderEntry, now_ms: int) -> None:
        """Let order entry be away for a while, and then be post-only."""
        entry.restart(now_ms, int(self._chance.random() * _RESTART_MOST_MS))

    def restrict(self, entry: OrderEntry, now_ms: int) -> None:
        """Let order entry take only some requests, or none."""
        modes = (EntryMode.POST_ONLY, EntryMode.CANCEL_ONLY, EntryMode.DISABLED)
        for_ms = int(self._chance.random() * _RESTRICTION_MOST_MS)
        entry.restrict(self._chance.choice(modes), now_ms, for_ms)

    def replayed_count(self) -> int:
        """How many of the last events are told again."""
        return self._chance.randint(1, _REPLAYED_MOST)
