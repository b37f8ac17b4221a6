"""Crash files for tests: a ledger that is told of a fill in no window."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import attrs
from nouns import a_fill

from actors.messages.execution import OrderFilled
from actors.messages.lifecycle import Started
from actors.model import Action, Side
from actors.position.core import PositionCore
from actors.roles import POSITION
from actors.runtime.crash_file import write_crash
from actors.runtime.crashes import report_of
from actors.runtime.flight_recorder import Flight, Heard, HungCore
from actors.settings import Settings

NO_WINDOW: Any = None
BAD_FILL = OrderFilled(
    order_id="order_1_aa",
    market=NO_WINDOW,
    side=Side.YES,
    action=Action.BUY,
    fill=a_fill(size_units=5_000_000),
)
"""The ledger raises AttributeError on it."""
ENDLESS: Any = range(10**15)
HANGING = Started(ENDLESS)
"""A ledger that starts with it is at it for weeks."""


def position_flight(*messages: object) -> Flight:
    """A ledger's flight: it starts, and hears these."""
    heard: tuple[Heard, ...] = tuple(enumerate((Started(()), *messages), 1_800_000_000_000))
    core = PositionCore(POSITION, Settings(), random.Random(1))
    return Flight(role=POSITION, generation=3, core=core, heard=heard)


def raised_by(flight: Flight) -> Exception:
    """What its core raises on the last message; the core is used up by it."""
    try:
        for now_ms, message in flight.heard:
            flight.core.handle(message, now_ms)
    except Exception as error:  # the scene needs whatever it is
        return error
    raise AssertionError("it did not raise")


def crash(data_dir: Path, **changes: object) -> Path:
    """Write the crash file of a ledger that fell on BAD_FILL; fields of its report changed."""
    flight = position_flight(BAD_FILL)
    error = raised_by(position_flight(BAD_FILL))
    report = report_of(flight, error, Settings(), 7, is_in_core=True)
    return write_crash(data_dir, attrs.evolve(report, **changes), flight)


def hang(data_dir: Path) -> Path:
    """Write the crash file of a ledger that hung."""
    flight = position_flight(HANGING)
    error = HungCore("no answer for too long; it was at\n  somewhere")
    return write_crash(data_dir, report_of(flight, error, Settings(), 7, is_in_core=True), flight)
