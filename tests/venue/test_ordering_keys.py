from __future__ import annotations

import pytest

from venue.ordering.admission import RequestRefused
from venue.ordering.keys import CLOCK_TOLERANCE_S, ApiKey, KeyRing, request_signature

WALLET = "0x" + "a1" * 20
NOW_S = 1_795_363_200


def headers_for(api_key: ApiKey, body: str = "", **changes: str) -> dict[str, str]:
    signature = request_signature(api_key.secret, str(NOW_S), "POST", "/order", body)
    return {
        "POLY_ADDRESS": "0x" + "A1" * 20,
        "POLY_API_KEY": api_key.key,
        "POLY_PASSPHRASE": api_key.passphrase,
        "POLY_SIGNATURE": signature,
        "POLY_TIMESTAMP": str(NOW_S),
    } | changes


def test_a_request_proves_its_key_whatever_the_case_of_its_address() -> None:
    ring = KeyRing(1)
    api_key = ring.create(WALLET, 0)
    proved = ring.prove(headers_for(api_key, "{}"), "POST", "/order", "{}", NOW_S * 1000)
    assert proved == api_key


@pytest.mark.parametrize(
    "changes",
    [
        {"POLY_ADDRESS": "0x" + "b2" * 20},
        {"POLY_API_KEY": "another"},
        {"POLY_PASSPHRASE": "another"},
        {"POLY_SIGNATURE": "AAAA"},
        {"POLY_SIGNATURE": "ä"},
        {"POLY_TIMESTAMP": str(NOW_S + 1)},
        {"POLY_TIMESTAMP": "now"},
    ],
)
def test_a_request_with_anything_wrong_is_refused(changes: dict[str, str]) -> None:
    ring = KeyRing(1)
    headers = headers_for(ring.create(WALLET, 0), **changes)
    with pytest.raises(RequestRefused) as refused:
        ring.prove(headers, "POST", "/order", "", NOW_S * 1000)
    assert (refused.value.status, refused.value.error) == (401, "Unauthorized/Invalid api key")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("DELETE", "/order", ""), ("POST", "/orders", ""), ("POST", "/order", " ")],
)
def test_method_path_and_body_are_signed(method: str, path: str, body: str) -> None:
    ring = KeyRing(1)
    headers = headers_for(ring.create(WALLET, 0))
    with pytest.raises(RequestRefused):
        ring.prove(headers, method, path, body, NOW_S * 1000)


@pytest.mark.parametrize("skew_s", [-CLOCK_TOLERANCE_S, CLOCK_TOLERANCE_S])
def test_clocks_may_differ_a_little(skew_s: int) -> None:
    ring = KeyRing(1)
    headers = headers_for(ring.create(WALLET, 0))
    ring.prove(headers, "POST", "/order", "", (NOW_S + skew_s) * 1000)
    beyond_s = NOW_S + skew_s + (1 if skew_s > 0 else -1)
    with pytest.raises(RequestRefused):
        ring.prove(headers, "POST", "/order", "", beyond_s * 1000)


def test_a_key_is_created_once_and_derived_afterwards() -> None:
    ring = KeyRing(1)
    with pytest.raises(RequestRefused):
        ring.derive(WALLET, 0)
    api_key = ring.create(WALLET, 0)
    with pytest.raises(RequestRefused) as refused:
        ring.create(WALLET, 0)
    assert refused.value.status == 400
    assert ring.derive(WALLET, 0) == api_key
    assert ring.create(WALLET, 1) != api_key
    assert len(ring.of_wallet(WALLET)) == 2


def test_credentials_survive_a_restart_of_the_exchange() -> None:
    assert KeyRing(1).create(WALLET, 0) == KeyRing(1).create(WALLET, 0)
    assert KeyRing(1).create(WALLET, 0) != KeyRing(2).create(WALLET, 0)


def test_a_deleted_key_proves_nothing() -> None:
    ring = KeyRing(1)
    api_key = ring.create(WALLET, 0)
    ring.delete(api_key)
    with pytest.raises(RequestRefused):
        ring.prove(headers_for(api_key), "POST", "/order", "", NOW_S * 1000)
    assert ring.of_wallet(WALLET) == []


def test_all_three_credentials_open_the_user_channel() -> None:
    ring = KeyRing(1)
    api_key = ring.create(WALLET, 0)
    assert ring.with_credentials(api_key.key, api_key.secret, api_key.passphrase) == api_key
    assert ring.with_credentials(api_key.key, api_key.secret, "another") is None
    assert ring.with_credentials(api_key.key, "another", api_key.passphrase) is None
    assert ring.with_credentials("another", api_key.secret, api_key.passphrase) is None


def test_secrets_are_not_printed() -> None:
    api_key = KeyRing(1).create(WALLET, 0)
    assert api_key.secret not in repr(api_key)
    assert api_key.passphrase not in repr(api_key)
