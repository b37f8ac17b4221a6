"""Lists as CSV: the same fields and exact texts as in the JSON, below a header."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

from actors.shown_text import shown


def csv_text(rows: Sequence[Mapping[str, object]], *, has_names: bool = True) -> str:
    """Write a line for each row (RFC 4180, but lines end in LF); nothing for an empty list.

    Without the header the result continues a file that has one.

    True and false are spelled as in JSON, unknown values are empty, and control characters in texts
    are shown as escapes.
    """
    if not rows:
        return ""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    if has_names:
        writer.writerow(rows[0])
    writer.writerows([_cell(value) for value in row.values()] for row in rows)
    return file.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    return shown(value) if isinstance(value, str) else value
