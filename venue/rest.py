"""The public REST endpoints of Gamma and the CLOB, over what the world shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web

from venue.wire.clob import clob_market
from venue.wire.gamma import FEE_RATE, MarketStatus, event_row, market_row
from venue.wire.text import json_text
from venue.world import MarketView, World

_MOST_ROWS = 500
_DEFAULT_ROWS = 100


class _BookQuery(msgspec.Struct):
    token_id: str


_decode_book_queries = msgspec.json.Decoder(list[_BookQuery]).decode


class RestApi:
    """Handlers of all public reads. Paths and bodies: Polymarket's Gamma and CLOB documentation."""

    def __init__(self, world: World, now_ms: Callable[[], int]) -> None:
        self._world = world
        self._now_ms = now_ms

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Serve every endpoint under its path."""
        router.add_get("/markets/keyset", self.markets)
        router.add_get("/markets/slug/{slug}", self.market_by_slug)
        router.add_get("/events/slug/{slug}", self.event_by_slug)
        router.add_get("/book", self.book)
        router.add_post("/books", self.books)
        router.add_get("/clob-markets/{condition_id}", self.clob_market)
        router.add_get("/markets-by-token/{token}", self.market_by_token)
        router.add_get("/fee-rate", self.fee_rate)
        router.add_get("/time", self.time)

    async def market_by_slug(self, request: web.Request) -> web.Response:
        """``GET /markets/slug/{slug}``."""
        return self._row(self._world.catalogue.with_slug(request.match_info["slug"]), market_row)

    async def event_by_slug(self, request: web.Request) -> web.Response:
        """``GET /events/slug/{slug}``: the event has its market's slug."""
        return self._row(self._world.catalogue.with_slug(request.match_info["slug"]), event_row)

    async def markets(self, request: web.Request) -> web.Response:
        """``GET /markets/keyset``: open ones, or with ``closed=true`` the closed ones."""
        query = request.query
        wants_closed = query.get("closed", "false") == "true"
        try:
            limit = min(_MOST_ROWS, int(query.get("limit", _DEFAULT_ROWS)))
            skipped_count = int(query.get("after_cursor", "0"))
        except ValueError:
            return _json({"type": "validation error", "error": "invalid query"}, status=422)
        matching = [
            status
            for market in self._world.catalogue
            if (status := market.status).is_told_closed == wants_closed
            and _matches(query.getall("slug", []), status.window.slug)
            and _matches(query.getall("condition_ids", []), status.window.condition_id)
            and _matches(query.getall("clob_token_ids", []), *status.window.tokens)
        ]
        rows = matching[skipped_count : skipped_count + limit]
        body: dict[str, Any] = {"markets": [market_row(status) for status in rows]}
        if skipped_count + limit < len(matching):
            body["next_cursor"] = str(skipped_count + limit)
        return _json(body)

    async def book(self, request: web.Request) -> web.Response:
        """``GET /book?token_id=``."""
        token = request.query.get("token_id")
        if not token:
            return _json({"error": "Invalid token id"}, status=400)
        book = self._world.catalogue.book(token)
        if book is None:
            error = "No orderbook exists for the requested token id"
            return _json({"error": error}, status=404)
        return _json(book.summary(self._now_ms()))

    async def books(self, request: web.Request) -> web.Response:
        """``POST /books``: books of all tokens that have one."""
        try:
            queries = _decode_book_queries(await request.read())
        except msgspec.DecodeError:
            return _json({"error": "Invalid payload"}, status=400)
        found = (self._world.catalogue.book(query.token_id) for query in queries)
        now_ms = self._now_ms()
        return _json([book.summary(now_ms) for book in found if book is not None])

    async def clob_market(self, request: web.Request) -> web.Response:
        """``GET /clob-markets/{condition_id}``."""
        market = self._world.catalogue.with_condition(request.match_info["condition_id"])
        if market is None:
            return _json({"error": "market not found"}, status=404)
        return _json(clob_market(market.status))

    async def market_by_token(self, request: web.Request) -> web.Response:
        """``GET /markets-by-token/{token}``."""
        market = self._world.catalogue.with_token(request.match_info["token"])
        if market is None:
            return _json({"error": "market not found"}, status=404)
        return _json({"condition_id": market.status.window.condition_id})

    async def fee_rate(self, request: web.Request) -> web.Response:
        """``GET /fee-rate?token_id=``: what takers are charged, in basis points."""
        market = self._world.catalogue.with_token(request.query.get("token_id", ""))
        if market is None or not market.status.knows_fee_rate:
            return _json({"error": "fee rate not found for market"}, status=404)
        return _json({"base_fee": round(FEE_RATE * 10_000)})

    async def time(self, _request: web.Request) -> web.Response:
        """``GET /time``: venue time in whole unix seconds."""
        return _json(self._now_ms() // 1000)

    def _row(
        self, market: MarketView | None, shape: Callable[[MarketStatus], dict[str, Any]]
    ) -> web.Response:
        if market is None:
            return _json({"type": "not found error", "error": "slug not found"}, status=404)
        return _json(shape(market.status))


def _matches(wanted: list[str], *values: str) -> bool:
    """Whether a filter is absent or names one of the values; commas separate names."""
    names = {name for item in wanted for name in item.split(",")}
    return not names or not names.isdisjoint(values)


def _json(body: Any, status: int = 200) -> web.Response:
    return web.Response(text=json_text(body), status=status, content_type="application/json")
