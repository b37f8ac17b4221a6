"""Whose orders a journal holds."""

from __future__ import annotations

import attrs


@attrs.frozen
class TradedAccount:
    """Recorded once, before the first live order: this journal is this account's alone.

    A journal of simulated orders has no such record.
    """

    address: str
    """Lower case."""
