"""Alerts against real servers on loopback, and as processes."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from alert_servers import Mailbox, Webhook, until
from called import understudy
from test_alert_core import HALT, seen, well
from watched import down, running

from actors.runtime.journal_file import prepare
from actors.runtime.log import LOG_NAME
from understudy.alerting import queues as queues_module
from understudy.alerting import service as service_module
from understudy.alerting.couriers import Couriers
from understudy.alerting.queues import Message
from understudy.alerting.service import AlertService
from understudy.alerting.store import STORE_NAME, load_kept
from understudy.alerting.targets import (
    DEADMAN_VARIABLE,
    FILE_VARIABLE,
    URLS_VARIABLE,
    Targets,
    read_targets,
)
from understudy.data_dir.last_run import note_begin, note_end
from understudy.processes.exit_codes import ExitCode
from understudy.watching.observation import Observation

pytestmark = [pytest.mark.processes, pytest.mark.timeout(240)]
REPOSITORY = Path(__file__).parents[3]
SECRET = "s3cr3t"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits for half a minute; each try starts a process."""
    monkeypatch.setattr(queues_module, "GAP_MS", 0)
    monkeypatch.setattr(queues_module, "RETRY_FIRST_MS", 300)
    monkeypatch.setattr(queues_module, "RETRY_MAX_MS", 300)


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    hook = Webhook()
    yield hook
    hook.close()


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox()
    yield box
    box.close()


class Stage:
    """A service about a system that the test makes up."""

    def __init__(self, data_dir: Path, targets: Targets, couriers: Couriers | None = None) -> None:
        self.shown: Observation = seen()
        self.lines: list[str] = []
        self.data_dir = data_dir
        self.service = AlertService(
            lambda: self.shown,
            data_dir,
            targets,
            "host:demo",
            lambda level, text: self.lines.append(f"{level} {text}"),
            couriers,
        )
        self.service.look()

    def show(self, observed: Observation) -> None:
        self.shown = observed
        self.service.look()

    def until(self, condition: object) -> None:
        def look() -> bool:
            self.service.deliver()
            return bool(condition())  # type: ignore[operator]

        until(look)


def targets_of(*urls: str, deadman: str = "") -> Targets:
    return read_targets({URLS_VARIABLE: " ".join(urls), DEADMAN_VARIABLE: deadman})


def test_an_alert_reaches_a_webhook_and_a_mailbox(tmp_path, webhook, mailbox) -> None:
    stage = Stage(tmp_path, targets_of(webhook.url, mailbox.url))
    stage.show(seen(well(halts=(HALT,)), 1))
    stage.until(lambda: webhook.posts and mailbox.mails)
    text = "trading is halted: odd prices (operator)"
    assert text in webhook.posts[0]["message"]
    assert webhook.posts[0]["title"] == "understudy host:demo"
    assert mailbox.mails[0]["Subject"] == "understudy host:demo"
    assert text in mailbox.mails[0].as_string().replace("=\n", "")
    stage.until(lambda: not any(q.waiting for q in load_kept(tmp_path).queues.values()))


@pytest.mark.parametrize("kind", ["http", "smtp"])
def test_a_server_that_is_down_gets_everything_when_it_is_back(
    tmp_path, webhook, mailbox, kind: str
) -> None:
    server = webhook if kind == "http" else mailbox
    server.close()
    stage = Stage(tmp_path, targets_of(server.url))
    stage.show(seen(well(halts=(HALT,)), 1))
    stage.until(lambda: any("was not reached" in line for line in stage.lines))
    stage.show(seen(well(), 2))

    restarted = Stage(tmp_path, targets_of(server.url))  # what was kept is not lost with a process
    server.open()
    restarted.until(lambda: webhook.posts or mailbox.mails)

    if kind == "http":
        told = webhook.posts[0]["message"]
    else:
        told = mailbox.mails[0].as_string().replace("=\n", "")
    assert "held back since" in told
    assert "trading is halted" in told
    assert "is lifted" in told


def test_a_server_that_refuses_is_tried_again(tmp_path, webhook) -> None:
    webhook.status = 500
    stage = Stage(tmp_path, targets_of(webhook.url))
    stage.show(seen(well(halts=(HALT,)), 1))
    stage.until(lambda: len([line for line in stage.lines if "was not reached" in line]) >= 2)
    webhook.status = 200
    stage.until(lambda: webhook.posts)


def test_a_server_that_is_slow_without_end_is_given_up_and_holds_up_nobody(
    tmp_path, webhook
) -> None:
    slow = Webhook()
    slow.hangs.set()
    try:
        targets = targets_of(slow.url, webhook.url)
        stage = Stage(tmp_path, targets, Couriers(limit_s=8.0))
        stage.show(seen(well(halts=(HALT,)), 1))
        stage.until(lambda: webhook.posts)
        stage.until(lambda: any("it took longer than 8 s" in line for line in stage.lines))
        slow.hangs.clear()
        stage.until(lambda: slow.posts)
    finally:
        slow.close()


def test_a_flood_is_a_few_messages(tmp_path, webhook) -> None:
    webhook.status = 500
    stage = Stage(tmp_path, targets_of(webhook.url))
    for number in range(50):
        halt = attrs.evolve(HALT, who=f"limit {number}")
        stage.show(seen(well(halts=(halt,)), number))
    webhook.status = 200
    stage.until(lambda: not load_kept(tmp_path).queues["json-1"].waiting)
    assert len(webhook.posts) <= 2
    assert "older alerts are not shown" in webhook.posts[-1]["message"]


def test_the_dead_mans_address_is_pinged_while_all_is_well_and_not_when_it_is_down(
    tmp_path, webhook, monkeypatch
) -> None:
    monkeypatch.setattr(service_module, "PING_EVERY_S", 0.0)
    stage = Stage(tmp_path, targets_of(deadman=webhook.deadman_url))
    stage.until(lambda: len(webhook.pings) >= 2)
    stage.show(down())
    stage.until(lambda: not stage.service._couriers.busy)
    count = len(webhook.pings)
    for _ in range(20):
        stage.service.deliver()
    assert len(webhook.pings) == count


def test_alerts_that_are_stuck_stop_the_ping(tmp_path, webhook, monkeypatch) -> None:
    monkeypatch.setattr(service_module, "STUCK_MS", 0)
    monkeypatch.setattr(service_module, "PING_EVERY_S", 0.0)
    stage = Stage(tmp_path, targets_of("json://127.0.0.1:1/", deadman=webhook.deadman_url))
    stage.until(lambda: webhook.pings)
    stage.show(seen(well(halts=(HALT,)), 1))
    stage.until(lambda: any("json-1 was not reached" in line for line in stage.lines))
    stage.until(lambda: not stage.service._couriers.busy - {"json-1"})
    count = len(webhook.pings)
    for _ in range(20):
        stage.service.deliver()
    assert len(webhook.pings) == count


def test_an_address_that_apprise_does_not_know_is_named_without_its_secret(tmp_path) -> None:
    stage = Stage(tmp_path, targets_of(f"nosuchthing://{SECRET}"))
    stage.show(seen(well(halts=(HALT,)), 1))
    stage.until(lambda: any("does not know what to do" in line for line in stage.lines))
    assert SECRET not in str(stage.lines)


def test_a_disk_that_takes_nothing_is_told_and_alerts_go_on(tmp_path, webhook) -> None:
    (tmp_path / ".alerts.json.new").mkdir()
    stage = Stage(tmp_path, targets_of(webhook.url))
    stage.show(seen(well(halts=(HALT,)), 1))
    stage.until(lambda: webhook.posts)
    assert len([line for line in stage.lines if "cannot be kept" in line]) == 1


def test_a_store_that_cannot_be_read_is_told_and_begun_anew(tmp_path) -> None:
    (tmp_path / STORE_NAME).write_text('{"memory": 3}')
    stage = Stage(tmp_path, targets_of("json://127.0.0.1:1/"))
    assert "its contents are lost" in stage.lines[0]


def test_the_store_is_its_users_alone_and_holds_no_secret(tmp_path, webhook) -> None:
    webhook.status = 500
    stage = Stage(tmp_path, targets_of(webhook.url, deadman=webhook.deadman_url))
    stage.show(seen(well(halts=(HALT,)), 1))
    stage.until(lambda: any("was not reached" in line for line in stage.lines))
    path = tmp_path / STORE_NAME
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert SECRET not in path.read_text()
    assert SECRET not in str(stage.lines)


def test_a_delivery_has_no_secret_on_its_command_line_or_in_its_environment(
    webhook, monkeypatch
) -> None:
    monkeypatch.setenv(URLS_VARIABLE, webhook.url)
    webhook.hangs.set()
    couriers = Couriers()
    couriers.send("json-1", webhook.url, Message(title="t", body="b"))
    process = couriers._under_way["json-1"].process
    place = Path(f"/proc/{process.pid}")
    until(lambda: b"deliver" in (place / "cmdline").read_bytes())
    assert SECRET.encode() not in (place / "cmdline").read_bytes()
    assert SECRET.encode() not in (place / "environ").read_bytes()
    couriers.close()


# As processes


def alerts_process(data_dir: Path, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "understudy", "alerts", "watch", "--data-dir", str(data_dir)],
        cwd=REPOSITORY,
        env={**os.environ, **variables},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_process_tells_of_a_run_that_ends_and_keeps_no_secret_anywhere(
    tmp_path, webhook
) -> None:
    targets = tmp_path / "targets"
    targets.write_text(f"{webhook.url}\ndeadman {webhook.deadman_url}\n")
    targets.chmod(0o600)
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    prepare(data_dir)
    note_begin(data_dir)
    watcher = alerts_process(data_dir, **{FILE_VARIABLE: str(targets)})
    try:
        with running(data_dir, well()):
            until(lambda: webhook.pings)
        note_end(data_dir, "the desk crashed too often", ExitCode.GAVE_UP)
        until(lambda: any("crashed too often" in post["message"] for post in webhook.posts))
        assert webhook.pings == [f"/ping/{SECRET}"]

        second = alerts_process(data_dir, **{FILE_VARIABLE: str(targets)})
        _, words = second.communicate()
        assert second.returncode == ExitCode.LOCKED
        assert "another process already sends alerts" in words
    finally:
        watcher.send_signal(signal.SIGTERM)
        _, words = watcher.communicate()
    assert watcher.returncode == 0
    kept = [path.read_bytes() for path in data_dir.iterdir() if path.is_file()]
    assert not any(SECRET.encode() in each for each in [*kept, words.encode()])
    assert "alert (escalation)" in (data_dir / LOG_NAME).read_text()


def test_told_to_end_it_tries_once_more_to_tell_what_is_new(tmp_path, webhook) -> None:
    stage = Stage(tmp_path, targets_of(webhook.url))
    stage.shown = seen(well(halts=(HALT,)), 1)
    stop = threading.Event()
    stop.set()
    stage.service.run(stop)
    # On a busy machine it may be given up; then it is kept.
    assert webhook.posts or load_kept(tmp_path).queues["json-1"].waiting


def test_alerts_test_says_of_each_target_whether_it_took_the_message(
    tmp_path, webhook, mailbox, monkeypatch
) -> None:
    monkeypatch.setenv(URLS_VARIABLE, f"{webhook.url} {mailbox.url}")
    monkeypatch.setenv(DEADMAN_VARIABLE, webhook.deadman_url)
    result = understudy("alerts", "test")
    assert result.exit_code == 0, result.output
    assert sorted(result.output.splitlines()) == [
        "deadman: taken",
        "json-1: taken",
        "mailto-1: taken",
    ]

    mailbox.close()
    result = understudy("alerts", "test", "--json")
    told = json.loads(result.output)["targets"]
    assert result.exit_code == 1
    assert told["json-1"] == {"taken": True, "why": ""}
    assert told["mailto-1"]["taken"] is False
    assert SECRET not in result.output


def test_without_targets_there_is_nothing_to_test(monkeypatch) -> None:
    for name in (URLS_VARIABLE, DEADMAN_VARIABLE, FILE_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    result = understudy("alerts", "test")
    assert result.exit_code == ExitCode.BAD_INPUT
    assert FILE_VARIABLE in result.output


def test_what_lasts_and_what_waits_can_be_shown(tmp_path) -> None:
    stage = Stage(tmp_path, targets_of("json://127.0.0.1:1/"))
    stage.show(seen(well(halts=(HALT,)), 1))
    shown = understudy("alerts", "show", "--data-dir", tmp_path)
    assert "trading is halted: odd prices (operator)" in shown.output
    assert "json-1: 1 alerts wait" in shown.output
    told = understudy("alerts", "show", "--json", "--data-dir", tmp_path)
    assert json.loads(told.output)["lasting"][0]["kind"] == "halt"
    stage.service._couriers.close()
