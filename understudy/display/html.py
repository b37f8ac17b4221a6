"""HTML builders that escape whatever is not ``Html``, so that nothing can be injected.

Control characters, such as those that reverse the text that follows, are shown as escapes.

No attribute carries style or script; the page's policy forbids both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from rich.text import Text

from actors.shown_text import shown

_VOID = {"input", "line", "link", "meta", "polygon", "polyline", "rect"}
"""Elements written without content or an end tag."""


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


Content = str | Text | None
"""Plain text, styled text from the terminal's wording, or ``Html``; None is nothing."""

Attribute = str | float | bool | None


def tag(name: str, /, *content: Content, **attributes: Attribute) -> Html:
    """Write an element.

    Args:
        name: of the element.
        content: is escaped unless it is ``Html``.
        attributes: by name, with ``_`` for ``-`` and at the end of Python keywords; ``True``
            writes the name alone, ``False`` and ``None`` omit it.
    """
    words = "".join(map(_attribute, attributes.items()))
    if name in _VOID:
        return Html(f"<{name}{words}/>")
    return Html(f"<{name}{words}>{join(*content)}</{name}>")


def join(*content: Content) -> Html:
    """Concatenate several pieces."""
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
    """Write an amount of money with its sign, a gain and a loss each in its colour."""
    name = {"+": "gain", "-": "loss"}.get(text.plain[:1])
    return tag("span", text, class_=name) if name else join(text)


def panel(
    key: str, title: str, *content: Content, note: Content = None, heading: str = "h2"
) -> Html:
    """Write a section of a page with its heading; ``key`` is its id."""
    name = tag("span", title, id=f"{key}-title")
    top = tag(heading, name, tag("small", note) if note else None)
    return tag("section", top, *content, id=key, class_="card", aria_labelledby=f"{key}-title")


def nothing(words: str) -> Html:
    """Name what is missing, in its place."""
    return tag("p", words, class_="muted")


def facts(pairs: Iterable[tuple[str, Content]]) -> Html:
    """Write names and their facts."""
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
        rows: one cell for each heading.
        numeric: headings of numeric columns.
        minor: headings of columns that a narrow screen leaves out.
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
