"""What a host's recorder keeps, and that it never disturbs the host."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from host_bench import HostBench

from actors.core import Core, Dice, Effects, Log, Recall, handles
from actors.messages.lifecycle import Recalled, Started
from actors.runtime import flight_recorder
from actors.runtime.flight_recorder import Flight, FlightRecorder, HungCore
from actors.runtime.host import Host
from actors.runtime.host_context import HostWatch, HostWatches, RunningHost
from actors.runtime.replay import play
from actors.settings import Settings

ROLE = "position"


@attrs.frozen
class Add:
    number: int
    padding: str = ""


@attrs.frozen
class Break:
    text: str = "a bug"


@attrs.frozen
class Ask:
    key: str


class SumCore(Core):
    """Adds up, rolls a die, and breaks on command."""

    def __init__(self, role: str, settings: Settings, dice: Dice) -> None:
        super().__init__(role, settings, dice)
        self.total = 0
        self.uncopied: object = None

    @handles(Started, Recalled)
    def start(self, _message: object, _now_ms: int) -> Effects:
        return [Log("info", f"total {self.total}")]

    @handles(Add)
    def add(self, message: Add, now_ms: int) -> Effects:
        self.total += message.number
        if message.padding == "uncopied":
            self.uncopied = lambda: None
        return [Log("info", f"{self.total} at {now_ms}, {self.dice.getrandbits(32)}")]

    @handles(Break)
    def fall(self, message: Break, _now_ms: int) -> Effects:
        raise RuntimeError(f"{message.text} at {self.total}, {self.dice.getrandbits(32)}")

    @handles(Ask)
    def ask(self, message: Ask, _now_ms: int) -> Effects:
        return [Recall("sum", message.key, None), Log("info", "asked")]


class Kept:
    """Where flights go."""

    def __init__(self) -> None:
        self.newest: FlightRecorder | None = None
        self.flights: list[Flight] = []
        self.errors: list[Exception] = []
        self.are_in_core: list[bool] = []
        self.warnings: list[str] = []

    def keep(self, flight: Flight, error: Exception, *, is_in_core: bool) -> None:
        self.flights.append(flight)
        self.errors.append(error)
        self.are_in_core.append(is_in_core)

    def warn(self, text: str) -> None:
        self.warnings.append(text)


class Said(HostWatch):
    """Keeps every effect that the host's core asked for."""

    def __init__(self) -> None:
        self.effects: list[object] = []

    def decided(self, host: RunningHost, effects: Any) -> None:
        del host
        self.effects.append(effects)


@attrs.define
class Scene:
    host: Host
    kept: Kept
    said: Said
    recorder: FlightRecorder
    clock_ms: list[int]

    def hand(self, message: object) -> None:
        self.clock_ms[0] += 7
        self.host.hand(message)


@pytest.fixture
def scene() -> Scene:
    return recorded_host()


def recorded_host() -> Scene:
    kept, said, clock_ms = Kept(), Said(), [1_000]

    def make_core(generation: int) -> Core:
        return SumCore(ROLE, Settings(), random.Random(generation))

    recorder = FlightRecorder(make_core, kept)
    bench = HostBench(Settings(), lambda: clock_ms[0], nowhere, HostWatches(recorder, said))
    host = bench.add(ROLE, SumCore, None)
    host._context.make_core = make_core
    host.start()
    return Scene(host, kept, said, recorder, clock_ms)


def nowhere(sender: str, to: str, message: object) -> None:
    raise AssertionError(f"{sender} says {message} to {to}")


def played(flight: Flight) -> list[Effects]:
    return [effects for _, _, effects in play(flight)]


def test_a_young_core_is_made_again_and_falls_on_the_same(scene: Scene) -> None:
    for number in range(10):
        scene.hand(Add(number))
    scene.hand(Break())
    (flight,), (error,) = scene.kept.flights, scene.kept.errors
    assert scene.kept.are_in_core == [True]
    assert [message for _, message in flight.heard] == [
        Started(()),
        *map(Add, range(10)),
        Break(),
    ]
    with pytest.raises(RuntimeError) as again:
        played(flight)
    assert str(again.value) == str(error)


@pytest.mark.parametrize("count", [500, 600, 1_200, 5_000])
def test_an_old_core_is_played_from_a_snapshot_to_the_same_effects(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr(flight_recorder, "_SNAPSHOT_SHARE", 0)
    for number in range(count):
        scene.hand(Add(number))
    flight = scene.recorder.flight()
    assert flight is not None
    assert len(flight.heard) <= 2 * (512 + 64)
    assert len(flight.heard) >= min(count, 512)
    assert played(flight) == scene.said.effects[-len(flight.heard) :]


def test_a_next_generation_begins_anew(scene: Scene) -> None:
    scene.hand(Break("first"))
    scene.host.start()
    scene.hand(Break("second"))
    assert [flight.generation for flight in scene.kept.flights] == [1, 2]
    assert [message for _, message in scene.kept.flights[1].heard] == [
        Started(()),
        Break("second"),
    ]


def test_what_a_core_is_told_while_its_effects_are_performed_is_played_in_its_place(
    scene: Scene,
) -> None:
    scene.hand(Add(3))
    scene.hand(Ask("a"))
    scene.hand(Break())
    (flight,) = scene.kept.flights
    told = [type(message) for _, message in flight.heard]
    assert told == [Started, Add, Ask, Recalled, Break]
    with pytest.raises(RuntimeError, match="a bug at 3"):
        played(flight)


def test_a_message_that_the_core_does_not_know_is_passed_over_as_it_was(scene: Scene) -> None:
    scene.hand("a word")
    scene.hand(Add(1))
    assert scene.kept.flights == []
    flight = scene.recorder.flight()
    assert flight is not None
    assert [len(effects) for effects in played(flight)] == [1, 0, 1]


def test_large_messages_are_kept_for_as_long_as_they_fit(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flight_recorder, "_SNAPSHOT_SHARE", 0)
    for number in range(400):
        scene.hand(Add(number, padding=f"{number:010}" * 1_000))
    flight = scene.recorder.flight()
    assert flight is not None
    kept_bytes = sum(len(message.padding) for _, message in flight.heard)  # type: ignore[attr-defined] # all are Add by now
    assert kept_bytes <= 2 * (64_000 + 64 * 10_000)
    assert played(flight) == scene.said.effects[-len(flight.heard) :]


def test_snapshots_that_take_long_are_rare_and_what_cannot_wait_is_dropped(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_ns = [0]

    def tick() -> int:
        now_ns[0] += 1_000_000
        return now_ns[0]

    monkeypatch.setattr(time, "perf_counter_ns", tick)
    for number in range(512):
        scene.hand(Add(number))
    first = scene.recorder.flight()
    assert first is not None
    for number in range(3_000):
        scene.hand(Add(number))
    # A snapshot lasts a millisecond and may be taken each 100: meanwhile too much was heard.
    assert scene.recorder.flight() is None
    now_ns[0] += 1_000_000_000
    for number in range(4_000):
        scene.hand(Add(number))
        now_ns[0] += 10_000_000
    flight = scene.recorder.flight()
    assert flight is not None
    assert played(flight) == scene.said.effects[-len(flight.heard) :]


def test_a_core_that_cannot_be_copied_works_on_and_it_is_said_once(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flight_recorder, "_SNAPSHOT_SHARE", 0)
    scene.hand(Add(1, "uncopied"))
    for number in range(2_000):
        scene.hand(Add(number))
    assert len(scene.kept.warnings) == 1
    assert "position" in scene.kept.warnings[0]
    assert len(scene.recorder._heard) < 100
    assert len(scene.said.effects) == 2_002
    scene.hand(Break())
    assert scene.kept.flights == []


def test_a_keeper_that_fails_is_reported_and_the_fall_is_the_core_s(scene: Scene) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise OSError("the disk is full")

    scene.kept.keep = fail  # type: ignore[method-assign,assignment] # the test breaks it
    scene.hand(Break())
    assert "the disk is full" in scene.kept.warnings[0]
    assert isinstance(scene.host.error, RuntimeError)


def test_a_hang_is_handed_over_with_the_message_it_is_in(scene: Scene) -> None:
    scene.hand(Add(2))
    scene.recorder.hung(HungCore("it was at"), None)
    assert scene.kept.are_in_core == [False]
    assert scene.kept.flights[0].heard[-1][1] == Add(2)


def test_a_failed_effect_is_told_from_a_raising_core(scene: Scene) -> None:
    def broken(_level: str, _text: str) -> None:
        raise ValueError("no such log")

    def mend(_level: str, _text: str) -> None:
        return None

    logs: list[Callable[[str, str], None]] = [broken, mend]
    scene.host._context.log = lambda level, text: logs.pop(0)(level, text)
    scene.hand(Add(1))
    assert scene.kept.are_in_core == [False]
    assert isinstance(scene.kept.errors[0], ValueError)
