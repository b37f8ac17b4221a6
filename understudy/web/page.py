"""The frame of every page: head, navigation, and the content in the middle."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from understudy.display.html import Content, Html, join, tag

VIEWS: Mapping[str, str] = {
    "/": "Now",
    "/history": "History",
    "/orders": "Orders",
    "/results": "Results",
    "/log": "Log",
}
"""Paths in the navigation, and their names."""


@attrs.frozen(kw_only=True)
class Visitor:
    """The person who views a page, as far as the page shows it."""

    is_known: bool = False
    """Whether they have logged in."""
    form_token: str = ""
    """What their forms must contain; empty unless they have logged in."""


def page(
    title: str, *content: Content, visitor: Visitor, path: str = "", is_live: bool = False
) -> str:
    """Write a whole page.

    Args:
        title: of the page, its only ``h1``.
        content: the middle of the page.
        visitor: decides whether logging in or out is offered.
        path: of this view in the navigation.
        is_live: panels are replaced as updates arrive; without script the page reloads itself.
    """
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{title} - Understudy"),
        tag("link", rel="stylesheet", href="/static/style.css"),
        tag("link", rel="icon", href="/static/icon.svg", type="image/svg+xml"),
        tag("script", src="/static/live.js", defer=True) if is_live else None,
        tag("noscript", tag("meta", http_equiv="refresh", content="5")) if is_live else None,
    )
    links = (
        tag("a", name, href=where, aria_current="page" if where == path else None)
        for where, name in VIEWS.items()
    )
    header = tag(
        "header",
        tag("a", "Skip to the content", href="#content", class_="skip"),
        tag("a", "understudy", href="/", class_="brand"),
        tag("nav", *links, aria_label="Views"),
        _way_in_or_out(visitor),
    )
    unheard = tag("p", id="unheard", class_="unheard", role="alert", hidden=True)
    main = tag("main", tag("h1", title), unheard if is_live else None, *content, id="content")
    body = tag("body", header, main, tag("footer", "Times are venue time, UTC."))
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}"


def _way_in_or_out(visitor: Visitor) -> Html:
    if not visitor.is_known:
        return tag("a", "Log in", href="/login", class_="session")
    button = tag("button", "Log out", type="submit")
    return form("/logout", button, form_token=visitor.form_token, class_="session")


def form(action: str, *content: Content, form_token: str = "", class_: str | None = None) -> Html:
    """Write a form that is sent to a path of this server."""
    proof = tag("input", type="hidden", name="form", value=form_token) if form_token else None
    return tag("form", proof, *content, method="post", action=action, class_=class_)


def message_page(title: str, sentence: str, visitor: Visitor) -> str:
    """Write a page with one sentence."""
    back = tag("p", tag("a", "Back to now", href="/"))
    return page(title, tag("section", tag("p", sentence), back, class_="card"), visitor=visitor)


def login_page(visitor: Visitor, *, next_path: str, problem: str = "") -> str:
    """Ask for the token."""
    content = form(
        "/login",
        tag("p", problem, class_="loss", role="alert") if problem else None,
        tag("label", "Token", for_="token"),
        tag(
            "input",
            id="token",
            name="token",
            type="password",
            autocomplete="current-password",
            required=True,
            autofocus=True,
        ),
        tag("input", type="hidden", name="next", value=next_path),
        tag("button", "Log in", type="submit", class_="button"),
        class_="card ask",
    )
    hint = join("The token is what ", tag("code", "understudy web token"), " shows on the machine.")
    return page("Log in", content, tag("p", hint, class_="muted"), visitor=visitor)


def order_link(order_id: str) -> Html:
    """Link to an order's story."""
    return tag("a", order_id, href=f"/order/{order_id}")
