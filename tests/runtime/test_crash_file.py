"""Crash files: what they hold, what they never hold, and what is said of a bad one."""

from __future__ import annotations

import base64
import io
import os
import pickle
import random
import re
import stat
import zlib
from pathlib import Path
from typing import Any

import attrs
import pytest
from crash_scenes import BAD_FILL, crash, position_flight, raised_by

from actors.core import Core
from actors.execution.real.messages import OrderSigned
from actors.messages.execution import QueryOrder
from actors.runtime import crash_file
from actors.runtime.crash_file import (
    BadCrashFile,
    crash_files,
    read_flight,
    read_report,
    write_crash,
)
from actors.runtime.crashes import report_of
from actors.runtime.flight_recorder import Flight
from actors.runtime.replay import play
from actors.settings import Settings, StrategySettings

SIGNATURE = "0x" + "1b" * 65


def unpacked(path: Path) -> bytes:
    """Everything in a crash file, readable."""
    head, _, body = path.read_bytes().partition(b"\n")
    return head + zlib.decompress(body)


def test_a_file_tells_the_crash_and_plays_it_again(tmp_path: Path) -> None:
    settings = Settings(strategy=StrategySettings(max_shares=55))
    flight = position_flight(BAD_FILL)
    error = raised_by(position_flight(BAD_FILL))
    path = write_crash(tmp_path, report_of(flight, error, settings, 7, is_in_core=True), flight)
    report = read_report(path)
    assert (report.role, report.generation, report.seed) == ("position", 3, 7)
    assert report.settings == settings
    assert report.error == "AttributeError"
    assert "market_id" in report.text
    assert "Traceback" in report.trace
    assert (report.message, report.heard_count) == ("OrderFilled", 2)
    assert report.core == "actors.position.core:PositionCore"
    read = read_flight(path)
    assert read.heard == flight.heard
    with pytest.raises(AttributeError) as again:
        list(play(read))
    assert str(again.value) == report.text


def test_a_file_is_its_user_s_alone_and_named_by_time_role_and_generation(tmp_path: Path) -> None:
    path = crash(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert re.fullmatch(r"\d{8}T\d{6}\.\d{6}-position-3", path.name)
    order = crash(tmp_path, role="order/order_1")
    assert order.name.endswith("-order.order_1-3")


def test_the_newest_twenty_are_kept(tmp_path: Path) -> None:
    written = [crash(tmp_path, at=f"2026-11-28T07:17:{each:02}.000000+00:00") for each in range(23)]
    assert crash_files(tmp_path) == written[3:]
    assert len(list((tmp_path / "crashes").iterdir())) == 20


def test_a_flight_that_is_too_large_is_left_out_and_the_file_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crash_file, "BYTES_MAX", 1_050_000)
    noise = QueryOrder(base64.b64encode(random.Random(1).randbytes(100_000)).decode())
    flight = position_flight(noise, BAD_FILL)
    report = report_of(flight, RuntimeError("x"), Settings(), 1, is_in_core=True)
    path = write_crash(tmp_path, report, flight)
    assert path.stat().st_size < 20_000
    assert read_report(path).heard_count == 0
    with pytest.raises(BadCrashFile, match="too large to be kept"):
        read_flight(path)


def test_signatures_are_left_out_wherever_they_stand(tmp_path: Path) -> None:
    payload = f'{{"order":{{"salt":7,"signature":"{SIGNATURE}"}}}}'
    signed = OrderSigned(
        order_id="order_1_aa",
        venue_order_id="0x" + "ab" * 32,
        payload=payload,
        offered_units=5_000_000,
    )
    flight = position_flight(signed)
    flight.core.last = signed  # type: ignore[attr-defined] # as a core that keeps it has it
    error = ValueError(f"cannot take {payload}")
    path = write_crash(tmp_path, report_of(flight, error, Settings(), 1, is_in_core=True), flight)
    whole = unpacked(path)
    assert b"1b" * 65 not in whole
    assert b"ab" * 32 in whole
    read = read_flight(path)
    again = read.heard[-1][1]
    assert isinstance(again, OrderSigned)
    assert again == attrs.evolve(signed, payload=payload.replace("1b", "00"))
    assert read.core.last == again  # type: ignore[attr-defined] # set above


def test_a_crash_of_many_words_is_shortened(tmp_path: Path) -> None:
    flight = position_flight()
    error = ValueError("x" * 5_000_000)
    path = write_crash(tmp_path, report_of(flight, error, Settings(), 1, is_in_core=True), flight)
    assert len(read_report(path).text) == 100_000
    assert len(read_flight(path).heard) == 1


class Sly:
    """Runs a command when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("true",)


def forged(path: Path, value: object) -> Path:
    """The file with another body, and the right sum for it."""
    report = read_report(path)
    flight = Flight(role="position", generation=3, core=value, heard=())  # type: ignore[arg-type] # it lies
    return write_crash(path.parent.parent, report, flight)


@pytest.mark.parametrize(
    "value",
    [Sly(), Path("x"), print, Core.handle],
    ids=["a command", "a path", "a built-in", "a function"],
)
def test_nothing_but_parts_of_cores_is_made_from_a_file(tmp_path: Path, value: object) -> None:
    path = forged(crash(tmp_path), value)
    with pytest.raises(BadCrashFile, match="not part of a core or message"):
        read_flight(path)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("actors.position.core", "attrs.evolve"),
        ("actors.execution.real.port", "VenuePort"),
        ("actors.runtime.journal", "Journal"),
        ("actors.proxies", "os.system"),
    ],
)
def test_no_way_round_leads_to_anything_else(module: str, name: str) -> None:
    sneaking = b"\x80\x04\x8c" + bytes([len(module)]) + module.encode()
    sneaking += b"\x8c" + bytes([len(name)]) + name.encode() + b"\x93."
    with pytest.raises(crash_file._Refused):
        crash_file._CoreUnpickler(io.BytesIO(sneaking)).load()


@pytest.mark.parametrize("value", [Settings(), QueryOrder("order_1")])
def test_a_file_without_a_core_is_refused(tmp_path: Path, value: object) -> None:
    with pytest.raises(BadCrashFile, match="does not hold a core and its messages"):
        read_flight(forged(crash(tmp_path), value))


def test_a_damaged_file_is_one_sentence_wherever_the_damage_is(tmp_path: Path) -> None:
    path = crash(tmp_path)
    whole = path.read_bytes()
    chance = random.Random(1)
    for _ in range(300):
        broken = bytearray(whole)
        at = chance.randrange(len(broken))
        broken[at] ^= 1 << chance.randrange(8)
        damaged = bytes(broken[: chance.choice([at, len(broken)])])
        path.write_bytes(damaged)
        sentence = problem_of(path)
        # A letter of what is told may be another one, and nobody can know.
        assert sentence == "" or (str(path) in sentence and "\n" not in sentence)
        assert sentence or at < whole.index(b"\n")


def problem_of(path: Path) -> str:
    """Why it cannot be read; empty if it can."""
    try:
        read_flight(path)
    except BadCrashFile as problem:
        return str(problem)
    return ""


def test_what_is_not_there_or_no_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadCrashFile, match="No such file"):
        read_report(tmp_path / "none")
    with pytest.raises(BadCrashFile, match="Is a directory"):
        read_report(tmp_path)
    other = tmp_path / "other"
    other.write_bytes(pickle.dumps(Sly()))
    with pytest.raises(BadCrashFile, match="is not a crash file"):
        read_report(other)
