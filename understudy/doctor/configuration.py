"""Check: what the configuration, which could be read, would do."""

from __future__ import annotations

from understudy.credentials.live import live_refusal
from understudy.doctor.findings import Finding, failed, passed
from understudy.doctor.subject import Subject, host_of

NAME = "config"


def check_configuration(subject: Subject) -> Finding:
    """Name the mode in force; refuse what a run with real money would refuse."""
    settings = subject.settings
    series = ", ".join(plan.series.name for plan in settings.plans)
    if not subject.is_live:
        return passed(NAME, f"mode simulated, {series}: orders are on paper")
    venue = host_of(settings.venue.clob_url)
    refusal = live_refusal(settings, is_understood=True)
    if refusal is not None:
        return failed(NAME, refusal, "change the configuration as the sentence says")
    money = "a local exchange, no real money" if subject.is_local else "real money"
    return passed(NAME, f"mode live, {series}: orders go to {venue}, {money}")
