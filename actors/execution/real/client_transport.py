"""Connections of the venue's client, which follow ``actors.proxies`` like all others.

The client (polymarket-client 0.14.0) reads proxies from the environment by rules of its own, uses
them even for this host, and has no setting for it. So its transports are replaced here. The size of
answers is limited as well.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from typing import Any

import httpx
from polymarket.clients import async_secure
from polymarket.clients._transport import AsyncTransport, TransportOptions
from polymarket.errors import TransportError, UnexpectedResponseError

from actors.plain_body import BODY_BYTES_MAX, PLAIN_BODY, is_plain
from actors.proxies import ProxyRefused, proxy_url


class VenueTransport(AsyncTransport):
    """The client's transport to one address, direct or through the proxy in force."""

    def __init__(
        self, *, base_url: str, options: TransportOptions | None = None, **others: Any
    ) -> None:
        """Make the transport with the client's own options.

        Raises:
            TransportError: the environment names a proxy that cannot be used.
        """
        chosen = options or TransportOptions()
        try:
            proxy = proxy_url(base_url)
        except ProxyRefused as refused:
            raise TransportError(str(refused)) from None
        client = httpx.AsyncClient(
            base_url=base_url,
            timeout=chosen.timeout,
            # A client that is given a transport does not look for proxies in the environment.
            transport=_PlainTransport(limits=chosen.limits, http2=chosen.http2, proxy=proxy),
            headers=PLAIN_BODY,
        )
        super().__init__(base_url=base_url, options=chosen, client=client, **others)
        self._owns_client = True  # so that it is closed with the transport

    async def get_json(self, path: str, **others: Any) -> Any:
        """Get and parse a JSON body; one that is nested too deeply counts as an unexpected answer.

        Raises:
            PolymarketError: no answer, an error, or no JSON.
        """
        return await _read(super().get_json(path, **others))

    async def post_json(self, path: str, **others: Any) -> Any:
        """Post like ``get_json``."""
        return await _read(super().post_json(path, **others))

    async def delete_json(self, path: str, **others: Any) -> Any:
        """Delete like ``get_json``."""
        return await _read(super().delete_json(path, **others))


class _PlainTransport(httpx.AsyncHTTPTransport):
    """Rejects bodies that are compressed or too long."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request.

        Raises:
            httpx.HTTPError: no answer, or one that is compressed or too long.
        """
        response = await super().handle_async_request(request)
        coding = response.headers.get("Content-Encoding", "")
        if not is_plain(coding):
            await response.aclose()
            text = f"the answer is compressed ({coding:.40}), which was not asked for"
            raise httpx.DecodingError(text, request=request)
        if not isinstance(response.stream, httpx.AsyncByteStream):
            raise TypeError("an asynchronous answer must have an asynchronous stream")
        response.stream = _BoundedStream(response.stream, request)
        return response


class _BoundedStream(httpx.AsyncByteStream):
    """A body that ends with an error when it becomes too long."""

    def __init__(self, stream: httpx.AsyncByteStream, request: httpx.Request) -> None:
        self._stream = stream
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        length = 0
        async for part in self._stream:
            length += len(part)
            if length > BODY_BYTES_MAX:
                text = f"the answer is longer than {BODY_BYTES_MAX} bytes"
                raise httpx.DecodingError(text, request=self._request)
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()


async def _read(body: Awaitable[Any]) -> Any:
    try:
        return await body
    except RecursionError:
        raise UnexpectedResponseError("a body is nested too deeply") from None


def use_our_transports() -> None:
    """Make every client of the venue connect by this project's rules from now on."""
    async_secure.AsyncTransport = VenueTransport  # type: ignore[attr-defined] # it is imported there
