"""The ledger: books each fill once, reverses it exactly, and settles windows.

Messages may be repeated, late, or out of order, and are answered in any case: a fill or reversal
that is already in the ledger with the version at which it was booked, a window that is opened again
with its position, a window that is resolved again with its settlement. Nothing is ever too late: a
message about a window that was settled long ago is booked, and the window is settled again, also by
another result if the venue revokes its first one.
"""

from __future__ import annotations

import attrs

from actors.core import Core, Dice, Effects, Log, Recall, Record, Save, Send, handles
from actors.messages.directory import MarketOpened, MarketResolved
from actors.messages.execution import FillReversed, OrderFilled
from actors.messages.lifecycle import PeerRestarted, Recalled, Started
from actors.messages.position import (
    ACCOUNT_RECORD,
    MS_PER_DAY,
    FillBooked,
    LateFailure,
    PositionSnapshot,
    PositionWanted,
    TrackRecord,
)
from actors.model import Side, side_name
from actors.position.ledger import LedgerEntry, WindowLedger
from actors.position.notices import changed_winner, contradiction, failed_late, lateness, oversale
from actors.roles import DESK, DIRECTORY, EXECUTOR, OBSERVER, STRATEGY, base_role, order_role
from actors.settings import Settings
from actors.units import dollars_text

SETTLED_WINDOWS_KEPT = 12
"""Settled windows kept in memory; beyond that the oldest is dropped, and fetched from the journal
if something still arrives for it."""

Told = MarketOpened | OrderFilled | FillReversed | MarketResolved
"""Messages about one window."""

_SNAPSHOT_READERS = (STRATEGY, DESK, OBSERVER)
"""The roles that are sent positions; a strategy only those of its own series."""


@attrs.frozen(kw_only=True)
class LedgerSummary:
    """What the ledger knows beyond the windows in memory."""

    version: int = 0
    settled_pnl_nanos: int = 0
    """Over all windows ever settled."""
    settled_count: int = 0
    let_go_until_ms: int = 0
    """Latest opening of a dropped window: an older window that is not in memory may be one."""
    day: int = 0
    """As in PositionSnapshot."""
    day_pnl_nanos: int = 0
    records: dict[str, TrackRecord] = attrs.field(factory=dict)
    """As in PositionSnapshot."""

    def on_day(self, day: int, pnl_nanos: int) -> tuple[int, int]:
        """The day and its result after a change; a clock may go back, the day does not."""
        if day > self.day:
            return day, pnl_nanos
        return self.day, self.day_pnl_nanos + pnl_nanos


@attrs.frozen(kw_only=True)
class EntryChanged:
    """Recorded: a fill was booked or reversed, and the position after it."""

    market_id: str
    order_id: str
    entry: LedgerEntry
    position: PositionSnapshot


@attrs.frozen(kw_only=True)
class ResultCorrected:
    """Recorded: a settled window is settled again, by a result that contradicts the first.

    The difference counts towards the day on which it became known.
    """

    market_id: str
    slug: str
    before: Side | None
    """None: void."""
    after: Side | None
    pnl_before_nanos: int
    pnl_after_nanos: int
    evidence: str
    """Source of the new result."""


class PositionCore(Core):
    """Owns every window's position, the version counter and the settled result."""

    RECOVERS = ("position", "ledger")

    def __init__(self, role: str, settings: Settings, dice: Dice) -> None:
        super().__init__(role, settings, dice)
        self._summary = LedgerSummary()
        self._windows: dict[str, WindowLedger] = {}

    @handles(Started)
    def start(self, message: Started, _now_ms: int) -> Effects:
        """Recover the ledger, and send what may have been recorded but never sent."""
        for value in message.saved:
            if isinstance(value, LedgerSummary):
                self._summary = value
            elif isinstance(value, WindowLedger):
                self._windows[value.market.market_id] = value
        readers = [role for base in _SNAPSHOT_READERS for role in self.settings.roles(base)]
        return [effect for role in readers for effect in self._all_for(role)]

    @handles(PeerRestarted)
    def tell_peer(self, message: PeerRestarted, _now_ms: int) -> Effects:
        """Bring a new strategy, desk or observer up to date.

        Others ask by themselves: an order about its unanswered fills, the directory about its
        results.
        """
        is_reader = base_role(message.role) in _SNAPSHOT_READERS
        return self._all_for(message.role) if is_reader else []

    @handles(Told)
    def take(self, message: Told, now_ms: int) -> Effects:
        """Take a message about a window; a dropped window is first fetched from the journal."""
        market = message.market
        window = self._windows.get(market.market_id)
        if window is None and market.opens_at_ms <= self._summary.let_go_until_ms:
            return [Recall("position", market.market_id, about=message)]
        return self._take(message, now_ms)

    @handles(Recalled)
    def take_late(self, message: Recalled, now_ms: int) -> Effects:
        """Continue with a message about a window that was dropped, or never heard of."""
        if isinstance(message.value, WindowLedger):
            self._windows.setdefault(message.key, message.value)
        return self._take(message.about, now_ms)

    @handles(LateFailure)
    def take_failure(self, message: LateFailure, now_ms: int) -> Effects:
        """Take back all fills of a failed trade, whichever of our orders it filled."""
        if message.market_id not in self._windows:
            return [Recall("position", message.market_id, about=message)]
        return self._take_failure(message, now_ms)

    def _take_failure(self, message: LateFailure, now_ms: int) -> Effects:
        window = self._windows.get(message.market_id)
        known = [] if window is None else window.entries_of(message.trade_id)
        if window is None or not known:
            return [Send(EXECUTOR, message.answer(self._summary.version))]
        effects: Effects = []
        for entry in known:
            effects += self._enter(entry.reversal(window.market), now_ms)
        standing = [entry for entry in known if entry.reversed_version is None]
        return [*effects, *failed_late(window, standing)]

    def _take(self, message: object, now_ms: int) -> Effects:
        match message:
            case LateFailure():
                return self._take_failure(message, now_ms)
            case MarketOpened():
                return self._open(message, now_ms)
            case OrderFilled() | FillReversed():
                return self._enter(message, now_ms)
            case MarketResolved():
                return self._settle(message, now_ms)
        raise AssertionError(f"{message!r} concerns no window")

    def _open(self, message: MarketOpened, now_ms: int) -> Effects:
        """Open a window with a position of zero; a repetition is answered with the position."""
        window = self._windows.get(message.market.market_id)
        if window is not None:
            return [] if window.is_settled else self._snapshots(window)
        window = WindowLedger(market=message.market, version=self._summary.version + 1)
        return [self._commit(window, window.snapshot(), now_ms), *self._snapshots(window)]

    @handles(PositionWanted)
    def answer(self, message: PositionWanted, _now_ms: int) -> Effects:
        """Send a window's position to the asking role; nothing if it is unknown or dropped."""
        window = self._windows.get(message.market_id)
        return [] if window is None else [Send(message.answer_to, self._snapshot(window))]

    def _settle(self, message: MarketResolved, now_ms: int) -> Effects:
        """Pay out a window by the venue's result; a repetition is answered, not paid twice.

        A result of a higher revision contradicts the previous one and replaces it; one of a lower
        revision was in flight when the venue revoked it.
        """
        window = self._windows.get(message.market.market_id)
        if window is None:
            window = WindowLedger(market=message.market, version=self._summary.version)
        if window.result is None:
            settled = window.settled(message, self._summary.version + 1)
            record = self._commit(settled, message, now_ms)
            told = Send(DESK, self._snapshot(settled))  # the day's result has changed
            return [record, told, *self._settlement(settled)]
        if message.revision > window.result.revision:
            return self._correct(window, window.result, message, now_ms)
        effects = self._settlement(window)
        is_same = message.revision == window.result.revision
        if is_same and window.result.winner is not message.winner:
            effects += changed_winner(window.result, message)
        return effects

    def _correct(
        self, window: WindowLedger, first: MarketResolved, second: MarketResolved, now_ms: int
    ) -> Effects:
        """Settle a window again by another result."""
        corrected = window.settled(second, self._summary.version + 1)
        event = ResultCorrected(
            market_id=second.market_id,
            slug=second.market.slug,
            before=first.winner,
            after=second.winner,
            pnl_before_nanos=window.pnl_nanos(),
            pnl_after_nanos=corrected.pnl_nanos(),
            evidence=second.evidence,
        )
        return [
            self._commit(corrected, event, now_ms),
            Send(DESK, self._snapshot(corrected)),  # the day's result has changed
            *self._settlement(corrected),
            Log("error", _correction_sentence(event)),
        ]

    def _enter(self, told: OrderFilled | FillReversed, now_ms: int) -> Effects:
        """Book a fill, or take one back with its share of cost and fees; each exactly once.

        A reversal may come before its fill, which then counts nothing.
        """
        is_reversal = isinstance(told, FillReversed)
        version = self._summary.version + 1
        window = self._windows.get(told.market.market_id)
        if window is None:
            window = WindowLedger(market=told.market, version=version)
        known = window.entry(told.fill.trade_id, told.order_id)
        if known is None:
            entry = _new_entry(told, version, is_reversal=is_reversal)
        elif is_reversal and known.reversed_version is None:
            entry = attrs.evolve(known, reversed_version=version)
        else:
            return [_booked(known, told, is_reversal=is_reversal), *contradiction(known, told)]
        changed = window.with_entry(entry, version)
        return [
            self._commit(changed, _entry_changed(changed, entry), now_ms),
            _booked(entry, told, is_reversal=is_reversal),
            *self._snapshots(changed),
            *self._settlement(changed),
            *(contradiction(known, told) if known is not None else ()),
            *oversale(window, changed),
            *lateness(window, told),
        ]

    def _commit(self, window: WindowLedger, event: object, now_ms: int) -> Record:
        """Adopt a window's new state, and make the record that must precede its messages."""
        before = self._windows.get(window.market.market_id)
        pnl_before_nanos = before.pnl_nanos() if before is not None else 0
        earned_before_nanos = before.earned_nanos() if before is not None else 0
        earned_nanos = window.earned_nanos() - earned_before_nanos
        day, day_pnl_nanos = self._summary.on_day(now_ms // MS_PER_DAY, earned_nanos)
        is_newly_settled = window.is_settled and not (before is not None and before.is_settled)
        self._windows[window.market.market_id] = window
        gone = self._let_go()
        records = dict(self._summary.records)
        for key in dict.fromkeys((ACCOUNT_RECORD, window.market.series)):
            record = records.get(key, TrackRecord()).earning(earned_nanos, now_ms)
            if is_newly_settled:
                record = record.settling(window.pnl_nanos(), window.market.closes_at_ms)
            records[key] = record
        self._summary = LedgerSummary(
            version=window.version,
            settled_pnl_nanos=(
                self._summary.settled_pnl_nanos + window.pnl_nanos() - pnl_before_nanos
            ),
            settled_count=self._summary.settled_count + is_newly_settled,
            let_go_until_ms=max(
                (self._summary.let_go_until_ms, *(each.market.opens_at_ms for each in gone))
            ),
            day=day,
            day_pnl_nanos=day_pnl_nanos,
            records=records,
        )
        return Record(
            event,
            saves=(
                Save("position", window.market.market_id, window),
                Save("ledger", "ledger", self._summary),
                *(Save("position", each.market.market_id, each, is_open=False) for each in gone),
            ),
        )

    def _let_go(self) -> list[WindowLedger]:
        """Drop the windows settled longest ago, beyond those that are kept."""
        settled = sorted(
            (window for window in self._windows.values() if window.is_settled),
            key=lambda window: window.settled_version or 0,
        )
        gone = settled[: max(0, len(settled) - SETTLED_WINDOWS_KEPT)]
        for window in gone:
            del self._windows[window.market.market_id]
        return gone

    def _all_for(self, role: str) -> Effects:
        effects: Effects = []
        for window in self._windows.values():
            if role not in self._readers_of(window):
                continue
            if not window.is_settled:
                effects.append(Send(role, self._snapshot(window)))
            elif role == OBSERVER:
                effects += self._settlement(window, readers=(OBSERVER,))
        return effects

    def _snapshot(self, window: WindowLedger) -> PositionSnapshot:
        summary = self._summary
        return attrs.evolve(
            window.snapshot(),
            ledger_version=summary.version,
            day=summary.day,
            day_pnl_nanos=summary.day_pnl_nanos,
            records=summary.records,
        )

    def _snapshots(self, window: WindowLedger) -> Effects:
        snapshot = self._snapshot(window)
        return [Send(role, snapshot) for role in self._readers_of(window)]

    def _readers_of(self, window: WindowLedger) -> list[str]:
        return [self.settings.role(base, window.market.series) for base in _SNAPSHOT_READERS]

    def _settlement(
        self, window: WindowLedger, readers: tuple[str, ...] = (DIRECTORY, OBSERVER)
    ) -> Effects:
        settled = window.settlement(self._summary.settled_pnl_nanos)
        if settled is None:
            return []
        series = window.market.series
        return [Send(self.settings.role(base, series), settled) for base in readers]


def _new_entry(told: OrderFilled | FillReversed, version: int, *, is_reversal: bool) -> LedgerEntry:
    return LedgerEntry(
        order_id=told.order_id,
        side=told.side,
        action=told.action,
        fill=told.fill,
        booked_version=version,
        reversed_version=version if is_reversal else None,
    )


def _entry_changed(window: WindowLedger, entry: LedgerEntry) -> EntryChanged:
    return EntryChanged(
        market_id=window.market.market_id,
        order_id=entry.order_id,
        entry=entry,
        position=window.snapshot(),
    )


def _booked(entry: LedgerEntry, told: OrderFilled | FillReversed, *, is_reversal: bool) -> Send:
    # A repeated fill is answered with the version of its own booking. A newer one, perhaps of
    # another window, would let the desk wait for a position that will never be said.
    reversed_version = entry.reversed_version
    version = entry.booked_version
    if is_reversal and reversed_version is not None:
        version = reversed_version
    return Send(
        told.answer_to or order_role(entry.order_id),
        FillBooked(
            order_id=entry.order_id,
            trade_id=entry.fill.trade_id,
            is_reversal=is_reversal,
            version=version,
        ),
    )


def _correction_sentence(event: ResultCorrected) -> str:
    before, after = side_name(event.before), side_name(event.after)
    return (
        f"{event.slug} was settled as {before} and is settled again as {after} "
        f"({event.evidence}): its result changes from {dollars_text(event.pnl_before_nanos)} to "
        f"{dollars_text(event.pnl_after_nanos)} dollars"
    )
