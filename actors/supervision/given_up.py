"""Strategies that crashed too often: they are not restarted, and their series are halted.

A strategy is the only actor whose code may be written by users, and the only one without which
orders are still managed. So its crashes end its series and not the run.
"""

from __future__ import annotations

from collections.abc import Iterable

from actors.messages.halts import STRATEGY_FALLS, HaltTrading
from actors.roles import STRATEGY, base_role, series_of_role

_REASON_MOST = 300


class GivenUp:
    """Which strategies are not restarted, and why."""

    def __init__(self) -> None:
        self._reasons: dict[str, str] = {}

    def __contains__(self, role: str) -> bool:
        return role in self._reasons

    @staticmethod
    def may_be(roles: Iterable[str]) -> bool:
        """Return whether these are only strategies, so that no other actor is missing."""
        bases = {base_role(role) for role in roles}
        return bases == {STRATEGY}

    def add(self, roles: Iterable[str], what: str, how_often: str) -> str:
        """Give strategies up; return the sentence that says so.

        Args:
            roles: the strategies.
            what: what happened last.
            how_often: that there were too many crashes.
        """
        reason = f"the strategy is given up: {how_often}, at last because {what}"[:_REASON_MOST]
        self._reasons |= dict.fromkeys(roles, reason)
        return f"{reason}; its series is halted until the strategy is fixed and trading is resumed"

    def messages_to_desk(self) -> list[HaltTrading]:
        """Return the halts for the desk, which may be repeated."""
        return [
            HaltTrading(reason=reason, cancel=True, who=STRATEGY_FALLS, series=series_of_role(role))
            for role, reason in self._reasons.items()
        ]
