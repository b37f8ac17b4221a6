"""Recent events for people: crashes, connections, halts, fills and settled windows.

Crashes come from the supervisor's reports, connections from the observer, everything else from the
journal, so that a restarted run still shows what happened before.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import attrs

from actors.execution.desk_state import Halted, Resumed, TradingStopped
from actors.messages.directory import MarketResolved, WindowNotTraded
from actors.messages.execution import (
    Fill,
    FillFailed,
    OrderCancelled,
    OrderRejected,
    OrderState,
    OutcomeUnknown,
)
from actors.messages.observer import FeedSeen, View
from actors.messages.settings import SettingsChanged, words_of
from actors.model import side_name
from actors.position.core import ResultCorrected
from actors.position.ledger import WindowLedger
from actors.roles import POSITION, order_id_of
from actors.runtime.clock import Clock
from actors.runtime.codec import Undecodable, decode_as
from actors.runtime.journal import JournalReader, StoredEvent
from actors.runtime.journal_file import JournalError
from actors.supervision.messages import ChildrenReport, ChildState, Fall
from understudy.display.wording import (
    exact_money,
    order_label,
    pause_label,
    price_label,
    size_label,
    slug_label,
    won_label,
)

EVENTS_KEPT = 60
_ROWS_BEFORE = 400
"""How many recorded events from before this run are searched for something to show."""
_TOLD = {
    kind.__name__: kind
    for kind in (
        Fill,
        FillFailed,
        Halted,
        MarketResolved,
        OrderCancelled,
        OrderRejected,
        OutcomeUnknown,
        ResultCorrected,
        Resumed,
        SettingsChanged,
        TradingStopped,
        WindowNotTraded,
    )
}


@attrs.frozen(kw_only=True)
class Event:
    """One event."""

    at_ms: int
    """Venue time."""
    text: str
    is_trouble: bool = False
    """Whether something went wrong, or was stopped."""


class EventBook:
    """The newest events; one that is still going on is worded anew when it is over."""

    def __init__(self, reader: JournalReader, clock: Clock) -> None:
        """Begin with the journal's events from before this run.

        Args:
            reader: the run's journal, for the calling thread.
            clock: venue time, and its speed.
        """
        self._reader = reader
        self._clock = clock
        self._events: dict[tuple[str, int], Event] = {}
        self._feeds: dict[str, FeedSeen] = {}
        self._seq = max(0, reader.last_event()[0] - _ROWS_BEFORE)
        self._supervisor_pid = 0
        self._tree_crash: tuple[tuple[str, int], int, int] | None = None
        """A crash of the whole tree that is not over: key, host monotonic time, supervisor's pid.
        """

    @property
    def newest(self) -> tuple[Event, ...]:
        """All kept events, newest first."""
        return tuple(sorted(self._events.values(), key=lambda event: event.at_ms, reverse=True))

    def look(self, report: ChildrenReport | None, view: View | None) -> None:
        """Add what is new."""
        if report is not None:
            for fall in report.falls:
                self._take_crash(fall)
            self._end_tree_crash(report)
            self._supervisor_pid = report.pid
        for feed in view.feeds if view is not None else ():
            self._take_feed(feed)
        for stored in self._reader.events(after_seq=self._seq):
            self._seq = stored.seq
            event = self._told(stored)
            if event is not None:
                self._events["journal", stored.seq] = event
        for key in sorted(self._events, key=lambda key: self._events[key].at_ms)[:-EVENTS_KEPT]:
            del self._events[key]

    def tree_crashed(self, crashed: str) -> None:
        """Note the crash of a process on which every actor depends.

        Args:
            crashed: the process, such as "supervisor".
        """
        crashed_at_ms = _monotonic_ms()
        key = ("tree", crashed_at_ms)
        text = f"{crashed} crashed, every actor is restarted"
        self._events[key] = Event(at_ms=self._clock.now_ms(), text=text, is_trouble=True)
        self._tree_crash = (key, crashed_at_ms, self._supervisor_pid)

    def _end_tree_crash(self, report: ChildrenReport) -> None:
        if self._tree_crash is None:
            return
        key, crashed_at_ms, crashed_pid = self._tree_crash
        if report.pid == crashed_pid:
            return
        children = [child for child in report.children if order_id_of(child.role) is None]
        if all(child.state is ChildState.SERVING for child in children):
            after = pause_label(_monotonic_ms() - crashed_at_ms)
            begun = self._events[key]
            text = begun.text.replace("is restarted", f"serves again after {after}")
            self._events[key] = attrs.evolve(begun, text=text)
            self._tree_crash = None

    def _take_crash(self, fall: Fall) -> None:
        key = (f"fall/{fall.name}", fall.at_ms)
        known = self._events.get(key)
        if known is None:
            ago_ms = (_monotonic_ms() - fall.at_ms) * self._clock.spec.speed
            at_ms = self._clock.now_ms() - round(ago_ms)
        else:
            at_ms = known.at_ms
        self._events[key] = Event(at_ms=at_ms, text=_crash_text(fall), is_trouble=True)

    def _take_feed(self, feed: FeedSeen) -> None:
        known = self._feeds.get(feed.feed)
        self._feeds[feed.feed] = feed
        is_first_and_well = known is None and feed.is_up
        if is_first_and_well or (known is not None and known.is_up is feed.is_up):
            return
        text = f"{feed.feed} is down: {feed.trouble or 'no reason known'}"
        if feed.is_up and known is not None:
            after_ms = max(0, feed.since_ms - known.since_ms) / self._clock.spec.speed
            text = f"{feed.feed} is up again after {pause_label(after_ms)}"
        key = (f"feed/{feed.feed}", feed.since_ms)
        self._events[key] = Event(at_ms=feed.since_ms, text=text, is_trouble=not feed.is_up)

    def _told(self, stored: StoredEvent) -> Event | None:
        kind = _TOLD.get(stored.kind)
        if kind is None:
            return None
        try:
            value: object = decode_as(kind, json.dumps(stored.body))
            texts = list(self._words(stored, value))
        except (Undecodable, JournalError) as error:
            texts = [f"the journal's event {stored.seq} cannot be read: {error}"]
        is_trouble = kind not in (
            Fill,
            MarketResolved,
            OrderCancelled,
            Resumed,
            SettingsChanged,
        )
        return Event(at_ms=stored.at_ms, text=texts[0], is_trouble=is_trouble) if texts else None

    def _words(self, stored: StoredEvent, value: object) -> Iterator[str]:
        """Word an event in at most one sentence; empty if another actor's record covers it."""
        match value:
            case Halted(halt=halt):
                yield f"halted: {halt.sentence}"
            case Resumed(who=who, reason=reason):
                yield f"trading again: {reason} ({who})"
            case SettingsChanged(who=who, changes=changes) if changes:
                yield f"settings {value.number} are in force ({who}): {words_of(changes)}"
            case TradingStopped(reason=reason):
                yield f"no more trading in this window: {reason}"
            case WindowNotTraded(slug=slug, reason=reason):
                yield f"{slug_label(slug)} is not traded: {reason}"
            case ResultCorrected():
                before, after = side_name(value.before), side_name(value.after)
                pnl_before = exact_money(value.pnl_before_nanos)
                pnl_after = exact_money(value.pnl_after_nanos)
                yield (
                    f"{slug_label(value.slug)}: result changed from {before} to {after}, "
                    f"P&L from {pnl_before.plain} to {pnl_after.plain}"
                )
            case MarketResolved() if stored.role == POSITION and stored.market_id is not None:
                yield from self._settled_text(stored.market_id)
            case _ if order_id_of(stored.role) is not None and stored.order_id is not None:
                for order in self._reader.states("order", stored.order_id, open_only=False):
                    if isinstance(order, OrderState):
                        yield _order_text(order, value)

    def _settled_text(self, market_id: str) -> Iterator[str]:
        for ledger in self._reader.states("position", market_id, open_only=False):
            settled = ledger.settlement(0) if isinstance(ledger, WindowLedger) else None
            if settled is not None:
                pnl = exact_money(settled.pnl_nanos).plain
                yield f"{slug_label(settled.slug)} settled: {won_label(settled.winner)}, P&L {pnl}"


def _crash_text(fall: Fall) -> str:
    what = "hung and was killed" if fall.was_hung else "crashed"
    words = f"{order_label(order_id_of(fall.name) or fall.name)} {what}"
    if fall.served_again_at_ms:
        words += f", serving again after {pause_label(fall.served_again_at_ms - fall.at_ms)}"
    if not fall.reason:
        words += f" (pid {fall.pid})"
    if fall.roles:
        words += f": {', '.join(fall.roles)}"
    return f"{words}: {fall.reason}" if fall.reason else words


def _order_text(order: OrderState, value: object) -> str:
    intent = order.intent
    size = size_label(intent.size_units)
    name = order_label(intent.order_id)
    what = f"{name} {intent.action.value} {intent.side.value}"
    match value:
        case Fill(fill=fill):
            filled_units = 0
            for each in order.fills:
                filled_units += each.size_units
                if each.trade_id == fill.trade_id:
                    break
            price = price_label(fill.price_ticks)
            return f"{what} filled {size_label(filled_units)} of {size} at {price}"
        case OrderCancelled(reason=reason):
            return f"{what} cancelled, {size_label(order.filled_units)} of {size} filled: {reason}"
        case OrderRejected(reason=reason):
            return f"{what} {size} rejected: {reason}"
        case OutcomeUnknown(reason=reason):
            return f"{what} {size}: outcome unknown: {reason}"
        case FillFailed(reason=reason):
            return f"{what}: a fill is reversed: {reason}"
    raise AssertionError(f"{type(value).__name__} is listed, but has no description")


def _monotonic_ms() -> int:
    return time.monotonic_ns() // 1_000_000
