"""Checks of the host's abilities, and of the configuration and key on it."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import platform
import resource
import sys
from pathlib import Path

from actors.runtime.urgency import why_not_allowed
from understudy.credentials.live import live_refusal
from understudy.credentials.private_key import (
    FILE_VARIABLE,
    KEY_VARIABLE,
    FileNotPrivate,
    private_text,
)
from understudy.data_dir.privacy import NotPrivate, mode_to_close
from understudy.doctor.findings import Finding, failed, passed, skipped, warned
from understudy.doctor.subject import Subject, host_of

HOST = "host"
URGENCY = "urgency"
_LEAST_PYTHON = (3, 11)
_PR_GET_CHILD_SUBREAPER = 37


def check_host(
    subject: Subject,
    *,
    system: str = sys.platform,
    version: tuple[int, ...] = sys.version_info[:3],
) -> Finding:
    """Check for Linux's prctl, which prevents orphans of a crashed run."""
    shown = ".".join(map(str, version))
    if version[:2] < _LEAST_PYTHON:
        least = ".".join(map(str, _LEAST_PYTHON))
        return failed(HOST, f"this is Python {shown}", f"use Python {least} or later")
    if system != "linux" or not _has_prctl():
        return failed(
            HOST,
            f"{system} has no prctl: processes of a crashed run would live on",
            "run on Linux, on a host or in a container that allows prctl",
        )
    if subject.is_live and importlib.util.find_spec("coincurve") is None:
        return warned(
            HOST,
            "coincurve is not installed: every signature takes some milliseconds",
            "pip install coincurve",
        )
    return passed(HOST, f"Python {shown} on Linux {platform.release()}, prctl works")


def _has_prctl() -> bool:
    answer = ctypes.c_int()
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    return prctl is not None and prctl(_PR_GET_CHILD_SUBREAPER, ctypes.byref(answer), 0, 0, 0) == 0


def check_urgency(_subject: Subject) -> Finding:
    """Check whether the actors on an order's way may run at real-time priority."""
    refusal = why_not_allowed()
    if refusal:
        return warned(
            URGENCY,
            f"on a busy host orders wait for other processes, some milliseconds ({refusal})",
            "allow it: LimitRTPRIO=1 in a service's unit, --cap-add=SYS_NICE for a container",
        )
    return passed(URGENCY, "actors on the order path may run at real-time priority (SCHED_RR)")


PRIVACY = "privacy"
CORES = "core dumps"
KEY_PLACE = "key place"

_IN_A_FILE = f"put it in a file of mode 0600, and name that in {FILE_VARIABLE}"


def check_privacy(subject: Subject) -> Finding:
    """Check who owns the data directory, and whether others can read it."""
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
    """Check whether the memory of a process that crashes is written to a disk."""
    limit, _ = resource.getrlimit(resource.RLIMIT_CORE)
    if limit:
        return warned(
            CORES,
            "a process that crashes would write its memory to a file",
            "use the command `understudy`, or with `ulimit -c 0`",
        )
    return passed(CORES, "no process writes its memory to a file")


def check_key_place(subject: Subject) -> Finding:
    """Check where the private key is, and who else can read it there; the key is not read."""
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


CONFIG = "config"


def check_configuration(subject: Subject) -> Finding:
    """Name the mode in force; refuse what a run with real money would refuse."""
    settings = subject.settings
    series = ", ".join(plan.series.name for plan in settings.plans)
    if not subject.is_live:
        return passed(CONFIG, f"mode simulated, {series}: orders are on paper")
    venue = host_of(settings.venue.clob_url)
    refusal = live_refusal(settings, is_understood=True)
    if refusal is not None:
        return failed(CONFIG, refusal, "change the configuration as the sentence says")
    money = "a local exchange, no real money" if subject.is_local else "real money"
    return passed(CONFIG, f"mode live, {series}: orders go to {venue}, {money}")
