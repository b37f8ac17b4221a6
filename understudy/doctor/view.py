"""Displays findings: a table for people, lines for logs, JSON for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from understudy.doctor.findings import CheckOutcome, Finding

_STYLES = {
    CheckOutcome.PASS: "green",
    CheckOutcome.WARN: "yellow",
    CheckOutcome.FAIL: "bold red",
    CheckOutcome.SKIPPED: "dim",
}
_SEVERITY = (CheckOutcome.SKIPPED, CheckOutcome.PASS, CheckOutcome.WARN, CheckOutcome.FAIL)
_NAME_WIDTH = 15
NETWORK = "network"
"""Name of a finding that stands for several checks with one cause."""


def grouped(findings: Sequence[Finding]) -> list[Finding]:
    """Combine checks that fail for one cause into one finding, in the first one's place."""
    by_cause: dict[str, list[Finding]] = {}
    for each in findings:
        if each.cause:
            by_cause.setdefault(each.cause, []).append(each)
    rows: list[Finding] = []
    for each in findings:
        group = by_cause.get(each.cause, [])
        if len(group) < 2:
            rows.append(each)
        elif each is group[0]:
            rows.append(_as_one(group))
    return rows


def _as_one(group: Sequence[Finding]) -> Finding:
    names = ", ".join(each.name for each in group)
    worst = max(group, key=lambda each: _SEVERITY.index(each.outcome))
    return Finding(
        NETWORK,
        worst.outcome,
        f"{group[0].cause}; so {len(group)} checks cannot be made: {names}",
        "check this computer's network, name server, firewall and proxy, and the addresses in "
        "[venue]; then ask again",
    )


def table(findings: Sequence[Finding]) -> Table:
    """Draw a row for each finding, or for each shared cause, with the advice below it."""
    drawn = Table(box=None, show_header=False, padding=(0, 1, 0, 0), pad_edge=False)
    drawn.add_column(no_wrap=True)
    drawn.add_column(no_wrap=True)
    drawn.add_column(overflow="fold")
    for finding in grouped(findings):
        style = _STYLES[finding.outcome]
        words = Text(finding.sentence, "dim" if finding.outcome is CheckOutcome.SKIPPED else "")
        if finding.advice:
            words.append(f"\n→ {finding.advice}", "cyan")
        drawn.add_row(Text(finding.outcome.value, style), Text(finding.name, "bold"), words)
    return drawn


def lines(findings: Sequence[Finding]) -> list[str]:
    """Write a line for each finding, or for each shared cause, with the advice at its end."""
    width = max(len(each.value) for each in CheckOutcome)
    return [
        f"{each.outcome.value:<{width}}  {each.name:<{_NAME_WIDTH}}  {each.sentence}"
        + (f" -> {each.advice}" if each.advice else "")
        for each in grouped(findings)
    ]


def totals(findings: Sequence[Finding]) -> str:
    """Count the displayed rows by outcome, in one line."""
    counts = Counter(each.outcome for each in grouped(findings))
    return ", ".join(f"{counts[each]} {each.value}" for each in CheckOutcome if counts[each])


def as_json(findings: Sequence[Finding]) -> list[dict[str, str]]:
    """Return everything, for programs."""
    return [
        {
            "name": each.name,
            "outcome": each.outcome.value,
            "sentence": each.sentence,
            "advice": each.advice,
            "cause": each.cause,
        }
        for each in findings
    ]
