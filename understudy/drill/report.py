"""The report of a drill: a table by what was hit, and the findings."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from audit.verdict import AuditVerdict
from understudy.display.wording import count_label
from understudy.drill.conduct import Recovery
from understudy.drill.plan import TARGETS, Means

COUNTERS = tuple(field.name for field in attrs.fields(AuditVerdict) if field.name != "findings")


@attrs.frozen(kw_only=True)
class Result:
    """A drill from its seed to its verdict."""

    seed: int
    recoveries: tuple[Recovery, ...]
    verdict: AuditVerdict
    traded: Mapping[str, int]
    """Number of orders, fills and settled windows that the verdict covers."""

    @property
    def is_good(self) -> bool:
        """Whether the system survived every injection and nothing is wrong."""
        return self.verdict.is_good


def result_json(result: Result) -> dict[str, Any]:
    """Build the JSON object that ``drill --json`` prints; all times are real milliseconds."""
    return {
        "seed": result.seed,
        "kills": len(result.recoveries),
        **verdict_json(result.verdict, result.traded),
        "recovery_ms": {
            target: _percentiles([recovery.recovered_ms for recovery in recoveries])
            | {
                "kills": len(recoveries),
                **_counts(recoveries),
                "at_pause_point": sum(each.was_at_point for each in recoveries),
                "orders_in_flight": sum(each.orders_in_flight for each in recoveries),
            }
            for target, recoveries in _by_target(result.recoveries).items()
        },
    }


def _by_target(recoveries: Iterable[Recovery]) -> dict[str, list[Recovery]]:
    found: dict[str, list[Recovery]] = {target: [] for target in TARGETS}
    for recovery in recoveries:
        found[recovery.step.injection.target].append(recovery)
    return {target: each for target, each in found.items() if each}


_COUNTED = {Means.STOP: "hung", Means.RAISE: "raised", Means.LOOP: "looped"}


_HEADINGS = ("injections", *_COUNTED.values(), "at a point", "p50 s", "p99 s", "max s", "in flight")


def _counts(struck: Sequence[Recovery]) -> dict[str, int]:
    """Number of injections by means, except kills."""
    return {
        name: sum(each.step.injection.means is means for each in struck)
        for means, name in _COUNTED.items()
    }


def _percentiles(samples: Sequence[int]) -> dict[str, int]:
    ranked = sorted(samples)

    def percentile(percent: int) -> int:
        return ranked[math.ceil(len(ranked) * percent / 100) - 1]

    return {"p50": percentile(50), "p99": percentile(99), "max": ranked[-1]}


def result_view(result: Result) -> RenderableType:
    """Draw the result for people."""
    lines = verdict_lines(result.verdict, result.traded)
    return Group(_table(result.recoveries), Text(), *lines)


def verdict_json(verdict: AuditVerdict, traded: Mapping[str, int]) -> dict[str, Any]:
    """Describe a verdict, and what it covers, for programs."""
    counts = {name: getattr(verdict, name) for name in COUNTERS}
    return {**counts, "findings": list(verdict.findings), **traded}


def verdict_lines(verdict: AuditVerdict, traded: Mapping[str, int]) -> list[Text]:
    """Describe it for people."""
    counts = (f"{name.replace('_', ' ')} {getattr(verdict, name)}" for name in COUNTERS)
    about = ", ".join(f"{count} {name}" for name, count in traded.items())
    lines = [Text(f"reconciled: {about}"), Text(", ".join(counts))]
    lines += [Text(f"✗ {finding}", "bold red") for finding in verdict.findings]
    if verdict.is_good:
        lines.append(Text("✓ nothing lost, nothing doubled, nothing left over", "green"))
    return lines


def _table(recoveries: Iterable[Recovery]) -> Table:
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("target", no_wrap=True)
    for heading in _HEADINGS:
        table.add_column(heading, justify="right")
    for target, struck in _by_target(recoveries).items():
        times = _percentiles([each.recovered_ms for each in struck])
        table.add_row(
            target,
            str(len(struck)),
            *(str(count or "") for count in _counts(struck).values()),
            str(sum(each.was_at_point for each in struck) or ""),
            *(f"{times[name] / 1000:.3f}" for name in ("p50", "p99", "max")),
            str(sum(each.orders_in_flight for each in struck)),
        )
    return table


def recovery_line(number: int, kills: int, recovery: Recovery) -> str:
    """Describe one injection, as soon as it is over."""
    injection = recovery.step.injection
    where = ""
    if injection.point:
        where = (
            f" at {injection.point}"
            if recovery.was_at_point
            else f" ({injection.point} was not reached)"
        )
    verb = injection.means.value
    in_flight = count_label(recovery.orders_in_flight, "order")
    return (
        f"{number:>{len(str(kills))}}/{kills} {injection.target} {verb}{where}: serves again after "
        f"{recovery.recovered_ms / 1000:.3f} s, {in_flight} in flight"
    )
