"""The finding of a check: an outcome, a sentence, and advice."""

from __future__ import annotations

import enum

import attrs

CREDENTIALS = "credentials"
WALLET = "wallet"
BALANCE = "balance"
ALLOWANCE = "allowance"
ACCOUNT_NAMES = (CREDENTIALS, WALLET, BALANCE, ALLOWANCE)
"""Named here because the module that checks them loads the venue's client."""


class CheckOutcome(enum.Enum):
    """Outcome of a check."""

    PASS = "pass"  # noqa: S105 # a word, and nobody's password
    WARN = "warn"
    """A run would start, but a person should know."""
    FAIL = "fail"
    """A run would not start, or could not trade."""
    SKIPPED = "skipped"
    """Not checked, for the reason in the sentence."""


@attrs.frozen
class Finding:
    """One line of the doctor's report."""

    name: str
    """The subject of the check, in a word or two."""
    outcome: CheckOutcome
    sentence: str
    advice: str = ""
    """What to do; empty if nothing is to be done."""
    cause: str = ""
    """What prevents the check, if others fail for the same reason; empty otherwise."""


def passed(name: str, sentence: str) -> Finding:
    """All is well."""
    return Finding(name, CheckOutcome.PASS, sentence)


def warned(name: str, sentence: str, advice: str, cause: str = "") -> Finding:
    """A run would start, but with a problem."""
    return Finding(name, CheckOutcome.WARN, sentence, advice, cause)


def failed(name: str, sentence: str, advice: str, cause: str = "") -> Finding:
    """A run would not start, or could not trade."""
    return Finding(name, CheckOutcome.FAIL, sentence, advice, cause)


def skipped(name: str, sentence: str) -> Finding:
    """Not checked."""
    return Finding(name, CheckOutcome.SKIPPED, sentence)
