"""The conditions of an observed system that need attention; a pure function of the observation."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from actors.messages.halts import EXECUTOR_CHECKS, Halt
from actors.messages.market import MarketSnapshot
from actors.messages.observer import View
from actors.messages.position import MS_PER_DAY
from actors.roles import EXECUTOR
from actors.supervision.messages import ChildState
from actors.units import NANOS_PER_DOLLAR, dollars_text
from actors.watcher_settings import AlertSettings
from understudy.alerting.notices import Condition
from understudy.display.status import Status
from understudy.processes.exit_codes import ExitCode
from understudy.watching.health import FREE_MB_FAIL, FREE_MB_WARN, age_s, data_age_s, why_down
from understudy.watching.limits import day_loss_nanos
from understudy.watching.observation import Observation

END = "end"
"""Key of the condition that no run is there."""
_GAVE_UP = (ExitCode.GAVE_UP, ExitCode.JOURNAL_UNUSABLE)
_MB = 1_000_000

Found = Iterator[tuple[str, Condition]]
"""Conditions, each with a key that stays the same while it lasts."""


def conditions_of(seen: Observation, settings: AlertSettings) -> dict[str, Condition]:
    """Every present condition that needs attention, by key."""
    found = {**dict(_of_run(seen, settings)), **dict(_of_halts(seen)), **dict(_of_disk(seen))}
    if seen.status is not None:
        told = _of_status(seen.status, settings)
        found.update((key, attrs.evolve(each, is_of_status=True)) for key, each in told)
    return {key: condition for key, condition in found.items() if condition.kind in settings.on}


def has_ended(seen: Observation) -> bool:
    """Whether there is no run, or the one there has announced its end."""
    run = seen.last_run
    is_told = run is not None and run.ended_at_ms is not None
    return seen.status is None and (is_told or not seen.is_running)


def _of_run(seen: Observation, settings: AlertSettings) -> Found:
    run = seen.last_run
    if has_ended(seen):
        if run is None:
            return
        code = run.exit_code
        kind = "escalation" if code in _GAVE_UP else "end"
        is_clean = run.ended_at_ms is not None and code == ExitCode.OK
        text = why_down(seen)
        yield END, Condition(kind=kind, text=text, over="a run has begun", repeats=not is_clean)
    elif seen.status is None:
        text = f"the system does not answer: {seen.trouble}"
        over = "the system answers again"
        yield "answers", Condition(kind="silence", text=text, over=over, after_s=settings.silent_s)


def _of_halts(seen: Observation) -> Found:
    halts: tuple[Halt, ...] = seen.status.halts if seen.status is not None else seen.halts
    for halt in halts:
        kind, text = "halt", f"trading is halted: {halt.sentence}"
        if halt.who == EXECUTOR_CHECKS:
            kind, text = "difference", f"ledger and venue differ, {text}"
        over = f"the halt by {halt.who} is lifted"
        yield _key(f"halt/{halt.who}", halt.series), Condition(kind=kind, text=text, over=over)


def _key(key: str, series: str) -> str:
    """The key of a condition of one series; in a run of one series it has no name."""
    return f"{key}/{series}" if series else key


def _of_disk(seen: Observation) -> Found:
    free_mb = seen.disk_free_bytes // _MB
    over = f"the disk has more than {FREE_MB_WARN:,} MB free again"
    if free_mb < FREE_MB_WARN:
        text = f"the disk has {free_mb:,} MB free"
        yield "disk", Condition(kind="disk", text=text, over=over)
    if free_mb < FREE_MB_FAIL:
        text = f"the disk is almost full ({free_mb:,} MB): trading stops when it is"
        yield "disk/full", Condition(kind="disk", text=text, over=over)
    if seen.is_running and seen.journal_trouble:
        yield "journal", Condition(kind="disk", text=seen.journal_trouble, after_s=10)


def _of_status(status: Status, settings: AlertSettings) -> Found:
    if status.report is not None and status.report.escalation:
        text = f"the system gives up: {status.report.escalation}"
        yield "escalation", Condition(kind="escalation", text=text)
    yield from _of_loss(status)
    view = status.view
    if view is None:
        return
    yield from _of_feeds(status, view, settings)
    for series, each in status.by_series.items():
        yield from _of_window(series, each, settings)
    if view.opened is not None:
        yield from _of_executor(status, settings)


def _of_window(series: str, status: Status, settings: AlertSettings) -> Found:
    view, opened = status.seen, status.seen.opened
    if opened is None or view.is_closed:
        return
    if opened.strike is None:
        text = f"no strike is known for {opened.market.slug}, so nothing is traded in it"
        over = "the strike is known, or the window without it is over"
        key = _key("strike", series)
        yield key, Condition(kind="strike", text=text, over=over, after_s=settings.silent_s)
    where = f" of {series}" if series else ""
    if view.snapshot is not None and _is_old(view.snapshot, status, settings):
        text = f"the order books{where} are old or not whole"
        over = f"the order books{where} are fresh again"
        key = _key("books", series)
        yield key, Condition(kind="silence", text=text, over=over, after_s=settings.silent_s)


def _of_feeds(status: Status, view: View, settings: AlertSettings) -> Found:
    for feed in view.feeds:
        if feed.health is not None and feed.health.is_denied:
            text = f"{feed.feed}: the venue refuses the API credentials"
            over = f"{feed.feed}: the venue takes the API credentials again"
            yield f"denied/{feed.feed}", Condition(kind="credentials", text=text, over=over)
        age = data_age_s(feed, status)
        is_old = age is not None and age >= settings.silent_s
        if feed.is_up and not is_old:
            continue
        why = f": {feed.trouble}" if feed.trouble else ""
        text, over = f"{feed.feed} gives no data{why}", f"{feed.feed} gives data again"
        after_s = 0 if is_old else settings.silent_s
        condition = Condition(kind="silence", text=text, over=over, after_s=after_s)
        yield f"feed/{feed.feed}", condition


def _is_old(snapshot: MarketSnapshot, status: Status, settings: AlertSettings) -> bool:
    return any(
        not book.is_synced or age_s(book.updated_at_ms, status) >= settings.silent_s
        for book in (snapshot.yes, snapshot.no)
    )


def _of_executor(status: Status, settings: AlertSettings) -> Found:
    """Whether a live executor knows a window but lacks credentials or the account."""
    waits = any(
        each.role == EXECUTOR and each.state is ChildState.WAITING for each in status.children
    )
    if status.settings.execution.mode == "live" and waits:
        text = (
            "the executor may not trade: the venue refuses the credentials or cannot be reached, "
            "or the account was not read; understudy doctor tells which"
        )
        over = "the executor may trade again"
        after_s = settings.silent_s
        yield "executor", Condition(kind="credentials", text=text, over=over, after_s=after_s)


def _of_loss(status: Status) -> Found:
    lost_nanos = day_loss_nanos(status)
    allowed_nanos = status.settings.risk.max_day_loss_dollars * NANOS_PER_DOLLAR
    day = status.now_ms // MS_PER_DAY
    over = "the day's loss is smaller again, or another day (UTC) has begun"
    amounts = f"${dollars_text(lost_nanos)} of ${dollars_text(allowed_nanos)} this day (UTC)"
    for key, share, text in (
        ("half", 2, f"half of the day's loss limit is used: {amounts}"),
        ("whole", 1, f"the day's loss limit is reached: {amounts}"),
    ):
        if lost_nanos * share >= allowed_nanos:
            yield f"loss/{day}/{key}", Condition(kind="loss", text=text, over=over, repeats=False)
