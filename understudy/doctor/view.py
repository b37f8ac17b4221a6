"""How findings are shown: a table for people, lines for logs, JSON for programs."""

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
_NAME_WIDTH = 15


def table(findings: Sequence[Finding]) -> Table:
    """Draw a row for each finding, and below it what to do."""
    drawn = Table(box=None, show_header=False, padding=(0, 1, 0, 0), pad_edge=False)
    drawn.add_column(no_wrap=True)
    drawn.add_column(no_wrap=True)
    drawn.add_column(overflow="fold")
    for finding in findings:
        style = _STYLES[finding.outcome]
        words = Text(finding.sentence, "dim" if finding.outcome is CheckOutcome.SKIPPED else "")
        if finding.advice:
            words.append(f"\n→ {finding.advice}", "cyan")
        drawn.add_row(Text(finding.outcome.value, style), Text(finding.name, "bold"), words)
    return drawn


def lines(findings: Sequence[Finding]) -> list[str]:
    """Write a line for each finding, the advice at its end."""
    width = max(len(each.value) for each in CheckOutcome)
    return [
        f"{each.outcome.value:<{width}}  {each.name:<{_NAME_WIDTH}}  {each.sentence}"
        + (f" -> {each.advice}" if each.advice else "")
        for each in findings
    ]


def totals(findings: Sequence[Finding]) -> str:
    """Count them by outcome, in one line."""
    counts = Counter(each.outcome for each in findings)
    return ", ".join(f"{counts[each]} {each.value}" for each in CheckOutcome if counts[each])


def as_json(findings: Sequence[Finding]) -> list[dict[str, str]]:
    """Everything, for programs."""
    return [
        {
            "name": each.name,
            "outcome": each.outcome.value,
            "sentence": each.sentence,
            "advice": each.advice,
        }
        for each in findings
    ]
