"""``understudy explain``: one order's whole story."""

from __future__ import annotations

from pathlib import Path

import click

from understudy.commands import shared
from understudy.commands.reading import opened
from understudy.display.screen import Screen
from understudy.reading.lookup import OrderNotFound, find_order
from understudy.reading.story import read_story, story_json, story_view
from understudy.teaching import command


@command(
    examples={
        "understudy explain order_7_1f2e3d4c": "an order by its id",
        "understudy explain 7": "the same by its number, or by any beginning of its id",
        "understudy explain 7 --json | jq '.events[].kind'": "its events, for a script",
    },
)
@click.argument("order_name", metavar="ORDER")
@shared.data_dir_option
@shared.json_option
def explain(order_name: str, data_dir: Path, is_json: bool) -> None:
    """Show everything known about ORDER, whether or not the system runs.

    Why it was made; the books, prices and position behind the decision; why each earlier stage gave
    nothing; and every event of the order, with its time and the actor that recorded it. "order #2"
    is the second actor in the role: the first one crashed.
    """
    with opened(data_dir) as archive:
        with shared.failing_on(OrderNotFound):
            order = find_order(archive, order_name)
        story = read_story(archive, order)
        if is_json:
            shared.print_json(story_json(story))
        else:
            Screen().print(story_view(story))
