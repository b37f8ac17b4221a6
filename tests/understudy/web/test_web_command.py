from __future__ import annotations

import http.client
import json
import signal
import stat
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from called import understudy

from actors.settings import Settings
from actors.watcher_settings import WebSettings
from understudy.doctor.findings import CheckOutcome
from understudy.doctor.subject import subject_of
from understudy.doctor.watchers import check_page
from understudy.processes import companions
from understudy.settings.config import ConfigError, load
from understudy.web.access import TOKEN_NAME, new_token
from understudy.web.server import Site

NAMES = "--name a.example --name b.example"
REPOSITORY = Path(__file__).parents[3]


def called(*words: str) -> tuple[int, str]:
    result = understudy("web", *words)
    return result.exit_code, result.output


def test_the_token_is_made_once_and_anew_when_that_is_asked_for(tmp_path: Path) -> None:
    first = called("token", "--data-dir", str(tmp_path))
    assert first == called("token", "--data-dir", str(tmp_path))
    assert first[0] == 0
    assert first != called("token", "--new", "--data-dir", str(tmp_path))
    assert stat.S_IMODE((tmp_path / TOKEN_NAME).stat().st_mode) == 0o600


def test_a_directory_that_is_named_too_early_is_refused(tmp_path: Path) -> None:
    code, text = called("--data-dir", str(tmp_path), "token")
    assert code == 2
    assert "--data-dir belongs after token" in text


def test_a_tokens_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    new_token(tmp_path)
    (tmp_path / TOKEN_NAME).chmod(0o640)
    code, text = called("token", "--data-dir", str(tmp_path))
    assert code == 1
    assert "can be read by others" in text


@pytest.mark.parametrize(
    "words", [("--host", "192.0.2.1"), ("--name", "trader.example.org"), ("--login",)]
)
def test_a_page_that_others_can_reach_needs_a_token_first(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    code, text = called(*words, "--data-dir", str(tmp_path))
    assert code == 2
    assert "needs a token" in text


def test_what_no_option_says_is_the_configurations(tmp_path: Path) -> None:
    config = tmp_path / "my.toml"
    config.write_text('[web]\nnames = ["trader.example.org"]\n')
    code, text = called("--config", str(config), "--data-dir", str(tmp_path))
    assert code == 2
    assert "needs a token" in text


def test_a_host_is_an_address(tmp_path: Path) -> None:
    assert called("--host", "example.org", "--data-dir", str(tmp_path))[0] == 2


@pytest.mark.parametrize(
    ("site", "is_private"),
    [
        (Site(), False),
        (Site(host="::1"), False),
        (Site(host="192.0.2.1"), True),
        (Site(names=("trader.example.org",)), True),
        (Site(asks_login=True), True),
    ],
)
def test_reading_needs_a_log_in_wherever_others_can_reach_it(site: Site, is_private: bool) -> None:
    assert site.is_private is is_private


def test_settings_start_it_beside_a_run() -> None:
    page = WebSettings(enabled=True, port=1234, names=("a.example", "b.example"), login=True)
    assert companions._wanted(Settings(web=page)) == [
        ("web", [*["web", "--host", "127.0.0.1", "--port", "1234"], *NAMES.split(), "--login"])
    ]


@pytest.mark.parametrize(
    "assignment",
    ['web.host="example.org"', 'web.names=["UPPER"]', 'web.names=["a b"]', 'web.names=[["a"]]'],
)
def test_a_setting_that_is_no_address_or_name_is_refused(assignment: str) -> None:
    with pytest.raises(ConfigError, match="must be"):
        load(None, (assignment,))


def found(data_dir: Path, **settings: object) -> tuple[CheckOutcome, str]:
    page = WebSettings(enabled=True, **settings)  # type: ignore[arg-type]
    finding = check_page(subject_of(Settings(web=page), data_dir))
    return finding.outcome, f"{finding.sentence} {finding.advice}"


def test_the_doctor_says_who_can_reach_the_page(tmp_path: Path) -> None:
    assert check_page(subject_of(Settings(), tmp_path)).outcome is CheckOutcome.PASS
    outcome, words = found(tmp_path, names=("trader.example.org",))
    assert (outcome, "understudy web token" in words) == (CheckOutcome.FAIL, True)
    assert found(tmp_path, host="999.1.1.1")[0] is CheckOutcome.FAIL
    new_token(tmp_path)
    outcome, words = found(tmp_path, host="192.0.2.1")
    assert (outcome, "TLS" in words) == (CheckOutcome.WARN, True)


@pytest.mark.processes
def test_it_serves_until_it_is_told_to_end_and_tells_its_address_and_no_secret(
    tmp_path: Path,
) -> None:
    token = new_token(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-m", "understudy", "web", "--port", "0", "--data-dir", str(tmp_path)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["http"]
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        connection.request("GET", "/live")
        assert b"nothing has run here yet" in connection.getresponse().readline()
        code, text = called("--port", url.rpartition(":")[2], "--data-dir", str(tmp_path))
        assert code == 1
        assert "cannot be served" in text
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate()
        assert process.returncode == 0
        assert token not in output + errors
    finally:
        process.kill()
        process.communicate()
