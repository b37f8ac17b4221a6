"""Checks: what Python and the operating system must be able to do, and what they had better."""

from __future__ import annotations

import ctypes
import importlib.util
import platform
import sys

from actors.runtime.urgency import why_not_allowed
from understudy.doctor.findings import Finding, failed, passed, warned
from understudy.doctor.subject import Subject

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
    """Look for Linux's prctl, by which no process of a fallen run is left behind."""
    shown = ".".join(map(str, version))
    if version[:2] < _LEAST_PYTHON:
        least = ".".join(map(str, _LEAST_PYTHON))
        return failed(HOST, f"this is Python {shown}", f"use Python {least} or later")
    if system != "linux" or not _has_prctl():
        return failed(
            HOST,
            f"{system} has no prctl: processes of a fallen run would live on",
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
    """Look whether the actors on an order's way may run before everyone else."""
    refusal = why_not_allowed()
    if refusal:
        return warned(
            URGENCY,
            f"on a busy host orders wait for other processes, some milliseconds ({refusal})",
            "allow it: LimitRTPRIO=1 in a service's unit, --cap-add=SYS_NICE for a container",
        )
    return passed(URGENCY, "the actors on an order's way may run first (SCHED_RR)")
