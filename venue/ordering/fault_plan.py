"""Faults as they are asked for: one by one over HTTP, or all in advance in a file.

A file is TOML. ``[chance]`` gives the share of orders, trades or events that suffer a kind of
fault; each ``[[at]]`` is one command with the seconds of venue time after the start at which it is
given, and with ``every_seconds`` if it is to be given again and again::

    [chance]
    ghost_fill = 0.02

    [[at]]
    seconds = 60
    kind = "restart"
    for_ms = 20000

    [[at]]
    seconds = 30
    every_seconds = 120
    channel = "user"
    kind = "stall"
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping

import attrs
import msgspec

from venue.faults import FaultKind, can_suffer
from venue.frames import Channel
from venue.order_faults import IMMEDIATE_FAULTS, FaultTarget, OrderFault, OrderFaultKind


class BadFault(ValueError):
    """What was asked for is no fault; the sentence says why."""


@attrs.frozen
class StreamFault:
    """A command: let a stream misbehave."""

    channel: Channel
    kind: FaultKind
    count: int = 1


FaultCommand = OrderFault | StreamFault


class _Command(msgspec.Struct, forbid_unknown_fields=True):
    kind: str
    channel: Channel | None = None
    count: int = 1
    for_ms: int | None = None
    target: FaultTarget = FaultTarget.ORDERS


class _Planned(_Command, forbid_unknown_fields=True):
    seconds: float = 0.0
    every_seconds: float | None = None


class _File(msgspec.Struct, forbid_unknown_fields=True):
    chance: dict[str, float] = {}
    at: list[_Planned] = []


_decode_command = msgspec.json.Decoder(_Command).decode


@attrs.frozen
class PlannedFault:
    """A command, and when it is given: ms of venue time after the start."""

    after_ms: int
    every_ms: int | None
    command: FaultCommand


@attrs.frozen
class FaultFile:
    """All that a file asks for."""

    chances: Mapping[OrderFaultKind, float] = attrs.field(factory=dict)
    planned: tuple[PlannedFault, ...] = ()


def read_command(body: bytes) -> FaultCommand:
    """Read the body of ``POST /admin/faults``.

    Raises:
        BadFault: it is none.
    """
    try:
        return _command(_decode_command(body))
    except msgspec.DecodeError as error:
        raise BadFault(str(error)) from None


def read_fault_file(text: str) -> FaultFile:
    """Read a file of faults.

    Raises:
        BadFault: it is not TOML, or something in it is no fault.
    """
    try:
        content = msgspec.toml.decode(text, type=_File)
    except RecursionError:
        raise BadFault("lists or tables are nested too deeply") from None
    except ValueError as error:  # msgspec's, or of a number that has too many digits
        raise BadFault(str(error)) from None
    return FaultFile(
        chances={_chance_kind(name): _share(name, share) for name, share in content.chance.items()},
        planned=tuple(_planned(one) for one in content.at),
    )


class FaultSchedule:
    """Gives the commands of a file when their time comes."""

    def __init__(self, planned: tuple[PlannedFault, ...], origin_ms: int) -> None:
        self._waiting = [
            (origin_ms + one.after_ms, number, one) for number, one in enumerate(planned)
        ]
        heapq.heapify(self._waiting)

    def due(self, now_ms: int) -> list[FaultCommand]:
        """Take out what is to be done by now."""
        commands = []
        while self._waiting and self._waiting[0][0] <= now_ms:
            at_ms, number, planned = heapq.heappop(self._waiting)
            commands.append(planned.command)
            if planned.every_ms is not None:
                heapq.heappush(self._waiting, (at_ms + planned.every_ms, number, planned))
        return commands


def _command(asked: _Command) -> FaultCommand:
    if asked.count < 1:
        raise BadFault(f"a fault cannot strike {asked.count} times")
    if asked.channel is not None:
        return StreamFault(asked.channel, _kind_of_stream(asked.kind, asked.channel), asked.count)
    return OrderFault(
        kind=_kind_of_order(asked.kind),
        count=asked.count,
        for_ms=asked.for_ms,
        target=asked.target,
    )


def _planned(asked: _Planned) -> PlannedFault:
    every_s = asked.every_seconds
    if asked.seconds < 0 or (every_s is not None and every_s <= 0):
        raise BadFault(f"{asked.kind} is planned for a time that never comes")
    every_ms = None if every_s is None else max(1, round(every_s * 1000))
    return PlannedFault(round(asked.seconds * 1000), every_ms, _command(asked))


def _kind_of_stream(name: str, channel: Channel) -> FaultKind:
    try:
        kind = FaultKind(name)
    except ValueError:
        raise BadFault(f"a stream has no fault {name!r}") from None
    if not can_suffer(channel, kind):
        raise BadFault(f"the {channel.value} channel has no fault {name!r}")
    return kind


def _kind_of_order(name: str) -> OrderFaultKind:
    try:
        return OrderFaultKind(name)
    except ValueError:
        raise BadFault(f"there is no fault {name!r} without a channel") from None


def _chance_kind(name: str) -> OrderFaultKind:
    kind = _kind_of_order(name)
    if kind in IMMEDIATE_FAULTS:
        raise BadFault(f"{name} is commanded and does not come by chance")
    return kind


def _share(name: str, share: float) -> float:
    if not 0 <= share <= 1:
        raise BadFault(f"the chance of {name} is {share}, not between 0 and 1")
    return share
