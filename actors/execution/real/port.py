"""The real executor's port: private key, credentials, client and user channel, in one thread.

The private key exists only here. The price feed gets a copy of the API credentials, but not by a
message. Both are removed from everything that is passed to the core, including errors. An
unexpected exception is raised again with nothing but its redacted text.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from functools import partial
from typing import Any

import httpx
from polymarket.errors import (
    OrderHeartbeatMismatchError,
    PolymarketError,
    RateLimitError,
    RequestRejectedError,
    TransportError,
    UnexpectedResponseError,
    UserInputError,
)

from actors.execution.real.client import VenueClient, WalletNotOurs
from actors.execution.real.messages import (
    AccountRead,
    AccountRows,
    AccountUnread,
    CancelAll,
    CancelAnswered,
    CancelFailed,
    CancelOrders,
    ClaimFailed,
    ClaimHoldings,
    ClientFailed,
    ClientReady,
    HeartbeatAnswered,
    HeartbeatFailed,
    HoldingsClaimed,
    OpenClient,
    PostOrder,
    PostRefused,
    PostUnclear,
    ReadAccount,
    SendHeartbeat,
    SigningFailed,
    SignOrder,
    SubscribeUser,
)
from actors.execution.real.venue_rules import read_answer
from actors.feeds.connection import SendText
from actors.feeds.polybolt import ApiCredentials
from actors.feeds.port import WebSocketPort
from actors.redaction import Redactor
from actors.retry_after import bounded_wait_ms
from actors.settings import VenueSettings

_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""Failures to connect, after which nothing can have been sent."""
_CLOSE_LIMIT_S = 1.0
_ANSWER_LIMIT_S = 30.0
"""Every request of the client is answered, or has failed, by then."""


class BrokenPort(Exception):
    """A bug in the port; its text is redacted."""


class VenuePort(WebSocketPort):
    """Performs the real executor's commands; the user channel is an ordinary websocket."""

    def __init__(
        self,
        venue: VenueSettings,
        wallet: str | None,
        private_key: str,
        hand_over: Callable[[ApiCredentials], None] | None = None,
    ) -> None:
        """Make the port; ``hand_over`` is called with every new set of API credentials."""
        super().__init__()
        self._hand_over = hand_over
        self._venue = venue
        self._wallet = wallet
        self._private_key = private_key
        self._redactor = Redactor()
        self._redactor.add(private_key)
        self._client: VenueClient | None = None

    def perform(self, command: object) -> None:
        """Start a command.

        Raises:
            TypeError: the command does not belong to this port.
        """
        work = self._work(command)
        if work is not None:
            self._io.submit(self._cleaned(work))
        elif isinstance(command, SubscribeUser):
            super().perform(SendText(self._ready.user_channel_text))
        else:
            super().perform(command)

    def close(self) -> None:
        """Close all connections and end the thread."""
        client, self._client = self._client, None
        if client is not None:
            closing = self._io.submit(self._cleaned(client.close()))
            with contextlib.suppress(TimeoutError):  # the thread ends, and the kernel closes them
                closing.exception(_CLOSE_LIMIT_S)
        super().close()

    def _work(self, command: object) -> Coroutine[Any, Any, None] | None:
        match command:
            case OpenClient():
                return self._open()
            case SignOrder():
                return self._sign(command)
            case PostOrder():
                return self._post(command)
            case CancelOrders(venue_order_ids):
                return self._cancel(venue_order_ids)
            case CancelAll():
                return self._cancel(())
            case ReadAccount():
                return self._read(command)
            case SendHeartbeat(heartbeat_id):
                return self._beat(heartbeat_id)
            case ClaimHoldings():
                return self._claim(command)
        return None

    @property
    def _ready(self) -> VenueClient:
        if self._client is None:
            raise BrokenPort("the client was used before it was opened")
        return self._client

    # On the I/O thread

    async def _cleaned(self, work: Awaitable[None]) -> None:
        """Await work, and redact any exception: its text, and no chained exceptions."""
        try:
            await work
        except asyncio.CancelledError:
            raise
        except Exception as bug:
            raise BrokenPort(self._redactor.clean(_text(bug))) from None

    def _clean(self, text: str) -> str:
        return self._redactor.clean(text)

    def _report(self, event: object) -> None:
        """Send an event to the core, redacted because the venue may echo what it was sent."""
        self._io.post(self._redactor.cleaned(event))

    async def _open(self) -> None:
        try:
            client = await VenueClient.open(self._venue, self._private_key, self._wallet)
        except (PolymarketError, WalletNotOurs) as problem:
            self._report(ClientFailed(_text(problem), is_refused=_is_refusal(problem)))
            return
        self._redactor.add(*client.secrets)
        if self._hand_over is not None:
            self._hand_over(client.api_credentials)
        old, self._client = self._client, client
        self._io.post(ClientReady(wallet=client.wallet, owner=client.owner))
        if old is not None:
            await asyncio.sleep(_ANSWER_LIMIT_S)
            await old.close()

    def _is_denied(self, problem: BaseException, client: VenueClient) -> bool:
        """Return whether the venue refused the credentials that are still in use."""
        is_401 = isinstance(problem, RequestRejectedError) and problem.status == 401
        return is_401 and client is self._client

    async def _sign(self, command: SignOrder) -> None:
        order_id = command.order_id
        try:
            signed = await self._ready.sign(command)
        except PolymarketError as problem:
            # What the client refuses to build stays refused; a failed read may succeed later.
            may_retry = not isinstance(problem, UserInputError)
            reason = _text(problem)
            self._report(SigningFailed(order_id=order_id, reason=reason, may_retry=may_retry))
            return
        self._io.post(signed)

    async def _post(self, command: PostOrder) -> None:
        order_id, client = command.order_id, self._ready
        if command.refreshed_token:
            await self._refresh(command.refreshed_token)
        try:
            body = await client.post(command.payload)
        except RateLimitError as limit:
            self._report(
                PostRefused(
                    order_id=order_id,
                    status=429,
                    text=_text(limit),
                    retry_after_ms=_retry_after_ms(limit),
                )
            )
        except RequestRejectedError as refusal:
            self._report(
                PostRefused(
                    order_id=order_id,
                    status=refusal.status,
                    text=str(refusal),
                    code=refusal.code or "",
                    retry_after_ms=_retry_after_ms(refusal),
                    is_unauthorized=self._is_denied(refusal, client),
                )
            )
        except TransportError as failure:
            reason = _text(failure)
            if isinstance(failure.__cause__, _NOT_SENT):
                self._report(PostRefused(order_id=order_id, status=0, text=reason))
            else:
                self._report(PostUnclear(order_id=order_id, reason=reason))
        except Exception as problem:  # whatever it is, the bytes may have been sent
            self._report(PostUnclear(order_id=order_id, reason=_text(problem)))
        else:
            self._report(read_answer(order_id, self._redactor.cleaned(body)))

    async def _refresh(self, token: str) -> None:
        try:
            await self._ready.refresh_balance(token)
        except PolymarketError:
            return  # the order is posted anyway, and the venue checks the balance

    async def _cancel(self, venue_order_ids: tuple[str, ...]) -> None:
        client = self._ready
        try:
            answer = await client.cancel(venue_order_ids)
            canceled = tuple(str(each) for each in answer.get("canceled") or ())
            refused = dict(answer.get("not_canceled") or {})
        except (PolymarketError, TypeError, ValueError) as problem:
            self._report(
                CancelFailed(
                    venue_order_ids=venue_order_ids,
                    reason=_text(problem),
                    retry_after_ms=_retry_after_ms(problem),
                    is_unauthorized=self._is_denied(problem, client),
                )
            )
            return
        self._report(
            CancelAnswered(
                venue_order_ids=venue_order_ids,
                canceled=canceled,
                not_canceled=tuple((str(each), str(why)) for each, why in refused.items()),
            )
        )

    async def _read(self, command: ReadAccount) -> None:
        client = self._ready
        read: AccountRead | AccountUnread
        try:
            read = await self._account(command, client)
        except PolymarketError as problem:
            read = AccountUnread(
                read_id=command.read_id,
                reason=self._clean(_text(problem)),
                retry_after_ms=_retry_after_ms(problem),
                is_unauthorized=self._is_denied(problem, client),
            )
        self._io.post(read)

    async def _account(self, command: ReadAccount, client: VenueClient) -> AccountRead:
        """Read orders, then open orders, then trades, so that no trade is missed."""
        rows = AccountRows()
        for venue_order_id in command.venue_order_ids:
            with self._skipping_refused(partial(rows.leave_out, venue_order_id=venue_order_id)):
                rows.add_order(venue_order_id, await client.order(venue_order_id))
        readers = {"/data/orders": rows.add_open_orders, "/data/trades": rows.add_trades}
        for path, add in readers.items():
            for market_id in command.market_ids:
                with self._skipping_refused(partial(rows.leave_out, market_id=market_id)):
                    add(market_id, await client.rows(path, market_id))
        for token in command.balances_of:
            with self._skipping_refused(partial(rows.leave_out_balance, of=token)):
                rows.balances.append((token, await client.balance_units(token)))
        cash_units = None
        if command.with_cash:
            with self._skipping_refused(partial(rows.leave_out_balance, of="the account's cash")):
                cash_units = await client.cash_units()
        return rows.reading(command.read_id, cash_units)

    @contextlib.contextmanager
    def _skipping_refused(self, leave_out: Callable[[str], None]) -> Iterator[None]:
        """Leave out one row or market that the venue refuses while it answers others (F30)."""
        try:
            yield
        except PolymarketError as problem:
            if not _is_of_one_row(problem):
                raise
            leave_out(self._clean(_text(problem)))

    async def _beat(self, heartbeat_id: str) -> None:
        client = self._ready
        try:
            self._io.post(HeartbeatAnswered(await client.beat(heartbeat_id)))
        except OrderHeartbeatMismatchError as mismatch:
            self._report(HeartbeatFailed(_text(mismatch), mismatch.heartbeat_id))
        except PolymarketError as problem:
            is_denied = self._is_denied(problem, client)
            self._report(HeartbeatFailed(_text(problem), is_unauthorized=is_denied))

    async def _claim(self, command: ClaimHoldings) -> None:
        market_id, client = command.market_id, self._ready
        try:
            if command.pairs_units:
                await client.merge(market_id, command.pairs_units)
            else:
                await client.redeem(market_id)
        except Exception as problem:  # of client, chain or relayer: it is retried
            self._report(ClaimFailed(market_id=market_id, reason=_text(problem)))
            return
        self._io.post(HoldingsClaimed(market_id))


def _text(problem: BaseException) -> str:
    return f"{type(problem).__name__}: {problem}"


def _is_of_one_row(problem: BaseException) -> bool:
    if isinstance(problem, RequestRejectedError):
        return problem.status in (400, 404, 410, 422)
    return isinstance(problem, UnexpectedResponseError)


def _is_refusal(problem: BaseException) -> bool:
    """Return whether requesting credentials again soon would be pointless."""
    if isinstance(problem, RequestRejectedError):
        return problem.status in (400, 401, 403)
    return isinstance(problem, WalletNotOurs | UserInputError)


def _retry_after_ms(problem: BaseException) -> int | None:
    if isinstance(problem, RateLimitError | RequestRejectedError):
        return bounded_wait_ms(problem.retry_after)
    return None
