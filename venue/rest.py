"""The public REST endpoints of Gamma and the CLOB, over the world's markets."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
from aiohttp import web

from venue.wire.gamma import FEE_RATE, MarketStatus, clob_market, event_row, market_row
from venue.wire.text import json_text
from venue.world import MarketView, World

_MOST_ROWS = 500
_DEFAULT_ROWS = 100


class _BookQuery(msgspec.Struct):
    token_id: str


answer = partial(web.json_response, dumps=json_text)
"""Answers with JSON."""
_decode_book_queries = msgspec.json.Decoder(list[_BookQuery]).decode


class RestApi:
    """Handlers of all public reads. Source: Polymarket's Gamma and CLOB documentation."""

    def __init__(self, world: World, now_ms: Callable[[], int]) -> None:
        self._world = world
        self._now_ms = now_ms

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Register every endpoint under its path."""
        router.add_get("/markets/keyset", self._markets)
        router.add_get("/markets/slug/{slug}", self._market_by_slug)
        router.add_get("/events/slug/{slug}", self._event_by_slug)
        router.add_get("/book", self._book)
        router.add_post("/books", self._books)
        router.add_get("/clob-markets/{condition_id}", self._clob_market)
        router.add_get("/markets-by-token/{token}", self._market_by_token)
        router.add_get("/fee-rate", self._fee_rate)
        router.add_get("/time", self._time)

    async def _market_by_slug(self, request: web.Request) -> web.Response:
        return self._row(self._world.catalogue.with_slug(request.match_info["slug"]), market_row)

    async def _event_by_slug(self, request: web.Request) -> web.Response:
        """An event has its market's slug."""
        return self._row(self._world.catalogue.with_slug(request.match_info["slug"]), event_row)

    async def _markets(self, request: web.Request) -> web.Response:
        """Open markets, or with ``closed=true`` closed ones."""
        query = request.query
        wants_closed = query.get("closed", "false") == "true"
        try:
            limit = min(_MOST_ROWS, int(query.get("limit", _DEFAULT_ROWS)))
            skipped_count = int(query.get("after_cursor", "0"))
        except ValueError:
            return answer({"type": "validation error", "error": "invalid query"}, status=422)
        matching = [
            status
            for market in self._world.catalogue
            if (status := market.status).is_shown_closed == wants_closed
            and _matches(query.getall("slug", []), status.window.slug)
            and _matches(query.getall("condition_ids", []), status.window.condition_id)
            and _matches(query.getall("clob_token_ids", []), *status.window.tokens)
        ]
        rows = matching[skipped_count : skipped_count + limit]
        body: dict[str, Any] = {"markets": [market_row(status) for status in rows]}
        if skipped_count + limit < len(matching):
            body["next_cursor"] = str(skipped_count + limit)
        return answer(body)

    async def _book(self, request: web.Request) -> web.Response:
        token = request.query.get("token_id")
        if not token:
            return answer({"error": "Invalid token id"}, status=400)
        book = self._world.catalogue.book(token)
        if book is None:
            error = "No orderbook exists for the requested token id"
            return answer({"error": error}, status=404)
        return answer(book.summary(self._now_ms()))

    async def _books(self, request: web.Request) -> web.Response:
        """The books of all requested tokens that have one."""
        try:
            queries = _decode_book_queries(await request.read())
        except msgspec.DecodeError:
            return answer({"error": "Invalid payload"}, status=400)
        found = (self._world.catalogue.book(query.token_id) for query in queries)
        now_ms = self._now_ms()
        return answer([book.summary(now_ms) for book in found if book is not None])

    async def _clob_market(self, request: web.Request) -> web.Response:
        market = self._world.catalogue.with_condition(request.match_info["condition_id"])
        if market is None:
            return answer({"error": "market not found"}, status=404)
        return answer(clob_market(market.status))

    async def _market_by_token(self, request: web.Request) -> web.Response:
        market = self._world.catalogue.with_token(request.match_info["token"])
        if market is None:
            return answer({"error": "market not found"}, status=404)
        return answer({"condition_id": market.status.window.condition_id})

    async def _fee_rate(self, request: web.Request) -> web.Response:
        """The taker fee in basis points."""
        market = self._world.catalogue.with_token(request.query.get("token_id", ""))
        if market is None or not market.status.knows_fee_rate:
            return answer({"error": "fee rate not found for market"}, status=404)
        return answer({"base_fee": round(FEE_RATE * 10_000)})

    async def _time(self, _request: web.Request) -> web.Response:
        """Venue time in whole unix seconds."""
        return answer(self._now_ms() // 1000)

    def _row(
        self, market: MarketView | None, shape: Callable[[MarketStatus], dict[str, Any]]
    ) -> web.Response:
        if market is None:
            return answer({"type": "not found error", "error": "slug not found"}, status=404)
        return answer(shape(market.status))


def _matches(wanted: list[str], *values: str) -> bool:
    """Whether a filter is absent or names one of the values; commas separate names."""
    names = {name for item in wanted for name in item.split(",")}
    return not names or not names.isdisjoint(values)
