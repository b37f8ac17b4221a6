"""Finds the order that a person means."""

from __future__ import annotations

import difflib

from actors.messages.execution import OrderState
from understudy.reading.archive import Archive

_NAMED_AT_MOST = 3
_CANDIDATES_MAX = 500


class OrderNotFound(Exception):
    """No order matches, or several do; the sentence names similar ones."""


def find_order(archive: Archive, text: str) -> OrderState:
    """Return the order with this id, this beginning of an id, or this number.

    ``order_7_1f2e3d4c``, ``order_7_1f``, ``order_7`` and ``7`` all mean the same order, unless
    another one matches as well.

    Raises:
        OrderNotFound: none matches, several do, or its rows cannot be read.
        JournalError: the journal cannot be read.
    """
    several: tuple[str, ...] = ()
    for prefix in (text, f"{text}_", f"order_{text}_", f"order_{text}"):
        found = archive.order_ids(prefix, _CANDIDATES_MAX)
        order = archive.order(prefix if prefix in found else found[0]) if found else None
        if order is not None and (len(found) == 1 or prefix in found):
            return order
        if found and (len(found) == 1 or prefix in found):
            raise OrderNotFound(f"neither {found[0]} nor its creation can be read any more")
        several = several or found
    if several:
        count = f"{len(several)}" if len(several) < _CANDIDATES_MAX else "many"
        named = ", ".join(several[:_NAMED_AT_MOST])
        raise OrderNotFound(f"{text!r} fits {count} orders, such as {named}: write more of it")
    near = _nearest(archive, text if text.startswith("order") else f"order_{text}")
    hint = f"the nearest: {', '.join(near)}" if near else "there is none at all yet"
    raise OrderNotFound(f"there is no order {text}; {hint}")


def _nearest(archive: Archive, text: str) -> list[str]:
    """Ids that share the longest prefix with the text, the most similar first."""
    for length in range(len(text) - 1, -1, -1):
        found = archive.order_ids(text[:length], _CANDIDATES_MAX)
        if found:
            return difflib.get_close_matches(text, found, _NAMED_AT_MOST, cutoff=0.0)
    return []
