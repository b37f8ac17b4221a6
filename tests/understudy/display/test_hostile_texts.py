"""What comes from outside is shown wherever people read it, and does nothing there (A10)."""

from __future__ import annotations

import io
import re
from pathlib import Path

import attrs
import click
import pytest
from chronicle import Chronicle, intent
from reading import understudy
from rich.table import Table
from rich.text import Text

import understudy as understudy_package
from actors.runtime.log import LOG_NAME, LineLog
from understudy.alerting.notices import Notice
from understudy.commands.shared import fail
from understudy.display.html import tag
from understudy.display.screen import Screen
from understudy.display.terminal import say
from understudy.reading.csv_rows import csv_text
from understudy.running.service_manager import ServiceManager

ESCAPES = "\x1b[2J\x1b]0;title\x07\x9b\u202egnp.\u2066\x7f"
FORGED = "x\n2026-11-28T00:00:00.000Z INFO desk all is well\r\n\x85\u2028"
HOSTILE = ESCAPES + FORGED


def does_nothing(text: str) -> bool:
    return not any(sign in text for sign in "\x1b\x07\x9b\u202e\u2066\x7f\r\x85\u2028")


def test_a_log_line_stays_one_line_and_sends_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log = LineLog(tmp_path, "executor\nforged", to_stderr=True)
    log.write("warning", f"the venue said: {HOSTILE}", role=HOSTILE)
    log.close()
    written = (tmp_path / LOG_NAME).read_text()
    for text in (written, capfd.readouterr().err):
        assert len(text.splitlines()) == 1
        assert does_nothing(text)
        assert "\\x1b[2J" in text


def test_a_sentence_is_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    say(HOSTILE)
    with pytest.raises(click.exceptions.Exit):
        fail(HOSTILE)
    text = capfd.readouterr().err
    assert len(text.splitlines()) == 2
    assert does_nothing(text)


def drawn(*cells: object) -> str:
    file = io.StringIO()
    table = Table()
    for _ in cells:
        table.add_column(overflow="fold")
    table.add_row(*cells)  # type: ignore[arg-type] # any renderable
    screen = Screen(file)
    screen.print(table)
    screen.print(HOSTILE)
    return file.getvalue()


def test_what_is_drawn_sends_nothing_of_it_and_takes_no_markup() -> None:
    text = drawn(HOSTILE, Text(HOSTILE), "[/no] [red]such[/red] :smile:")
    assert does_nothing(text)
    assert "[/no]" in text
    assert ":smile:" in text


def test_styles_are_still_sent() -> None:
    file = io.StringIO()
    screen = Screen(file)
    screen._color_system = None
    screen.print(Text("red", "bold red"))
    assert file.getvalue() == "red\n"


@pytest.mark.parametrize(
    "command", [("explain", "1"), ("orders",), ("orders", "--csv"), ("report",)]
)
def test_the_reading_commands_show_it(tmp_path: Path, command: tuple[str, ...]) -> None:
    chronicle = Chronicle(tmp_path)
    hostile = intent(
        market=attrs.evolve(intent().market, slug=f"btc{HOSTILE}"), reason=HOSTILE, basis=HOSTILE
    )
    order = chronicle.done(hostile)
    chronicle.save_order(
        attrs.evolve(order), attrs.evolve(order, end_reason=HOSTILE), order.updated_at_ms
    )
    chronicle.close()
    result = understudy(tmp_path, *command, columns=300)
    assert result.exit_code == 0, result.output
    assert does_nothing(result.output)


def test_a_cell_of_csv_a_page_and_an_alert_have_it_shown() -> None:
    text = csv_text([{"reason": HOSTILE}])
    assert does_nothing(text)
    assert len(text.splitlines()) == 2
    assert does_nothing(tag("p", HOSTILE))
    notice = Notice(kind="halt", text=HOSTILE, at_ms=0)
    assert does_nothing(notice.text)
    assert "\n" not in notice.text


def test_systemd_is_told_one_status(monkeypatch: pytest.MonkeyPatch) -> None:
    manager = ServiceManager({"NOTIFY_SOCKET": "/nowhere"})
    told: list[str] = []
    monkeypatch.setattr(manager, "_say", told.append)
    manager.ending("over\nMAINPID=1\r\x1b", 1.0)
    (words,) = told
    assert [line.partition("=")[0] for line in words.splitlines()] == [
        "STOPPING",
        "STATUS",
        "EXTEND_TIMEOUT_USEC",
    ]


def test_nothing_is_printed_but_through_what_shows_it() -> None:
    root = Path(understudy_package.__file__).parent
    for path in root.rglob("*.py"):
        text = path.read_text()
        if path.name not in ("screen.py", "terminal.py"):
            assert not re.search(r"\bConsole\(", text), path
            echoed = re.findall(r"click\.echo\((\w+(?:\.\w+)?)", text)
            assert set(echoed) <= {"json.dumps", "csv_text", "generate_latest"}, path
