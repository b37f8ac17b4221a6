"""Places one minimal order far from the market, finds it, cancels it, and checks that it is gone.

Only this proves that the venue accepts this account's orders. Any doubt on the way ends in a cancel
by the order's id, which is known before anything is sent. A signal that asks for the end (F32) only
shortens the waiting: the order is cancelled first. If this process is killed, the venue ends the
order by itself within minutes.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal

import attrs
from polymarket.errors import PolymarketError, RateLimitError, RequestRejectedError

from actors.directory.gamma import MarketRefused
from actors.execution.real.client import VenueClient, WalletNotOurs
from actors.execution.real.messages import (
    AccountRows,
    OrderSigned,
    PostAnswered,
    PostRefused,
    PostUnclear,
    SignOrder,
)
from actors.execution.real.user_channel import order_ids_of
from actors.execution.real.venue_rules import Meaning, meaning_of, read_answer
from actors.model import Action, Market, Side, TimeInForce
from actors.units import TICKS_PER_DOLLAR, dollars_text, price_text, size_text
from understudy.credentials.private_key import read_private_key
from understudy.doctor.account import account
from understudy.doctor.findings import CheckOutcome, Finding, failed, passed, warned
from understudy.doctor.network import Unreachable, fetch
from understudy.doctor.sight import FoundMarket, NoSuchWindow, VenueSight
from understudy.doctor.subject import Subject, host_of
from understudy.processes.end_signals import EndSignals

PLACE, SEE, CANCEL, GONE = "order placed", "order seen", "order cancelled", "order gone"

PRICE_TICKS = 10
DISTANCE_TICKS = 100
"""The best ask must be this much higher, otherwise the other outcome is used."""
LIFE_S = 200
"""An order must have a life of at least three minutes; the venue ends it one minute early."""
LEAST_LEFT_MS = 60_000
"""A window that ends sooner is skipped for the next one."""
STEP_LIMIT_S = 8.0
_ASK_EVERY_S = 0.25
_ENDED_BY_VENUE_EARLY_S = 60
_AGAIN = "run the order test again"
_NOTHING_SENT = (
    PolymarketError,
    WalletNotOurs,
    Unreachable,
    NoSuchWindow,
    MarketRefused,
    TimeoutError,
)
"""Errors possible before the order is posted; afterwards nothing is raised."""


@attrs.frozen(kw_only=True)
class _Probe:
    """The signed order, and its description."""

    order: SignOrder
    market: Market
    signed: OrderSigned
    expires_at_s: int

    @property
    def order_id(self) -> str:
        return self.signed.venue_order_id

    @property
    def words(self) -> str:
        side = self.market.side(self.order.token).value
        size, price = size_text(self.order.size_units), price_text(self.order.price_ticks)
        cost = dollars_text(self.order.size_units * self.order.price_ticks)
        return f"{size} {side} of {self.market.slug} at ${price}, ${cost} in all"

    @property
    def ends_by_itself(self) -> str:
        at = datetime.fromtimestamp(self.expires_at_s - _ENDED_BY_VENUE_EARLY_S, UTC)
        return f"the venue ends it by itself at {at:%H:%M:%S} UTC"


async def run_order_test(subject: Subject, sight: VenueSight) -> list[Finding]:
    """Place, find, cancel, and check it is gone; return a finding for each step reached."""
    key = read_private_key(subject.variables)
    signals = EndSignals()
    # Python delivers signals to the main thread only; elsewhere there is nothing to survive.
    is_main = threading.current_thread() is threading.main_thread()
    try:
        with signals if is_main else contextlib.nullcontext():
            async with account(subject, key) as client:
                probe = await _prepared(subject, sight, client)
                return await _Test(client, probe, subject, signals).run()
    except _NOTHING_SENT as problem:
        sentence = f"nothing was sent: {_text(problem)}"
        return [failed(PLACE, sentence, "see the lines above, then try again")]


async def _prepared(subject: Subject, sight: VenueSight, client: VenueClient) -> _Probe:
    """Choose market and outcome, and sign.

    Raises:
        Unreachable: a book cannot be read, or both outcomes are too cheap.
        NoSuchWindow: there is no market.
        MarketRefused: it cannot be traded.
        PolymarketError: the order cannot be built.
    """
    found = await _window(sight)
    token = await _far_token(subject, found.market)
    # The client uses the host's time, the venue its own.
    expires_at_s = max(found.now_ms, subject.wall_ms()) // 1000 + LIFE_S
    order = SignOrder(
        order_id="doctor",
        token=token,
        action=Action.BUY,
        price_ticks=PRICE_TICKS,
        size_units=found.market.minimum_size_units,
        time_in_force=TimeInForce.GTD,
        is_post_only=True,
        venue_expiry_s=expires_at_s,
    )
    signed = await client.sign(order)
    return _Probe(order=order, market=found.market, signed=signed, expires_at_s=expires_at_s)


async def _window(sight: VenueSight) -> FoundMarket:
    found = await sight.market_ahead(0)
    is_ending = found.market.closes_at_ms - found.now_ms < LEAST_LEFT_MS
    return await sight.market_ahead(1) if is_ending else found


async def _far_token(subject: Subject, market: Market) -> str:
    base_url = subject.settings.venue.clob_url.rstrip("/")
    for side in Side:
        token = market.token(side)
        answer = await fetch(f"{base_url}/book?token_id={token}")
        if answer.status != 200:
            raise Unreachable(f"{host_of(base_url)} answered {answer.status} for the book")
        asks = [Decimal(level["price"]) for level in json.loads(answer.body)["asks"]]
        if min(asks, default=Decimal(1)) * TICKS_PER_DOLLAR >= PRICE_TICKS + DISTANCE_TICKS:
            return token
    raise Unreachable(
        f"both outcomes of {market.slug} are sold too near ${price_text(PRICE_TICKS)}"
    )


class _Test:
    """The steps of one order; once it is posted, it is always cancelled."""

    def __init__(
        self, client: VenueClient, probe: _Probe, subject: Subject, signals: EndSignals
    ) -> None:
        self._client = client
        self._signals = signals
        self._probe = probe
        self._clean = subject.redactor.clean
        self._findings: list[Finding] = []

    async def run(self) -> list[Finding]:
        """Run all steps; whatever interrupts or fails, the cancel is sent."""
        if self._signals.name:
            sentence = f"nothing was sent: {self._signals.name} asked for the end"
            return [failed(PLACE, sentence, _AGAIN)]
        may_be_there = True
        try:
            answer = await self._post()
            may_be_there = not (isinstance(answer, PostRefused) and _was_not_taken(answer))
            self._findings.append(self._placed(answer))
            if not may_be_there:
                return self._findings
            self._findings.append(await self._seen())
        finally:
            if may_be_there:
                self._findings.append(await self._cancel())
        was_there = any(each.outcome is CheckOutcome.PASS for each in self._findings[-2:])
        self._findings.append(await self._gone(was_there=was_there))
        return self._findings

    async def _post(self) -> PostAnswered | PostRefused | PostUnclear:
        order_id = self._probe.order_id
        try:
            async with asyncio.timeout(STEP_LIMIT_S):
                body = await self._client.post(self._probe.signed.payload)
        except RateLimitError as limit:
            return PostRefused(order_id=order_id, status=429, text=str(limit))
        except RequestRejectedError as refusal:
            code = refusal.code or ""
            return PostRefused(
                order_id=order_id, status=refusal.status, text=str(refusal), code=code
            )
        except Exception as problem:  # whatever it is, the order may have been sent
            return PostUnclear(order_id=order_id, reason=_text(problem))
        return read_answer(order_id, body)

    def _placed(self, answer: PostAnswered | PostRefused | PostUnclear) -> Finding:
        probe = self._probe
        match answer:
            case PostAnswered(status="live"):
                return passed(PLACE, f"{probe.words}; {probe.ends_by_itself}")
            case PostAnswered(status=status):
                sentence = f"{probe.words}: answered {status}, though it may only rest"
                return failed(PLACE, sentence, "see below what became of it")
            case PostRefused(text=text) if _was_not_taken(answer):
                return failed(
                    PLACE, f"{probe.words}: refused: {self._clean(text)}", _advice(answer)
                )
            case PostRefused(text=reason) | PostUnclear(reason=reason):
                sentence = f"{probe.words}: no clear answer ({self._clean(reason)})"
                return warned(PLACE, sentence, "see below what became of it")

    async def _seen(self) -> Finding:
        order_id = self._probe.order_id
        if await self._until(self._is_open, is_cut_short=True):
            return passed(SEE, f"{order_id} is among the open orders")
        if self._signals.name:
            return failed(SEE, f"not looked for: {self._signals.name} asked for the end", _AGAIN)
        return failed(
            SEE,
            f"{order_id} was not among the open orders for {STEP_LIMIT_S:g} s",
            "see below; it is cancelled by its id all the same",
        )

    async def _cancel(self) -> Finding:
        """Cancel by id until the venue says that nothing is left to cancel."""
        order_id, outcome = self._probe.order_id, "there was no answer"

        async def is_cancelled() -> bool:
            nonlocal outcome
            answer = await self._client.cancel((order_id,))
            if order_id in [str(each).lower() for each in answer.get("canceled") or ()]:
                outcome = "cancelled"
                return True
            refused = {
                str(each).lower(): why for each, why in (answer.get("not_canceled") or {}).items()
            }
            outcome = str(refused.get(order_id, "the answer does not name it"))
            return False

        if await self._until(is_cancelled):
            return passed(CANCEL, f"the venue says that {order_id} is cancelled")
        return warned(
            CANCEL,
            f"{order_id} was not cancelled: {self._clean(outcome)}",
            f"see below; {self._probe.ends_by_itself}",
        )

    async def _gone(self, *, was_there: bool) -> Finding:
        """Report the final state: open or not, and what it has traded.

        Args:
            was_there: it was seen, or its cancel was confirmed. Otherwise it may still arrive.
        """
        probe = self._probe

        async def is_closed() -> bool:
            return not await self._is_open()

        is_gone = await self._until(is_closed)
        try:
            async with asyncio.timeout(STEP_LIMIT_S):
                rows = await self._client.rows("/data/trades", probe.market.market_id)
        except (PolymarketError, TimeoutError) as problem:
            sentence = f"{probe.order_id}: its trades cannot be read: {self._clean(_text(problem))}"
            return failed(GONE, sentence, _look_yourself(probe))
        read = AccountRows()
        read.add_trades(probe.market.market_id, rows)
        if any(probe.order_id in order_ids_of(trade) for trade in read.trades):
            sentence = f"{probe.order_id} has traded, though it was far from the market"
            return failed(GONE, sentence, "the account holds shares now: look at it at the venue")
        if read.unread:
            sentence = f"{probe.order_id}: a trade cannot be read: {read.unread[0].reason}"
            return failed(GONE, sentence, _look_yourself(probe))
        if not is_gone:
            return failed(GONE, f"{probe.order_id} may still be open", _look_yourself(probe))
        if not was_there:
            sentence = f"the venue shows no trace of {probe.order_id}, which may yet arrive"
            return warned(GONE, sentence, _look_yourself(probe))
        return passed(GONE, "it is no longer among the open orders, and has traded nothing")

    async def _is_open(self) -> bool:
        market_id = self._probe.market.market_id
        read = AccountRows()
        read.add_open_orders(market_id, await self._client.rows("/data/orders", market_id))
        return any(order.order_id == self._probe.order_id for order in read.open_orders)

    async def _until(
        self, is_so: Callable[[], Awaitable[bool]], *, is_cut_short: bool = False
    ) -> bool:
        """Ask repeatedly, for a while; a missing answer counts as no.

        Args:
            is_so: the question.
            is_cut_short: stop asking once a signal asks for the end.
        """
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + STEP_LIMIT_S
        while (left_s := ends_at - loop.time()) > 0:
            if is_cut_short and self._signals.name:
                return False
            try:
                async with asyncio.timeout(left_s):
                    if await is_so():
                        return True
            except (PolymarketError, TimeoutError):
                left_s = ends_at - loop.time()  # asked again while there is time
            await asyncio.sleep(_ASK_EVERY_S)
        return False


def _was_not_taken(refused: PostRefused) -> bool:
    return meaning_of(refused) not in (Meaning.UNCLEAR, Meaning.KNOWN)


def _look_yourself(probe: _Probe) -> str:
    return f"look at the account's open orders at the venue; {probe.ends_by_itself}"


def _advice(refused: PostRefused) -> str:
    if meaning_of(refused) is Meaning.HELD:
        return "the venue takes no orders now: try again in some minutes"
    if meaning_of(refused) is Meaning.LAGGING:
        return "see the lines on balance and allowance"
    if refused.status == 403:
        return "see the line on geoblock"
    return "the venue's words say what is wrong; nothing is left there"


def _text(problem: Exception) -> str:
    return str(problem) or type(problem).__name__
