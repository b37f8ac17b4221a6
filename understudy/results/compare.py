"""Compares two runs, backtests or data directories: their numbers and their orders.

Two orders are the same if they are for the same window, action, outcome, limit and size, and were
decided within ``WITHIN_MS`` of each other. Each order without a partner gets a reason, as far as
the orders show one: the holdings differ (and which order was filled in one run only, because it
rested longer), an earlier order took longer to end, the limit of orders a minute was reached, or
the prices at the decision were different.
"""

from __future__ import annotations

import contextlib
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs

from actors.runtime.journal_file import JournalError
from understudy.reading.archive import Archive
from understudy.reading.orders import order_json
from understudy.reading.windows import windows_in
from understudy.results.numbers import RunNumbers
from understudy.results.store import BadResults, read_run

WITHIN_MS = 250
_NEAR_MS = 5_000
"""Most difference in time at which an order may still be the same one."""
_BOOTSTRAP_SEED = 1


@attrs.frozen(kw_only=True)
class ComparedOrder:
    """The compared fields of an order."""

    order_id: str
    slug: str
    created_ms: int
    action: str
    side: str
    limit: str
    size: str
    filled: str = "0"
    ended_ms: int = 0
    """When it last changed."""
    basis: str = ""
    """The strategy's reason."""

    @property
    def what(self) -> tuple[str, ...]:
        """The fields that must be equal."""
        return self.slug, self.action, self.side, self.limit, self.size

    @property
    def words(self) -> str:
        """Such as ``BUY YES 20 at 0.48``."""
        return f"{self.action} {self.side} {self.size} at {self.limit}"


@attrs.frozen(kw_only=True)
class ComparedRun:
    """One of the two runs."""

    name: str
    numbers: Mapping[str, Any]
    orders: tuple[ComparedOrder, ...]
    pnl: Mapping[str, str]
    """Result in dollars of each settled window, by slug."""
    most_per_minute: int | None = None
    """The limit of new orders per minute, if the run's settings are known."""


@attrs.frozen(kw_only=True)
class Difference:
    """An order that only one run has."""

    is_first: bool
    """Whether the first run has it."""
    order: ComparedOrder
    reason: str


@attrs.frozen(kw_only=True)
class RunComparison:
    """What two runs have in common, and their differences."""

    first: ComparedRun
    second: ComparedRun
    slugs: tuple[str, ...]
    """Windows in both runs; only their orders are compared."""
    later_ms: tuple[int, ...]
    """How much later the second run decided each pair, in ms; ascending."""
    differences: tuple[Difference, ...]

    @property
    def same_count(self) -> int:
        """Number of orders with a partner, in pairs."""
        return len(self.later_ms)

    def later_quantile_ms(self, share: float) -> int | None:
        """The least of ``later_ms`` that this share of them does not exceed; None without any."""
        later_ms = self.later_ms
        return later_ms[math.ceil(share * len(later_ms)) - 1] if later_ms else None

    @property
    def same_share(self) -> float | None:
        """Share of orders with a partner among all orders of either; None without any."""
        whole = 2 * self.same_count + len(self.differences)
        return 2 * self.same_count / whole if whole else None


def read_compared(folder: Path) -> ComparedRun:
    """Read a backtest's folder, or a data directory.

    Raises:
        BadResults: it is neither, or cannot be read.
    """
    if (folder / "summary.json").is_file():
        return _from_results(folder)
    try:
        with contextlib.closing(Archive(folder)) as archive:
            windows = windows_in(archive)
    except JournalError as problem:
        raise BadResults(
            f"{folder} is neither a backtest nor a data directory: {problem}"
        ) from None
    orders = (order_json(order) for window in windows for order in window.orders)
    settled = [window for window in windows if window.is_settled]
    numbers = RunNumbers()
    for window in windows:
        numbers.add(window)
    return ComparedRun(
        name=str(folder),
        numbers=numbers.numbers(_BOOTSTRAP_SEED),
        orders=_orders(orders),
        pnl={window.slug: f"{window.pnl_nanos / 1e9:.5f}" for window in settled},
    )


def _from_results(folder: Path) -> ComparedRun:
    stored = read_run(folder)
    if stored.run["kind"] != "backtest":
        kind = stored.run["kind"]
        raise BadResults(f"{folder} is a {kind}: only backtests and data directories are compared")
    return ComparedRun(
        name=stored.name,
        numbers=stored.summary,
        orders=_orders(stored.rows("orders")),
        most_per_minute=stored.run["settings"].get("risk.max_orders_per_minute"),
        pnl={row["slug"]: row["pnl"] for row in stored.rows("windows") if row["winner"]},
    )


def _orders(rows: Iterable[Mapping[str, Any]]) -> tuple[ComparedOrder, ...]:
    orders = (
        ComparedOrder(
            order_id=row["order"],
            slug=row["slug"],
            created_ms=_ms(row["created"]),
            action=row["action"],
            side=row["side"],
            limit=row["limit"],
            size=row["size"],
            filled=row["filled"],
            ended_ms=_ms(row["updated"]),
            basis=row["reason"],
        )
        for row in rows
    )
    return tuple(sorted(orders, key=lambda order: order.created_ms))


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def compare(first: ComparedRun, second: ComparedRun) -> RunComparison:
    """Pair the orders of two runs in the windows that both have."""
    known = _slugs(second)
    slugs = tuple(slug for slug in _slugs(first) if slug in known)
    limits = (first.most_per_minute, second.most_per_minute)
    most_per_minute = next((each for each in limits if each is not None), None)
    later_ms: list[int] = []
    differences: list[Difference] = []
    for slug in slugs:
        ours = [order for order in first.orders if order.slug == slug]
        theirs = [order for order in second.orders if order.slug == slug]
        partners = _partners(ours, theirs)
        later_ms += [theirs.created_ms - ours.created_ms for ours, theirs in partners]
        differences += WindowComparison(ours, theirs, partners, most_per_minute).differences()
    return RunComparison(
        first=first,
        second=second,
        slugs=slugs,
        later_ms=tuple(sorted(later_ms)),
        differences=tuple(differences),
    )


def _slugs(run: ComparedRun) -> dict[str, None]:
    return dict.fromkeys([*run.pnl, *(order.slug for order in run.orders)])


_Pair = tuple[ComparedOrder, ComparedOrder]
"""The same order in either run."""


def _partners(ours: Sequence[ComparedOrder], theirs: Sequence[ComparedOrder]) -> list[_Pair]:
    """Pair equal orders, the nearest in time first."""
    by_what: defaultdict[tuple[str, ...], list[ComparedOrder]] = defaultdict(list)
    for order in theirs:
        by_what[order.what].append(order)
    partners = []
    for order in ours:
        candidates = by_what[order.what]
        near = [each for each in candidates if _apart_ms(order, each) <= WITHIN_MS]
        if near:
            apart = [_apart_ms(order, each) for each in near]
            nearest = near[apart.index(min(apart))]
            partners.append((order, nearest))
            candidates.remove(nearest)
    return partners


class WindowComparison:
    """One window's orders in both runs, and why some have no partner."""

    def __init__(
        self,
        ours: Sequence[ComparedOrder],
        theirs: Sequence[ComparedOrder],
        partners: Sequence[_Pair],
        most_per_minute: int | None,
    ) -> None:
        matched = {order.order_id for order, _ in partners}, {each.order_id for _, each in partners}
        self._sides = ours, theirs
        self._alone = (
            [order for order in ours if order.order_id not in matched[0]],
            [order for order in theirs if order.order_id not in matched[1]],
        )
        self._most_per_minute = most_per_minute
        self._parted = min(
            (pair for pair in partners if pair[0].filled != pair[1].filled),
            key=lambda pair: min(each.ended_ms for each in pair),
            default=None,
        )
        """The first pair whose fills differ."""

    def differences(self) -> list[Difference]:
        """Give every order without a partner a reason, oldest first."""
        alone = [(order, number == 0) for number in (0, 1) for order in self._alone[number]]
        alone.sort(key=lambda each: each[0].created_ms)
        found: list[Difference] = []
        for order, is_first in alone:
            parts = [self._counterpart(order, is_first), self._cause(order, is_first)]
            reason = ": ".join(part for part in parts if part)
            if not reason and found:
                earlier = found[0].order
                reason = f"follows another position: {earlier.order_id} differs before it"
            reason = reason or "decided by this run alone"
            found.append(Difference(is_first=is_first, order=order, reason=reason))
        return found

    def _counterpart(self, order: ComparedOrder, is_first: bool) -> str:
        """What the other run ordered instead."""
        near = [each for each in self._alone[is_first] if _apart_ms(order, each) <= _NEAR_MS]
        near.sort(key=lambda each: _apart_ms(order, each))
        for other in near:
            if other.what == order.what:
                apart_ms = other.created_ms - order.created_ms
                word = "later" if apart_ms > 0 else "earlier"
                return f"the other decided it {abs(apart_ms)} ms {word}"
        for other in near:
            if (other.action, other.side) == (order.action, order.side):
                return f"the other has {other.words} instead"
        return ""

    def _cause(self, order: ComparedOrder, is_first: bool) -> str:
        """Why the other run was in another state when this order was decided."""
        at_ms = order.created_ms
        own, others = (self._sides[not is_first], self._sides[is_first])
        held, other_held = _held(own, at_ms), _held(others, at_ms)
        if held != other_held:
            words = f"{_held_text(held)} held, and {_held_text(other_held)} in the other"
            return words + self._parting(is_first, at_ms)
        alike = [each for each in others if (each.action, each.side) == (order.action, order.side)]
        for other in alike:
            if other.created_ms < at_ms - WITHIN_MS and other.ended_ms > at_ms:
                longer_ms = other.ended_ms - at_ms
                return f"{other.order_id} was working in the other for {longer_ms} ms more"
        begins_ms = at_ms - at_ms % 60_000
        minute = [each for each in others if begins_ms <= each.created_ms <= at_ms]
        if self._most_per_minute is not None and len(minute) >= self._most_per_minute - 1:
            return f"the other made {len(minute)} orders in that minute, which is the limit"
        nearest = min(alike, key=lambda each: _apart_ms(order, each), default=None)
        is_near = nearest is not None and _apart_ms(order, nearest) <= _NEAR_MS
        if nearest is not None and is_near and nearest.basis != order.basis:
            return f"decided on “{order.basis}”, in the other on “{nearest.basis}”"
        return ""

    def _parting(self, is_first: bool, at_ms: int) -> str:
        """The pair since which holdings differ; empty if unknown."""
        if self._parted is None or at_ms < min(each.ended_ms for each in self._parted):
            return ""
        own, other = self._parted if is_first else self._parted[::-1]
        is_own = Decimal(own.filled) > Decimal(other.filled)
        more, less = (own, other) if is_own else (other, own)
        longer_ms, later_ms = more.ended_ms - less.ended_ms, more.created_ms - less.created_ms
        how = ""
        if longer_ms > 0:
            how = f", which rested {longer_ms} ms longer,"
        elif later_ms:
            how = f", which came {abs(later_ms)} ms {'later' if later_ms > 0 else 'earlier'},"
        where = "here" if is_own else "there"
        return f", since {more.order_id}{how} got {more.filled} {where} in place of {less.filled}"


def _held(orders: Iterable[ComparedOrder], at_ms: int) -> dict[str, Decimal]:
    """Shares of each outcome by the orders that had ended."""
    held: dict[str, Decimal] = {}
    for order in orders:
        filled = Decimal(order.filled)
        if filled and order.ended_ms <= at_ms:
            signed = filled if order.action == "BUY" else -filled
            held[order.side] = held.get(order.side, Decimal()) + signed
    return {side: units for side, units in held.items() if units}


def _held_text(held: Mapping[str, Decimal]) -> str:
    return ", ".join(f"{side} {units}" for side, units in sorted(held.items())) or "nothing"


def _apart_ms(one: ComparedOrder, other: ComparedOrder) -> int:
    return abs(one.created_ms - other.created_ms)
