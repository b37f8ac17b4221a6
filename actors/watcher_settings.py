"""Settings of what watches a run: metrics, alerts, the page in the browser, the recorder."""

from __future__ import annotations

import re

import attrs

from actors.setting_rules import FLAG, Rule, any_of, between, setting


@attrs.frozen(kw_only=True)
class MetricsSettings:
    """Numbers for Prometheus, served by a process of its own beside the run; docs/metrics.md."""

    enabled: bool = setting(False, FLAG, "serve metrics and /health on loopback")
    port: int = setting(9862, between(1, 65_535), "where, on 127.0.0.1")


ALERT_KINDS = (
    "halt",
    "escalation",
    "end",
    "falls",
    "difference",
    "silence",
    "strike",
    "loss",
    "disk",
    "credentials",
    "window",
)
"""Everything that an alert can be about; docs/alerts.md says when each is raised."""


@attrs.frozen(kw_only=True)
class AlertSettings:
    """What people are told of, wherever they are; where to is a secret and stands elsewhere."""

    enabled: bool = setting(False, FLAG, "a process beside the run tells; docs/alerts.md says whom")
    on: tuple[str, ...] = setting(ALERT_KINDS[:-1], any_of(*ALERT_KINDS), "what is told")
    falls_count: int = setting(
        3, between(1, 1_000), "falls of an actor since the last that were told"
    )
    silent_s: int = setting(
        60, between(5, 86_400), "so long without data, strike or leave to trade"
    )
    repeat_minutes: int = setting(60, between(1, 10_080), "what lasts is told again after so long")


def _shaped(pattern: str, value: object) -> bool:
    """Whether a value, which may be an element of a list of any kind, is such a text."""
    return isinstance(value, str) and re.fullmatch(pattern, value) is not None


_IP = Rule("an IP address", lambda value: _shaped(r"[0-9.]+|[0-9a-f:]*:[0-9a-f:.]*", value))
_NAMES = Rule(
    "a list of host names",
    lambda value: all(_shaped("[a-z0-9]([a-z0-9.-]*[a-z0-9])?", each) for each in value),
)


@attrs.frozen(kw_only=True)
class WebSettings:
    """The page in the browser, served by a process of its own beside the run; docs/web.md."""

    enabled: bool = setting(False, FLAG, "serve the page")
    host: str = setting("127.0.0.1", _IP, "address to listen on; off loopback all need a log-in")
    port: int = setting(9863, between(1, 65_535), "where, on that address")
    names: tuple[str, ...] = setting(
        (), _NAMES, "host names under which people reach it; with any all need a log-in"
    )
    login: bool = setting(False, FLAG, "ask for the token on loopback as well")


@attrs.frozen(kw_only=True)
class RecordingSettings:
    """Every frame a run receives, one file a window; docs/recordings.md."""

    enabled: bool = setting(False, FLAG, "record beside the run, in a process of its own")
    dir: str = setting(
        "",
        Rule("a directory, or an address such as s3://bucket/folder", lambda _value: True),
        "where recordings go; empty: recordings in the data directory",
    )
    max_gb: float = setting(
        50.0, between(0.001, 1_000_000), "beyond, whole recordings are removed, the oldest first"
    )
    min_free_gb: float = setting(
        2.0, between(0, 1_000_000), "so much of the disk is left free; else the oldest give way"
    )
