"""HTML that cannot be injected into: whatever is not ``Html`` is escaped when it is put into a tag.

Control characters, such as those that turn the order of what follows, are shown as escapes.

No attribute carries style or script; the page's policy forbids both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from rich.text import Text

from actors.shown_text import shown

_VOID = {"input", "line", "link", "meta", "polygon", "polyline", "rect"}
"""Elements that are written without an end tag's content."""


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


Content = str | Text | None
"""Plain text, a styled text of the terminal's words, or ``Html``; None is nothing."""

Attribute = str | float | bool | None


def tag(name: str, /, *content: Content, **attributes: Attribute) -> Html:
    """Write an element.

    Args:
        name: of the element.
        content: is escaped unless it is ``Html``.
        attributes: by name, with ``_`` for ``-`` and at the end of Python's own words; ``True``
            writes the name alone, ``False`` and ``None`` leave it out.
    """
    words = "".join(map(_attribute, attributes.items()))
    if name in _VOID:
        return Html(f"<{name}{words}/>")
    return Html(f"<{name}{words}>{join(*content)}</{name}>")


def join(*content: Content) -> Html:
    """Write several pieces after each other."""
    return Html("".join(map(_escaped, content)))


def _escaped(content: Content) -> str:
    if content is None:
        return ""
    if isinstance(content, Html):
        return content
    plain = content.plain if isinstance(content, Text) else content
    return escape(shown(plain, keeps_breaks=True))


def _attribute(item: tuple[str, Attribute]) -> str:
    name, value = item
    if value is None or value is False:
        return ""
    name = name.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'


def signed(text: Text) -> Html:
    """Write an amount of money: a gain and a loss each in its colour, and always with its sign."""
    name = {"+": "gain", "-": "loss"}.get(text.plain[:1])
    return tag("span", text, class_=name) if name else join(text)


def panel(
    key: str, title: str, *content: Content, note: Content = None, heading: str = "h2"
) -> Html:
    """Write a part of a page with its heading; ``key`` is its id."""
    name = tag("span", title, id=f"{key}-title")
    top = tag(heading, name, tag("small", note) if note else None)
    return tag("section", top, *content, id=key, class_="card", aria_labelledby=f"{key}-title")


def nothing(words: str) -> Html:
    """Say what is missing, where it would be."""
    return tag("p", words, class_="muted")


def facts(pairs: Iterable[tuple[str, Content]]) -> Html:
    """Write names and what there is to say of each."""
    rows = (join(tag("dt", name), tag("dd", words)) for name, words in pairs)
    return tag("dl", *rows)


def table(
    caption: str,
    headings: Sequence[str],
    rows: Iterable[Sequence[Content]],
    *,
    numeric: Sequence[str] = (),
    minor: Sequence[str] = (),
) -> Html:
    """Write a table that can be scrolled sideways, by keyboard as well.

    Args:
        caption: what it shows, for those who cannot see it.
        headings: of the columns.
        rows: a cell for each heading.
        numeric: headings of columns of numbers.
        minor: headings of columns that a narrow screen can do without.
    """
    classes = [
        " ".join(["number"] * (each in numeric) + ["minor"] * (each in minor)) or None
        for each in headings
    ]
    columns = list(zip(headings, classes, strict=True))
    head = tag("tr", *(tag("th", each, scope="col", class_=name) for each, name in columns))
    body = (
        tag("tr", *(tag("td", cell, class_=name) for cell, name in zip(row, classes, strict=True)))
        for row in rows
    )
    whole = tag(
        "table",
        tag("caption", caption, class_="unseen"),
        tag("thead", head),
        tag("tbody", *body),
    )
    return tag("div", whole, class_="scroll", tabindex="0", role="group", aria_label=caption)
