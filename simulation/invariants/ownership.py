"""Invariants 1 and 9: who may write what, and what a restart recovers."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from actors.core import Record
from actors.execution.desk_state import OrdersCreated
from actors.messages.lifecycle import Started
from actors.roles import (
    DESK,
    DIRECTORY,
    EXECUTOR,
    OBSERVER,
    POSITION,
    STRATEGY,
    base_role,
    order_id_of,
)
from simulation.invariants.invariant import ANYTHING, Actor, Invariant, heard, recorded, said

_OWNERS = {
    "paper": EXECUTOR,
    "failed": EXECUTOR,
    "unbought": EXECUTOR,
    "late": EXECUTOR,
    "live": EXECUTOR,
    "claim": EXECUTOR,
    "position": POSITION,
    "ledger": POSITION,
    "window": DIRECTORY,
    "desk": DESK,
    "observer": OBSERVER,
    "strategy": STRATEGY,
}


class OneOwner(Invariant):
    """Each piece of state is written only by its owner, under its newest generation."""

    number = 1

    def forget(self) -> None:
        """Forget everything."""
        self._generations: dict[str, int] = {}

    @heard(Started)
    def note_life(self, actor: Actor, _message: Started) -> None:
        """Note that a role has a new actor."""
        self._generations[actor.role] = actor.generation

    @recorded(ANYTHING)
    def check(self, actor: Actor, record: Record) -> None:
        """Check that only the owner writes."""
        newest = self._generations.get(actor.role)
        self.require(
            newest == actor.generation,
            "{} generation {} has recorded {!r} after generation {} took the role",
            actor.role,
            actor.generation,
            record.event,
            newest,
        )
        for save in record.saves:
            owner = _OWNERS.get(save.kind)
            is_new_order = isinstance(record.event, OrdersCreated) and (
                save.key not in self.facts.orders
            )
            is_own = owner == base_role(actor.role) or (
                save.kind == "order"
                and (order_id_of(actor.role) == save.key or (actor.role == DESK and is_new_order))
            )
            self.require(is_own, "{} has written {} {!r}", actor.role, save.kind, save.key)


class Immutable(Invariant):
    """A message that was sent cannot be changed."""

    number = 1

    @said(ANYTHING)
    def check(self, actor: Actor, message: object) -> None:
        """Check each class of message once."""
        kind = type(message)
        is_frozen = (
            kind.__struct_config__.frozen
            if issubclass(kind, msgspec.Struct)
            else kind.__setattr__ is not object.__setattr__
        )
        self.require(is_frozen, "{} says a {}, which can be changed", actor.role, kind.__name__)


class RecoversWhatIsRecorded(Invariant):
    """A restart gets exactly what is recorded and open."""

    number = 9

    @heard(Started)
    def check(self, actor: Actor, message: Started) -> None:
        """Compare with the facts."""
        facts, order_id = self.facts, order_id_of(actor.role)
        open_orders = {key: fact.state for key, fact in facts.orders.items() if fact.is_open}
        if order_id is not None:
            own = open_orders.get(order_id)
            self._compare(actor, message.saved, [own] if own is not None else [])
        elif actor.role == DESK:
            self._compare(actor, message.saved, list(open_orders.values()))
        elif base_role(actor.role) == DIRECTORY:
            windows = [facts.windows[market_id] for market_id in facts.open_windows]
            self._compare(actor, message.saved, windows)

    def _compare(self, actor: Actor, saved: Sequence[object], expected: Sequence[object]) -> None:
        kinds = {type(value) for value in expected}
        for value in expected:
            self.require(value in saved, "{} restarts without {!r}", actor.role, value)
        given = [value for value in saved if type(value) in kinds]
        self.require(
            len(given) == len(expected),
            "{} restarts with more than is open: {!r}",
            actor.role,
            given,
        )
