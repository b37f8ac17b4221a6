"""What is recorded of the settings in force: what changed, who changed it, and what holds now."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

AT_START = "start of a run"
"""Who changes settings when a run is started with others than the last one had."""

_SHOWN_MAX = 12


@attrs.frozen
class SettingChange:
    """One key with another value; values as a TOML file would have them, or ``unset``."""

    key: str
    """Such as strategy.max_shares, or series.btc-15m.strategy.max_shares if it is one series'."""
    old: str
    new: str

    @property
    def words(self) -> str:
        """Such as ``strategy.max_shares 100 → 50``."""
        return f"{self.key} {self.old} → {self.new}"


@attrs.frozen(kw_only=True)
class SettingsChanged:
    """Recorded: from now on other settings are in force, all of them at once."""

    number: int
    """Counts up over all runs of a data directory; decisions name it (``settings_number``)."""
    who: str
    reason: str = ""
    changes: tuple[SettingChange, ...] = ()
    """Empty of the first run."""


@attrs.frozen(kw_only=True)
class SettingsInForce:
    """Saved: the newest settings as they were given, before a demo points them elsewhere."""

    number: int
    values: dict[str, str]
    """By full names of keys, as in SettingChange."""


def words_of(changes: Iterable[SettingChange]) -> str:
    """Changes in words; not more of them than one can read."""
    words = [change.words for change in changes]
    more = [f"and {len(words) - _SHOWN_MAX} more"] if len(words) > _SHOWN_MAX else []
    return "; ".join([*words[:_SHOWN_MAX], *more])
