"""HTTP questions, repeated with growing delays until answered; each complaint is logged once."""

from __future__ import annotations

from actors.core import Command, Dice, Effects, Log, SetTimer
from actors.messages.directory import HttpGet

ANSWER_LIMIT_MS = 30_000
"""A question without any answer is repeated after this time."""

_FIRST_RETRY_MS = 1_000


class Questions:
    """Each question has a key, which is also the key of the timer that repeats it.

    The request id contains the time of the request, so a late answer is still dated correctly, and
    nothing about it has to be remembered.
    """

    def __init__(self, dice: Dice) -> None:
        self._dice = dice
        self._failures: dict[str, int] = {}
        self._complaints: dict[str, str] = {}

    def ask(self, key: str, url: str, now_ms: int) -> Effects:
        """Send a question; its timer repeats it if no answer arrives at all."""
        return [
            Command(HttpGet(request_id=f"{key}@{now_ms}", url=url)),
            SetTimer(key, ANSWER_LIMIT_MS),
        ]

    def ask_again(self, key: str, complaint: str, slowest_ms: int, at_least_ms: int = 0) -> Effects:
        """Schedule the next attempt after a failure; log the complaint unless it is a repetition.

        Args:
            key: the question's key.
            complaint: what was wrong, in one sentence.
            slowest_ms: the longest delay, plus or minus a quarter.
            at_least_ms: the shortest delay, because the server asked for it.
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

    def reset_delays(self, key: str) -> None:
        """Reset a question's delays; a complaint that was logged is not logged again."""
        self._failures.pop(key, None)

    def answered(self, key: str) -> Effects:
        """Note that a question is settled, and log this if a complaint was logged."""
        failures = self._failures.pop(key, 0)
        if self._complaints.pop(key, None) is None:
            return []
        return [Log("info", f"{key} was answered after {failures} failed attempts")]


def question_of(request_id: str) -> tuple[str, int]:
    """Return the key of a request, and when it was made."""
    key, _, asked_at_ms = request_id.rpartition("@")
    return key, int(asked_at_ms)
