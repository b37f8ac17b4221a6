from __future__ import annotations

import re
from pathlib import Path

import pytest

from venue.faults import (
    BadFault,
    Fault,
    FaultKind,
    FaultSchedule,
    FaultTarget,
    Occasion,
    OrderFaults,
    read_command,
    read_fault_file,
)
from venue.frames import Channel

GHOST, LOST = FaultKind.GHOST_FILL, FaultKind.LOST_ANSWER


def test_a_command_strikes_as_often_as_it_says() -> None:
    faults = OrderFaults(1)
    faults.plan(Fault(GHOST, count=2))
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
    faults.plan(Fault(LOST, target=FaultTarget.CANCELS))
    assert faults.strikes(LOST, "a", FaultTarget.CANCELS)


def test_what_is_called_off_strikes_no_more() -> None:
    faults = OrderFaults(1, {LOST: 1.0})
    faults.plan(Fault(GHOST))
    faults.call_off()
    assert not faults.strikes(GHOST, "a")
    assert not faults.strikes(LOST, "a")


def test_a_fault_lasts_as_long_as_it_says_or_as_usual() -> None:
    kind = FaultKind.SHARE_LAG
    faults = OrderFaults(1)
    assert faults.lasts_ms(kind) == kind.lasts_ms
    faults.plan(Fault(kind, for_ms=0))
    assert faults.lasts_ms(kind) == 0


def test_commands_are_read() -> None:
    assert read_command(b'{"kind":"ghost_fill","count":3}') == Fault(GHOST, count=3)
    assert read_command(b'{"kind":"lost_answer","target":"cancels","for_ms":5}') == Fault(
        kind=LOST, target=FaultTarget.CANCELS, for_ms=5
    )
    assert read_command(b'{"kind":"stall","channel":"user"}') == Fault(
        FaultKind.STALL, Channel.USER
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
    drop = Fault(FaultKind.DROP, Channel.MARKET)
    restart = Fault(FaultKind.RESTART, for_ms=20_000)
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
    for kind in FaultKind:
        if kind.occasion not in (Occasion.AT_ONCE, Occasion.STREAM):
            read_fault_file(f"[chance]\n{kind.value} = 0.1")


def test_every_kind_of_fault_is_explained_under_its_name() -> None:
    page = (Path(__file__).parents[2] / "docs" / "exchange.md").read_text()
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    explained = set(re.findall(r"`(\w+)`", "".join(rows)))
    assert {kind.value for kind in FaultKind} <= explained
