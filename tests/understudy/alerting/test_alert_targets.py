from __future__ import annotations

from pathlib import Path

import pytest

from understudy.alerting.targets import (
    DEADMAN_VARIABLE,
    FILE_VARIABLE,
    URLS_VARIABLE,
    TargetsUnusable,
    read_targets,
)

SECRET = "s3cr3t-t0k3n"
MAIL = f"mailtos://me:{SECRET}@example.com"
HOOK = f"json://example.com/{SECRET}"


def file(tmp_path: Path, text: str, mode: int = 0o600) -> dict[str, str]:
    path = tmp_path / "targets"
    path.write_text(text)
    path.chmod(mode)
    return {FILE_VARIABLE: str(path)}


def test_addresses_of_the_environment_are_numbered_by_their_scheme() -> None:
    targets = read_targets({URLS_VARIABLE: f"{MAIL} {HOOK}\n{MAIL}"})
    assert [each.name for each in targets.alerts] == ["mailtos-1", "json-1", "mailtos-2"]
    assert [each.url for each in targets.alerts] == [MAIL, HOOK, MAIL]
    assert targets.deadman_url == ""


def test_a_file_has_one_address_a_line_and_the_dead_mans(tmp_path: Path) -> None:
    text = f"# who is told\n{MAIL}\n\n{HOOK}\ndeadman https://hc.example/{SECRET}\n"
    targets = read_targets(file(tmp_path, text))
    assert [each.url for each in targets.alerts] == [MAIL, HOOK]
    assert targets.deadman_url == f"https://hc.example/{SECRET}"


def test_a_dead_mans_address_alone_is_enough() -> None:
    assert read_targets({DEADMAN_VARIABLE: "https://hc.example/1"}).alerts == ()


REFUSALS = {
    "nothing": {},
    "both": {URLS_VARIABLE: MAIL, FILE_VARIABLE: "/nowhere"},
    "both, the dead man's": {DEADMAN_VARIABLE: f"https://x/{SECRET}", FILE_VARIABLE: "/nowhere"},
    "no scheme": {URLS_VARIABLE: SECRET},
    "a strange scheme": {URLS_VARIABLE: f"{SECRET} {SECRET}://x"},
    "a dead man by mail": {DEADMAN_VARIABLE: f"mailto://{SECRET}"},
    "no file": {FILE_VARIABLE: "/nowhere/at/all"},
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_cannot_be_used_is_one_sentence_without_the_secret(name: str) -> None:
    with pytest.raises(TargetsUnusable) as refusal:
        read_targets(REFUSALS[name])
    assert SECRET not in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        (MAIL, 0o644),
        (MAIL, 0o640),
        (f"{MAIL} {HOOK}", 0o600),
        (f"deadman {MAIL} x", 0o600),
        ("", 0o600),
    ],
)
def test_a_file_that_others_can_read_or_that_holds_something_else_is_refused(
    tmp_path: Path, text: str, mode: int
) -> None:
    with pytest.raises(TargetsUnusable) as refusal:
        read_targets(file(tmp_path, text, mode))
    assert SECRET not in str(refusal.value)


def test_printed_targets_hold_no_secret() -> None:
    targets = read_targets({URLS_VARIABLE: MAIL, DEADMAN_VARIABLE: f"https://x/{SECRET}"})
    assert SECRET not in repr(targets)
    assert SECRET not in str(targets.alerts)
