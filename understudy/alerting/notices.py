"""What is told to people: notices, and the conditions that they come from."""

from __future__ import annotations

import attrs

from actors.shown_text import shown


@attrs.frozen(kw_only=True)
class Notice:
    """One sentence for people."""

    kind: str
    """One of ``ALERT_KINDS``."""
    text: str = attrs.field(converter=shown)
    at_ms: int
    """Real time, Unix."""


@attrs.frozen(kw_only=True)
class Condition:
    """Something that is the case now, and worth telling once it has been for long enough."""

    kind: str
    text: str
    over: str = ""
    """What is told when it is no longer the case; empty: the text, and that it is over."""
    after_s: int = 0
    """It must last so long, in real time."""
    repeats: bool = True
    """Whether it is told again while it lasts."""
    is_of_status: bool = False
    """Only a system that answers can tell whether it still is the case."""
