"""What must hold before real money is traded: a key that is safe, and a person who means it."""

from __future__ import annotations

from pathlib import Path

import pytest
from order_builders import intent, settings

from actors.clock import ClockSpec
from actors.execution.messages import SubmitOrder
from actors.execution.real.shell import RealExecutorShell
from actors.execution.shell import SimulatedExecutorShell
from actors.messages import AddressBook, Boot
from actors.roles import EXECUTOR
from actors.settings import Settings
from understudy.bootstrap import CHILDREN, children_for, supervisor_boot
from understudy.live import LIVE_FLAG, LiveRefused, live_refusal
from understudy.secrets import FILE_VARIABLE, KEY_VARIABLE, KeyUnavailable, read_private_key

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
    ("chosen", "is_understood", "has_key", "refusal"),
    [
        (Settings(), False, False, None),
        (Settings(), True, False, LIVE_FLAG),
        (LIVE, False, True, LIVE_FLAG),
        (settings(mode="live"), True, True, "durability"),
        (LIVE, True, False, "private key"),
        (LIVE, True, True, None),
    ],
)
def test_real_money_needs_the_flag_a_full_journal_and_a_key(
    monkeypatch: pytest.MonkeyPatch,
    chosen: Settings,
    is_understood: bool,
    has_key: bool,
    refusal: str | None,
) -> None:
    monkeypatch.delenv(FILE_VARIABLE, raising=False)
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    if has_key:
        monkeypatch.setenv(KEY_VARIABLE, KEY)
    found = live_refusal(chosen, is_understood=is_understood)
    assert (found is None) is (refusal is None)
    assert refusal is None or refusal in (found or "")


def test_the_troupe_has_the_real_executor_only_for_real_money() -> None:
    assert children_for(Settings()) == CHILDREN
    shells = {child.role: child.shell for child in children_for(LIVE)}
    assert shells[EXECUTOR] is RealExecutorShell
    assert {child.role: child.shell for child in CHILDREN}[EXECUTOR] is SimulatedExecutorShell
    assert shells.keys() == {child.role for child in CHILDREN}


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
    shell = RealExecutorShell()
    assert shell.latency_of(SubmitOrder(intent(tick_ns=5))) == ("tick_to_order", 5)
    assert shell.latency_of(SubmitOrder(intent(tick_ns=0))) is None
    boot = Boot(
        role=EXECUTOR,
        settings=LIVE,
        clock=ClockSpec.starting_now(0, 1.0),
        data_dir="",
        log_to_stderr=False,
        seed=1,
        book=AddressBook(version=0, entries={}),
    )
    with pytest.raises(KeyUnavailable):
        shell.make_port(boot)
