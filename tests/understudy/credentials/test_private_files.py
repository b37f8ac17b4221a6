from __future__ import annotations

import os
from pathlib import Path

import pytest

from understudy.credentials.private_key import FileNotPrivate, private_text

NEEDS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file away")


def secret(directory: Path, mode: int = 0o600, owner: int | None = None) -> Path:
    path = directory / "secret"
    path.write_text("words")
    path.chmod(mode)
    if owner is not None:
        os.chown(path, owner, -1)
    return path


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o620])
def test_a_file_that_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(FileNotPrivate, match="can be read by others"):
        private_text(secret(tmp_path, mode), 100)


@NEEDS_ROOT
def test_a_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotPrivate, match="not a plain file of this user"):
        private_text(secret(tmp_path, owner=12_345), 100)


@pytest.mark.parametrize("mode", [0o400, 0o440, 0o600])
def test_what_systemd_hands_over_may_be_its_groups_for_an_access_list_shows_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert private_text(secret(tmp_path, mode), 100) == "words"


@pytest.mark.parametrize("mode", [0o444, 0o460, 0o666])
def test_what_systemd_hands_over_is_refused_if_everybody_can_reach_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with pytest.raises(FileNotPrivate, match="can be read by others"):
        private_text(secret(tmp_path, mode), 100)


@NEEDS_ROOT
def test_a_stranger_hands_over_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with pytest.raises(FileNotPrivate, match="not a plain file of this user"):
        private_text(secret(tmp_path, 0o440, owner=12_345), 100)


def test_other_directories_are_held_to_the_rule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with pytest.raises(FileNotPrivate, match="can be read by others"):
        private_text(secret(other, 0o440), 100)
