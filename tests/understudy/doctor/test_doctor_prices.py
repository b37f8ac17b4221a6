"""What the doctor says of the two price services, and which one it says will be used."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest
from doctor_stage import (
    FAIL,
    KEY,
    PASS,
    SKIPPED,
    WARN,
    against,
    credentials_at,
    inject,
    live_at,
    settings_at,
    subject,
)

from actors.feeds.price_protocol import Received
from actors.messages.feeds import TwapTick
from actors.units import E18
from understudy.credentials.price_feed import PART_VARIABLES
from understudy.credentials.private_key import KEY_VARIABLE
from understudy.doctor import prices
from understudy.doctor.findings import Finding
from understudy.doctor.prices import AGE_MS_FAIL, AGE_MS_WARN, check_prices
from understudy.doctor.sight import VenueSight
from understudy.doctor.subject import Subject
from venue.server import LocalExchange


async def checked(examinee: Subject) -> tuple[Finding, Finding, Finding]:
    return await check_prices(examinee, VenueSight(examinee))


async def paper(
    exchange: LocalExchange, data_dir: Path, source: str = "auto", **variables: str
) -> Subject:
    settings = settings_at(exchange.http_url, exchange.ws_url)
    settings = attrs.evolve(settings, venue=attrs.evolve(settings.venue, price_source=source))
    given = await credentials_at(exchange) | variables
    return subject(settings, data_dir, variables=given)


@against()
async def test_with_both_services_polybolt_is_used_and_rtds_stands_by(
    exchange: LocalExchange, tmp_path: Path
) -> None:
    polybolt, rtds, strike = await checked(await paper(exchange, tmp_path))
    assert (polybolt.outcome, rtds.outcome, strike.outcome) == (PASS, PASS, PASS)
    assert "takes the credentials of the environment" in polybolt.sentence
    assert strike.sentence.startswith("PolyBolt will be used")
    assert "RTDS stands by" in strike.sentence


@against()
async def test_without_credentials_rtds_is_used_and_the_advice_is_to_make_some(
    exchange: LocalExchange, tmp_path: Path
) -> None:
    examinee = subject(settings_at(exchange.http_url, exchange.ws_url), tmp_path)
    polybolt, rtds, strike = await checked(examinee)
    assert (polybolt.outcome, rtds.outcome, strike.outcome) == (WARN, PASS, PASS)
    assert "understudy credentials new" in polybolt.advice
    assert strike.sentence.startswith("RTDS will be used")


@against()
async def test_refused_credentials_are_named_and_not_shown(
    exchange: LocalExchange, tmp_path: Path
) -> None:
    wrong = {PART_VARIABLES[1]: "c2VjcmV0LXNlY3JldA=="}
    polybolt, _, strike = await checked(await paper(exchange, tmp_path, **wrong))
    assert (polybolt.outcome, strike.outcome) == (WARN, PASS)
    assert "auth_invalid" in polybolt.sentence
    assert wrong[PART_VARIABLES[1]] not in polybolt.sentence


@against()
async def test_when_rtds_is_gone_polybolt_serves_alone(
    exchange: LocalExchange, tmp_path: Path
) -> None:
    await inject(exchange, channel="rtds", kind="off")
    polybolt, rtds, strike = await checked(await paper(exchange, tmp_path))
    assert (polybolt.outcome, rtds.outcome, strike.outcome) == (PASS, WARN, PASS)
    await inject(exchange, channel="polybolt", kind="off")
    polybolt, rtds, strike = await checked(await paper(exchange, tmp_path))
    assert (polybolt.outcome, rtds.outcome, strike.outcome) == (FAIL, FAIL, FAIL)


@pytest.mark.parametrize(("source", "skipped"), [("rtds", 0), ("polybolt", 1)])
@against()
async def test_only_what_is_configured_is_asked(
    exchange: LocalExchange, tmp_path: Path, source: str, skipped: int
) -> None:
    found = await checked(await paper(exchange, tmp_path, source))
    assert found[skipped].outcome is SKIPPED
    assert found[1 - skipped].outcome is PASS
    assert found[2].outcome is PASS
    assert "stands by" not in found[2].sentence


@against()
async def test_in_live_mode_the_accounts_own_credentials_are_tried(
    exchange: LocalExchange, tmp_path: Path
) -> None:
    examinee = subject(live_at(exchange), tmp_path, variables={KEY_VARIABLE: KEY})
    polybolt, _, strike = await checked(examinee)
    assert (polybolt.outcome, strike.outcome) == (PASS, PASS)
    assert "takes the credentials of the account" in polybolt.sentence


@pytest.mark.parametrize(
    ("age_ms", "outcome"),
    [(1_000, PASS), (AGE_MS_WARN + 2_000, WARN), (AGE_MS_FAIL + 5_000, FAIL)],
)
@against()
async def test_the_age_of_the_average_decides(
    exchange: LocalExchange,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    age_ms: int,
    outcome: object,
) -> None:
    examinee = await paper(exchange, tmp_path, "rtds")
    sight = VenueSight(examinee)
    tick = TwapTick(price_e18=90_000 * E18, timestamp_ms=await sight.now_ms() - age_ms, window_s=60)

    class Old:
        def __init__(self, symbol: str) -> None:
            assert symbol == "btc/usd"

        def receive(self, _raw: bytes) -> Received:
            return Received(ticks=(tick,))

    monkeypatch.setattr(prices, "RtdsProtocol", Old)
    monkeypatch.setattr(prices, "TICKS_LIMIT_S", 1.0)
    _, rtds, strike = await check_prices(examinee, sight)
    assert (rtds.outcome, strike.outcome) == (outcome, outcome)
    assert "90,000.00" in rtds.sentence
