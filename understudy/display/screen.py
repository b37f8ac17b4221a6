"""Output for people: tables and pictures, on a terminal or in a file."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import IO

from rich.console import Console, ConsoleOptions, JustifyMethod, OverflowMethod, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from actors.shown_text import shown


class Screen(Console):
    """A terminal, or a file, on which text from outside is displayed and has no other effect.

    Control characters in the text are shown as escapes; only rich's own are sent. Brackets and
    colons have no special meaning: styles are given by ``Text``, never by rich's markup.
    """

    def __init__(self, file: IO[str] | None = None) -> None:
        super().__init__(file=file, markup=False, emoji=False)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render to segments of text."""
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                text = shown(segment.text, keeps_breaks=True)
                yield segment if text == segment.text else Segment(text, segment.style)


def listing(
    *headings: str,
    right: Collection[str] = (),
    fold: Collection[str] = (),
    footers: Mapping[str, str | Text] | None = None,
) -> Table:
    """Start a table; columns in ``right`` are right-aligned, and only those in ``fold`` wrap."""
    table = Table(
        box=None,
        header_style="dim",
        padding=(0, 1),
        pad_edge=False,
        show_footer=footers is not None,
        caption_justify="left",
        title_justify="left",
        title_style="dim",
    )
    for heading in headings:
        footer = (footers or {}).get(heading, "")
        justify: JustifyMethod = "right" if heading in right else "left"
        overflow: OverflowMethod = "fold" if heading in fold else "ellipsis"
        is_whole = heading not in fold
        table.add_column(heading, footer, justify=justify, no_wrap=is_whole, overflow=overflow)
    return table


def facts_table(rows: Iterable[tuple[str, str | Text]]) -> Table:
    """Draw facts below each other, each beside its name; cautions are highlighted."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, words in rows:
        table.add_row(name, Text(str(words), "yellow") if name == "caution" else words)
    return table
