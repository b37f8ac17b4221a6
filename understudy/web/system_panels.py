"""Panels of the system itself: health, halts, actors, feeds, and the use of limits."""

from __future__ import annotations

from actors.messages.halts import Halt
from actors.messages.observer import FeedSeen, View
from actors.roles import order_id_of
from actors.supervision.messages import ChildReport, ChildState
from understudy.display.actor_table import by_process
from understudy.display.html import Content, Html, facts, join, nothing, panel, table, tag
from understudy.display.status import Status
from understudy.display.wording import (
    count_label,
    latency_text,
    span_label,
)
from understudy.reading.moments import moment_label
from understudy.watching.health import HealthState, data_age_s, health_of
from understudy.watching.limits import LimitUse, limit_uses
from understudy.watching.observation import Observation
from understudy.web.page import order_link


def state_panel(seen: Observation) -> Html:
    """Health in one word, and why it is not better; the only panel that screen readers announce."""
    health = health_of(seen)
    stakes = seen.status.stakes if seen.status is not None else ""
    word = tag("strong", health.state.value, class_="word")
    reasons = tag("ul", *(tag("li", each) for each in health.reasons)) if health.reasons else None
    well = "every part works" if health.state is HealthState.SERVING else ""
    return tag(
        "section",
        tag("h2", "System", class_="unseen", id="state-title"),
        tag("p", word, tag("span", well), tag("b", stakes, class_="stakes") if stakes else None),
        reasons,
        id="state",
        class_=f"card state {health.state.value}",
        role="status",
        aria_labelledby="state-title",
    )


def halts_panel(seen: Observation) -> Html:
    """What halts trading and who did it, with the links to halt and resume."""
    halts = seen.status.halts or seen.halts if seen.status is not None else seen.halts
    doors = [_door("halt", "Halt"), _door("flatten", "Flatten"), _door("reload", "Reload settings")]
    if halts:
        doors.insert(0, _door("resume", "Resume"))
    reasons = tag("ul", *map(_halt, halts)) if halts else nothing("nobody has halted trading")
    return panel("halts", "Halts", reasons, tag("p", *doors, class_="doors"))


def _halt(halt: Halt) -> Html:
    where = f"{halt.series} only, " if halt.series else ""
    since = f"{where}since {moment_label(halt.since_ms)} UTC"
    effects = [
        word for word, is_so in (("cancels", halt.cancels), ("sells", halt.flattens)) if is_so
    ]
    return tag(
        "li",
        tag("strong", halt.who, class_="loss"),
        f" {halt.reason} ",
        tag("small", f"{since} {' and '.join(effects)}".rstrip()),
    )


def _door(action: str, word: str) -> Html:
    return tag("a", word, href=f"/{action}", class_=f"button {action}")


_STATE_CLASSES = {
    ChildState.SERVING: "gain",
    ChildState.STARTING: "warning",
    ChildState.WAITING: "warning",
    ChildState.BACKING_OFF: "loss",
    ChildState.GIVEN_UP: "loss",
}


def actors_panel(status: Status | None) -> Html:
    """The tree: supervisor and children with states, restarts and ages of their messages."""
    report = status.report if status is not None else None
    if status is None or report is None:
        return panel("actors", "Actors", nothing("no actor answers"))
    restarts = sum(status.restarts.values())
    headings = ("actor", "state", "up", "restarts", "last message", "handled", "pid")
    rows = [_place("supervisor", str(report.pid), 0)]
    for process, children in by_process(report.children).items():
        if children[0].role == process:
            rows.append(_actor(children.pop(0), 1))
        else:
            rows.append(_place(process, str(children[0].pid or "-"), 1))
        rows += [_actor(child, 2) for child in children]
    body = table("actors", headings, rows, numeric=headings[2:], minor=("handled", "pid"))
    latencies = [
        (name.replace("_", " "), latency_text(each)) for name, each in status.latencies.items()
    ]
    note = f"{count_label(status.handled_count, 'message')}, {count_label(restarts, 'restart')}"
    return panel("actors", "Actors", body, facts(latencies), note=note)


def _place(name: str, pid: str, depth: int) -> list[Content]:
    """Write a row of a process that is not an actor itself."""
    return [tag("b", name, class_=f"branch-{depth}"), *[""] * 5, pid]


def _actor(child: ChildReport, depth: int) -> list[Content]:
    order_id = order_id_of(child.role)
    name = order_link(order_id) if order_id else child.role
    return [
        tag("span", name, class_=f"branch-{depth}"),
        tag("span", child.state.value, class_=f"dot {_STATE_CLASSES[child.state]}"),
        span_label(child.uptime_ms),
        tag("b", str(child.restarts), class_="loss") if child.restarts else "0",
        span_label(child.last_message_age_ms),
        f"{child.handled_count:,}",
        str(child.pid) if child.pid and depth == 1 else "",
    ]


def feeds_panel(status: Status | None, view: View | None) -> Html:
    """The connections to the venue: whether each is up, and the age of its newest data."""
    if status is None or view is None or not view.feeds:
        return panel("feeds", "Feeds", nothing("no feed has reported yet"))
    rows = (_feed(each, status) for each in view.feeds)
    headings = ("feed", "state", "data age", "frames", "lost")
    return panel("feeds", "Feeds", table("feeds", headings, rows, numeric=headings[2:]))


def _feed(feed: FeedSeen, status: Status) -> list[Content]:
    health, age = feed.health, data_age_s(feed, status)
    source = f" ({health.source})" if health is not None and health.source else ""
    state = tag(
        "span", "up" if feed.is_up else "down", class_="dot gain" if feed.is_up else "dot loss"
    )
    trouble = tag("span", f" {feed.trouble}", class_="warning wrap") if feed.trouble else None
    return [
        feed.feed + source,
        join(state, trouble),
        "-" if age is None else span_label(round(age * 1_000)),
        f"{health.frames_count:,}" if health else "-",
        f"{health.reconnect_count:,}" if health else "-",
    ]


def limits_panel(seen: Observation) -> Html:
    """How much of each limit is used."""
    if seen.status is None:
        return panel("limits", "Limits", nothing("the system does not answer"))
    rows = map(_limit, limit_uses(seen.status, seen.desk))
    headings = ("limit", "part", "used")
    return panel(
        "limits", "Limits", table("limits and their use", headings, rows, numeric=("used",))
    )


def _limit(use: LimitUse) -> list[Content]:
    name = use.limit.replace("_", " ")
    part = use.used / use.allowed if use.allowed else 1.0
    meter = tag(
        "meter",
        min="0",
        max="1",
        high="0.8",
        value=f"{min(1.0, part):.3f}",
        aria_label=f"{name}, part used",
    )
    return [name, meter, f"{use.used:,.4g} of {use.allowed:,.6g}"]
