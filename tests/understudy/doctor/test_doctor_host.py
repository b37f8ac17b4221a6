"""What the doctor finds on the host itself: system, configuration, disk, journal, lock, halt."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections import namedtuple
from pathlib import Path
from typing import Any

import attrs
import pytest
from doctor_stage import FAIL, KEY, PASS, WARN, subject

from actors.core import Record, Save
from actors.execution.account import TradedAccount
from actors.runtime.journal import Journal
from actors.runtime.journal_file import JOURNAL_NAME, SCHEMA_VERSION, prepare
from actors.settings import Settings
from understudy.data_dir.ownership import DataDirLock
from understudy.doctor import data_dir, host
from understudy.doctor.data_dir import check_disk, check_halt, check_journal, check_lock
from understudy.doctor.findings import Finding
from understudy.doctor.host import check_configuration, check_host, check_urgency

REPOSITORY = Path(__file__).parents[3]


def settings(**sections: dict[str, Any]) -> Settings:
    made = Settings()
    for name, values in sections.items():
        made = attrs.evolve(made, **{name: attrs.evolve(getattr(made, name), **values)})
    return made


LIVE = settings(execution={"mode": "live", "durability": "full"})


def test_this_host_can_run_it(tmp_path: Path) -> None:
    assert check_host(subject(Settings(), tmp_path)).outcome is PASS


@pytest.mark.parametrize(
    ("system", "version", "word"),
    [("darwin", (3, 11, 0), "prctl"), ("linux", (3, 10, 4), "3.10.4")],
)
def test_another_system_or_an_old_python_cannot(
    tmp_path: Path, system: str, version: tuple[int, ...], word: str
) -> None:
    found = check_host(subject(Settings(), tmp_path), system=system, version=version)
    assert (found.outcome, word in found.sentence) == (FAIL, True)


@pytest.mark.parametrize(
    ("refusal", "outcome", "word"),
    [
        ("", PASS, "may run at real-time priority"),
        ("SCHED_RR is refused: no", WARN, "(SCHED_RR is refused: no)"),
    ],
)
def test_orders_that_must_wait_for_other_processes_are_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusal: str, outcome: object, word: str
) -> None:
    monkeypatch.setattr(host, "why_not_allowed", lambda: refusal)
    found = check_urgency(subject(Settings(), tmp_path))
    assert (found.outcome, word in found.sentence) == (outcome, True)


@pytest.mark.parametrize(
    ("chosen", "outcome", "word"),
    [
        (Settings(), PASS, "simulated"),
        (LIVE, PASS, "real money"),
        (settings(execution={"mode": "live"}), FAIL, "durability"),
        (
            attrs.evolve(LIVE, venue=attrs.evolve(LIVE.venue, clob_url="http://venue.example")),
            FAIL,
            "without encryption",
        ),
        (
            attrs.evolve(LIVE, venue=attrs.evolve(LIVE.venue, clob_url="http://127.0.0.1:1")),
            PASS,
            "no real money",
        ),
    ],
    ids=["simulated", "live", "not durable", "in the clear", "local"],
)
def test_the_configuration_is_said_in_one_sentence(
    tmp_path: Path, chosen: Settings, outcome: object, word: str
) -> None:
    found = check_configuration(subject(chosen, tmp_path))
    assert (found.outcome, word in found.sentence) == (outcome, True)


def test_a_disk_with_room_is_written_and_left_as_it_was(tmp_path: Path) -> None:
    found = check_disk(subject(Settings(), tmp_path))
    assert (found.outcome, "fsync takes" in found.sentence) == (PASS, True)
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_not_there_yet_is_not_made(tmp_path: Path) -> None:
    found = check_disk(subject(Settings(), tmp_path / "deep" / "down"))
    assert (found.outcome, str(tmp_path) in found.sentence) == (PASS, True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_read_only_directory_fails(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert check_disk(subject(Settings(), tmp_path)).outcome is FAIL


def test_a_place_that_takes_no_files_fails() -> None:
    found = check_disk(subject(Settings(), Path("/proc/self")))
    assert (found.outcome, "cannot be written" in found.sentence) == (FAIL, True)


@pytest.mark.parametrize(("free_mb", "outcome"), [(50, FAIL), (500, WARN), (5_000, PASS)])
def test_little_room_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free_mb: int, outcome: object
) -> None:
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(free_mb * 1_000_000))
    assert check_disk(subject(Settings(), tmp_path)).outcome is outcome


def test_a_slow_disk_matters_where_every_record_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_dir, "_sync_ms", lambda _path: 80.0)
    assert check_disk(subject(Settings(), tmp_path)).outcome is PASS
    assert check_disk(subject(LIVE, tmp_path)).outcome is WARN


# The journal


def test_no_journal_is_no_fault(tmp_path: Path) -> None:
    found = check_journal(subject(Settings(), tmp_path))
    assert (found.outcome, "begins one" in found.sentence) == (PASS, True)
    assert list(tmp_path.iterdir()) == []


def test_a_whole_journal_passes(tmp_path: Path) -> None:
    prepare(tmp_path)
    found = check_journal(subject(Settings(), tmp_path))
    assert (found.outcome, f"schema {SCHEMA_VERSION}" in found.sentence) == (PASS, True)


def test_a_journal_of_a_newer_schema_fails(tmp_path: Path) -> None:
    prepare(tmp_path)
    connection = sqlite3.connect(tmp_path / JOURNAL_NAME)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    found = check_journal(subject(Settings(), tmp_path))
    assert (found.outcome, "newer program" in found.sentence) == (FAIL, True)


@pytest.mark.parametrize("at_byte", [0, 4_096], ids=["the header", "a page"])
def test_a_damaged_journal_fails(tmp_path: Path, at_byte: int) -> None:
    prepare(tmp_path)
    path = tmp_path / JOURNAL_NAME
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    content = bytearray(path.read_bytes())
    content[at_byte : at_byte + 64] = b"\xff" * 64
    path.write_bytes(content)
    assert check_journal(subject(Settings(), tmp_path)).outcome is FAIL


def test_a_journal_that_takes_too_long_to_read_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(tmp_path)
    monkeypatch.setattr(data_dir, "INTEGRITY_LIMIT_S", -1.0)
    monkeypatch.setattr(data_dir, "_STEPS_BETWEEN_LOOKS", 1)
    assert check_journal(subject(Settings(), tmp_path)).outcome is WARN


ACCOUNT = "0x" + "ab" * 20


def journal_of(data_dir: Path, event: object, *saves: Save) -> None:
    prepare(data_dir)
    hand = Journal(data_dir, "desk")
    hand.claim()
    hand.record(Record(event, saves), at_ms=1)
    hand.close()


@pytest.mark.parametrize(
    ("wallet", "mode", "outcome"),
    [
        (ACCOUNT, "live", PASS),
        (None, "live", PASS),
        ("0x" + "cd" * 20, "live", FAIL),
        (None, "simulated", FAIL),
    ],
)
def test_a_journal_of_live_orders_is_one_account_s(
    tmp_path: Path, wallet: str | None, mode: str, outcome: object
) -> None:
    account = TradedAccount(ACCOUNT)
    journal_of(tmp_path, account, Save("account", ACCOUNT, account))
    chosen = settings(execution={"mode": mode, "durability": "full", "wallet": wallet})
    assert check_journal(subject(chosen, tmp_path)).outcome is outcome


def test_orders_on_paper_are_no_start_for_real_ones(tmp_path: Path) -> None:
    @attrs.frozen
    class OrdersCreated:
        count: int

    journal_of(tmp_path, OrdersCreated(1))
    assert check_journal(subject(Settings(), tmp_path)).outcome is PASS
    assert check_journal(subject(LIVE, tmp_path)).outcome is FAIL


# Lock and halt


def held(data_dir: Path) -> subprocess.Popen[str]:
    """Another process that holds the directory; it says so first."""
    code = (
        "import sys, pathlib; from understudy.data_dir.ownership import DataDirLock; "
        "lock = DataDirLock(pathlib.Path(sys.argv[1])); print('held', flush=True); "
        "sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(data_dir)],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_who_holds_the_directory_is_named(tmp_path: Path) -> None:
    examinee = subject(Settings(), tmp_path)
    assert check_lock(examinee).outcome is PASS
    process = held(tmp_path)
    try:
        found = check_lock(examinee)
        assert (found.outcome, f" {process.pid} " in found.sentence) == (WARN, True)
    finally:
        process.communicate("", timeout=10)
    assert check_lock(examinee).outcome is PASS


def test_looking_at_the_lock_takes_nothing(tmp_path: Path) -> None:
    assert check_lock(subject(Settings(), tmp_path)).outcome is PASS
    assert list(tmp_path.iterdir()) == []
    lock = DataDirLock(tmp_path)
    lock.release()
    check_lock(subject(Settings(), tmp_path))
    DataDirLock(tmp_path).release()


def test_a_halt_file_is_a_warning(tmp_path: Path) -> None:
    examinee = subject(Settings(), tmp_path)
    assert check_halt(examinee).outcome is PASS
    (tmp_path / "HALT").write_text("too much loss")
    found: Finding = check_halt(examinee)
    assert (found.outcome, "too much loss" in found.sentence) == (WARN, True)


def test_a_subject_does_not_show_its_variables(tmp_path: Path) -> None:
    assert KEY[2:] not in repr(subject(Settings(), tmp_path))
