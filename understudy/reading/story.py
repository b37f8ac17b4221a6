"""The story of one order: why it was made, on what data, and everything that happened to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from actors.execution.real.user_channel import Settlement
from actors.messages.execution import OrderState
from actors.messages.settings import SettingsChanged, words_of
from actors.runtime.journal import StoredEvent
from actors.shown_text import shown
from actors.units import dollars_text, price_text, size_text
from understudy.display.screen import facts_table, listing
from understudy.display.wording import money, price_label, size_label, span_label, what_text
from understudy.reading.archive import Archive
from understudy.reading.event_descriptions import describe_event
from understudy.reading.moments import day_label, exact_label, iso_text
from understudy.reading.orders import (
    filled_label,
    order_json,
    standing_fills,
    status_text,
)


@attrs.frozen
class DescribedEvent:
    """An event, and its description."""

    event: StoredEvent
    words: str


@attrs.frozen(kw_only=True)
class Story:
    """Everything the journal has on one order."""

    order: OrderState
    partner: OrderState | None
    """The other leg of its arbitrage."""
    settlements: Mapping[str, Settlement]
    """Settlement state of each trade at the venue, by trade id; empty for a simulated order."""
    settings: SettingsChanged | None
    """The settings in force when it was decided; None if the journal does not record them."""
    events: tuple[DescribedEvent, ...]
    """In the order of time, whoever recorded them."""


def read_story(archive: Archive, order: OrderState) -> Story:
    """Collect an order's story.

    Raises:
        JournalError: a row or an event cannot be decoded.
    """
    pair_id = order.intent.pair_id
    return Story(
        order=order,
        partner=None if pair_id is None else archive.order(pair_id),
        settlements=archive.settlements(order.intent.order_id),
        settings=archive.settings(order.intent.settings_number),
        events=tuple(
            DescribedEvent(each, describe_event(each))
            for each in archive.story(order.intent.order_id)
        ),
    )


def story_json(story: Story) -> dict[str, Any]:
    """Describe the story in exact texts; each event's ``body`` is as it was recorded."""
    order = story.order
    return {
        **order_json(order),
        "basis": order.intent.basis,
        "position_version": order.intent.position_version,
        "settings_number": order.intent.settings_number,
        "settings_changes": [
            {"key": each.key, "old": each.old, "new": each.new}
            for each in (story.settings.changes if story.settings is not None else ())
        ],
        "passed_over": list(order.intent.passed_over),
        "fills": [
            {
                "trade": fill.trade_id,
                "at": iso_text(fill.timestamp_ms),
                "price": price_text(fill.price_ticks),
                "size": size_text(fill.size_units),
                "fee": dollars_text(fill.fee_nanos),
                "is_maker": fill.is_maker,
                "is_reversed": fill.trade_id in order.reversed_trade_ids,
                "settlement": _settlement_name(story, fill.trade_id),
            }
            for fill in order.fills
        ],
        "events": [
            {
                "seq": each.event.seq,
                "at": iso_text(each.event.at_ms),
                "actor": each.event.role,
                "generation": each.event.generation,
                "kind": each.event.kind,
                "told": each.words,
                "body": each.event.body,
            }
            for each in story.events
        ],
    }


def _settlement_name(story: Story, trade_id: str) -> str | None:
    settlement = story.settlements.get(trade_id)
    return None if settlement is None else settlement.value


def story_view(story: Story) -> RenderableType:
    """Draw the story for people."""
    intent = story.order.intent
    headline = Text.assemble((intent.order_id, "bold"), "  ")
    headline.append_text(what_text(story.order.intent.action, story.order.intent.side))
    headline.append(f" {size_label(intent.size_units)} at {price_label(intent.price_ticks)}")
    headline.append("  ").append_text(status_text(story.order))
    return Group(headline, Text(), facts_table(fact_rows(story)), Text(), _events_table(story))


def fact_rows(story: Story) -> list[tuple[str, Text]]:
    """The facts of the order itself: a name and words, some of several lines."""
    order, intent = story.order, story.order.intent
    lifetime = span_label(intent.expires_at_ms - intent.created_at_ms)
    kind = f"{intent.time_in_force.value}{', post-only' if intent.is_post_only else ''}"
    rows = [
        ("window", Text(f"{intent.market.slug}, on {day_label(intent.created_at_ms)}")),
        ("why", Text(f"{intent.reason} (priority {intent.priority})")),
        ("decided on", Text(_lines(intent.basis.split("; ")) or "not recorded")),
        ("position", Text(f"version {intent.position_version}")),
        ("passed over", Text(_lines(intent.passed_over) or "nothing")),
        ("lifetime", Text(f"{kind}, {lifetime} at most")),
    ]
    if intent.settings_number:
        rows.append(("settings", Text(_settings_text(story))))
    if intent.pair_id is not None:
        rows.append(("other leg", _partner_text(intent.pair_id, story.partner)))
    rows.append(("filled", _filled_text(order)))
    if story.settlements:
        counts = Counter(each.value.lower() for each in story.settlements.values())
        trades = ", ".join(f"{count} {name}" for name, count in counts.items())
        rows.append(("at the venue", Text(f"trades: {trades}")))
    if order.end_reason:
        rows.append(("ended", Text(shown(order.end_reason))))
    return rows


def _settings_text(story: Story) -> str:
    number, settings = story.order.intent.settings_number, story.settings
    if settings is None or not settings.changes:
        return f"number {number}"
    return f"number {number}, by {settings.who}: {words_of(settings.changes)}"


def _lines(parts: Sequence[str]) -> str:
    return "\n".join(parts)


def _partner_text(pair_id: str, partner: OrderState | None) -> Text:
    if partner is None:
        return Text(f"{pair_id}, of which nothing is recorded", "yellow")
    text = Text(f"{pair_id}  {filled_label(partner)}  ")
    return text.append_text(status_text(partner))


def _filled_text(order: OrderState) -> Text:
    text = Text(filled_label(order))
    average = order.average_price_ticks
    if average is not None:
        fees_nanos = sum(fill.fee_nanos for fill in standing_fills(order))
        text.append(f" at {price_label(average)}, fees ").append_text(money(-fees_nanos))
    if order.reversed_trade_ids:
        text.append(f", {len(order.reversed_trade_ids)} reversed", "red")
    return text


def _events_table(story: Story) -> Table:
    table = listing("time")
    table.add_column("after", justify="right", no_wrap=True, style="dim")
    table.add_column("actor", no_wrap=True, style="cyan")
    table.add_column("what it recorded", overflow="fold")
    for cells in event_cells(story):
        table.add_row(*(Text(shown(cell)) for cell in cells))
    return table


def event_cells(story: Story) -> Iterator[tuple[str, str, str, str]]:
    """Cells of each event: its time, how long after the first, its actor, and its description."""
    for described in story.events:
        event = described.event
        after = span_label(event.at_ms - story.events[0].event.at_ms)
        yield exact_label(event.at_ms), after, _actor_label(event), described.words


def _actor_label(event: StoredEvent) -> str:
    """The actor; with its generation if that is above one."""
    name = "order" if event.order_id and event.role.endswith(event.order_id) else event.role
    return name if event.generation == 1 else f"{name} #{event.generation}"
