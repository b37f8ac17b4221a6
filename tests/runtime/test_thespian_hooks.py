"""What is replaced in Thespian, as far as one process shows it; tests/system has the rest."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from thespian.system import utilis
from thespian.system.utilis import thesplog

from actors.runtime import thespian_hooks


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = tmp_path / "thespian.log"
    for name in ("_thesplog_file", "_thesplog_old_file"):
        monkeypatch.setattr(utilis, name, None)
    thespian_hooks.keep_log_in(path)
    yield path
    del utilis.open


def test_thespians_log_is_a_file_of_this_user_alone(log: Path) -> None:
    old_umask = os.umask(0)
    try:
        thesplog("word %s", 1, level=30)
    finally:
        os.umask(old_umask)
    assert log.stat().st_mode & 0o777 == 0o600
    assert log.read_text().endswith("Warn word 1\n")


def test_a_link_in_its_place_is_not_followed(log: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.touch()
    log.symlink_to(victim)
    thesplog("word", level=30)
    assert victim.read_text() == ""


def test_a_pipe_in_its_place_hangs_nobody(log: Path) -> None:
    os.mkfifo(log)
    thesplog("word", level=30)


def test_it_does_not_grow_without_bound(log: Path) -> None:
    for _ in range(60):
        thesplog("." * 2_000, level=30)
    assert log.stat().st_size < 60_000
    assert log.with_name("thespian.log.old").stat().st_size < 60_000
