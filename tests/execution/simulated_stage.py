"""A stage for the simulated executor's core, which keeps the rows that it saves."""

from __future__ import annotations

from typing import Any

import attrs
from order_builders import ORDER_ID, T0, Hearing, dice, intent, saved, sent, settings, snapshot

from actors.core import Effect, Effects
from actors.execution.simulated import SimulatedExecutorCore
from actors.messages.execution import Fill, OrderReport, QueryOrder, SubmitOrder
from actors.messages.lifecycle import Started, TimerFired
from actors.messages.market import BookView
from actors.roles import EXECUTOR
from actors.units import shares

ARRIVES = T0 + 150
FIRST = ARRIVES + 200
SECOND = FIRST + 300
EXPIRES = T0 + 3_000


class Answer(list[Effect]):
    """Effects, and the events in them that an Order had not heard of."""

    def __init__(self, effects: Effects, hearing: Hearing) -> None:
        super().__init__(effects)
        self.news = hearing.news(sent(effects, OrderReport))


def news(effects: Effects, kind: type) -> list[Any]:
    """Events of a kind that an Order hears of for the first time."""
    assert isinstance(effects, Answer)
    return [event for event in effects.news if isinstance(event, kind)]


class Bench:
    """A simulated executor with the rows it saved, so that it can be started again."""

    def __init__(self, *, max_book_age_ms: int = 60_000) -> None:
        self.settings = attrs.evolve(
            settings(), strategy=attrs.evolve(settings().strategy, max_book_age_ms=max_book_age_ms)
        )
        self.rows: dict[tuple[str, str], object] = {}
        self.hearing = Hearing()
        self.core = self._start(T0)

    def _start(self, now_ms: int) -> SimulatedExecutorCore:
        core = SimulatedExecutorCore(EXECUTOR, self.settings, dice())
        rows = tuple(value for (kind, _), value in self.rows.items() if kind in core.RECOVERS)
        self.started = Answer(core.handle(Started(rows), now_ms), self.hearing)
        return core

    def restart(self, now_ms: int) -> Effects:
        self.core = self._start(now_ms)
        return self.started

    def feed(self, message: object, now_ms: int) -> Effects:
        effects = self.core.handle(message, now_ms)
        for key, save in saved(effects).items():
            if save.is_open:
                self.rows[key] = save.value
            else:
                self.rows.pop(key)
        return Answer(effects, self.hearing)

    def submit(self, now_ms: int = T0, **changes: Any) -> Effects:
        return self.feed(SubmitOrder(intent(**changes)), now_ms)

    def wake(self, now_ms: int, order_id: str = ORDER_ID) -> Effects:
        return self.feed(TimerFired(order_id), now_ms)

    def see(
        self, yes: BookView | None = None, now_ms: int = T0, no: BookView | None = None
    ) -> Effects:
        return self.feed(snapshot(yes, no, at_ms=now_ms), now_ms)

    def report(self, now_ms: int = T0, order_id: str = ORDER_ID) -> OrderReport:
        (report,) = sent(self.feed(QueryOrder(order_id), now_ms), OrderReport)
        assert isinstance(report, OrderReport)
        return report


def fills(effects: Effects) -> list[tuple[int, int]]:
    """(price, whole shares) of each fill told."""
    return [
        (message.fill.price_ticks, message.fill.size_units // shares(1))
        for message in news(effects, Fill)
    ]
