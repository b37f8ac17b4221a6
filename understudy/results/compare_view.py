"""A comparison on the terminal, and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from understudy.display.screen import listing
from understudy.reading.moments import exact_label, iso_text
from understudy.results.compare import WITHIN_MS, Difference, RunComparison

_SHOWN = 15
_NUMBERS = (
    ("windows", "settled"),
    ("traded", "traded"),
    ("P&L", "pnl"),
    ("fees", "fees"),
    ("a window", "mean_window"),
    ("win rate", "win_rate"),
    ("profit factor", "profit_factor"),
    ("Sharpe", "sharpe_window"),
    ("Sortino", "sortino_window"),
    ("drawdown", "drawdown.amount"),
    ("largest exposure", "exposure.largest"),
    ("orders", "orders"),
    ("fill ratio", "fill_ratio"),
    ("maker fills", "maker_fills"),
    ("taker fills", "taker_fills"),
    ("one-legged pairs", "leg_risk.one_legged"),
    ("Brier score", "model.brier"),
)


def comparison_view(found: RunComparison, *, rows: int | None) -> RenderableType:
    """Draw numbers side by side, windows with different results, and orders without a partner."""
    names = (found.first.name, found.second.name)
    numbers = listing("", *names, right=names, fold=names)
    for name, key in _NUMBERS:
        values = [_shown(_value(run.numbers, key)) for run in (found.first, found.second)]
        numbers.add_row(name, *values)
    parts: list[RenderableType] = [numbers, Text(), Text(orders_sentence(found))]
    shown = found.differences if rows is None else found.differences[:rows]
    if shown:
        parts += [Text(), _differences_table(shown)]
    if len(shown) < len(found.differences):
        parts.append(Text(f"and {len(found.differences) - len(shown)} more: --last 0 shows all"))
    return Group(*parts)


def orders_sentence(found: RunComparison) -> str:
    """Describe how many orders both have."""
    share = found.same_share
    if share is None:
        return f"{len(found.slugs)} windows are in both, without an order in either"
    return (
        f"{share:.1%} of the orders in {len(found.slugs)} windows that are in both are the same "
        f"(action, outcome, limit, size, within {WITHIN_MS} ms): {found.same_count} pairs, "
        f"{len(found.differences)} without a partner{_lateness(found)}"
    )


def _lateness(found: RunComparison) -> str:
    """Describe how late a run was: a backtest decides at once, a busy machine does not."""
    if not found.later_ms:
        return ""
    middle, most = (found.later_quantile_ms(share) for share in (0.5, 0.95))
    return (
        f"; the second decided them {middle} ms later (median), and 5 % more than {most} ms later"
    )


def _differences_table(differences: tuple[Difference, ...]) -> Table:
    table = listing("in", "at", "order", "window", "why", fold=("why",))
    for each in differences:
        table.add_row(
            "first" if each.is_first else "second",
            exact_label(each.order.created_ms),
            each.order.words,
            each.order.slug,
            each.reason,
        )
    return table


def comparison_json(found: RunComparison) -> dict[str, Any]:
    """Describe a comparison for programs."""
    return {
        "first": {"name": found.first.name, "numbers": found.first.numbers},
        "second": {"name": found.second.name, "numbers": found.second.numbers},
        "windows": [
            {"slug": slug, "first": found.first.pnl.get(slug), "second": found.second.pnl.get(slug)}
            for slug in found.slugs
        ],
        "orders_same": found.same_count,
        "orders_same_share": found.same_share,
        "second_later_ms": {
            "p50": found.later_quantile_ms(0.5),
            "p95": found.later_quantile_ms(0.95),
        },
        "differences": [
            {
                "in": "first" if each.is_first else "second",
                "order": each.order.order_id,
                "slug": each.order.slug,
                "created": iso_text(each.order.created_ms),
                "what": each.order.words,
                "reason": each.reason,
            }
            for each in found.differences
        ],
    }


def _value(numbers: Mapping[str, Any], key: str) -> Any:
    value: Any = numbers
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
