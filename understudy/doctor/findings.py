"""What a check has found: an outcome, a sentence, and what to do about it."""

from __future__ import annotations

import enum

import attrs

CREDENTIALS = "credentials"
WALLET = "wallet"
BALANCE = "balance"
ALLOWANCE = "allowance"
ACCOUNT_NAMES = (CREDENTIALS, WALLET, BALANCE, ALLOWANCE)
"""Named here, because the module that checks them loads the venue's client."""


class CheckOutcome(enum.Enum):
    """How a check came out."""

    PASS = "pass"  # noqa: S105 # a word, and nobody's password
    WARN = "warn"
    """A run would start; someone should know."""
    FAIL = "fail"
    """A run would not start, or could not trade."""
    SKIPPED = "skipped"
    """Not looked at, for a reason that the sentence tells."""


@attrs.frozen
class Finding:
    """One line of the doctor's report."""

    name: str
    """What was looked at, in a word or two."""
    outcome: CheckOutcome
    sentence: str
    advice: str = ""
    """What to do; empty where nothing is to be done."""
    cause: str = ""
    """What keeps the check from being made, if others fail by the same; empty otherwise."""


def passed(name: str, sentence: str) -> Finding:
    """All is well."""
    return Finding(name, CheckOutcome.PASS, sentence)


def warned(name: str, sentence: str, advice: str, cause: str = "") -> Finding:
    """A run would start, but."""
    return Finding(name, CheckOutcome.WARN, sentence, advice, cause)


def failed(name: str, sentence: str, advice: str, cause: str = "") -> Finding:
    """A run would not start, or could not trade."""
    return Finding(name, CheckOutcome.FAIL, sentence, advice, cause)


def skipped(name: str, sentence: str) -> Finding:
    """It was not looked at."""
    return Finding(name, CheckOutcome.SKIPPED, sentence)
