"""Every fault the exchange can inject, and how to request it: by a command, or in a file.

Each kind was reported by users of real venues; docs/exchange.md says what each does and shows a
file. Random faults are drawn from the exchange's seed and the name of what they affect, so two runs
with the same seed and the same orders have the same faults.
"""

from __future__ import annotations

import enum
import heapq
from collections import Counter
from collections.abc import Mapping
from random import Random

import attrs
import msgspec

from venue.frames import Channel


class BadFault(ValueError):
    """A requested fault is invalid; the sentence says why."""


class Occasion(enum.Enum):
    """When a fault takes effect."""

    STREAM = enum.auto()
    """When commanded for a channel, until RESUME."""
    ORDER = enum.auto()
    """With a request, order, trade, transaction or event, by command or by chance."""
    OPENING = enum.auto()
    """Drawn for a window shortly before it begins."""
    RESULT = enum.auto()
    """Drawn for a window when it ends."""
    AT_ONCE = enum.auto()
    """When commanded."""


class FaultKind(enum.Enum):
    """Kinds of faults; a test checks that docs/exchange.md explains every one."""

    occasion: Occasion
    lasts_ms: int
    """Default duration in ms of venue time; 0 for kinds that have none."""
    channels: tuple[Channel, ...]
    """The streams it applies to, if it is a stream fault."""

    def __new__(
        cls, text: str, occasion: Occasion, lasts_ms: int = 0, *channels: Channel
    ) -> FaultKind:
        """Set ``text`` as the value; a stream fault that names no channel applies to all."""
        kind = object.__new__(cls)
        kind._value_ = text
        kind.occasion, kind.lasts_ms = occasion, lasts_ms
        kind.channels = channels or tuple(Channel)
        return kind

    STALL = "stall", Occasion.STREAM
    SILENCE = "silence", Occasion.STREAM
    OFF = "off", Occasion.STREAM
    GARBLE = "garble", Occasion.STREAM
    DROP = "drop", Occasion.STREAM
    DUPLICATE = "duplicate", Occasion.STREAM
    REORDER = "reorder", Occasion.STREAM
    RESUME = "resume", Occasion.STREAM
    MISSING_SECONDS = "missing_seconds", Occasion.STREAM, 0, Channel.POLYBOLT, Channel.RTDS
    REFUSE_CREDENTIALS = "refuse_credentials", Occasion.STREAM, 0, Channel.POLYBOLT
    DROP_FRAMES = "drop_frames", Occasion.STREAM, 0, Channel.POLYBOLT
    SEQ_JUMP = "seq_jump", Occasion.STREAM, 0, Channel.POLYBOLT
    DRAIN = "drain", Occasion.STREAM, 0, Channel.POLYBOLT
    SLOW_CONSUMER = "slow_consumer", Occasion.STREAM, 0, Channel.POLYBOLT
    POLICY_BREACH = "policy_breach", Occasion.STREAM, 0, Channel.POLYBOLT
    SEQUENCE_ANEW = "sequence_anew", Occasion.STREAM, 0, Channel.COINBASE
    TICKERS_STOP = "tickers_stop", Occasion.STREAM, 0, Channel.COINBASE
    UNREADABLE_CHANGE = "unreadable_change", Occasion.STREAM, 0, Channel.MARKET
    MALFORMED_SIBLING = "malformed_sibling", Occasion.STREAM, 0, Channel.MARKET

    # request faults: the request is carried out and only its answer affected, except RESET and
    # refusals
    LOST_ANSWER = "lost_answer", Occasion.ORDER
    SERVER_ERROR = "server_error", Occasion.ORDER
    SLOW_ANSWER = "slow_answer", Occasion.ORDER, 3_000
    PACKED_ANSWER = "packed_answer", Occasion.ORDER
    NESTED_ANSWER = "nested_answer", Occasion.ORDER
    ENDLESS_ANSWER = "endless_answer", Occasion.ORDER
    RESET = "reset", Occasion.ORDER
    RATE_LIMITED = "rate_limited", Occasion.ORDER, 2_000
    GEOBLOCKED = "geoblocked", Occasion.ORDER

    # an order
    LONG_DELAY = "long_delay", Occasion.ORDER, 5_000
    UNMATCHED = "unmatched", Occasion.ORDER
    HIDDEN_ORDER = "hidden_order", Occasion.ORDER, 3_000
    PARTIAL_BATCH = "partial_batch", Occasion.ORDER
    SHORT_MATCH = "short_match", Occasion.ORDER
    EXCESS_FILL = "excess_fill", Occasion.ORDER

    # a trade
    GHOST_FILL = "ghost_fill", Occasion.ORDER
    RETRIED_TRADE = "retried_trade", Occasion.ORDER
    LATE_FAILURE = "late_failure", Occasion.ORDER
    UNREADABLE_PART = "unreadable_part", Occasion.ORDER
    REPEATED_ROW = "repeated_row", Occasion.ORDER
    SHARE_LAG = "share_lag", Occasion.ORDER, 5_000

    # a transaction, or an event of the user channel
    REVERTED_TRANSACTION = "reverted_transaction", Occasion.ORDER
    DUPLICATE_EVENT = "duplicate_event", Occasion.ORDER
    LATE_EVENT = "late_event", Occasion.ORDER

    PROPOSED_RESULT = "proposed_result", Occasion.RESULT, 60_000
    OVERTURNED_RESULT = "overturned_result", Occasion.RESULT, 60_000

    UNSURE_FEES = "unsure_fees", Occasion.OPENING
    UNKNOWN_FEES = "unknown_fees", Occasion.OPENING
    NOT_ACCEPTING = "not_accepting", Occasion.OPENING, 60_000
    INACTIVE = "inactive", Occasion.OPENING, 60_000
    CLOSED_EARLY = "closed_early", Occasion.OPENING, 60_000
    NEGATIVE_RISK = "negative_risk", Occasion.OPENING, 3_600_000
    QUARTER_CENT_GRID = "quarter_cent_grid", Occasion.OPENING, 30_000
    HUNDREDTH_CENT_GRID = "hundredth_cent_grid", Occasion.OPENING, 30_000

    RESTART = "restart", Occasion.AT_ONCE, 90_000
    POST_ONLY = "post_only", Occasion.AT_ONCE, 120_000
    CANCEL_ONLY = "cancel_only", Occasion.AT_ONCE, 60_000
    DISABLED = "disabled", Occasion.AT_ONCE, 60_000
    UNAUTHORIZED = "unauthorized", Occasion.AT_ONCE, 60_000
    REVOKED_KEYS = "revoked_keys", Occasion.AT_ONCE
    CLOCK_SKEW = "clock_skew", Occasion.AT_ONCE, 45_000
    CANCEL_BY_VENUE = "cancel_by_venue", Occasion.AT_ONCE
    REPLAY = "replay", Occasion.AT_ONCE
    CALL_OFF = "call_off", Occasion.AT_ONCE


_KINDS = {kind.value: kind for kind in FaultKind}


class FaultTarget(enum.Enum):
    """Which requests a fault affects: those that place orders, or those that cancel them."""

    ORDERS = "orders"
    CANCELS = "cancels"


@attrs.frozen
class Fault:
    """A command to inject a fault from now on."""

    kind: FaultKind
    channel: Channel | None = None
    """The channel whose frames or connections are affected, for a stream fault."""
    count: int = 1
    """How many frames, requests, orders, trades or events are affected."""
    for_ms: int | None = None
    """Duration, for kinds that have one; None for the default."""
    target: FaultTarget = FaultTarget.ORDERS

    @property
    def lasts_ms(self) -> int:
        """Its duration."""
        return self.kind.lasts_ms if self.for_ms is None else self.for_ms


class OrderFaults:
    """The order faults still to come, and the random draws for those that come by chance."""

    def __init__(self, seed: int, chances: Mapping[FaultKind, float] | None = None) -> None:
        self._seed = seed
        self._chances = dict(chances or {})
        self._left: Counter[tuple[FaultKind, FaultTarget]] = Counter()
        self._lasts_ms: dict[FaultKind, int] = {}
        self.injected: Counter[FaultKind] = Counter()
        """How often each has occurred."""

    def plan(self, fault: Fault) -> None:
        """Schedule a fault for the next ones."""
        self._left[fault.kind, fault.target] = fault.count
        self._lasts_ms[fault.kind] = fault.lasts_ms

    def call_off(self) -> None:
        """Cancel all faults, whether commanded or by chance."""
        self._left.clear()
        self._chances.clear()

    def strikes(
        self,
        kind: FaultKind,
        name: str,
        target: FaultTarget = FaultTarget.ORDERS,
        *,
        by_chance: bool = True,
    ) -> bool:
        """Whether this order, trade, event, window or request is affected.

        Args:
            kind: the fault.
            name: what it may affect; the random draw depends on it.
            target: which commands count; chances apply to orders alone.
            by_chance: whether it may occur without a command; drawn once for each name.
        """
        is_struck = self._left[kind, target] > 0
        if is_struck:
            self._left[kind, target] -= 1
        elif by_chance and target is FaultTarget.ORDERS and kind in self._chances:
            dice = Random(f"{self._seed}/{kind.value}/{name}")
            is_struck = dice.random() < self._chances[kind]
        if is_struck:
            self.injected[kind] += 1
        return is_struck

    def lasts_ms(self, kind: FaultKind) -> int:
        """Duration of a fault of this kind; 0 for kinds that have none."""
        return self._lasts_ms.get(kind, kind.lasts_ms)


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
    """A command, and its time: ms of venue time after the start."""

    after_ms: int
    every_ms: int | None
    command: Fault


@attrs.frozen
class FaultFile:
    """The contents of a fault file."""

    chances: Mapping[FaultKind, float] = attrs.field(factory=dict)
    """Share of orders, trades or events that are affected."""
    planned: tuple[PlannedFault, ...] = ()


def read_command(body: bytes) -> Fault:
    """Parse the body of ``POST /admin/faults``.

    Raises:
        BadFault: it is invalid.
    """
    try:
        return _command(_decode_command(body))
    except msgspec.DecodeError as error:
        raise BadFault(str(error)) from None


def read_fault_file(text: str) -> FaultFile:
    """Parse a fault file.

    Raises:
        BadFault: the text is not TOML, or contains an invalid fault.
    """
    try:
        content = msgspec.toml.decode(text, type=_File)
    except RecursionError:
        raise BadFault("lists or tables are nested too deeply") from None
    except ValueError as error:  # raised by msgspec, or for a number with too many digits
        raise BadFault(str(error)) from None
    return FaultFile(
        chances=dict(_chance(name, share) for name, share in content.chance.items()),
        planned=tuple(_planned(one) for one in content.at),
    )


class FaultSchedule:
    """Issues the commands of a file when their time comes."""

    def __init__(self, planned: tuple[PlannedFault, ...], origin_ms: int) -> None:
        self._waiting = [
            (origin_ms + one.after_ms, number, one) for number, one in enumerate(planned)
        ]
        heapq.heapify(self._waiting)

    def due(self, now_ms: int) -> list[Fault]:
        """Take out the commands due by now."""
        commands = []
        while self._waiting and self._waiting[0][0] <= now_ms:
            at_ms, number, planned = heapq.heappop(self._waiting)
            commands.append(planned.command)
            if planned.every_ms is not None:
                heapq.heappush(self._waiting, (at_ms + planned.every_ms, number, planned))
        return commands


def _command(asked: _Command) -> Fault:
    if asked.count < 1:
        raise BadFault(f"a fault cannot occur {asked.count} times")
    kind = _kind(asked.kind, asked.channel)
    return Fault(kind, asked.channel, asked.count, asked.for_ms, asked.target)


def _planned(asked: _Planned) -> PlannedFault:
    every_s = asked.every_seconds
    if asked.seconds < 0 or (every_s is not None and every_s <= 0):
        raise BadFault(f"{asked.kind} is scheduled for a time that never comes")
    every_ms = None if every_s is None else max(1, round(every_s * 1000))
    return PlannedFault(round(asked.seconds * 1000), every_ms, _command(asked))


def _chance(name: str, share: float) -> tuple[FaultKind, float]:
    kind = _kind(name, None)
    if kind.occasion is Occasion.AT_ONCE:
        raise BadFault(f"{name} can only be commanded; it has no chance")
    if not 0 <= share <= 1:
        raise BadFault(f"the chance of {name} is {share}, not between 0 and 1")
    return kind, share


def _kind(name: str, channel: Channel | None) -> FaultKind:
    """Find the kind with this name for a channel, or for none."""
    kind = _KINDS.get(name)
    is_stream = kind is not None and kind.occasion is Occasion.STREAM
    if channel is None:
        if kind is None or is_stream:
            raise BadFault(f"there is no fault {name!r} without a channel")
    elif kind is None or not is_stream:
        raise BadFault(f"a stream has no fault {name!r}")
    elif channel not in kind.channels:
        raise BadFault(f"the {channel.value} channel has no fault {name!r}")
    return kind
