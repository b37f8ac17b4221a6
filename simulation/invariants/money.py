"""Invariant 6: position = the sum of the fills that stand, each once, in exact integers."""

from __future__ import annotations

from actors.core import Record
from actors.messages.directory import MarketResolved
from actors.messages.position import PositionSnapshot, WindowSettled
from actors.position.core import EntryChanged
from actors.position.ledger import LedgerEntry, WindowLedger
from audit.books import standing_parts
from audit.sums import Sums, sums, told_by
from simulation.invariants.invariant import ANYTHING, Actor, Invariant, recorded, said


class VersionsGrow(Invariant):
    """Every change of the ledger has a version of its own, higher than all before."""

    number = 6

    @recorded(ANYTHING)
    def check(self, actor: Actor, record: Record) -> None:
        """Compare the windows that changed with the newest version."""
        for save in record.saves:
            ledger = save.value
            if isinstance(ledger, WindowLedger) and save.is_open:
                self.require(
                    ledger.version > self.facts.version,
                    "{} records {} at version {}, after version {}",
                    actor.role,
                    ledger.market.slug,
                    ledger.version,
                    self.facts.version,
                )


class EachFillOnce(Invariant):
    """A booking adds or reverses one fill that the venue knows, and changes no other entry."""

    number = 6

    @recorded(EntryChanged)
    def check(self, _actor: Actor, record: Record) -> None:
        """Compare the ledger before and after."""
        event = record.event
        if not isinstance(event, EntryChanged):
            return
        entry = event.entry
        self._check_source(event.market_id, entry)
        known = self.facts.ledgers.get(event.market_id)
        before = {_pair(each): each for each in known.entries} if known is not None else {}
        for save in record.saves:
            after = save.value
            if isinstance(after, WindowLedger) and save.key == event.market_id:
                pairs = [_pair(each) for each in after.entries]
                self.require(
                    len(set(pairs)) == len(pairs), "{} books a fill twice", after.market.slug
                )
                is_sum = {_pair(each): each for each in after.entries} == {
                    **before,
                    _pair(entry): entry,
                }
                self.require(is_sum, "booking {!r} has changed other entries", entry)

    def _check_source(self, market_id: str, entry: LedgerEntry) -> None:
        order_id, trade_id = entry.order_id, entry.fill.trade_id
        fill = self.facts.evidence.fills(order_id).get(trade_id)
        self.require(
            fill == entry.fill, "{!r} is booked, the venue's own record is {!r}", entry, fill
        )
        is_failed = trade_id in self.facts.evidence.failed(order_id)
        self.require(
            entry.reversed_version is None or is_failed,
            "{!r} is reversed, and the venue stands by it",
            entry,
        )
        intent = self.facts.orders[order_id].state.intent
        is_same = (intent.market.market_id, intent.side, intent.action) == (
            market_id,
            entry.side,
            entry.action,
        )
        self.require(is_same, "{!r} is booked in {}, its order is {!r}", entry, market_id, intent)


class SumsAreExact(Invariant):
    """Reported positions and results equal plain sums over the recorded fills."""

    number = 6

    def forget(self) -> None:
        """Forget everything."""
        self._known: dict[str, tuple[WindowLedger, Sums]] = {}
        """The sums of each window's newest recorded ledger."""

    @said(PositionSnapshot)
    def check_position(self, actor: Actor, message: PositionSnapshot) -> None:
        """Check quantities, fees, and proceeds minus cost."""
        if not actor.is_current or message.market_id not in self.facts.ledgers:
            return
        expected = self._expected(message.market_id)
        is_same = told_by(message) == expected
        self.require(is_same, "{!r} is told, the fills add up to {!r}", message, expected)

    @said(WindowSettled)
    def check_settled(self, actor: Actor, message: WindowSettled) -> None:
        """Check the window's result and the total of all."""
        if not actor.is_current:
            return
        expected = self._expected(message.market_id)
        self.require(
            message.pnl_nanos == expected.pnl_nanos(message.winner),
            "{!r} is told, the fills add up to {!r}",
            message,
            expected,
        )
        total_nanos = sum(
            self._expected(market_id).pnl_nanos(each.result.winner)
            for market_id, each in self.facts.ledgers.items()
            if each.result is not None
        )
        self.require(
            message.total_pnl_nanos == total_nanos,
            "{}: total {} is told, it is {}",
            message.slug,
            message.total_pnl_nanos,
            total_nanos,
        )

    def _expected(self, market_id: str) -> Sums:
        ledger = self.facts.ledgers[market_id]
        known = self._known.get(market_id)
        if known is None or known[0] is not ledger:
            known = self._known[market_id] = ledger, sums(standing_parts(ledger))
        return known[1]


class RightWinner(Invariant):
    """A window is settled by the venue's result."""

    number = 6

    @recorded(MarketResolved)
    def check(self, actor: Actor, record: Record) -> None:
        """Compare with the venue's own result."""
        event = record.event
        if isinstance(event, MarketResolved):
            winner = self.truth.winner(event.market_id)
            self.require(
                event.winner is winner,
                "{} records {!r}, the winner is {}",
                actor.role,
                event,
                winner,
            )


def _pair(entry: LedgerEntry) -> tuple[str, str]:
    return entry.fill.trade_id, entry.order_id
