"""Fills as a list: the ledger's entries, and fills of orders that the ledger has not booked yet."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

import attrs
from rich.table import Table
from rich.text import Text

from actors.execution.real.user_channel import Settlement
from actors.messages.execution import OrderState
from actors.model import Action, FillDetail, Market, Side
from actors.position.ledger import LedgerEntry, WindowLedger
from actors.units import dollars_text, price_text, size_text
from understudy.display.screen import listing
from understudy.display.wording import money, price_label, size_label, what_text
from understudy.reading.archive import Archive
from understudy.reading.moments import iso_text, moment_label
from understudy.reading.orders import one_line


class Booking(enum.Enum):
    """A fill's state in the ledger."""

    BOOKED = "booked"
    NOT_YET = "not yet"
    """Its order has recorded it; the ledger has not answered."""
    REVERSED = "reversed"
    """The venue took it back."""


@attrs.frozen(kw_only=True)
class ListedFill:
    """One execution, with its order and market."""

    order_id: str
    market: Market
    side: Side
    action: Action
    fill: FillDetail
    booking: Booking
    settlement: Settlement | None = None
    """Settlement state at the venue; None for simulated orders."""


_BOOKING_STYLES = {Booking.BOOKED: "dim", Booking.NOT_YET: "yellow", Booking.REVERSED: "red"}


def list_fills(archive: Archive, market: str = "") -> Iterator[ListedFill]:
    """All fills, newest first: those not booked yet, then those of each window.

    Raises:
        JournalError: a row cannot be decoded.
    """
    orders = archive.open_orders(market=market)
    waiting = chain.from_iterable(map(_not_booked, orders))
    yield from _settled(archive, sorted(waiting, key=fill_age, reverse=True))
    for ledger in archive.windows(market=market):
        booked = (_from_ledger(ledger, entry) for entry in ledger.entries)
        yield from _settled(archive, sorted(booked, key=fill_age, reverse=True))


def _settled(archive: Archive, fills: Iterable[ListedFill]) -> Iterator[ListedFill]:
    """Add each fill's settlement state."""
    known: dict[str, dict[str, Settlement]] = {}
    for listed in fills:
        if listed.order_id not in known:
            known[listed.order_id] = archive.settlements(listed.order_id)
        settlement = known[listed.order_id].get(listed.fill.trade_id)
        yield attrs.evolve(listed, settlement=settlement)


def fill_age(listed: ListedFill) -> tuple[int, str, str]:
    """Sort key of fills: when the venue traded them."""
    return listed.fill.timestamp_ms, listed.fill.trade_id, listed.order_id


def _not_booked(order: OrderState) -> Iterator[ListedFill]:
    intent = order.intent
    for fill in order.fills:
        if fill.trade_id in order.unbooked:
            yield ListedFill(
                order_id=intent.order_id,
                market=intent.market,
                side=intent.side,
                action=intent.action,
                fill=fill,
                booking=Booking.NOT_YET,
            )


def _from_ledger(ledger: WindowLedger, entry: LedgerEntry) -> ListedFill:
    return ListedFill(
        order_id=entry.order_id,
        market=ledger.market,
        side=entry.side,
        action=entry.action,
        fill=entry.fill,
        booking=Booking.BOOKED if entry.reversed_version is None else Booking.REVERSED,
    )


def fills_table(fills: Sequence[ListedFill], *, wide: bool) -> Table:
    """Draw fills, one row each; with settlement, window and trade id if there is room."""
    headings = ("time", "order", "what", "size", "price", "fee", "as", "ledger")
    table = listing(*headings, right=("size", "price", "fee"))
    is_live = wide and any(listed.settlement is not None for listed in fills)
    if is_live:
        table.add_column("venue", no_wrap=True)
    if wide:
        table.add_column("window", no_wrap=True)
        table.add_column("trade", style="dim")
    for listed in fills:
        fill = listed.fill
        cells: list[str | Text] = [
            moment_label(fill.timestamp_ms),
            listed.order_id,
            what_text(listed.action, listed.side),
            size_label(fill.size_units),
            price_label(fill.price_ticks),
            money(-fill.fee_nanos),
            "maker" if fill.is_maker else "taker",
            Text(listed.booking.value, _BOOKING_STYLES[listed.booking]),
        ]
        if is_live:
            cells.append(_settlement_text(listed.settlement))
        if wide:
            cells += [listed.market.slug, one_line(fill.trade_id)]
        table.add_row(*cells)
    return table


def _settlement_text(settlement: Settlement | None) -> Text:
    if settlement is None:
        return Text()
    styles = {Settlement.CONFIRMED: "dim", Settlement.FAILED: "red"}
    return Text(settlement.value.lower(), styles.get(settlement, "yellow"))


def fill_json(listed: ListedFill) -> dict[str, Any]:
    """Describe a fill in exact texts: price and fee in dollars, size in shares."""
    fill = listed.fill
    return {
        "at": iso_text(fill.timestamp_ms),
        "trade": fill.trade_id,
        "order": listed.order_id,
        "market": listed.market.market_id,
        "slug": listed.market.slug,
        "action": listed.action.value,
        "side": listed.side.value,
        "size": size_text(fill.size_units),
        "price": price_text(fill.price_ticks),
        "fee": dollars_text(fill.fee_nanos),
        "is_maker": fill.is_maker,
        "ledger": listed.booking.value,
        "settlement": None if listed.settlement is None else listed.settlement.value,
    }
