"""Actions of the page: halt, resume, flatten and reload, each confirmed once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs

from actors.messages.halts import PAGE, halt_words
from understudy.control import ControlError, NotRunning, ask
from understudy.data_dir.kill_switch import pull_kill_switch
from understudy.display.html import Content, Html, tag
from understudy.display.status import changes_of, reload_text
from understudy.watching.observation import Observation
from understudy.web.page import Visitor, form, page

REASON_CHARS_MAX = 200


@attrs.frozen(kw_only=True)
class PageAction:
    """One action that a person can take."""

    name: str
    """Name of the control command, and of its path."""
    title: str
    effects: tuple[str, ...]
    """What will happen, one sentence each."""
    reason: str
    """The reason recorded if nobody gives one."""


ACTIONS: Mapping[str, PageAction] = {
    each.name: each
    for each in (
        PageAction(
            name="halt",
            title="Halt trading",
            effects=(
                "No new order is made until someone resumes, even across crashes and restarts.",
                "Working orders end by themselves within seconds, or at once if you cancel them.",
                "Feeds, books and settlements go on; holdings are kept.",
            ),
            reason="halted from the page",
        ),
        PageAction(
            name="resume",
            title="Resume trading",
            effects=(
                "Every lasting halt is lifted, whoever made it, and orders are made again.",
                "A cause that persists, such as a limit still exceeded, halts again.",
            ),
            reason="resumed from the page",
        ),
        PageAction(
            name="flatten",
            title="Flatten holdings",
            effects=(
                "Trading is halted until someone resumes, and every working order is cancelled.",
                "Shares held of one side only are sold at the best bid until none are left.",
                "Complete pairs are kept: one YES and one NO together pay exactly $1.",
            ),
            reason="flattened from the page",
        ),
        PageAction(
            name="reload",
            title="Reload settings",
            effects=(
                "The configuration file and --set are read again; all changes apply, or none.",
                "Strategies, limits, protections and alerts can change without a restart.",
                "Working orders go on unchanged; new ones follow the new settings.",
            ),
            reason="reloaded from the page",
        ),
    )
}


def confirmation(
    action: PageAction, seen: Observation, visitor: Visitor, differing: Sequence[str] = ()
) -> str:
    """Ask for confirmation; show what will happen, and the present state.

    Args:
        action: what is to be done.
        seen: the state of the system.
        visitor: the person.
        differing: what a reload would change, one sentence each.
    """
    cancel: Content = None
    if action.name == "halt":
        box = tag("input", type="checkbox", name="cancel", value="yes", id="cancel", checked=True)
        cancel = tag("p", box, tag("label", "cancel working orders at once", for_="cancel"))
    asked = form(
        f"/{action.name}",
        _series_choice(seen) if action.name != "reload" else None,
        tag("label", "Reason, which is recorded", for_="reason"),
        tag(
            "input",
            id="reason",
            name="reason",
            type="text",
            maxlength=str(REASON_CHARS_MAX),
            placeholder=action.reason,
        ),
        cancel,
        tag(
            "p",
            tag("button", action.title, type="submit", class_=f"button {action.name}"),
            tag("a", "Do nothing", href="/", class_="button plain"),
            class_="doors",
        ),
        form_token=visitor.form_token,
        class_="ask",
    )
    return page(
        action.title,
        _sentences("What will happen", action.effects),
        _sentences("What differs", differing) if differing else None,
        tag("section", tag("h2", "As it stands"), tag("p", _situation(seen)), class_="card"),
        tag("section", asked, class_="card"),
        visitor=visitor,
    )


def _series_choice(seen: Observation) -> Html | None:
    """Ask which series is meant, if there are several."""
    names = seen.status.settings.names if seen.status is not None else ()
    if len(names) < 2:
        return None
    options = [tag("option", "all series", value="")]
    options += [tag("option", name, value=name) for name in names]
    choice = tag("select", *options, name="series", id="series")
    return tag("p", tag("label", "Series", for_="series"), " ", choice)


def _sentences(title: str, sentences: Sequence[str]) -> Html:
    items = tag("ul", *(tag("li", each) for each in sentences))
    return tag("section", tag("h2", title), items, class_="card")


def _situation(seen: Observation) -> str:
    if seen.status is None:
        return "No system answers. A halt writes the kill-switch file, so that one starts halted."
    view = seen.status.view
    count = len(view.live_orders) if view is not None else 0
    words = halt_words(seen.status.halts)
    halted = f"Trading is halted: {words}." if words else "Trading goes on."
    stakes = f" Orders are worth {seen.status.stakes}." if seen.status.stakes else ""
    return f"{halted} {count} working order{'' if count == 1 else 's'}.{stakes}"


def reload_preview(data_dir: Path) -> tuple[str, ...]:
    """What a reload would change, or why it would change nothing; one sentence each."""
    try:
        reply = ask(data_dir, "reload", is_check=True)
    except (NotRunning, ControlError) as error:
        return (f"Nothing can be reloaded: {error}.",)
    words = tuple(change.words for change in changes_of(reply))
    return words or (reload_text(reply, is_check=True),)


def carry_out(
    data_dir: Path, action: PageAction, reason: str, *, cancels: bool, series: str = ""
) -> str:
    """Perform an action, in one series if one is named; return the problem, or nothing.

    If no running system accepts a halt of everything, the kill-switch file is written, as
    `understudy halt` does.
    """
    words = " ".join(reason.split())[:REASON_CHARS_MAX] or action.reason
    more: dict[str, object] = {"cancel": cancels} if action.name == "halt" else {}
    if series:
        more["series"] = series
    try:
        ask(data_dir, action.name, reason=words, who=PAGE, **more)
    except (NotRunning, ControlError) as error:
        if series:
            return f"Nothing was done: {error}."
        return _left_undone(data_dir, action, words, str(error))
    return ""


def _left_undone(data_dir: Path, action: PageAction, words: str, why: str) -> str:
    if action.name != "halt":
        return f"Nothing was done: {why}."
    try:
        path = pull_kill_switch(data_dir, f"{words} ({PAGE})")
    except OSError as error:
        return f"{why}, and the kill-switch file cannot be written: {error.strerror}."
    return (
        f"{why}: {path} is written instead, and what runs or starts there halts. "
        "To trade again, remove that file and resume."
    )
