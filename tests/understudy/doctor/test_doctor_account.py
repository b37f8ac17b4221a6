"""What the doctor finds about the account: key, credentials, wallet, balance, allowances."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest
from doctor_stage import (
    ADDRESS,
    FAIL,
    KEY,
    PASS,
    SKIPPED,
    WARN,
    against,
    inject,
    key_file,
    live_at,
    look,
    run,
    subject,
)

from actors.execution.real.client import VenueClient, wallet_kind
from actors.units import NANOS_PER_DOLLAR
from understudy.credentials.private_key import KEY_VARIABLE
from understudy.doctor.findings import ACCOUNT_NAMES, Finding
from understudy.doctor.sight import VenueSight
from understudy.doctor.subject import Subject
from venue.ordering import reads
from venue.server import LocalExchange

account_module = pytest.importorskip("understudy.doctor.account")


async def look_at_account(examinee: Subject) -> dict[str, Finding]:
    found = await account_module.check_account(examinee, VenueSight(examinee))
    assert tuple(each.name for each in found) == ACCOUNT_NAMES
    return {each.name: each for each in found}


def outcomes(found: dict[str, Finding]) -> list[object]:
    return [found[name].outcome for name in ACCOUNT_NAMES]


@against()
async def test_an_account_with_money_passes(exchange: LocalExchange, tmp_path: Path) -> None:
    found = await look(subject(live_at(exchange), tmp_path, variables=key_file(tmp_path)))
    assert outcomes(found) == [PASS] * 4
    assert ADDRESS in found["wallet"].sentence
    assert "$1000" in found["balance"].sentence


@pytest.mark.parametrize(
    "variables",
    [{}, {KEY_VARIABLE: "0x12"}, {KEY_VARIABLE: "0" * 64}, {KEY_VARIABLE: "f" * 64}],
    ids=["none", "short", "zero", "too great"],
)
@against()
async def test_without_a_key_nothing_is_asked(
    exchange: LocalExchange, tmp_path: Path, variables: dict[str, str]
) -> None:
    found = await look_at_account(subject(live_at(exchange), tmp_path, variables=variables))
    assert outcomes(found) == [FAIL, SKIPPED, SKIPPED, SKIPPED]
    for text in variables.values():
        assert text not in found["credentials"].sentence


@against()
async def test_a_key_file_that_others_can_read_fails(
    exchange: LocalExchange, tmp_path: Path
) -> None:
    variables = key_file(tmp_path, mode=0o644)
    found = await look_at_account(subject(live_at(exchange), tmp_path, variables=variables))
    assert outcomes(found) == [FAIL, SKIPPED, SKIPPED, SKIPPED]
    assert "chmod 600" in found["credentials"].advice


@against()
async def test_a_key_that_the_wallet_is_not_of_fails(
    exchange: LocalExchange, tmp_path: Path
) -> None:
    settings = live_at(exchange, wallet=ADDRESS)
    wrong = {KEY_VARIABLE: "0x" + "b2" * 32}
    found = await look_at_account(subject(settings, tmp_path, variables=wrong))
    assert outcomes(found) == [SKIPPED, FAIL, SKIPPED, SKIPPED]
    assert ADDRESS in found["wallet"].sentence


@against()
async def test_credentials_that_the_venue_refuses_fail_and_the_wallet_is_told(
    exchange: LocalExchange, tmp_path: Path
) -> None:
    await inject(exchange, kind="clock_skew", for_ms=60_000)
    found = await look_at_account(subject(live_at(exchange), tmp_path))
    assert outcomes(found) == [FAIL, PASS, SKIPPED, SKIPPED]
    assert "clock" in found["credentials"].advice


@pytest.mark.parametrize(
    ("dollars", "max_trade_shares", "outcome"),
    [(0, 20, FAIL), (5, 20, WARN), (5, 5, PASS), (30, 20, PASS)],
)
def test_the_balance_is_held_against_the_largest_order(
    tmp_path: Path, dollars: int, max_trade_shares: int, outcome: object
) -> None:
    async def scenario(exchange: LocalExchange) -> None:
        settings = live_at(exchange)
        strategy = attrs.evolve(settings.strategy, max_trade_shares=max_trade_shares)
        settings = attrs.evolve(settings, strategy=strategy)
        found = await look_at_account(subject(settings, tmp_path))
        assert outcomes(found) == [PASS, PASS, outcome, PASS]

    run(scenario, wallets={ADDRESS: dollars * NANOS_PER_DOLLAR})


@against(wallets={ADDRESS: 4 * NANOS_PER_DOLLAR})
async def test_a_cap_in_dollars_makes_the_largest_order_smaller(
    exchange: LocalExchange, tmp_path: Path
) -> None:
    settings = live_at(exchange)
    settings = attrs.evolve(settings, risk=attrs.evolve(settings.risk, max_order_dollars=3))
    assert outcomes(await look_at_account(subject(settings, tmp_path))) == [PASS] * 4


@pytest.mark.parametrize(("allowance", "outcome"), [("0", FAIL), ("7000000", WARN)])
@against()
async def test_an_allowance_that_is_missing_is_told_with_what_to_do(
    exchange: LocalExchange,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    allowance: str,
    outcome: object,
) -> None:
    monkeypatch.setattr(reads, "ALLOWANCE", allowance)
    found = await look_at_account(subject(live_at(exchange), tmp_path))
    assert outcomes(found) == [PASS, PASS, PASS, outcome]
    assert "approve" in found["allowance"].advice


@against()
async def test_shares_that_may_not_be_taken_are_a_warning(
    exchange: LocalExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(self: Any, *_: Any) -> dict[str, Any]:
        del self
        return {"balance": "0", "allowances": {}}

    monkeypatch.setattr(reads.AccountReads, "shares", nothing)
    found = await look_at_account(subject(live_at(exchange), tmp_path))
    assert (found["allowance"].outcome, "sold" in found["allowance"].sentence) == (WARN, True)


def test_every_kind_of_wallet_is_known_by_its_address() -> None:
    from polymarket import PRODUCTION
    from polymarket._internal import wallet

    config = PRODUCTION._config.wallet_derivation
    addresses = {
        "EOA": ADDRESS,
        "POLY_PROXY": wallet.derive_proxy_wallet_address(ADDRESS, config),
        "GNOSIS_SAFE": wallet.derive_safe_wallet_address(ADDRESS, config),
        "DEPOSIT_WALLET": wallet.derive_beacon_deposit_wallet_address(ADDRESS, config),
    }
    for signature_type, (name, address) in enumerate(addresses.items()):
        kind = wallet_kind(KEY, address.lower())
        assert kind is not None
        assert (kind.name, kind.signature_type) == (name, signature_type)
    assert wallet_kind(KEY, None) == attrs.evolve(wallet_kind(KEY, ADDRESS), address=ADDRESS)
    assert wallet_kind(KEY, "0x" + "12" * 20) is None


@pytest.mark.parametrize(
    ("name", "has_code", "outcome", "word"),
    [
        ("EOA", False, PASS, "no contract"),
        ("EOA", True, PASS, "code on the chain"),
        ("GNOSIS_SAFE", True, WARN, "relayer"),
        ("POLY_PROXY", False, FAIL, "not on the chain"),
    ],
)
@against()
async def test_a_contract_must_be_on_the_chain(
    exchange: LocalExchange,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    has_code: bool,
    outcome: object,
    word: str,
) -> None:
    async def code(_client: VenueClient) -> bool:
        return has_code

    def kind_of(_key: str, _wallet: str | None) -> Any:
        kind = wallet_kind(KEY, None)
        assert kind is not None
        types = {"EOA": 0, "POLY_PROXY": 1, "GNOSIS_SAFE": 2}
        return attrs.evolve(kind, name=name, signature_type=types[name])

    monkeypatch.setattr(VenueClient, "has_code", code)
    monkeypatch.setattr(account_module, "wallet_kind", kind_of)
    found = await look_at_account(subject(live_at(exchange), tmp_path))
    assert (found["wallet"].outcome, word in found["wallet"].sentence) == (outcome, True)
