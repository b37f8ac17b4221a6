"""Checks: who can read the data directory, what a run's processes leave behind, and the key."""

from __future__ import annotations

import os
import resource
from pathlib import Path

from understudy.credentials.private_key import (
    FILE_VARIABLE,
    KEY_VARIABLE,
    FileNotPrivate,
    private_text,
)
from understudy.data_dir.privacy import NotPrivate, mode_to_close
from understudy.doctor.findings import Finding, failed, passed, skipped, warned
from understudy.doctor.subject import Subject

PRIVACY = "privacy"
CORES = "core dumps"
KEY_PLACE = "key place"

_IN_A_FILE = f"put it in a file of mode 0600, and name that in {FILE_VARIABLE}"


def check_privacy(subject: Subject) -> Finding:
    """Look whose the data directory is, and whether others can get at it."""
    directory = subject.data_dir
    if not directory.exists():
        return passed(PRIVACY, f"there is no {directory} yet: a run makes it this user's alone")
    try:
        mode = mode_to_close(directory)
    except NotPrivate as problem:
        return failed(PRIVACY, str(problem), "do what the sentence says")
    if mode is not None:
        sentence = f"{directory} is open to other users (mode {mode:04o}): a run closes it"
        return warned(PRIVACY, sentence, f"chmod 700 {directory}")
    return passed(PRIVACY, f"{directory} is this user's alone")


def check_cores(_subject: Subject) -> Finding:
    """Look whether the memory of a process that falls is written to a disk."""
    limit, _ = resource.getrlimit(resource.RLIMIT_CORE)
    if limit:
        return warned(
            CORES,
            "a process that falls leaves its memory in a file",
            "start this by the command `understudy`, or with `ulimit -c 0`",
        )
    return passed(CORES, "no process leaves its memory in a file")


def check_key_place(subject: Subject) -> Finding:
    """Look where the private key is, and who else can read it there; it is not read."""
    named, path = subject.variables.get(KEY_VARIABLE, ""), subject.variables.get(FILE_VARIABLE, "")
    if named or path.startswith(f"/proc/{os.getpid()}/fd/"):
        shown = _environments_with_the_key(os.getppid())
        where = f", and /proc/{os.getppid()}/environ still shows it" if shown else ""
        sentence = f"the key was in {KEY_VARIABLE}, where whoever started this has it{where}"
        return warned(KEY_PLACE, sentence, _IN_A_FILE)
    if not path:
        return skipped(KEY_PLACE, "no private key is named")
    try:
        private_text(Path(path), 0)
    except FileNotPrivate as problem:
        return failed(KEY_PLACE, str(problem), f"chmod 600 {path}, as the user of the run")
    return passed(KEY_PLACE, f"the key is in {path}, this user's alone")


def _environments_with_the_key(pid: int) -> bool:
    try:
        variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False
    return any(each.startswith(f"{KEY_VARIABLE}=".encode()) for each in variables)
