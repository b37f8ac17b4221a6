"""The account whose orders a journal holds."""

from __future__ import annotations

import attrs


@attrs.frozen
class TradedAccount:
    """Recorded once, before the first real order: this journal belongs to this account alone.

    A journal of simulated orders has no such record.
    """

    address: str
    """Lower case."""
