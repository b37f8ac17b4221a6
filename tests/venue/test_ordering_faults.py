from __future__ import annotations

import re
from pathlib import Path

import pytest

from venue.faults import FaultKind
from venue.frames import Channel
from venue.order_faults import (
    DEFAULT_MS,
    IMMEDIATE_FAULTS,
    FaultTarget,
    OrderFault,
    OrderFaultKind,
    OrderFaults,
)
from venue.ordering.fault_plan import (
    BadFault,
    FaultSchedule,
    StreamFault,
    read_command,
    read_fault_file,
)

GHOST, LOST = OrderFaultKind.GHOST_FILL, OrderFaultKind.LOST_ANSWER


def test_a_command_strikes_as_often_as_it_says() -> None:
    faults = OrderFaults(1)
    faults.plan(OrderFault(kind=GHOST, count=2))
    assert [faults.strikes(GHOST, name) for name in "abc"] == [True, True, False]
    assert faults.injected == {GHOST: 2}
    assert not faults.strikes(LOST, "a")


def test_chance_strikes_the_same_ones_in_every_run() -> None:
    names = [str(number) for number in range(2_000)]

    def struck(seed: int) -> list[str]:
        faults = OrderFaults(seed, {GHOST: 0.25})
        return [name for name in names if faults.strikes(GHOST, name)]

    assert struck(1) == struck(1)
    assert struck(1) != struck(2)
    assert 400 < len(struck(1)) < 600


def test_chances_are_for_orders_and_commands_for_what_they_name() -> None:
    faults = OrderFaults(1, {LOST: 1.0})
    assert faults.strikes(LOST, "a")
    assert not faults.strikes(LOST, "a", FaultTarget.CANCELS)
    faults.plan(OrderFault(kind=LOST, target=FaultTarget.CANCELS))
    assert faults.strikes(LOST, "a", FaultTarget.CANCELS)


def test_what_is_called_off_strikes_no_more() -> None:
    faults = OrderFaults(1, {LOST: 1.0})
    faults.plan(OrderFault(kind=GHOST))
    faults.call_off()
    assert not faults.strikes(GHOST, "a")
    assert not faults.strikes(LOST, "a")


def test_a_fault_lasts_as_long_as_it_says_or_as_usual() -> None:
    kind = OrderFaultKind.SHARE_LAG
    faults = OrderFaults(1)
    assert faults.lasts_ms(kind) == DEFAULT_MS[kind]
    faults.plan(OrderFault(kind=kind, for_ms=0))
    assert faults.lasts_ms(kind) == 0


def test_commands_are_read() -> None:
    assert read_command(b'{"kind":"ghost_fill","count":3}') == OrderFault(kind=GHOST, count=3)
    assert read_command(b'{"kind":"lost_answer","target":"cancels","for_ms":5}') == OrderFault(
        kind=LOST, target=FaultTarget.CANCELS, for_ms=5
    )
    assert read_command(b'{"kind":"stall","channel":"user"}') == StreamFault(
        Channel.USER, FaultKind.STALL
    )


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "data"),
        (b"{}", "kind"),
        (b'{"kind":"explode"}', "no fault 'explode'"),
        (b'{"kind":"explode","channel":"rtds"}', "a stream has no fault 'explode'"),
        (b'{"kind":"drain","channel":"rtds"}', "the rtds channel has no fault 'drain'"),
        (b'{"kind":"stall"}', "without a channel"),
        (b'{"kind":"stall","channel":"none"}', "none"),
        (b'{"kind":"ghost_fill","count":0}', "0 times"),
        (b'{"kind":"ghost_fill","times":1}', "times"),
    ],
)
def test_what_is_no_command_is_refused_in_words(body: bytes, words: str) -> None:
    with pytest.raises(BadFault, match=words):
        read_command(body)


def test_a_file_gives_chances_and_a_schedule() -> None:
    file = read_fault_file(
        """
        [chance]
        ghost_fill = 0.5

        [[at]]
        seconds = 2
        kind = "restart"
        for_ms = 20000

        [[at]]
        seconds = 1.5
        every_seconds = 1
        channel = "market"
        kind = "drop"
        """
    )
    assert file.chances == {GHOST: 0.5}
    schedule = FaultSchedule(file.planned, 1_000)
    drop = StreamFault(Channel.MARKET, FaultKind.DROP)
    restart = OrderFault(kind=OrderFaultKind.RESTART, for_ms=20_000)
    assert schedule.due(2_499) == []
    assert schedule.due(2_500) == [drop]
    assert schedule.due(4_500) == [restart, drop, drop]
    assert schedule.due(4_500) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("=", "Invalid"),
        ("[other]", "other"),
        ("[chance]\nexplode = 0.1", "explode"),
        ("[chance]\nrestart = 0.1", "commanded"),
        ("[chance]\nghost_fill = 2", "not between 0 and 1"),
        ('[[at]]\nkind = "restart"\nseconds = -1', "never comes"),
        ('[[at]]\nkind = "restart"\nevery_seconds = 0', "never comes"),
    ],
)
def test_a_bad_file_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(BadFault, match=words):
        read_fault_file(text)


def test_every_fault_is_either_at_once_or_strikes_something() -> None:
    for kind in set(OrderFaultKind) - IMMEDIATE_FAULTS:
        read_fault_file(f"[chance]\n{kind.value} = 0.1")


def test_every_kind_of_fault_is_explained_under_its_name() -> None:
    page = (Path(__file__).parents[2] / "docs" / "exchange.md").read_text()
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    explained = set(re.findall(r"`(\w+)`", "".join(rows)))
    assert {kind.value for kind in (*OrderFaultKind, *FaultKind)} <= explained
