from __future__ import annotations

import itertools

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from scenes import MARKET, NOW_MS, POSITION, child, feed_health, report, settled, snapshot, view
from watched import WALL_MS, WELL, down, observation, status

from actors.messages.directory import MarketOpened
from actors.messages.feeds import FeedHealth
from actors.messages.halts import Halt
from actors.messages.observer import FeedSeen
from actors.messages.position import MS_PER_DAY
from actors.model import Strike
from actors.settings import ExecutionSettings, Settings
from actors.supervision.messages import ChildState
from actors.units import E18, NANOS_PER_DOLLAR
from actors.watcher_settings import ALERT_KINDS, AlertSettings
from understudy.alerting.conditions import conditions_of
from understudy.alerting.core import FORGOTTEN_MS, QUIET_MS, AlertCore
from understudy.data_dir.last_run import RunRecord
from understudy.display.status import Status
from understudy.watching.observation import Observation

ALL = AlertSettings(on=ALERT_KINDS)
EVERYTHING = Settings(alerts=ALL)
MINUTE_MS = 60_000
STRIKE = Strike(price_e18=64_000 * E18, source="twap", timestamp_ms=NOW_MS)
HALT = Halt(who="operator", reason="odd prices", since_ms=NOW_MS, cancels=True)


def well(**changes: object) -> Status:
    """A status in which nothing is wrong, or only what is changed."""
    opened = MarketOpened(market=MARKET, strike=STRIKE)
    fields: dict[str, object] = {"view": view(opened=opened), "settings": EVERYTHING, **changes}
    return status(**{"restarts": {}, **fields})


def viewed(**changes: object) -> Status:
    return well(view=view(**{"opened": MarketOpened(market=MARKET, strike=STRIKE), **changes}))


def seen(shown: Status | None = None, at_s: float = 0, **changes: object) -> Observation:
    fields: dict[str, object] = {"status": shown or well(), **changes}
    return observation(at_ms=WALL_MS + int(at_s * 1_000), **fields)


def texts(core: AlertCore, observed: Observation) -> list[str]:
    return [notice.text for notice in core.look(observed)]


def watching(first: Observation | None = None) -> AlertCore:
    core = AlertCore()
    assert core.look(first or seen()) == []
    return core


# What is a condition


def lost(dollars: int) -> Status:
    position = attrs.evolve(
        POSITION, day=NOW_MS // MS_PER_DAY, day_pnl_nanos=-dollars * NANOS_PER_DOLLAR
    )
    return viewed(position=position)


def feed(**changes: object) -> FeedSeen:
    fields: dict[str, object] = {"feed": "twap-feed", "is_up": True, "since_ms": 0, **changes}
    return FeedSeen(**fields)  # type: ignore[arg-type]


def health(data_at_ms: int) -> FeedHealth:
    return feed_health("twap-feed", data_at_ms=data_at_ms)


LIVE = Settings(alerts=ALL, execution=ExecutionSettings(mode="live", durability="full"))
WAITING = report(children=(child("executor", state=ChildState.WAITING),))
ENDED = RunRecord(pid=1, began_at_ms=0, ended_at_ms=9, reason="SIGTERM", exit_code=0)

CASES = {
    "nothing": (seen(), set()),
    "a halt": (seen(well(halts=(HALT,))), {("halt/operator", "halt")}),
    "a halt by the executor": (
        seen(well(halts=(attrs.evolve(HALT, who="executor"),))),
        {("halt/executor", "difference")},
    ),
    "an escalation": (
        seen(well(report=attrs.evolve(WELL, escalation="the desk crashed too often"))),
        {("escalation", "escalation")},
    ),
    "an end": (down(last_run=ENDED), {("end", "end")}),
    "an end that is told while the run goes": (
        seen(is_running=True, last_run=ENDED, status=None),
        {("end", "end")},
    ),
    "a run that gave up": (
        down(last_run=attrs.evolve(ENDED, exit_code=4)),
        {("end", "escalation")},
    ),
    "a killed run": (down(last_run=RunRecord(pid=1, began_at_ms=0)), {("end", "end")}),
    "a directory where nothing ran": (down(last_run=None), set()),
    "no answer": (
        observation(status=None, trouble="it does not answer"),
        {("answers", "silence")},
    ),
    "a feed that is down": (
        seen(viewed(feeds=(feed(is_up=False, trouble="401"),))),
        {("feed/twap-feed", "silence")},
    ),
    "a feed that is up and says nothing": (
        seen(viewed(feeds=(feed(health=health(NOW_MS - 60_000)),))),
        {("feed/twap-feed", "silence")},
    ),
    "old books": (
        seen(
            viewed(
                snapshot=replace(
                    snapshot(),
                    taken_at_ms=0,
                    yes=replace(snapshot().yes, updated_at_ms=NOW_MS - 61_000),
                )
            )
        ),
        {("books", "silence")},
    ),
    "a feed whose credentials are refused while another service serves": (
        seen(viewed(feeds=(feed(health=replace(health(NOW_MS), is_denied=True)),))),
        {("denied/twap-feed", "credentials")},
    ),
    "no strike": (
        seen(viewed(opened=MarketOpened(market=MARKET, strike=None))),
        {("strike", "strike")},
    ),
    "no strike, and the window is over": (
        seen(viewed(opened=MarketOpened(market=MARKET, strike=None), is_closed=True)),
        set(),
    ),
    "nearly half of the day's loss": (seen(lost(124)), set()),
    "half of the day's loss": (seen(lost(125)), {(f"loss/{NOW_MS // MS_PER_DAY}/half", "loss")}),
    "all of the day's loss": (
        seen(lost(250)),
        {(f"loss/{NOW_MS // MS_PER_DAY}/{key}", "loss") for key in ("half", "whole")},
    ),
    "little room": (seen(disk_free_bytes=500_000_000), {("disk", "disk")}),
    "hardly any room": (
        seen(disk_free_bytes=50_000_000),
        {("disk", "disk"), ("disk/full", "disk")},
    ),
    "a damaged journal": (seen(journal_trouble="it is damaged"), {("journal", "disk")}),
    "live, an executor that may not trade": (
        seen(well(settings=LIVE, report=WAITING)),
        {("executor", "credentials")},
    ),
    "simulated, an executor that waits": (seen(well(report=WAITING)), set()),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_wrong_is_a_condition_and_nothing_else_is(name: str) -> None:
    observed, wanted = CASES[name]
    found = conditions_of(observed, ALL)
    assert {(key, condition.kind) for key, condition in found.items()} == wanted


def test_what_nobody_wants_to_know_is_no_condition() -> None:
    observed = seen(well(halts=(HALT,)), disk_free_bytes=1)
    found = conditions_of(observed, AlertSettings(on=("halt",)))
    assert {condition.kind for condition in found.values()} == {"halt"}


# When it is told


def test_a_halt_is_told_once_and_so_is_its_end() -> None:
    core, halted = watching(), well(halts=(HALT,))
    assert texts(core, seen(halted, 1)) == ["trading is halted: odd prices (operator)"]
    assert texts(core, seen(halted, 3)) == []
    assert texts(core, seen(well(), 61)) == ["the halt by operator is lifted (after 1m 00s)"]
    assert texts(core, seen(well(), 63)) == []


def test_what_lasts_is_told_again_each_hour() -> None:
    core, halted = watching(), well(halts=(HALT,))
    core.look(seen(halted, 0))
    assert texts(core, seen(halted, 3_599)) == []
    assert texts(core, seen(halted, 3_600)) == [
        "still, for 1h 00m: trading is halted: odd prices (operator)"
    ]
    assert texts(core, seen(halted, 3_700)) == []
    assert len(texts(core, seen(halted, 7_200))) == 1


def test_what_comes_and_goes_is_counted_not_told_each_time() -> None:
    core, halted = watching(), well(halts=(HALT,))
    core.look(seen(halted, 0))
    core.look(seen(well(), 1))
    for at_s in range(2, 100, 2):
        assert texts(core, seen(halted, at_s)) == []
        assert texts(core, seen(well(), at_s + 1)) == []
    assert texts(core, seen(well(), QUIET_MS / 1_000)) == [
        "trading is halted: odd prices (operator) (49 times), over now"
    ]
    assert texts(core, seen(well(), QUIET_MS / 1_000 + 1)) == []


def test_what_came_back_in_silence_and_stays_is_told_when_it_may_be() -> None:
    core, halted = watching(), well(halts=(HALT,))
    core.look(seen(halted, 0))
    core.look(seen(well(), 1))
    assert texts(core, seen(halted, 2)) == []
    assert texts(core, seen(halted, 600)) == ["trading is halted: odd prices (operator)"]
    assert len(texts(core, seen(well(), 601))) == 1


def test_silence_is_told_only_after_its_time_and_its_end_only_if_it_was() -> None:
    core, silent = watching(), viewed(feeds=(feed(is_up=False, trouble="no route"),))
    assert texts(core, seen(silent, 0)) == []
    assert texts(core, seen(silent, 59)) == []
    assert texts(core, seen(well(), 59.5)) == []
    assert texts(core, seen(silent, 100)) == []
    assert texts(core, seen(silent, 160)) == ["twap-feed gives no data: no route"]
    assert texts(core, seen(well(), 161)) == ["twap-feed gives data again (after 1m 01s)"]


def test_a_system_that_does_not_answer_leaves_open_what_only_it_could_tell() -> None:
    core, silent = watching(), viewed(feeds=(feed(health=health(0)),))
    assert len(texts(core, seen(silent, 0))) == 1
    hung = observation(status=None, trouble="it hangs", at_ms=WALL_MS + 1_000)
    assert texts(core, hung) == []
    assert texts(core, seen(well(view=None), 2)) == []
    assert texts(core, seen(well(), 3)) == ["twap-feed gives data again (after 3.0s)"]


def test_an_end_takes_along_what_was_the_case_until_then() -> None:
    core, silent = watching(), viewed(feeds=(feed(health=health(0)),))
    core.look(seen(silent, 0))
    ended = attrs.evolve(down(last_run=ENDED), at_ms=WALL_MS + 1_000)
    assert texts(core, ended) == ["the newest run has ended: SIGTERM"]
    assert texts(core, attrs.evolve(ended, at_ms=WALL_MS + 9_000_000)) == []
    assert texts(core, seen(well(), 9_001)) == ["a run has begun (after 2h 30m)"]


def test_a_run_that_fell_is_told_again_until_one_runs() -> None:
    core = watching()
    fell = down(last_run=RunRecord(pid=1, began_at_ms=0))
    assert len(texts(core, attrs.evolve(fell, at_ms=WALL_MS + 1_000))) == 1
    assert len(texts(core, attrs.evolve(fell, at_ms=WALL_MS + 3_602_000))) == 1


def test_an_end_before_anyone_watched_is_no_news_but_a_new_run_is() -> None:
    core = watching(down(last_run=ENDED))
    assert texts(core, attrs.evolve(down(last_run=ENDED), at_ms=WALL_MS + 1_000)) == []
    assert len(texts(core, seen(well(), 2))) == 1


def test_falls_are_told_when_there_were_so_many_since_the_last() -> None:
    core = watching()
    assert texts(core, seen(well(restarts={"desk": 2}), 1)) == []
    assert texts(core, seen(well(restarts={"desk": 3}), 2)) == [
        "desk crashed 3 times, 3 since the run began"
    ]
    assert texts(core, seen(well(restarts={"desk": 5}), 3)) == []
    assert len(texts(core, seen(well(restarts={"desk": 6}), 4))) == 1


def test_another_run_counts_its_falls_anew() -> None:
    core = watching()
    core.look(seen(well(restarts={"desk": 3}), 1))
    other = RunRecord(pid=2, began_at_ms=WALL_MS + 1_500)
    assert len(texts(core, seen(well(restarts={"desk": 3}), 2, last_run=other))) == 1


def test_a_windows_result_is_told_once_if_it_is_wanted() -> None:
    core = watching(seen(viewed(settled=(settled(2, 788),))))
    both = viewed(settled=(settled(2, 788), settled(1, -212)))
    assert texts(core, seen(both, 1)) == [
        "btc-updown-15m-1749999600: Up won, P&L $-2.12, in all $-2.12"
    ]
    assert texts(core, seen(both, 2)) == []

    quiet = attrs.evolve(both, settings=Settings())
    core = watching(seen(attrs.evolve(well(), settings=Settings())))
    assert texts(core, seen(quiet, 1)) == []


def test_the_last_result_of_a_run_is_told_from_the_journal() -> None:
    core = watching(seen(viewed(settled=(settled(2, 788),))))
    over = attrs.evolve(down(last_run=ENDED), at_ms=WALL_MS + 1_000)
    ended = attrs.evolve(over, settled=(settled(2, 788), settled(1, -212)))
    assert texts(core, ended) == [
        "the newest run has ended: SIGTERM",
        "btc-updown-15m-1749999600: Up won, P&L $-2.12",
    ]
    assert texts(core, ended) == []


def test_settings_of_the_newest_run_hold_when_it_is_down() -> None:
    few = attrs.evolve(well(), settings=Settings(alerts=AlertSettings(on=("disk",))))
    core = watching(seen(few))
    assert texts(core, attrs.evolve(down(last_run=ENDED), at_ms=WALL_MS + 1_000)) == []


def test_what_is_no_longer_wanted_is_dropped_without_a_word() -> None:
    core = watching()
    core.look(seen(well(halts=(HALT,)), 1))
    few = attrs.evolve(well(), settings=Settings(alerts=AlertSettings(on=("disk",))))
    assert texts(core, seen(few, 2)) == []


def test_a_restart_of_the_watcher_tells_nothing_twice() -> None:
    core, halted = watching(), well(halts=(HALT,))
    core.look(seen(halted, 1))
    again = AlertCore(core.memory)
    assert texts(again, seen(halted, 2)) == []
    assert len(texts(again, seen(well(), 3))) == 1


def test_what_is_long_over_is_forgotten() -> None:
    core = watching()
    core.look(seen(well(halts=(HALT,)), 1))
    core.look(seen(well(), 2))
    assert core.memory.spells
    core.look(seen(well(), 3 + FORGOTTEN_MS / 1_000))
    assert not core.memory.spells


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 400)), max_size=60))
def test_however_it_comes_and_goes_few_notices_tell_of_it(steps: list[tuple[bool, int]]) -> None:
    """Between two tellings of an onset lie ten minutes; nothing is told over that was not told."""
    core, at_s, onsets, balance = watching(), 0, [], 0
    for is_halted, step_s in steps:
        at_s += step_s
        for text in texts(core, seen(well(halts=(HALT,) if is_halted else ()), at_s)):
            if "is lifted" in text:
                balance -= 1
            elif not text.startswith("still"):
                onsets.append(at_s)
                balance += not text.endswith("over now")
        assert balance in (0, 1)
    gaps = [later - earlier for earlier, later in itertools.pairwise(onsets)]
    assert all(gap * 1_000 >= QUIET_MS for gap in gaps)
