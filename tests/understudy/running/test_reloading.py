"""Reloading, from the command line to what the actors are told and the journal keeps."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from called import understudy
from chronicle import Chronicle, intent
from click.testing import Result
from page_visitor import form_of, log_in, origin, visit
from scenes import MARKET, run_options

from actors.core import Record, Save
from actors.directory.windows import WindowState
from actors.messages.settings import AT_START, SettingChange, SettingsChanged
from actors.runtime.codec import decode_as
from actors.runtime.journal import Journal, JournalReader
from actors.runtime.journal_file import JournalError, prepare
from actors.settings import Settings
from understudy.control import ControlServer
from understudy.processes.exit_codes import ExitCode
from understudy.running.reloading import SettingsControl
from understudy.settings.changes import (
    SettingsRecord,
    differences,
    moves_a_strategy,
    needs_restart,
    values_of,
)
from understudy.settings.config import load
from understudy.settings.options import ConfigOrigin
from understudy.web import access

NOW_MS = 1_790_000_000_000


@attrs.define
class Running:
    """A run's loop and control socket, without actors."""

    data_dir: Path
    control: SettingsControl
    taken: list[Settings] = attrs.field(factory=list)

    def understudy(self, *arguments: str) -> Result:
        return understudy(*arguments, "--data-dir", self.data_dir)

    def recorded(self) -> list[SettingsChanged]:
        reader = JournalReader(self.data_dir)
        events = list(reader.events(kind=SettingsChanged.__name__))
        reader.close()
        return [decode_as(SettingsChanged, json.dumps(event.body)) for event in events]


def controlled(data_dir: Path, file: Path | None = None, **in_force: Any) -> SettingsControl:
    """What a run of a file's settings begins with."""
    settings = load(file).settings
    options = attrs.evolve(
        run_options(data_dir), settings=settings, origin=ConfigOrigin.of(file, (), ())
    )
    return SettingsControl(options, attrs.evolve(settings, **in_force), NOW_MS)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "my.toml"
    path.write_text("[strategy]\nmax_shares = 100\n")
    return path


@pytest.fixture
def running(tmp_path: Path, file: Path) -> Iterator[Running]:
    data_dir = tmp_path / "data"
    data_dir.mkdir(mode=0o700)
    prepare(data_dir)
    is_ready, is_over = threading.Event(), threading.Event()
    made: list[Running] = []

    def loop() -> None:
        run = Running(data_dir, controlled(data_dir, file))
        made.append(run)
        is_ready.set()
        while not is_over.wait(0.01):
            changed = run.control.beat(NOW_MS)
            if changed is not None:
                run.taken.append(changed)

    thread = threading.Thread(target=loop)
    thread.start()
    assert is_ready.wait(10)
    server = ControlServer(data_dir, made[0].control.handlers)
    server.start()
    yield made[0]
    server.close()
    is_over.set()
    thread.join()


def test_an_edited_file_is_taken_at_once_and_recorded_with_who_and_what(
    running: Running, file: Path
) -> None:
    file.write_text("[strategy]\nmax_shares = 50\n[risk]\nmax_order_dollars = 30\n")
    checked = running.understudy("reload", "--check")
    assert "strategy.max_shares 100 → 50" in checked.output
    assert running.taken == []
    answer = running.understudy("reload", "--reason", "a rough night")
    assert answer.exit_code == ExitCode.OK
    assert f"in force as settings 2, from {file}" in answer.output
    (settings,) = running.taken
    assert (settings.number, settings.strategy.max_shares) == (2, 50)
    assert settings.risk.max_order_dollars == 30
    first, second = running.recorded()
    assert (first.number, first.who, first.changes) == (1, AT_START, ())
    assert (second.number, second.who, second.reason) == (2, "operator", "a rough night")
    assert second.changes == (
        SettingChange("strategy.max_shares", "100", "50"),
        SettingChange("risk.max_order_dollars", "100", "30"),
    )


def test_assignments_of_a_reload_outlast_the_next_one(running: Running, file: Path) -> None:
    running.understudy("reload", "--set", "risk.max_order_dollars=30")
    file.write_text("[strategy]\nmax_shares = 60\n")
    running.understudy("reload")
    assert [each.risk.max_order_dollars for each in running.taken] == [30, 30]
    assert [each.strategy.max_shares for each in running.taken] == [100, 60]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[risk]\nmax_order_dollars = 0\n", "risk.max_order_dollars = 0: must be"),
        (
            "[strategy]\nmax_shares = 5\n[series]\nasset = 'eth'\n",
            "add eth-15m, understudy series drop btc-15m",
        ),
        ("[execution]\nlatency_ms = 1\n", "execution.latency_ms 150 → 1: that needs a restart"),
        (
            "[strategy]\nmax_shares = 100\n[[series]]\nasset = 'btc'\n[[series]]\nasset = 'eth'\n",
            "series btc-15m → btc-15m, eth-15m: series change by understudy series add eth-15m",
        ),
    ],
)
def test_what_cannot_change_or_is_wrong_changes_nothing_and_is_named(
    running: Running, file: Path, text: str, sentence: str
) -> None:
    file.write_text(text)
    answer = running.understudy("reload")
    assert answer.exit_code == ExitCode.FAILED
    assert "nothing was changed" in answer.output
    assert sentence in " ".join(answer.output.split())
    assert running.taken == []
    assert len(running.recorded()) == 1


OWN = """
from actors.strategy.contract import Context, Decision, Strategy

class Mine(Strategy):
    def evaluate(self, context: Context) -> Decision:
        return Decision()
"""


def test_another_strategy_and_another_version_of_ones_own_are_taken(
    running: Running, file: Path
) -> None:
    own = file.with_name("mine.py")
    file.write_text("[strategy]\nuse = 'maker'\n")
    assert "pair" in running.understudy("reload").output
    own.write_text(OWN)
    file.write_text("[strategy]\nuse = 'mine.py'\n")
    assert running.understudy("reload").exit_code == ExitCode.OK
    own.write_text(OWN + "# better\n")
    assert "strategy.use" in running.understudy("reload").output
    assert [each.strategy.use.rpartition(":")[2] for each in running.taken[-2:]] == ["Mine", "Mine"]
    files = [each.strategy.file for each in running.taken[-2:]]
    assert None not in files
    assert len({each.sha256 for each in files if each is not None}) == 2
    own.write_text("raise SystemError('half written')\n")
    answer = running.understudy("reload")
    assert answer.exit_code == ExitCode.FAILED
    assert "half written" in answer.output
    assert len(running.taken) == 3


def test_a_strategy_that_would_move_to_another_process_is_refused_with_the_reason() -> None:
    pair = load(None, ["supervision.layout=grouped"]).settings
    maker = load(None, ["supervision.layout=grouped", "strategy.use=maker"]).settings
    own = attrs.evolve(pair, strategy=attrs.evolve(pair.strategy, use="mine.py:Mine"))
    assert moves_a_strategy(pair, maker) == ""
    assert "changing strategy.use from one kind to the other needs a restart" in moves_a_strategy(
        pair, own
    )
    assert moves_a_strategy(load(None).settings, own) == "", "isolated, each has its own"


def test_settings_that_cannot_be_recorded_are_not_taken(
    running: Running, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object) -> int:
        raise JournalError("the disk is full")

    monkeypatch.setattr(SettingsRecord, "change", fail)
    file.write_text("[strategy]\nmax_shares = 50\n")
    answer = running.understudy("reload")
    assert answer.exit_code == ExitCode.FAILED
    assert "nothing was changed: the disk is full" in answer.output
    assert running.taken == []


def test_the_next_run_says_what_its_file_changes_and_counts_on(tmp_path: Path, file: Path) -> None:
    prepare(tmp_path)
    assert controlled(tmp_path, file).notice == ""
    again = controlled(tmp_path, file)
    assert (again.notice, again.in_force.number) == ("", 1)
    file.write_text("[strategy]\nmax_shares = 50\n")
    other = controlled(tmp_path, file)
    assert other.notice == ("the settings differ from the last run's: strategy.max_shares 100 → 50")
    assert other.in_force.number == 2


def test_one_series_own_setting_can_change_and_its_length_cannot() -> None:
    two = ("btc-15m", "eth-5m")
    base = load(None, (), two).settings
    btc, eth = base.traded
    thrifty = attrs.evolve(eth, strategy=attrs.evolve(eth.strategy, max_shares=7))
    changes = differences(values_of(base), values_of(attrs.evolve(base, traded=(btc, thrifty))))
    assert [each.key for each in changes] == ["series.eth-5m.strategy.max_shares"]
    assert needs_restart(changes) == ""
    assert "series" in needs_restart(
        differences(values_of(base), values_of(attrs.evolve(base, traded=(btc,))))
    )


def test_a_demos_settings_keep_what_the_demo_has_changed(tmp_path: Path, file: Path) -> None:
    prepare(tmp_path)
    fast = load(file).settings
    venue = attrs.evolve(fast.venue, gamma_url="http://127.0.0.1:1")
    control = controlled(tmp_path, file, venue=venue, speed=20.0)
    file.write_text("[strategy]\nmax_shares = 50\n")
    thread = threading.Thread(target=control.handlers["reload"], args=({},))
    thread.start()
    changed = None
    while changed is None and thread.is_alive():
        changed = control.beat(NOW_MS)
    thread.join()
    assert changed is not None
    assert (changed.venue, changed.speed, changed.strategy.max_shares) == (venue, 20.0, 50)
    assert changed.strategy.max_book_age_ms == 10_000


def test_explain_names_the_settings_that_an_order_was_decided_by(
    running: Running, file: Path
) -> None:
    file.write_text("[strategy]\nmax_shares = 50\n")
    running.understudy("reload")
    Chronicle(running.data_dir).create(intent(settings_number=2))
    told = running.understudy("explain", "1")
    assert "number 2, by operator: strategy.max_shares 100 → 50" in told.output
    as_json = json.loads(running.understudy("explain", "1", "--json").output)
    assert as_json["settings_number"] == 2


def test_the_page_shows_what_a_reload_changes_and_does_it(running: Running, file: Path) -> None:
    file.write_text("[strategy]\nmax_shares = 50\n")
    access.new_token(running.data_dir)

    async def look(client: Any) -> None:
        await log_in(client, running.data_dir)
        asked = await (await client.get("/reload")).text()
        assert "strategy.max_shares 100 → 50" in asked
        answer = await client.post(
            "/reload",
            data={"form": await form_of(client, "/reload")},
            headers=origin(client),
            allow_redirects=False,
        )
        assert answer.status == 303

    visit(running.data_dir, look)
    assert [each.strategy.max_shares for each in running.taken] == [50]
    assert running.recorded()[-1].who == "operator at the page"


def test_a_series_is_added_while_the_run_goes_on_and_recorded_with_who_and_why(
    running: Running, file: Path
) -> None:
    file.write_text(
        '[strategy]\nmax_shares = 100\n[[series]]\nasset = "sol"\n'
        "window_minutes = 5\n[series.strategy]\nmax_shares = 7\n"
    )
    assert running.understudy("series", "list").output == "btc-15m\n"
    answer = running.understudy("series", "add", "sol-5m", "--reason", "it moves")
    assert answer.exit_code == ExitCode.OK, answer.output
    assert answer.output == "btc-15m\nsol-5m\n"
    (settings,) = running.taken
    assert settings.names == ("btc-15m", "sol-5m")
    assert settings.of("sol-5m").strategy.max_shares == 7
    change = running.recorded()[-1]
    assert (change.who, change.reason) == ("operator", "it moves")
    assert change.changes[0] == SettingChange("series", "btc-15m", "btc-15m, sol-5m")
    again = running.understudy("reload", "--set", "risk.max_order_dollars=30")
    assert again.exit_code == ExitCode.OK, "a reload leaves the added series where it is"
    assert running.taken[-1].names == settings.names


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        (("add", "btc-15m"), "btc-15m is already traded"),
        (("add", "pepe-5m"), "is not a series"),
        (("drop", "eth-5m"), "eth-5m is not traded here: btc-15m is"),
        (("drop", "btc-15m"), "is the only series left: end the run instead"),
    ],
)
def test_a_change_of_the_series_that_cannot_be_is_refused(
    running: Running, arguments: tuple[str, ...], refusal: str
) -> None:
    answer = running.understudy("series", *arguments)
    assert answer.exit_code == ExitCode.FAILED
    assert refusal in answer.output
    assert running.taken == []


def test_a_dropped_series_ends_once_its_last_window_has_settled(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("understudy.running.reloading._ENDING_LEAST_S", 0.0)
    directory = Journal(running.data_dir, "directory", "process")
    directory.claim()

    def record(window: WindowState) -> None:
        save = Save("window", MARKET.market_id, window)
        directory.record(Record(window.opening, (save,)), NOW_MS)

    record(WindowState(market=MARKET))
    running.understudy("series", "add", "eth-5m")
    answer = running.understudy("series", "drop", MARKET.series)
    assert answer.output == f"{MARKET.series} until its window ends\neth-5m\n"
    assert running.taken[-1].plan(MARKET.series).is_ending
    assert running.understudy("series", "list").output == answer.output, "it is not settled yet"
    record(WindowState(market=MARKET, settled_at_ms=NOW_MS))
    directory.close()
    for _ in range(500):
        if running.taken[-1].names == ("eth-5m",):
            break
        threading.Event().wait(0.01)
    assert running.understudy("series", "list").output == "eth-5m\n"
    assert running.recorded()[-1].reason == "the last window has settled"


def test_a_series_that_ends_may_go_on_after_all(running: Running) -> None:
    running.understudy("series", "add", "eth-5m")
    running.understudy("series", "drop", "eth-5m")
    assert running.understudy("series", "add", "eth-5m").output == "btc-15m\neth-5m\n"
    assert not running.taken[-1].plan("eth-5m").is_ending
