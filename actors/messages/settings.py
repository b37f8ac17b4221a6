"""Records of the settings in force: what changed, who changed it, and the current values."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

AT_START = "start of a run"
"""The author of the change when a run starts with other settings than the previous one."""

_SHOWN_MAX = 12


@attrs.frozen
class SettingChange:
    """One key with a new value; values as a TOML file would have them, or ``unset``."""

    key: str
    """Such as strategy.max_shares, or series.btc-15m.strategy.max_shares for a single series."""
    old: str
    new: str

    @property
    def words(self) -> str:
        """Such as ``strategy.max_shares 100 → 50``."""
        return f"{self.key} {self.old} → {self.new}"


@attrs.frozen(kw_only=True)
class SettingsChanged:
    """Recorded: these changes take effect together, from now on."""

    number: int
    """Counts up over all runs of a data directory; decisions refer to it (``settings_number``)."""
    who: str
    reason: str = ""
    changes: tuple[SettingChange, ...] = ()
    """Empty for the first run."""


@attrs.frozen(kw_only=True)
class SettingsInForce:
    """Saved: the newest settings as given, before a demo redirects them."""

    number: int
    values: dict[str, str]
    """By the keys' full names, as in SettingChange."""


def words_of(changes: Iterable[SettingChange]) -> str:
    """The changes in words, shortened to a readable number."""
    words = [change.words for change in changes]
    more = [f"and {len(words) - _SHOWN_MAX} more"] if len(words) > _SHOWN_MAX else []
    return "; ".join([*words[:_SHOWN_MAX], *more])
