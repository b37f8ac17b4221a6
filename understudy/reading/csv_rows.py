"""Lists as CSV: the same fields and exact texts as in the JSON, under a line of their names."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence


def csv_text(rows: Sequence[Mapping[str, object]]) -> str:
    """Write a line for each row (RFC 4180, but lines end in LF); nothing for an empty list.

    True and false are spelled as in JSON, what is not known is empty.
    """
    if not rows:
        return ""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(rows[0])
    writer.writerows([_cell(value) for value in row.values()] for row in rows)
    return file.getvalue()


def _cell(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value
