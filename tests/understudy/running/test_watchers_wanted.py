from __future__ import annotations

import importlib.util
import socket
from pathlib import Path

import pytest
from called import understudy

from actors.settings import Settings
from actors.watcher_settings import AlertSettings, MetricsSettings
from understudy.alerting.targets import URLS_VARIABLE
from understudy.doctor.findings import CheckOutcome
from understudy.doctor.subject import subject_of
from understudy.doctor.watchers import check_watchers
from understudy.processes.exit_codes import ExitCode
from understudy.running.watchers_wanted import watchers_refusal, watchers_text

SECRET = "s3cr3t"
TOLD = {URLS_VARIABLE: f"mailtos://me:{SECRET}@example.com"}
ALERTS = Settings(alerts=AlertSettings(enabled=True))
METRICS = Settings(metrics=MetricsSettings(enabled=True))


def test_none_is_wanted_and_nothing_is_lacking() -> None:
    assert watchers_refusal(Settings(), {}) is None
    assert watchers_text(Settings(), {}) == "a run has none beside it"


def test_alerts_without_anybody_to_tell_are_refused() -> None:
    refusal = watchers_refusal(ALERTS, {})
    assert refusal is not None
    assert refusal.startswith("alerts.enabled has no target: ")
    assert watchers_refusal(ALERTS, TOLD) is None
    assert watchers_text(ALERTS, TOLD) == "alerts go to mailtos-1"


@pytest.mark.parametrize(("settings", "extra"), [(ALERTS, "alerts"), (METRICS, "metrics")])
def test_a_library_that_is_not_installed_is_named_with_its_extra(
    settings: Settings, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    refusal = watchers_refusal(settings, TOLD)
    assert refusal is not None
    assert f"understudy[{extra}]" in refusal


def test_a_run_that_would_tell_nobody_starts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(URLS_VARIABLE, raising=False)
    data_dir = tmp_path / "data"
    result = understudy("run", "--demo", "--set", "alerts.enabled=true", "--data-dir", data_dir)
    assert result.exit_code == ExitCode.BAD_INPUT
    assert "alerts.enabled has no target" in result.output
    assert not data_dir.exists()


def test_the_doctor_says_who_is_told_without_their_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(URLS_VARIABLE, raising=False)
    assert check_watchers(subject_of(ALERTS, tmp_path)).outcome is CheckOutcome.FAIL
    monkeypatch.setenv(URLS_VARIABLE, TOLD[URLS_VARIABLE])
    found = check_watchers(subject_of(ALERTS, tmp_path))
    assert found.outcome is CheckOutcome.PASS
    assert found.sentence == "alerts go to mailtos-1"


def test_the_doctor_warns_of_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        settings = Settings(metrics=MetricsSettings(enabled=True, port=port))
        found = check_watchers(subject_of(settings, tmp_path))
    assert found.outcome is CheckOutcome.WARN
    assert f"127.0.0.1:{port}, where another process listens" in found.sentence
    assert check_watchers(subject_of(settings, tmp_path)).outcome is CheckOutcome.PASS
