"""What a drill does to whom, and when: a shuffled deck of blows, the same for the same seed."""

from __future__ import annotations

import enum
import random
from collections.abc import Iterator, Sequence

import attrs

from actors.roles import (
    DESK,
    DIRECTORY,
    EXECUTOR,
    MARKET_FEED,
    MARKET_STATE,
    OBSERVER,
    POSITION,
    REFERENCE_FEED,
    STRATEGY,
    SUPERVISOR,
    TWAP_FEED,
)
from actors.runtime.pause_points import HANDLING

ORDER = "order"
"""Any order that lives at the time."""
ADMIN = "admin"
LOGGER = "logger"
FOREGROUND = "foreground"
EVERYTHING = "everything"
"""The whole group at once, as when the machine's memory runs out."""

_DELAY_LEAST_S, _DELAY_MOST_S = 0.2, 1.2


class Means(enum.Enum):
    """How a process, or an actor in it, is struck."""

    KILL = "killed"
    STOP = "hung"
    """SIGSTOP: it lives, and answers nothing."""
    RAISE = "raised"
    """The core of one actor raises on a message; its process lives on."""
    LOOP = "looped"
    """The core of one actor computes without end, and takes its process with it."""


@attrs.frozen
class Blow:
    """One card of the deck."""

    target: str
    """A role, or one of the names above."""
    point: str = ""
    """The pause point (actors/runtime/pause_points.py) to strike at; empty: at any instant."""
    means: Means = Means.KILL


_ACTORS = (
    MARKET_FEED,
    REFERENCE_FEED,
    TWAP_FEED,
    MARKET_STATE,
    STRATEGY,
    DESK,
    ORDER,
    EXECUTOR,
    POSITION,
    DIRECTORY,
    OBSERVER,
)

DECK = (
    Blow(MARKET_FEED),
    Blow(REFERENCE_FEED),
    Blow(TWAP_FEED),
    Blow(MARKET_STATE),
    Blow(STRATEGY),
    Blow(DESK),
    Blow(ORDER),
    Blow(EXECUTOR),
    Blow(POSITION),
    Blow(DIRECTORY),
    Blow(OBSERVER),
    Blow(SUPERVISOR),
    Blow(ADMIN),
    Blow(LOGGER),
    Blow(FOREGROUND),
    Blow(EVERYTHING),
    # between a record and the messages that tell of it
    Blow(DESK, "desk/recorded/OrdersCreated"),
    Blow(ORDER, "order/recorded/Fill"),
    Blow(POSITION, "position/recorded/EntryChanged"),
    # between the submission and its answer
    Blow(DESK, "desk/sending/StartChild"),
    Blow(EXECUTOR, "executor/recorded/OrderSubmitted"),
    # between two partial fills
    Blow(EXECUTOR, "executor/recorded/OrderReport/PARTIALLY_FILLED"),
    Blow(EVERYTHING, "executor/sending/Fill"),
    # at a rollover
    Blow(DIRECTORY, "directory/recorded/MarketOpened"),
    Blow(DESK, "directory/sending/MarketClosing"),
    Blow(POSITION, "position/recorded/MarketResolved"),
    # alive, and answering nothing
    Blow(STRATEGY, means=Means.STOP),
    Blow(DESK, means=Means.STOP),
    Blow(ORDER, means=Means.STOP),
    Blow(SUPERVISOR, means=Means.STOP),
    # one actor, and not its process
    *(Blow(target, f"{target}/{HANDLING}", Means.RAISE) for target in _ACTORS),
    *(Blow(target, f"{target}/{HANDLING}", Means.LOOP) for target in _ACTORS),
)
"""Every role and every moment that matters."""

_ON_PAPER = "executor/recorded/OrderReport/PARTIALLY_FILLED"

LIVE_DECK = (
    *(blow for blow in DECK if blow.point != _ON_PAPER),
    # signed and about to be posted, answered, traded and not yet told
    Blow(EXECUTOR, "executor/recorded/OrderSigned"),
    Blow(EXECUTOR, "executor/recorded/PostAnswered"),
    Blow(EXECUTOR, "executor/recorded/TradeSeen"),
)
"""The same for live orders, with the moments of the executor that sends them."""

TARGETS = tuple(dict.fromkeys(blow.target for blow in DECK))


@attrs.frozen
class Step:
    """A blow at its turn."""

    blow: Blow
    delay_s: float
    """Real time to let the system trade before."""
    pick: int
    """Which order is struck, if several live: this number modulo their count."""


def plan(
    kills: int,
    seed: int,
    targets: Sequence[str] = TARGETS,
    deck: Sequence[Blow] = DECK,
) -> Iterator[Step]:
    """Deal the blows on some targets: the whole deck, shuffled, before any card comes twice."""
    dice = random.Random(f"drill/{seed}")
    deck = [blow for blow in deck if blow.target in targets]
    hand: list[Blow] = []
    for _ in range(kills):
        if not hand:
            hand = dice.sample(deck, len(deck))
        delay_s = dice.uniform(_DELAY_LEAST_S, _DELAY_MOST_S)
        yield Step(hand.pop(), delay_s, dice.getrandbits(16))
