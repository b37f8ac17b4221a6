"""Settings of what watches a run: metrics, alerts, the web page, the recorder."""

from __future__ import annotations

import re

import attrs

from actors.setting_rules import FLAG, Rule, any_of, between, setting


@attrs.frozen(kw_only=True)
class MetricsSettings:
    """Metrics for Prometheus, served by a separate process; docs/metrics.md."""

    enabled: bool = setting(False, FLAG, "serve metrics and /health on loopback")
    port: int = setting(9862, between(1, 65_535), "port on 127.0.0.1")


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
    """Alerts for people who are elsewhere; the targets are secrets and configured separately."""

    enabled: bool = setting(
        False, FLAG, "start an alerting process beside the run; for targets see docs/alerts.md"
    )
    on: tuple[str, ...] = setting(
        ALERT_KINDS[:-1], any_of(*ALERT_KINDS), "kinds of alert that are sent"
    )
    falls_count: int = setting(
        3, between(1, 1_000), "crashes of an actor since the last such alert"
    )
    silent_s: int = setting(
        60, between(5, 86_400), "time without data, strike or permission to trade"
    )
    repeat_minutes: int = setting(
        60, between(1, 10_080), "a lasting condition is reported again after this time"
    )


def _shaped(pattern: str, value: object) -> bool:
    """Return whether a value, such as an element of a list, is a text of this pattern."""
    return isinstance(value, str) and re.fullmatch(pattern, value) is not None


_IP = Rule("an IP address", lambda value: _shaped(r"[0-9.]+|[0-9a-f:]*:[0-9a-f:.]*", value))
_NAMES = Rule(
    "a list of host names",
    lambda value: all(_shaped("[a-z0-9]([a-z0-9.-]*[a-z0-9])?", each) for each in value),
)


@attrs.frozen(kw_only=True)
class WebSettings:
    """The web page, served by a separate process; docs/web.md."""

    enabled: bool = setting(False, FLAG, "serve the web page")
    host: str = setting(
        "127.0.0.1", _IP, "address to listen on; other than on loopback, everyone needs a log-in"
    )
    port: int = setting(9863, between(1, 65_535), "port on that address")
    names: tuple[str, ...] = setting(
        (), _NAMES, "host names under which it is reached; if any, everyone needs a log-in"
    )
    login: bool = setting(False, FLAG, "require the token on loopback as well")


@attrs.frozen(kw_only=True)
class RecordingSettings:
    """Recording of every frame that a run receives, one file per window; docs/recordings.md."""

    enabled: bool = setting(False, FLAG, "record the run, in a process of its own")
    dir: str = setting(
        "",
        Rule("a directory, or an address such as s3://bucket/folder", lambda _value: True),
        "where recordings go; empty: `recordings` in the data directory",
    )
    max_gb: float = setting(
        50.0, between(0.001, 1_000_000), "beyond this total, the oldest recordings are removed"
    )
    min_free_gb: float = setting(
        2.0,
        between(0, 1_000_000),
        "minimum free disk space; below it, the oldest recordings are removed",
    )
