"""Common parts of benchmarks: two options, tables with targets, the machine's state."""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import attrs
from rich.console import Console
from rich.table import Table as RichTable

from understudy.display.latency import Histogram

Figure = float | int | str | None


@attrs.frozen(kw_only=True)
class Target:
    """The target of a row's figure in one column."""

    column: str
    limit: float
    is_least: bool = False
    """Whether the figure must reach the limit; otherwise it must not exceed it."""

    @property
    def text(self) -> str:
        """The target as text."""
        return f"{self.column} {'≥' if self.is_least else '≤'} {self.limit:g}"

    def is_met(self, figure: Figure) -> bool | None:
        """Whether the figure meets the target; None if nothing was measured."""
        if not isinstance(figure, int | float):
            return None
        return figure >= self.limit if self.is_least else figure <= self.limit


@attrs.frozen(kw_only=True)
class Row:
    """One subject of measurement: its figures by column, and the target of one of them."""

    name: str
    figures: Mapping[str, Figure]
    target: Target | None = None

    @property
    def is_met(self) -> bool | None:
        """Whether the target is met; None without one, or without a figure."""
        return None if self.target is None else self.target.is_met(self.figures[self.target.column])


@attrs.frozen(kw_only=True)
class Table:
    """Rows with the same columns; a column's name ends in its unit."""

    title: str
    rows: Sequence[Row]
    notes: Sequence[str] = ()
    """What a reader must know to judge the figures."""


@attrs.frozen(kw_only=True)
class Machine:
    """The machine, and the state in which the benchmark began."""

    began_at: str
    cpu_count: int
    python: str
    load_before: float
    processor_before: tuple[int, int] = (0, 0)
    """The result of ``_processor_ticks``."""

    @property
    def stolen_percent(self) -> float:
        """Share of processor time since then that a virtual machine's host gave to others.

        With more than one per cent, a slow tail says little about the subject.
        """
        stolen, whole = (
            after - before
            for after, before in zip(_processor_ticks(), self.processor_before, strict=True)
        )
        return round(100 * stolen / whole, 1) if whole else 0.0

    @classmethod
    def now(cls) -> Machine:
        """Describe the machine before the benchmark itself loads it."""
        return cls(
            began_at=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            cpu_count=os.cpu_count() or 1,
            python=platform.python_version(),
            load_before=round(os.getloadavg()[0], 2),
            processor_before=_processor_ticks(),
        )


def _processor_ticks() -> tuple[int, int]:
    """(Stolen, all) clock ticks of all processors since boot; zeros if unavailable.

    Source: ``/proc/stat``, whose first line sums the processors; "steal" is its eighth figure, and
    the two after it are already included in the first two (man 5 proc_stat).
    """
    try:
        first_line = Path("/proc/stat").read_text().splitlines()[0]
    except FileNotFoundError:
        return 0, 0
    ticks = [int(word) for word in first_line.split()[1:9]]
    return ticks[7], sum(ticks)


def options(doc: str | None) -> argparse.ArgumentParser:
    """Make a parser with the common options."""
    parser = argparse.ArgumentParser(description=(doc or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="seconds, to see that it works")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    return parser


def latency_figures(samples_us: Iterable[int]) -> dict[str, Figure]:
    """Summarize microseconds in ms."""
    histogram = Histogram(samples_us)
    figures: dict[str, Figure] = {
        f"{name} ms": _ms(histogram.percentile(percent))
        for name, percent in (("p50", 50), ("p99", 99), ("max", 100))
    }
    return {**figures, "samples": histogram.count}


def _ms(value_us: int | None) -> float | None:
    return None if value_us is None else round(value_us / 1000, 3)


def show(machine: Machine, tables: Sequence[Table], *, is_json: bool) -> None:
    """Print all that was measured."""
    if is_json:
        print(json.dumps(_as_json(machine, tables), indent=2, ensure_ascii=False))
        return
    console = Console()
    for table in tables:
        console.print(_drawn(table))
        for note in table.notes:
            console.print(f"  {note}", style="dim", highlight=False)
    console.print(
        f"{machine.began_at}, {machine.cpu_count} CPUs, Python {machine.python}, "
        f"load average before {machine.load_before}, after {os.getloadavg()[0]:.2f}, "
        f"{machine.stolen_percent:g} % of the processors' time stolen by the host",
        style="dim",
        highlight=False,
    )


def _as_json(machine: Machine, tables: Sequence[Table]) -> dict[str, object]:
    return {
        "machine": {
            **attrs.asdict(machine, filter=attrs.filters.exclude("processor_before")),
            "load_after": round(os.getloadavg()[0], 2),
            "stolen_percent": machine.stolen_percent,
        },
        "tables": [
            {
                "title": table.title,
                "rows": [
                    {
                        "name": row.name,
                        **row.figures,
                        "target": row.target.text if row.target else None,
                        "is_met": row.is_met,
                    }
                    for row in table.rows
                ],
                "notes": list(table.notes),
            }
            for table in tables
        ],
    }


def _drawn(table: Table) -> RichTable:
    columns = list(dict.fromkeys(name for row in table.rows for name in row.figures))
    has_targets = any(row.target for row in table.rows)
    drawn = RichTable(title=table.title, title_justify="left")
    drawn.add_column("")
    for column in columns:
        drawn.add_column(column, justify="right")
    if has_targets:
        drawn.add_column("target")
    for row in table.rows:
        cells = [_cell(row.figures.get(column)) for column in columns]
        drawn.add_row(row.name, *cells, *([_verdict(row)] if has_targets else []))
    return drawn


def _cell(figure: Figure) -> str:
    if figure is None:
        return "-"
    if isinstance(figure, float):
        return f"{figure:,.0f}" if abs(figure) >= 1000 else f"{figure:.3g}"
    return f"{figure:,}" if isinstance(figure, int) else figure


def _verdict(row: Row) -> str:
    if row.target is None:
        return ""
    mark = {True: "[green]met[/]", False: "[red]missed[/]", None: "not measured"}[row.is_met]
    return f"{row.target.text}  {mark}"
