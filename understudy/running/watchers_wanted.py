"""Whether the configured watchers could do their work."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping

from actors.settings import Settings
from understudy.alerting.targets import TargetsUnusable, read_targets


def watchers_refusal(settings: Settings, variables: Mapping[str, str]) -> str | None:
    """Say in one sentence what they lack; None if they lack nothing, or none is configured.

    Args:
        settings: the whole configuration.
        variables: the environment, which names where alerts go.
    """
    if settings.metrics.enabled and importlib.util.find_spec("prometheus_client") is None:
        return "metrics.enabled needs prometheus_client: pip install 'understudy[metrics]'"
    if not settings.alerts.enabled:
        return None
    try:
        targets = read_targets(variables)
    except TargetsUnusable as problem:
        return f"alerts.enabled has no target: {problem}"
    if targets.alerts and importlib.util.find_spec("apprise") is None:
        return "alerts.enabled needs apprise: pip install 'understudy[alerts]'"
    return None


def watchers_text(settings: Settings, variables: Mapping[str, str]) -> str:
    """List the watchers a run would have, if nothing prevents them."""
    words = []
    if settings.alerts.enabled:
        targets = read_targets(variables)
        names = [target.name for target in targets.alerts]
        names += ["a dead man's address"] if targets.deadman_url else []
        words.append(f"alerts go to {', '.join(names)}")
    if settings.metrics.enabled:
        words.append(f"metrics are on 127.0.0.1:{settings.metrics.port}")
    return "; ".join(words) or "a run has none beside it"
