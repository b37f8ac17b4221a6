"""Runs all checks side by side, each with a time limit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import attrs

from understudy.doctor import data_dir, host, prices, proxies, venue, watchers
from understudy.doctor.findings import (
    ACCOUNT_NAMES,
    CheckOutcome,
    Finding,
    failed,
    skipped,
)
from understudy.doctor.sight import VenueSight
from understudy.doctor.subject import Subject
from understudy.doctor.threads import LookupLoop, in_a_thread

LIMIT_S = 8.0
"""A check that has not ended by then is abandoned. None should take that long."""
ORDER_TEST = "order test"

_Found = Finding | Sequence[Finding]


@attrs.frozen
class _Check:
    """A check, with the names of its findings."""

    names: tuple[str, ...]
    look: Callable[[], Awaitable[_Found]]


def examine(subject: Subject, *, with_order_test: bool = False) -> list[Finding]:
    """Run all checks; about ten seconds at most, without the order test.

    Args:
        subject: what is examined.
        with_order_test: place an order as well, if nothing has failed.
    """
    if subject.is_live:
        # Loading the venue's client takes a second, which would disturb every measurement.
        from understudy.doctor import account, order_test  # noqa: F401 # loaded, and used below

    async def whole() -> list[Finding]:
        sight = VenueSight(subject)
        findings = await examined(subject, sight)
        if with_order_test:
            findings += await _order_tested(subject, sight, findings)
        return [_cleaned(subject, each) for each in findings]

    with asyncio.Runner(loop_factory=LookupLoop) as runner:
        return runner.run(whole())


async def examined(subject: Subject, sight: VenueSight) -> list[Finding]:
    """Run all checks at once; the findings come in reading order."""
    checks = _checks(subject, sight)
    found = await asyncio.gather(*(_limited(check) for check in checks))
    return [finding for each in found for finding in each]


def _checks(subject: Subject, sight: VenueSight) -> list[_Check]:
    def on_this_host(name: str, look: Callable[[Subject], Finding]) -> _Check:
        return _Check((name,), lambda: in_a_thread(partial(look, subject)))

    return [
        on_this_host(host.HOST, host.check_host),
        on_this_host(host.URGENCY, host.check_urgency),
        on_this_host(host.CONFIG, host.check_configuration),
        on_this_host(proxies.NAME, proxies.check_proxies),
        on_this_host(host.PRIVACY, host.check_privacy),
        on_this_host(data_dir.SOCKETS, data_dir.check_sockets),
        on_this_host(host.CORES, host.check_cores),
        on_this_host(host.KEY_PLACE, host.check_key_place),
        on_this_host(data_dir.DISK, data_dir.check_disk),
        on_this_host(data_dir.JOURNAL, data_dir.check_journal),
        on_this_host(data_dir.LOCK, data_dir.check_lock),
        on_this_host(data_dir.HALT, data_dir.check_halt),
        on_this_host(watchers.WATCHERS, watchers.check_watchers),
        on_this_host(watchers.PAGE, watchers.check_page),
        _Check((venue.CLOCK,), lambda: venue.check_clock(subject, sight)),
        _Check((venue.GAMMA,), lambda: venue.check_gamma(subject)),
        _Check((venue.CLOB,), lambda: venue.check_clob(subject)),
        _Check((venue.MARKET_STREAM,), lambda: venue.check_market_stream(subject, sight)),
        *_checks_by_series(subject, sight),
        _Check((venue.GEOBLOCK,), lambda: venue.check_geoblock(subject)),
        _Check(ACCOUNT_NAMES, lambda: _account(subject, sight)),
    ]


def _checks_by_series(subject: Subject, sight: VenueSight) -> list[_Check]:
    """Prices of every underlying and the market of every series; named, if there are several."""
    settings = subject.settings
    checks: list[_Check] = []
    for asset in settings.assets:
        plan = next(each for each in settings.plans if each.series.asset == asset)
        own = attrs.evolve(subject, settings=settings.of(plan.series.name))
        label = f" {asset}" if len(settings.assets) > 1 else ""
        checks += [
            _named(_Check((venue.COINBASE,), partial(venue.check_coinbase, own)), label),
            _named(_Check(prices.NAMES, partial(prices.check_prices, own, sight)), label),
        ]
    for number, plan in enumerate(settings.plans):
        own = attrs.evolve(subject, settings=settings.of(plan.series.name))
        its_sight = VenueSight(own) if number else sight
        label = f" {plan.series.name}" if len(settings.plans) > 1 else ""
        checks.append(
            _named(_Check((venue.MARKET,), partial(venue.check_market, its_sight)), label)
        )
    return checks


def _named(check: _Check, label: str) -> _Check:
    """Label a check's findings, for one of several subjects."""

    async def look() -> Sequence[Finding]:
        found = await check.look()
        each = [found] if isinstance(found, Finding) else found
        return [attrs.evolve(finding, name=finding.name + label) for finding in each]

    return _Check(tuple(name + label for name in check.names), look)


async def _account(subject: Subject, sight: VenueSight) -> Sequence[Finding]:
    if not subject.is_live:
        return [skipped(name, "simulated mode signs nothing") for name in ACCOUNT_NAMES]
    from understudy.doctor.account import check_account

    return await check_account(subject, sight)


async def _limited(check: _Check) -> Sequence[Finding]:
    try:
        async with asyncio.timeout(LIMIT_S):
            found = await check.look()
    except TimeoutError:
        sentence, advice = f"no end within {LIMIT_S:g} s", "check network and disk; try again"
        return [failed(name, sentence, advice) for name in check.names]
    except OSError as problem:
        sentence = f"it cannot be looked at: {problem.strerror or problem}"
        return [failed(name, sentence, "see the sentence") for name in check.names]
    return [found] if isinstance(found, Finding) else found


async def _order_tested(
    subject: Subject, sight: VenueSight, findings: list[Finding]
) -> list[Finding]:
    bad = [each.name for each in findings if each.outcome is CheckOutcome.FAIL]
    if bad:
        return [skipped(ORDER_TEST, f"nothing was sent, because of: {', '.join(bad)}")]
    lock = next(each for each in findings if each.name == data_dir.LOCK)
    if lock.outcome is not CheckOutcome.PASS:
        sentence = f"nothing was sent: {lock.sentence}, and would halt on an order not its own"
        return [failed(ORDER_TEST, sentence, "stop that run first")]
    from understudy.doctor.order_test import run_order_test

    return await run_order_test(subject, sight)


def _cleaned(subject: Subject, finding: Finding) -> Finding:
    clean = subject.redactor.clean
    return attrs.evolve(
        finding,
        sentence=clean(finding.sentence),
        advice=clean(finding.advice),
        cause=clean(finding.cause),
    )
