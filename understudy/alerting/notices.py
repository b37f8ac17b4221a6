"""Messages to people: notices, and the conditions that cause them."""

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
    """A present condition, to be reported once it has lasted for long enough."""

    kind: str
    text: str
    over: str = ""
    """What is reported when it ends; empty for the text, and that it is over."""
    after_s: int = 0
    """How long it must last first, in real time."""
    repeats: bool = True
    """Whether it is reported again while it lasts."""
    is_of_status: bool = False
    """Whether only a system that answers can tell if it still holds."""
