"""Check: the watchers beside a run have what they need, before anyone relies on them."""

from __future__ import annotations

import socket

from understudy.doctor.findings import Finding, failed, passed, warned
from understudy.doctor.subject import Subject
from understudy.running.watchers_wanted import watchers_refusal, watchers_words

NAME = "watchers"


def check_watchers(subject: Subject) -> Finding:
    """Say whom alerts reach and where metrics are; fail if nobody would be told."""
    settings = subject.settings
    refusal = watchers_refusal(settings, subject.variables)
    if refusal is not None:
        return failed(NAME, refusal, "see docs/alerts.md and docs/metrics.md, or turn it off")
    words = watchers_words(settings, subject.variables)
    if settings.metrics.enabled and not is_free(settings.metrics.port):
        advice = "end it, or set metrics.port; if it is this system's own, all is well"
        return warned(NAME, f"{words}, where another process listens", advice)
    return passed(NAME, words)


def is_free(port: int) -> bool:
    """Whether nobody listens on a port of loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
