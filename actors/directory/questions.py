"""HTTP questions that are asked again until answered, ever more slowly, and with one complaint."""

from __future__ import annotations

from actors.core import Command, Dice, Effects, Log, SetTimer
from actors.messages.directory import HttpGet

ANSWER_LIMIT_MS = 30_000
"""A question without any answer is asked again after this long."""

_FIRST_RETRY_MS = 1_000


class Questions:
    """Each question has a key, which is also that of the timer that asks it again.

    The request id carries the instant at which it was asked, so a late answer is still dated
    rightly, and nothing needs to be remembered of it.
    """

    def __init__(self, dice: Dice) -> None:
        self._dice = dice
        self._failures: dict[str, int] = {}
        self._complaints: dict[str, str] = {}

    def ask(self, key: str, url: str, now_ms: int) -> Effects:
        """Send a question; its timer asks again if no answer comes at all."""
        return [
            Command(HttpGet(request_id=f"{key}@{now_ms}", url=url)),
            SetTimer(key, ANSWER_LIMIT_MS),
        ]

    def ask_again(self, key: str, complaint: str, slowest_ms: int, at_least_ms: int = 0) -> Effects:
        """Plan the next attempt after a failure, and complain unless it is the same as before.

        Args:
            key: the question's.
            complaint: what was wrong, in one sentence.
            slowest_ms: it is asked again after this long at the latest, give or take a quarter,
            at_least_ms: and never before this, since the server asked for it.
        """
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        delay_ms = min(slowest_ms, _FIRST_RETRY_MS * 2 ** min(failures, 16))
        spread_ms = int(delay_ms * (0.75 + 0.5 * self._dice.random()))
        effects: Effects = [SetTimer(key, max(spread_ms, at_least_ms))]
        if self._complaints.get(key) != complaint:
            self._complaints[key] = complaint
            effects.append(Log("warning", f"{complaint}; asking again"))
        return effects

    def forget(self, key: str) -> None:
        """Drop a question that no longer matters."""
        self._failures.pop(key, None)
        self._complaints.pop(key, None)

    def begin_anew(self, key: str) -> None:
        """Ask as quickly as the first time when it is asked next; its complaint stays said."""
        self._failures.pop(key, None)

    def answered(self, key: str) -> Effects:
        """Note that a question is settled, and say so to those who read the complaint."""
        failures = self._failures.pop(key, 0)
        if self._complaints.pop(key, None) is None:
            return []
        return [Log("info", f"{key} was answered after {failures} failed attempts")]


def question_of(request_id: str) -> tuple[str, int]:
    """The key of a request and the instant at which it was asked."""
    key, _, asked_at_ms = request_id.rpartition("@")
    return key, int(asked_at_ms)
