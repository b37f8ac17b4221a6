"""Checks of the two price services, and from which of them a run would take its strikes."""

from __future__ import annotations

import asyncio
import contextlib
import time

import attrs

from actors.feeds.polybolt import (
    ApiCredentials,
    CredentialsUnavailable,
    FoundCredentials,
    PolyBoltProtocol,
    auth_text,
)
from actors.feeds.price_protocol import PriceProtocol, Received
from actors.feeds.rtds import RtdsProtocol, subscribe_text
from actors.messages.feeds import TwapTick
from understudy.credentials.price_feed import (
    FILE_VARIABLE,
    PART_VARIABLES,
    find_credentials,
    unsafe_address,
)
from understudy.credentials.private_key import KeyUnavailable, read_private_key
from understudy.display.wording import reference_label
from understudy.doctor.findings import Finding, failed, passed, skipped, warned
from understudy.doctor.network import Unreachable, stream
from understudy.doctor.sight import VenueSight
from understudy.doctor.subject import Subject, host_of

POLYBOLT = "polybolt"
RTDS = "rtds"
STRIKE = "strike source"
NAMES = (POLYBOLT, RTDS, STRIKE)

TICKS_LIMIT_S = 3.0
"""Either service publishes a tick each second."""
AGE_MS_WARN = 5_000
AGE_MS_FAIL = 10_000
"""After this long without data the feed uses the other service."""

_WAIT = "wait a minute and look again; no strike is proven while it lasts"
_NEW = "`understudy credentials new` makes some for prices only, which cost nothing"


@attrs.frozen(kw_only=True)
class _Heard:
    """The result of asking one service."""

    label: str
    opened: str = ""
    """How it opened; empty if it did not."""
    tick: TwapTick | None = None
    age_ms: int = 0
    trouble: str = ""
    """Why it cannot be used; empty if it can."""
    advice: str = ""
    cause: str = ""

    @property
    def serves(self) -> bool:
        """Whether a run could take strikes from it."""
        return not self.trouble and self.tick is not None and self.age_ms <= AGE_MS_FAIL

    @property
    def words(self) -> str:
        """Describe the newest average."""
        if self.tick is None:
            return f"no average came in {TICKS_LIMIT_S:g} s"
        return (
            f"the {self.tick.window_s}-second average is "
            f"{reference_label(self.tick.price_e18)}, {max(0, self.age_ms) / 1000:.1f} s old"
        )


async def check_prices(subject: Subject, sight: VenueSight) -> tuple[Finding, Finding, Finding]:
    """Ask both services for the newest average, and say which one a run would use."""
    source = subject.settings.venue.price_source
    polybolt, rtds = await asyncio.gather(
        _ask_polybolt(subject, sight) if source != RTDS else _nothing(),
        _ask_rtds(subject, sight) if source != POLYBOLT else _nothing(),
    )
    other_serves = (rtds is not None and rtds.serves, polybolt is not None and polybolt.serves)
    return (
        _finding(POLYBOLT, polybolt, source, other_serves=other_serves[0]),
        _finding(RTDS, rtds, source, other_serves=other_serves[1]),
        _strike([each for each in (polybolt, rtds) if each is not None]),
    )


async def _nothing() -> None:
    """Ask no service."""


def _finding(name: str, heard: _Heard | None, source: str, *, other_serves: bool) -> Finding:
    if heard is None:
        return skipped(name, f'not asked: venue.price_source is "{source}"')
    found_bad = warned if other_serves else failed
    if heard.trouble:
        return found_bad(name, heard.trouble, heard.advice, heard.cause)
    words = f"{heard.opened}; {heard.words}"
    if not heard.serves:
        return found_bad(name, f"{words}: it is open but does not advance", _WAIT)
    return warned(name, words, _WAIT) if heard.age_ms > AGE_MS_WARN else passed(name, words)


def _strike(heard: list[_Heard]) -> Finding:
    used = next((each for each in heard if each.serves), None)
    if used is None:
        causes = {each.cause for each in heard if each.cause}
        cause = causes.pop() if len(causes) == 1 else ""
        advice = f"see the lines above; {_WAIT}"
        return failed(STRIKE, "no service sends an average", advice, cause)
    sentence = f"{used.label} will be used: {used.words}"
    spare = [each.label for each in heard if each.serves and each is not used]
    if spare:
        sentence += f"; {spare[0]} stands by"
    if used.age_ms > AGE_MS_WARN:
        return warned(STRIKE, sentence, _WAIT)
    return passed(STRIKE, sentence)


async def _ask_rtds(subject: Subject, sight: VenueSight) -> _Heard:
    url, symbol = subject.settings.venue.rtds_ws_url, subject.settings.series.twap_symbol
    protocol = RtdsProtocol(symbol)
    return await _hear("RTDS", url, subscribe_text(symbol), protocol, sight, "venue.rtds_ws_url")


async def _ask_polybolt(subject: Subject, sight: VenueSight) -> _Heard:
    url, label = subject.settings.venue.polybolt_ws_url, "PolyBolt"
    try:
        found = await _credentials(subject)
    except CredentialsUnavailable as missing:
        return _Heard(label=label, trouble=str(missing), advice=_NEW)
    credentials = found.credentials
    subject.redactor.add(credentials.key, credentials.secret, credentials.passphrase)
    protocol = PolyBoltProtocol(subject.settings.series.polybolt_symbol)
    first = auth_text(credentials)
    heard = await _hear(label, url, first, protocol, sight, "venue.polybolt_ws_url")
    if heard.trouble:
        return heard
    return attrs.evolve(heard, opened=f"{heard.opened} and takes the credentials of {found.place}")


async def _credentials(subject: Subject) -> FoundCredentials:
    """Credentials as a run would have them; a live run requests its own with the key.

    Raises:
        CredentialsUnavailable: there are none.
    """
    unsafe = unsafe_address(subject.settings)
    if unsafe:
        raise CredentialsUnavailable(unsafe)
    is_named = any(subject.variables.get(name) for name in (FILE_VARIABLE, *PART_VARIABLES))
    if is_named or not subject.is_live:
        return find_credentials(subject.data_dir, subject.variables)
    return FoundCredentials(await _accounts_own(subject), "the account")


async def _accounts_own(subject: Subject) -> ApiCredentials:
    # They load the venue's client, which takes a second: only live mode does.
    from polymarket.errors import PolymarketError

    from actors.execution.real.client import KeyNotAnAccount, WalletNotOurs
    from understudy.doctor.account import account

    try:
        key = read_private_key(subject.variables)
        subject.redactor.add(key.text)
        async with account(subject, key) as client:
            return client.api_credentials
    except (KeyUnavailable, KeyNotAnAccount, PolymarketError, WalletNotOurs, TimeoutError):
        raise CredentialsUnavailable("no API credentials: see the line on credentials") from None


async def _hear(
    label: str, url: str, first: str, protocol: PriceProtocol, sight: VenueSight, key: str
) -> _Heard:
    """Send the first frame, and wait for a recent average."""
    began = time.monotonic()
    heard = _Heard(label=label)
    try:
        async with stream(url) as socket:
            opened = f"{host_of(url)} opens in {round((time.monotonic() - began) * 1000)} ms"
            heard = attrs.evolve(heard, opened=opened)
            await socket.send(first)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICKS_LIMIT_S):
                    while not heard.trouble and (heard.tick is None or heard.age_ms > AGE_MS_WARN):
                        said = protocol.receive(await socket.recv(decode=False))
                        for reply in said.replies:
                            await socket.send(reply)
                        heard = await _newer(heard, said, sight)
    except Unreachable as problem:
        advice = f"check the network, a firewall or proxy, and {key}"
        return attrs.evolve(heard, trouble=str(problem), advice=advice, cause=problem.cause)
    return heard


async def _newer(heard: _Heard, said: Received, sight: VenueSight) -> _Heard:
    if said.refusal:
        return attrs.evolve(heard, trouble=said.refusal, advice=_NEW)
    candidates = [*said.ticks, *([heard.tick] if heard.tick else [])]
    newest = max(candidates, key=lambda tick: tick.timestamp_ms, default=None)
    if newest is None:
        return heard
    return attrs.evolve(heard, tick=newest, age_ms=await sight.now_ms() - newest.timestamp_ms)
