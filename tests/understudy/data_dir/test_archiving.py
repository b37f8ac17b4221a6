"""Old events leave the journal, and nothing that is needed leaves with them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from called import understudy
from chronicle import Chronicle, intent, trade, window

from actors.runtime.journal import JournalReader
from actors.runtime.journal_file import JOURNAL_NAME
from understudy.data_dir.archiving import archive
from understudy.data_dir.backup import BackupFailed, restore
from understudy.data_dir.ownership import DirectoryLocked
from understudy.processes.exit_codes import ExitCode
from understudy.web.archive_pages import Filter, history
from understudy.web.archive_pages import orders as orders_page

ORDERS = 40
OPEN = 30
"""The one that still rests."""


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Some orders that are over, one that rests, and some more that are over."""
    directory = tmp_path / "data"
    directory.mkdir(mode=0o700)
    written = Chronicle(directory)
    for number in range(1, ORDERS + 1):
        if number == OPEN:
            written.live(intent(number))
        else:
            written.done(intent(number), trade(intent(number)))
    written.settle(window())
    written.close()
    return directory


def kinds(data_dir: Path) -> list[tuple[int, str]]:
    reader = JournalReader(data_dir)
    try:
        return [(event.seq, event.kind) for event in reader.events()]
    finally:
        reader.close()


def told(data_dir: Path, *words: str) -> str:
    return understudy(*words, "--json", "--data-dir", str(data_dir)).stdout


def test_events_of_orders_that_are_over_go_and_all_that_is_now_stays(
    data_dir: Path, tmp_path: Path
) -> None:
    before = kinds(data_dir)
    lists = [told(data_dir, *words) for words in (["report"], ["orders"], ["positions"])]
    pages = history(data_dir, Filter()), orders_page(data_dir, "")
    size = (data_dir / JOURNAL_NAME).stat().st_size
    answer = understudy(
        "archive", str(tmp_path / "old.sqlite"), "--days", "0", "--data-dir", str(data_dir)
    )
    assert answer.exit_code == ExitCode.OK, answer.output
    assert 0 < len(kinds(data_dir)) < len(before) / 2
    assert set(kinds(data_dir)) <= set(before)
    assert [told(data_dir, *w) for w in (["report"], ["orders"], ["positions"])] == lists
    assert (history(data_dir, Filter()), orders_page(data_dir, "")) == pages
    assert (data_dir / JOURNAL_NAME).stat().st_size <= size


def test_an_open_order_explains_itself_as_before_and_others_do_in_the_copy(
    data_dir: Path, tmp_path: Path
) -> None:
    open_story, old_story = (told(data_dir, "explain", str(number)) for number in (OPEN, 2))
    archive(data_dir, tmp_path / "old.sqlite", before_ms=2**62)
    assert told(data_dir, "explain", str(OPEN)) == open_story
    assert json.loads(told(data_dir, "explain", "2"))["events"] == []
    restore(tmp_path / "old.sqlite", tmp_path / "look")
    assert told(tmp_path / "look", "explain", "2") == old_story


def test_what_is_younger_stays(data_dir: Path, tmp_path: Path) -> None:
    before = kinds(data_dir)
    done = archive(data_dir, tmp_path / "old.sqlite", before_ms=0)
    assert (done.removed, kinds(data_dir)) == (0, before)


def test_while_a_run_holds_the_directory_the_file_is_not_made_smaller(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(_data_dir: Path) -> None:
        raise DirectoryLocked("another process has it")

    monkeypatch.setattr("understudy.data_dir.archiving.DataDirLock", locked)
    done = archive(data_dir, tmp_path / "old.sqlite", before_ms=2**62)
    assert done.removed > 0
    assert not done.is_shrunk
    again = archive(data_dir, tmp_path / "older.sqlite", before_ms=2**62)
    assert again.removed == 0


def test_nothing_leaves_that_was_not_copied(data_dir: Path, tmp_path: Path) -> None:
    before = kinds(data_dir)
    (tmp_path / "old.sqlite").write_text("taken")
    with pytest.raises(BackupFailed, match="exists already"):
        archive(data_dir, tmp_path / "old.sqlite", before_ms=2**62)
    assert kinds(data_dir) == before


def test_the_directory_still_knows_that_orders_were_made_in_it(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    directory.mkdir(mode=0o700)
    written = Chronicle(directory)
    written.done(intent(1), trade(intent(1)))
    written.close()
    archive(directory, tmp_path / "old.sqlite", before_ms=2**62)
    assert "OrdersCreated" in [kind for _, kind in kinds(directory)]
