from __future__ import annotations

import json
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from called import understudy
from chronicle import Chronicle, intent, trade
from click.testing import CliRunner

from actors.runtime.journal import JournalReader
from actors.runtime.journal_file import JOURNAL_NAME, SCHEMA_VERSION, JournalError, prepare
from understudy.cli import main
from understudy.data_dir.backup import BackupFailed, back_up, examine, restore
from understudy.data_dir.kill_switch import kill_switch_reason
from understudy.processes.exit_codes import ExitCode


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A data directory in which something was traded."""
    directory = tmp_path / "data"
    directory.mkdir()
    written = Chronicle(directory)
    for number in range(1, 6):
        written.done(intent(number), trade(intent(number)))
    written.close()
    return directory


def rows(data_dir: Path) -> tuple[list[object], tuple[object, ...]]:
    reader = JournalReader(data_dir)
    try:
        return list(reader.events()), reader.states("order", open_only=False)
    finally:
        reader.close()


def test_a_copy_is_one_file_with_everything_in_it(data_dir: Path, tmp_path: Path) -> None:
    target = tmp_path / "copies" / "monday.sqlite"
    target.parent.mkdir()
    copy = back_up(data_dir, target)
    assert [path.name for path in target.parent.iterdir()] == ["monday.sqlite"]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert copy.last_seq == len(rows(data_dir)[0])

    elsewhere = tmp_path / "elsewhere"
    restore(target, elsewhere)
    assert rows(elsewhere) == rows(data_dir)


def test_a_copy_of_a_running_journal_is_of_one_moment(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    written = Chronicle(data_dir)
    stop, began = threading.Event(), threading.Event()

    def trade_on() -> None:
        number = 0
        mine = Chronicle(data_dir)
        while not stop.is_set():
            number += 1
            mine.done(intent(number), trade(intent(number)))
            began.set()
        mine.close()

    trader = threading.Thread(target=trade_on)
    trader.start()
    assert began.wait(60)
    try:
        for number in range(5):
            copy = back_up(data_dir, tmp_path / f"copy-{number}.sqlite")
            with sqlite3.connect(copy.path) as connection:
                seqs = [row[0] for row in connection.execute("SELECT seq FROM events")]
                newest_state = connection.execute("SELECT max(seq) FROM state").fetchone()[0]
            assert sorted(seqs) == list(range(1, copy.last_seq + 1))
            assert newest_state <= copy.last_seq
    finally:
        stop.set()
        trader.join(60)
        written.close()


def test_a_copy_never_takes_the_place_of_a_file(data_dir: Path, tmp_path: Path) -> None:
    target = tmp_path / "there"
    target.write_text("mine")
    with pytest.raises(BackupFailed, match="exists already"):
        back_up(data_dir, target)
    assert target.read_text() == "mine"


def test_a_damaged_journal_gives_no_copy(data_dir: Path, tmp_path: Path) -> None:
    path = data_dir / JOURNAL_NAME
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    whole = path.read_bytes()
    page = 4_096
    path.write_bytes(whole[: page * 2] + b"\xff" * page + whole[page * 3 :])
    with pytest.raises(BackupFailed):
        back_up(data_dir, tmp_path / "copy")
    assert [each.name for each in tmp_path.iterdir()] == ["data"]


def test_without_a_journal_there_is_nothing_to_copy(tmp_path: Path) -> None:
    with pytest.raises(BackupFailed, match="there is no journal"):
        back_up(tmp_path, tmp_path / "copy")


def test_a_target_that_cannot_be_written_is_one_sentence(data_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(BackupFailed, match="was not copied"):
        back_up(data_dir, tmp_path / "nowhere" / "copy")


def test_what_was_there_is_kept_with_its_log_and_the_next_run_begins_halted(
    data_dir: Path, tmp_path: Path
) -> None:
    copy = back_up(data_dir, tmp_path / "copy").path
    later = Chronicle(data_dir)
    later.done(intent(9), trade(intent(9)))
    newer = rows(data_dir)

    restored, aside = restore(copy, data_dir)
    later.close()

    assert aside is not None
    assert len(rows(data_dir)[0]) == restored.last_seq < len(newer[0])
    assert kill_switch_reason(data_dir) == "the journal was restored from copy"
    kept = tmp_path / "kept"
    kept.mkdir()
    for path in data_dir.glob(f"{aside.name}*"):
        shutil.move(path, kept / path.name.replace(aside.name, JOURNAL_NAME))
    assert rows(kept) == newer


def test_nothing_is_restored_where_a_run_holds_the_directory(
    data_dir: Path, tmp_path: Path
) -> None:
    copy = back_up(data_dir, tmp_path / "copy").path
    code = (
        "import sys, pathlib; from understudy.data_dir.ownership import DataDirLock; "
        "lock = DataDirLock(pathlib.Path(sys.argv[1])); print(1, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(data_dir)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline()
        command = ["restore", str(copy), "--data-dir", str(data_dir)]
        result = CliRunner().invoke(main, command)
        assert holder.stdin is not None
        holder.stdin.close()
    assert result.exit_code == ExitCode.LOCKED
    assert kill_switch_reason(data_dir) is None


NO_COPIES = {
    "not there": None,
    "empty": b"",
    "text": b"this is no database at all, but long enough to look at " * 200,
}


@pytest.mark.parametrize("name", NO_COPIES)
def test_what_is_no_copy_changes_nothing(data_dir: Path, tmp_path: Path, name: str) -> None:
    copy = tmp_path / "copy"
    content = NO_COPIES[name]
    if content is not None:
        copy.write_bytes(content)
    before = rows(data_dir)
    with pytest.raises(BackupFailed, match="was not restored"):
        restore(copy, data_dir)
    assert rows(data_dir) == before
    assert kill_switch_reason(data_dir) is None


def test_a_copy_of_a_later_version_is_refused(tmp_path: Path) -> None:
    prepare(tmp_path)
    path = tmp_path / JOURNAL_NAME
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    with pytest.raises(JournalError, match="newer program"):
        examine(path)


def test_the_commands_say_what_they_did(data_dir: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.sqlite"
    made = understudy("backup", copy, "--json", "--data-dir", data_dir)
    assert made.exit_code == 0
    told = json.loads(made.output)
    assert told["file"] == str(copy)
    assert told["bytes"] == copy.stat().st_size

    back = understudy("restore", copy, "--data-dir", data_dir)
    assert back.exit_code == 0
    assert f"restored up to event {told['last_event']}" in back.output
    assert "what was there is kept as" in back.output

    again = understudy("backup", copy, "--data-dir", data_dir)
    assert again.exit_code == ExitCode.FAILED
    assert "exists already" in again.output
