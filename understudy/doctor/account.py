"""Checks of the account: credentials, the kind of wallet, balance, and allowances.

Imports the venue's client, which takes a second: only live mode does.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from polymarket.errors import PolymarketError, RequestRejectedError

from actors.execution.real.client import (
    KeyNotAnAccount,
    VenueClient,
    WalletKind,
    WalletNotOurs,
    wallet_kind,
)
from actors.model import Action, Market
from actors.units import (
    NANOS_PER_DOLLAR,
    PAYOUT_TICKS,
    UNITS_PER_SHARE,
    dollars_text,
    shares,
    taker_fee_nanos,
)
from understudy.credentials.private_key import KeyUnavailable, PrivateKey, read_private_key
from understudy.doctor.findings import (
    ACCOUNT_NAMES,
    ALLOWANCE,
    BALANCE,
    CREDENTIALS,
    WALLET,
    Finding,
    failed,
    passed,
    skipped,
    warned,
)
from understudy.doctor.sight import VenueSight
from understudy.doctor.subject import Subject, host_of

OPEN_LIMIT_S = 6.0
"""The venue's client itself would wait longer than the doctor may take."""

_NANOS_PER_CASH_UNIT = NANOS_PER_DOLLAR // UNITS_PER_SHARE
_SMALLEST_NANOS = NANOS_PER_DOLLAR
"""The venue accepts no marketable order below a dollar."""
_DEAREST_TICKS = PAYOUT_TICKS - 10
_USUAL_FEE_BPS = 700

_KINDS = {
    "EOA": "the key's own address",
    "POLY_PROXY": "a proxy wallet of the key",
    "GNOSIS_SAFE": "a Safe of the key",
    "DEPOSIT_WALLET": "a deposit wallet of the key",
}


async def check_account(subject: Subject, sight: VenueSight) -> tuple[Finding, ...]:
    """Read the key, get credentials with it, and check the account."""
    try:
        key = read_private_key(subject.variables)
    except KeyUnavailable as problem:
        advice = "keep the key in a file that only this user can read: chmod 600 FILE"
        return failed(CREDENTIALS, str(problem), advice), *_unseen(
            "there is no key", *ACCOUNT_NAMES[1:]
        )
    subject.redactor.add(key.text)
    try:
        kind = wallet_kind(key.text, subject.settings.execution.wallet)
    except KeyNotAnAccount:
        advice = "look at what the file or variable holds; the account's website exports its key"
        sentence = "the private key is a number that no account has"
        return failed(CREDENTIALS, sentence, advice), *_unseen(
            "there is no key", *ACCOUNT_NAMES[1:]
        )
    if kind is None:
        return _foreign_wallet(subject)
    try:
        async with account(subject, key) as client:
            return (
                passed(
                    CREDENTIALS, f"{host_of(subject.settings.venue.clob_url)} gave API credentials"
                ),
                await _wallet(kind, client),
                *await _funds(subject, sight, client),
            )
    except (PolymarketError, WalletNotOurs, TimeoutError) as problem:
        reason = str(problem) or f"no answer within {OPEN_LIMIT_S:g} s"
        refused = failed(CREDENTIALS, f"no API credentials: {reason}", _advice(problem))
        return (
            refused,
            passed(WALLET, f"{_wallet_text(kind)}; the chain was not asked"),
            *_unseen("there are no credentials", *ACCOUNT_NAMES[2:]),
        )


@contextlib.asynccontextmanager
async def account(subject: Subject, key: PrivateKey) -> AsyncIterator[VenueClient]:
    """Open the account for the length of a block; its secrets are registered with the redactor.

    Raises:
        WalletNotOurs: the wallet is not the key's.
        PolymarketError: the venue gives no credentials, or cannot be reached.
        TimeoutError: it does not answer.
    """
    settings = subject.settings
    async with asyncio.timeout(OPEN_LIMIT_S):
        client = await VenueClient.open(settings.venue, key.text, settings.execution.wallet)
    try:
        subject.redactor.add(*client.secrets)
        yield client
    finally:
        await client.close()


def largest_order_nanos(subject: Subject, market: Market | None) -> int:
    """The most that one purchase may cost: the largest size at the highest price, with the fee."""
    settings = subject.settings
    size_units = shares(max(plan.strategy.max_trade_shares for plan in settings.plans))
    limit_dollars = max(plan.risk.max_order_dollars for plan in settings.plans)
    value_nanos = min(_DEAREST_TICKS * size_units, limit_dollars * NANOS_PER_DOLLAR)
    fee_rate_bps = _USUAL_FEE_BPS if market is None else market.fee_rate_bps
    return value_nanos + taker_fee_nanos(_DEAREST_TICKS, size_units, fee_rate_bps)


def _unseen(why: str, *names: str) -> tuple[Finding, ...]:
    return tuple(skipped(name, why) for name in names)


def _foreign_wallet(subject: Subject) -> tuple[Finding, ...]:
    wallet = subject.settings.execution.wallet
    why = "the wallet is not this key's"
    return (
        *_unseen(why, CREDENTIALS),
        failed(
            WALLET,
            f"{wallet} is neither the key's own address nor a proxy, Safe or deposit wallet of it",
            "use the key that owns it, or set execution.wallet to the address that the venue's "
            "website shows for this key",
        ),
        *_unseen(why, BALANCE, ALLOWANCE),
    )


def _advice(problem: Exception) -> str:
    status = problem.status if isinstance(problem, RequestRejectedError) else 0
    if status == 401:
        return "check that the host's clock is right and the key is the account's"
    if status == 403:
        return "see the line on geoblock"
    return "see the lines on clob and clock; then try again"


def _wallet_text(kind: WalletKind) -> str:
    return f"{kind.address} is {_KINDS[kind.name]}, signature type {kind.signature_type}"


async def _wallet(kind: WalletKind, client: VenueClient) -> Finding:
    words, is_contract = _wallet_text(kind), kind.signature_type != 0
    try:
        has_code = await client.has_code()
    except PolymarketError:
        return passed(WALLET, f"{words}; the chain did not tell whether it is a contract")
    if is_contract and not has_code:
        advice = "trade once on the venue's website, which puts the wallet on the chain"
        return failed(WALLET, f"{words}, and is not on the chain yet", advice)
    if is_contract:
        return warned(
            WALLET,
            f"{words}, a contract: it merges and redeems through the venue's relayer only",
            "redeem on the venue's website when a window is over, unless it does so by itself",
        )
    return passed(WALLET, f"{words}{', with code on the chain' if has_code else ', no contract'}")


async def _funds(
    subject: Subject, sight: VenueSight, client: VenueClient
) -> tuple[Finding, Finding]:
    market = await sight.market()
    most_nanos = largest_order_nanos(subject, market)
    return await _balance(client, most_nanos), await _allowance(client, market, most_nanos)


async def _balance(client: VenueClient, most_nanos: int) -> Finding:
    try:
        cash_nanos = await client.cash_units() * _NANOS_PER_CASH_UNIT
    except PolymarketError as problem:
        return failed(BALANCE, f"it cannot be read: {problem}", "see the line on clob")
    has, needs = f"the account has ${_cents(cash_nanos)}", f"${_cents(most_nanos)}"
    advice = "deposit pUSD, or lower strategy.max_trade_shares"
    if cash_nanos < _SMALLEST_NANOS:
        return failed(BALANCE, f"{has}, less than the venue's smallest order", advice)
    if cash_nanos < most_nanos:
        return warned(BALANCE, f"{has}; the largest order may cost {needs}", advice)
    return passed(BALANCE, f"{has}; the largest order may cost {needs}")


async def _allowance(client: VenueClient, market: Market | None, most_nanos: int) -> Finding:
    if market is None:
        return skipped(ALLOWANCE, "without a market it is unknown which contract it is for")
    try:
        money_units = await client.allowance_units(market.yes_token, Action.BUY)
        share_units = await client.allowance_units(market.yes_token, Action.SELL)
    except PolymarketError as problem:
        return failed(ALLOWANCE, f"it cannot be read: {problem}", "see the line on clob")
    advice = (
        "approve the exchange for pUSD and for outcome shares: trade once on the venue's website "
        "with this account, or send the approvals from the wallet"
    )
    money_nanos = money_units * _NANOS_PER_CASH_UNIT
    if money_nanos < _SMALLEST_NANOS:
        return failed(ALLOWANCE, "the exchange may not take money from the account", advice)
    if money_nanos < most_nanos:
        allowed = f"the exchange may take only ${_cents(money_nanos)} from the account"
        return warned(ALLOWANCE, allowed, advice)
    if share_units < market.minimum_size_units:
        return warned(ALLOWANCE, "the exchange may not take shares: nothing can be sold", advice)
    return passed(ALLOWANCE, "the exchange may take money and shares from the account")


def _cents(nanos: int) -> str:
    """Write dollars, truncated to cents."""
    return dollars_text(nanos // 10_000_000 * 10_000_000)
