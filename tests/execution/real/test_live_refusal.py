"""What must hold before real money is traded: a key that is safe, and a person who means it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import attrs
import process_memory
import pytest
from live_stage import address_of
from order_builders import intent, settings

from actors.execution.real.core import RealExecutorCore
from actors.execution.simulated import SimulatedExecutorCore
from actors.messages.execution import SubmitOrder
from actors.roles import EXECUTOR
from actors.runtime.clock import Clock, ClockSpec
from actors.settings import Settings, SupervisionSettings
from actors.supervision.layouts import LAYOUTS
from understudy.composition import ACTORS, actors_for, processes_for, supervisor_boot
from understudy.credentials.live import (
    LIVE_FLAG,
    LiveRefused,
    live_account,
    live_refusal,
    rehearsal_refusal,
)
from understudy.credentials.private_key import (
    FILE_VARIABLE,
    KEY_VARIABLE,
    KeyUnavailable,
    read_private_key,
)

KEY = "0x" + "c0ffee" * 10 + "c0fe"
LIVE = settings(mode="live", durability="full")


def key_file(directory: Path, text: str = KEY + "\n", mode: int = 0o600) -> Path:
    path = directory / "key"
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("text", [KEY, KEY.removeprefix("0x"), f" {KEY}\n", KEY.upper()[2:]])
def test_the_key_is_read_from_the_environment(text: str) -> None:
    assert read_private_key({KEY_VARIABLE: text}).text.lower() == KEY


def test_the_key_is_read_from_a_file_of_its_user_alone(tmp_path: Path) -> None:
    assert read_private_key({FILE_VARIABLE: str(key_file(tmp_path))}).text == KEY


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = key_file(tmp_path, mode=mode)
    with pytest.raises(KeyUnavailable, match="chmod 600"):
        read_private_key({FILE_VARIABLE: str(path)})


@pytest.mark.parametrize("text", ["", "0x12", KEY + "00", "secret" * 11, "0x" + "z" * 64])
def test_what_is_no_key_is_refused_and_never_shown(tmp_path: Path, text: str) -> None:
    path = key_file(tmp_path, text)
    for environment in ({KEY_VARIABLE: text or " "}, {FILE_VARIABLE: str(path)}):
        with pytest.raises(KeyUnavailable) as refused:
            read_private_key(environment)
        assert text == "" or text not in str(refused.value)


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {KEY_VARIABLE: KEY, FILE_VARIABLE: "/nowhere"},
        {FILE_VARIABLE: "/nowhere/at/all"},
        {FILE_VARIABLE: "/"},
    ],
)
def test_without_one_readable_place_there_is_no_key(environment: dict[str, str]) -> None:
    with pytest.raises(KeyUnavailable):
        read_private_key(environment)


def test_a_key_does_not_print_itself() -> None:
    assert KEY[2:] not in repr(read_private_key({KEY_VARIABLE: KEY}))


@pytest.mark.parametrize(
    ("chosen", "is_understood", "refusal"),
    [
        (Settings(), False, None),
        (Settings(), True, LIVE_FLAG),
        (LIVE, False, LIVE_FLAG),
        (settings(mode="live"), True, "durability"),
        (LIVE, True, None),
    ],
)
def test_real_money_needs_the_flag_and_a_full_journal(
    chosen: Settings, is_understood: bool, refusal: str | None
) -> None:
    found = live_refusal(chosen, is_understood=is_understood)
    assert (found is None) is (refusal is None)
    assert refusal is None or refusal in (found or "")


@pytest.mark.parametrize(
    ("key", "address", "is_refused"),
    [
        ("clob_url", "http://venue.example", True),
        ("clob_ws_url", "ws://venue.example/ws", True),
        ("coinbase_ws_url", "WS://venue.example/ws", True),
        ("website_url", "http://127.0.0.1.example", True),
        ("gamma_url", "http://user@venue.example:80/", True),
        ("gamma_url", "http://127.0.0.1@venue.example", True),
        ("clob_url", "http://127.0.0.1:8080", False),
        ("clob_ws_url", "ws://[::1]:8080", False),
        ("clob_url", "http://localhost", False),
        ("website_url", "https://polymarket.com", False),
    ],
)
def test_real_money_goes_without_encryption_to_this_host_alone(
    key: str, address: str, is_refused: bool
) -> None:
    chosen = attrs.evolve(LIVE, venue=attrs.evolve(LIVE.venue, **{key: address}))
    refusal = live_refusal(chosen, is_understood=True) or ""
    assert (f"venue.{key} is {address}" in refusal) is is_refused


@pytest.mark.parametrize(
    ("speed", "is_understood", "refusal"),
    [(10, False, None), (11, False, "too fast"), (10, True, LIVE_FLAG)],
)
def test_a_rehearsal_needs_no_flag_and_has_a_fastest_speed(
    speed: float, is_understood: bool, refusal: str | None
) -> None:
    found = rehearsal_refusal(speed=speed, is_understood=is_understood)
    assert (found is None) is (refusal is None)
    assert refusal is None or refusal in (found or "")


# Whose orders they are, and who can come by the key


@pytest.fixture
def no_key(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.delenv(FILE_VARIABLE, raising=False)
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    return monkeypatch


def test_simulated_orders_need_no_key(no_key: pytest.MonkeyPatch) -> None:
    with live_account(Settings(), has_own_key=True) as account:
        assert account == ""


def test_a_key_that_is_still_in_the_environment_starts_nothing(no_key: pytest.MonkeyPatch) -> None:
    no_key.setenv(KEY_VARIABLE, KEY)
    with (
        pytest.raises(LiveRefused, match="still in the environment"),
        live_account(LIVE, has_own_key=True),
    ):
        raise AssertionError("not reached")


def test_whoever_reads_the_key_hides_its_memory(tmp_path: Path) -> None:
    script = (
        "from understudy.processes.privacy import is_memory_hidden\n"
        "from understudy.credentials.private_key import read_private_key\n"
        "print(is_memory_hidden(), read_private_key().text, is_memory_hidden())\n"
    )
    environment = {**os.environ, FILE_VARIABLE: str(key_file(tmp_path))}
    environment.pop(KEY_VARIABLE, None)
    told = subprocess.check_output([sys.executable, "-c", script], text=True, env=environment)
    assert told.split() == ["False", KEY, "True"]


def test_a_pipe_in_place_of_the_key_is_refused_and_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "key", 0o600)
    with pytest.raises(KeyUnavailable, match="not a plain file"):
        read_private_key({FILE_VARIABLE: str(tmp_path / "key")})


def test_a_key_file_stays_where_it_is(no_key: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = key_file(tmp_path)
    no_key.setenv(FILE_VARIABLE, str(path))
    with live_account(LIVE, has_own_key=True) as account:
        assert os.environ[FILE_VARIABLE] == str(path)
        assert account == address_of(KEY).lower()


def test_a_configured_wallet_is_the_account(no_key: pytest.MonkeyPatch, tmp_path: Path) -> None:
    no_key.setenv(FILE_VARIABLE, str(key_file(tmp_path)))
    wallet = "0x" + "AB" * 20
    chosen = settings(mode="live", durability="full", wallet=wallet)
    with live_account(chosen, has_own_key=True) as account:
        assert account == wallet.lower()


def test_a_rehearsal_has_a_new_account_and_never_looks_at_the_user_s_key(
    no_key: pytest.MonkeyPatch,
) -> None:
    no_key.setenv(FILE_VARIABLE, "/nowhere/at/all")
    accounts = set()
    for _ in range(2):
        with live_account(LIVE, has_own_key=False) as account:
            accounts |= {account, address_of(read_private_key().text).lower()}
    assert len(accounts) == 2
    assert os.environ[FILE_VARIABLE] == "/nowhere/at/all"


@pytest.mark.skipif(os.getuid() != 0, reason="root alone looks into a process with a secret")
def test_the_key_of_a_rehearsal_is_in_no_memory_that_forks_inherit(
    no_key: pytest.MonkeyPatch,
) -> None:
    no_key.chdir(Path(process_memory.__file__).parent)
    script = (
        "import os, sys; from pathlib import Path; from process_memory import is_in_memory; "
        "key = Path(sys.argv[1]).read_text().removeprefix('0x').encode(); "
        "print(is_in_memory(os.getppid(), key))"
    )

    def is_here() -> str:
        words = [sys.executable, "-c", script, os.environ[FILE_VARIABLE]]
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout

    with live_account(LIVE, has_own_key=False):
        assert is_here() == "False\n"
        key = read_private_key()
        assert is_here() == "True\n", f"this test would not find it: {key}"


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, "there is no private key"),
        ({FILE_VARIABLE: "/nowhere/at/all"}, "cannot be read"),
        ({KEY_VARIABLE: "0x" + "0" * 64}, "no account has"),
        ({KEY_VARIABLE: "0x" + "f" * 64}, "no account has"),
        ({KEY_VARIABLE: "c0ffee"}, "expected 64 hex digits"),
    ],
)
def test_without_a_key_that_works_nothing_starts_and_nothing_of_it_is_shown(
    no_key: pytest.MonkeyPatch, environment: dict[str, str], words: str
) -> None:
    for name, value in environment.items():
        no_key.setenv(name, value)
    with (
        pytest.raises(LiveRefused, match=words) as refused,
        live_account(LIVE, has_own_key=True),
    ):
        pass
    assert environment.get(KEY_VARIABLE, "-") not in str(refused.value)


def test_actors_include_the_real_executor_only_for_real_money() -> None:
    assert actors_for(Settings()) == ACTORS
    assert ACTORS[EXECUTOR].core is SimulatedExecutorCore
    assert actors_for(LIVE)[EXECUTOR].core is RealExecutorCore
    assert actors_for(LIVE).keys() == ACTORS.keys()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_real_executor_is_alone_in_its_process(layout: str) -> None:
    chosen = attrs.evolve(LIVE, supervision=SupervisionSettings(layout=layout))
    processes, orders_in = processes_for(chosen)
    (alone,) = [process for process in processes if EXECUTOR in process.roles]
    assert alone.roles == (EXECUTOR,)
    assert orders_in != alone.name


def test_nothing_starts_with_real_money_unless_someone_said_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    clock = ClockSpec.starting_now(0, 1.0)
    with pytest.raises(LiveRefused, match=LIVE_FLAG):
        supervisor_boot(LIVE, clock, tmp_path, seed=1, log_to_stderr=False)
    boot = supervisor_boot(
        LIVE, clock, tmp_path, seed=1, log_to_stderr=False, is_real_money_understood=True
    )
    assert KEY[2:] not in repr(boot)


def test_the_real_executor_measures_latency_and_never_starts_without_a_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(FILE_VARIABLE, raising=False)
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    spec = actors_for(LIVE)[EXECUTOR]
    probe = spec.probe()
    assert probe.latency_of(SubmitOrder(intent(tick_ns=5))) == ("tick_to_order", 5)
    assert probe.latency_of(SubmitOrder(intent(tick_ns=0))) is None
    with pytest.raises(KeyUnavailable):
        spec.make_port(LIVE, Path(), Clock(ClockSpec.starting_now()))
