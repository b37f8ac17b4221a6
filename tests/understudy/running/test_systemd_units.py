"""The units say what they should, and systemd's own checkers take them."""

from __future__ import annotations

import configparser
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import attrs
import pytest
from called import understudy

from understudy.commands import service as service_module
from understudy.credentials.live import LIVE_FLAG
from understudy.processes.exit_codes import ExitCode
from understudy.running.foreground import ORDERLY_END_S
from understudy.running.systemd_units import STOP_LIMIT_S, ServicePlan, units_of

PLAN = ServicePlan(
    name="understudy",
    python=Path("/opt/understudy/bin/python"),
    base_prefix=Path("/usr"),
    data_dir=Path("/var/lib/understudy"),
    config=Path("/etc/understudy/config.toml"),
    key=Path("/etc/understudy/key"),
    api_credentials=Path("/etc/understudy/credentials.json"),
    alert_targets=Path("/etc/understudy/targets"),
    has_metrics=True,
    has_page=True,
    is_real_money_understood=True,
)
EXPOSURE_MAX = 2.5
"""What `systemd-analyze security` calls OK ends at 4."""


def values(text: str, section: str, key: str) -> list[str]:
    found, current = [], ""
    for line in text.splitlines():
        if line.startswith("["):
            current = line.strip("[]")
        name, equals, value = line.partition("=")
        if current == section and equals and name == key:
            found.append(value)
    return found


def run_unit(plan: ServicePlan = PLAN) -> str:
    return units_of(plan)["understudy.service"]


def test_there_is_a_unit_for_the_run_and_for_each_watcher() -> None:
    assert list(units_of(PLAN)) == [
        "understudy.service",
        "understudy-alerts.service",
        "understudy-metrics.service",
        "understudy-web.service",
    ]
    alone = attrs.evolve(PLAN, alert_targets=None, has_metrics=False, has_page=False)
    assert list(units_of(alone)) == ["understudy.service"]


def test_the_run_starts_no_watcher_that_has_a_unit_of_its_own() -> None:
    (command,) = values(run_unit(), "Service", "ExecStart")
    assert command == (
        "/opt/understudy/bin/python -E -P -m understudy run --data-dir /var/lib/understudy "
        "--config /etc/understudy/config.toml --set alerts.enabled=false "
        f"--set metrics.enabled=false --set web.enabled=false {LIVE_FLAG}"
    )


def test_secrets_are_handed_over_and_only_to_whoever_needs_them() -> None:
    assert values(run_unit(), "Service", "LoadCredential") == [
        "private-key:/etc/understudy/key",
        "api-credentials:/etc/understudy/credentials.json",
    ]
    assert "UNDERSTUDY_PRIVATE_KEY_FILE=%d/private-key" in values(
        run_unit(), "Service", "Environment"
    )
    units = units_of(PLAN)
    assert values(units["understudy-alerts.service"], "Service", "LoadCredential") == [
        "alert-targets:/etc/understudy/targets"
    ]
    assert not values(units["understudy-metrics.service"], "Service", "LoadCredential")


def test_what_a_person_should_look_at_first_is_not_started_again() -> None:
    (codes,) = values(run_unit(), "Service", "RestartPreventExitStatus")
    assert {int(code) for code in codes.split()} == {
        ExitCode.BAD_INPUT,
        ExitCode.LOCKED,
        ExitCode.GAVE_UP,
        ExitCode.JOURNAL_UNUSABLE,
    }
    assert values(run_unit(), "Unit", "StartLimitBurst") == ["5"]


def test_an_orderly_end_has_as_long_as_it_may_take() -> None:
    assert STOP_LIMIT_S >= ORDERLY_END_S
    assert values(run_unit(), "Service", "TimeoutStopSec") == [str(STOP_LIMIT_S)]
    assert values(run_unit(), "Service", "KillMode") == ["mixed"]


def test_a_data_directory_elsewhere_may_be_written_and_homes_are_only_read_if_needed() -> None:
    assert values(run_unit(), "Service", "ProtectHome") == ["yes"]
    elsewhere = attrs.evolve(PLAN, data_dir=Path("/srv/my data"))
    assert values(run_unit(elsewhere), "Service", "ReadWritePaths") == ['"/srv/my data"']
    assert '--data-dir "/srv/my data"' in run_unit(elsewhere)
    for changes in (
        {"python": Path("/home/me/.venv/bin/python")},
        {"base_prefix": Path("/root/x")},
    ):
        at_home = attrs.evolve(PLAN, **changes)
        assert values(run_unit(at_home), "Service", "ProtectHome") == ["read-only"]


def test_names_with_systemds_own_signs_are_taken_as_they_are() -> None:
    odd = attrs.evolve(PLAN, data_dir=Path('/srv/50%/a"b\\c'), key=Path("/etc/100%/key"))
    assert '--data-dir "/srv/50%%/a\\"b\\\\c"' in run_unit(odd)
    assert "LoadCredential=private-key:/etc/100%%/key" in run_unit(odd)


def test_a_users_unit_needs_no_root() -> None:
    text = run_unit(attrs.evolve(PLAN, is_user=True))
    for key in ("User", "StateDirectory", "ProtectSystem", "CapabilityBoundingSet", "After"):
        assert not values(text, "Service", key)
        assert not values(text, "Unit", key)
    assert values(text, "Install", "WantedBy") == ["default.target"]


@pytest.mark.parametrize("is_user", [False, True])
def test_every_line_is_a_setting(is_user: bool) -> None:
    for text in units_of(attrs.evolve(PLAN, is_user=is_user)).values():
        parser = configparser.RawConfigParser(strict=False)
        parser.optionxform = str  # type: ignore[assignment,method-assign]
        parser.read_string(text)
        assert parser.sections() == ["Unit", "Service", "Install"]


@pytest.fixture
def systemd_analyze() -> str:
    command = shutil.which("systemd-analyze")
    if command is None:
        pytest.skip("systemd-analyze is not installed")
    return command


@pytest.mark.parametrize("is_user", [False, True])
def test_systemd_takes_the_units(systemd_analyze: str, tmp_path: Path, is_user: bool) -> None:
    real = attrs.evolve(PLAN, python=Path(sys.executable), run_as="root", is_user=is_user)
    paths = []
    for name, text in units_of(real).items():
        paths.append(tmp_path / name)
        paths[-1].write_text(text)
    done = subprocess.run(
        [systemd_analyze, *(["--user"] if is_user else []), "verify", *map(str, paths)],
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    ours = [line for line in done.stderr.splitlines() if str(tmp_path) in line]
    assert ours == []


def test_systemd_finds_little_exposed(systemd_analyze: str, tmp_path: Path) -> None:
    for name, text in units_of(PLAN).items():
        path = tmp_path / name
        path.write_text(text)
        told = subprocess.run(
            [systemd_analyze, "security", "--offline=true", str(path)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        found = re.search(r"Overall exposure level for \S+: ([\d.]+)", told)
        assert found, told
        assert float(found[1]) <= EXPOSURE_MAX


# The command


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(service_module, "SYSTEM_PLACE", tmp_path / "system")
    monkeypatch.setattr(service_module, "_verify", lambda _paths, _is_user: "")
    return tmp_path


def install(*arguments: str) -> tuple[int, str]:
    result = understudy("service", "install", *arguments)
    return result.exit_code, result.output


def test_a_users_units_are_written_where_its_manager_looks(place: Path) -> None:
    code, told = install("--user", "--metrics")
    assert code == 0
    written = sorted(path.name for path in (place / "config/systemd/user").iterdir())
    assert written == ["understudy-metrics.service", "understudy.service"]
    assert "systemctl --user enable --now understudy understudy-metrics" in told
    assert "loginctl enable-linger" in told


def test_the_systems_units_are_written_where_it_looks_and_json_says_so(place: Path) -> None:
    code, told = install("--json", "--name", "paper")
    assert code == 0
    assert json.loads(told)["written"] == [str(place / "system/paper.service")]


def test_units_can_be_looked_at_before_they_are_written(place: Path) -> None:
    code, told = install("--print")
    assert code == 0
    assert "[Service]" in told
    assert not (place / "system").exists()


def test_what_systemd_finds_wrong_is_told(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_module, "_verify", lambda _paths, _is_user: "line 3: nonsense")
    code, told = install()
    assert code == ExitCode.FAILED
    assert "line 3: nonsense" in told


REFUSALS = {
    "no such file": (["--key", "/nowhere"], "there is no file /nowhere"),
    "a strange name": (["--name", "a b"], "allowed are letters"),
    "a user with a sign": (["--run-as", "me;rm"], "allowed are letters"),
    "the flag without the mode": ([LIVE_FLAG], 'it is "simulated"'),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_bad_input_writes_nothing(place: Path, name: str) -> None:
    arguments, words = REFUSALS[name]
    code, told = install(*arguments)
    assert code == ExitCode.BAD_INPUT
    assert words in told
    assert not (place / "system").exists()


def test_real_money_wants_its_flag_here_as_well(place: Path) -> None:
    config = place / "live.toml"
    config.write_text('[execution]\nmode = "live"\ndurability = "full"\n')
    code, told = install("--config", str(config))
    assert code == ExitCode.BAD_INPUT
    assert LIVE_FLAG in told
    code, _ = install("--config", str(config), LIVE_FLAG)
    assert code == 0
    assert LIVE_FLAG in (place / "system/understudy.service").read_text()


def test_a_place_that_cannot_be_written_is_one_sentence(place: Path) -> None:
    (place / "system").write_text("a file")
    code, told = install()
    assert code == ExitCode.FAILED
    assert "cannot be written" in told


def test_called_by_a_link_to_a_release_the_units_name_the_link(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = place / "current"
    link.symlink_to(sys.prefix)
    monkeypatch.setattr(sys, "argv", [str(link / "bin" / "understudy")])
    _, told = install("--print")
    assert f"ExecStart={link}/bin/{Path(sys.executable).name} -E -P -m understudy run" in told

    monkeypatch.setattr(sys, "argv", [str(place / "elsewhere" / "understudy")])
    _, told = install("--print")
    assert f"ExecStart={sys.executable} -E -P -m understudy run" in told
