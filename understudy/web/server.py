"""The page's HTTP server: it shows data, and forwards actions of people with the token.

Every answer restricts the browser: it loads nothing from elsewhere, runs no script but the page's
own, and is not framed by any site. Requests are not logged.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import attrs
import click
from aiohttp import web

from actors.runtime.journal_file import JournalError
from understudy.display.html import Html, tag
from understudy.reading.lookup import OrderNotFound
from understudy.watching.observation import Lookout, Observation
from understudy.web import access, archive_pages
from understudy.web.actions import ACTIONS, carry_out, confirmation, reload_preview
from understudy.web.live import LivePanels, TooManyPages
from understudy.web.page import VIEWS, Visitor, login_page, message_page, page
from venue.client_faults import leave_out_client_faults

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; "
    "frame-ancestors 'none'; base-uri 'none'; sandbox"
)
"""A report has its styles inline; it can run nothing, and gets nobody's cookie."""
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_BODY_BYTES_MAX = 4_096
_READERS = 2
_READERS_WAITING_MAX = 32
_END_LIMIT_S = 2.0
_STATIC = Path(__file__).parent / "static"
_STATIC_TYPES = {
    "style.css": "text/css",
    "live.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
_OPEN_TO_ALL = ("/login", *(f"/static/{name}" for name in _STATIC_TYPES))

Answer = TypeVar("Answer")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@attrs.frozen(kw_only=True)
class Site:
    """Where the page is served, and to whom."""

    host: str = "127.0.0.1"
    """IP address to listen on."""
    port: int = 0
    names: tuple[str, ...] = ()
    """Host names under which people reach it, besides addresses and ``localhost``."""
    asks_login: bool = False
    """Whether the token is required before anything is shown."""

    @property
    def is_private(self) -> bool:
        """Whether reading requires a log-in: whenever other machines may reach it.

        Raises:
            ValueError: the host is not an IP address.
        """
        return not access.is_loopback_address(self.host) or self.asks_login or bool(self.names)


class PageServer:
    """Answers requests about one data directory."""

    def __init__(self, data_dir: Path, site: Site, *, cookie_name: str = "understudy") -> None:
        self._data_dir = data_dir
        self._site = site
        self._cookie_name = cookie_name
        self._lookout = Lookout(data_dir)
        self._readers = ThreadPoolExecutor(_READERS, "page-reader")
        self._lookers = ThreadPoolExecutor(1, "page-looker")
        self._doers = ThreadPoolExecutor(2, "page-doer")
        self._waiting = 0
        self._live = LivePanels(self._look)
        self._static = {name: (_STATIC / name).read_bytes() for name in _STATIC_TYPES}

    def application(self) -> web.Application:
        """Make the application."""
        leave_out_client_faults()
        application = web.Application(client_max_size=_BODY_BYTES_MAX, middlewares=[self._guard])
        router = application.router
        router.add_get("/", self._on_now)
        router.add_get("/live", self._on_live)
        router.add_get("/history", self._on_history)
        router.add_get("/orders", self._on_orders)
        router.add_get("/order/{name:[A-Za-z0-9_]{1,80}}", self._on_order)
        router.add_get("/results", self._on_results)
        router.add_get("/results/{name:[A-Za-z0-9][A-Za-z0-9_.-]{0,200}}", self._on_report)
        router.add_get("/log", self._on_log)
        router.add_get("/static/{name}", self._on_static)
        router.add_get("/login", self._on_login)
        router.add_post("/login", self._on_log_in)
        router.add_post("/logout", self._on_log_out)
        for name in ACTIONS:
            router.add_get(f"/{name}", self._on_confirm)
            router.add_post(f"/{name}", self._on_act)
        application.on_response_prepare.append(_protect)
        application.on_shutdown.append(self._on_end)
        return application

    async def _on_end(self, _application: web.Application) -> None:
        await self._live.close()
        for pool in (self._readers, self._lookers, self._doers):
            pool.shutdown(wait=False, cancel_futures=True)

    # Access

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse a request with a false host name, from another site, or without a log-in."""
        if not access.is_host_allowed(request.host, self._site.names):
            return _plain(421, "this page is not served under that name: see web.names")
        if request.method == "POST" and not access.is_same_origin(
            request.headers.get("Origin", ""), request.host
        ):
            return _plain(403, "a form of another site")
        is_open = request.path in _OPEN_TO_ALL or not self._site.is_private
        if not is_open and not self._visitor(request).is_known:
            if request.method == "GET" and request.path != "/live":
                raise web.HTTPSeeOther(f"/login?next={_known_path(request.path)}")
            return _plain(401, "log in first")
        return await handler(request)

    def _cookie(self, request: web.Request) -> str:
        return request.cookies.get(self._cookie_name, "")

    def _visitor(self, request: web.Request) -> Visitor:
        cookie = self._cookie(request)
        if not cookie or not access.is_session(self._data_dir, cookie, time.time()):
            return Visitor()
        return Visitor(is_known=True, form_token=access.form_token(self._data_dir, cookie))

    async def _on_login(self, request: web.Request) -> web.Response:
        next_path = _known_path(request.query.get("next", "/"))
        return _html(login_page(self._visitor(request), next_path=next_path))

    async def _on_log_in(self, request: web.Request) -> web.Response:
        form = await request.post()
        next_path = _known_path(str(form.get("next", "/")))
        try:
            is_right = access.is_token(self._data_dir, str(form.get("token", "")))
            problem = "That is not the token."
        except access.NoToken as missing:
            is_right, problem = False, str(missing)
        if not is_right:
            return _html(login_page(Visitor(), next_path=next_path, problem=problem), status=403)
        answer = web.HTTPSeeOther(next_path)
        answer.set_cookie(
            self._cookie_name,
            access.new_session(self._data_dir, time.time()),
            max_age=access.SESSION_S,
            httponly=True,
            samesite="Strict",
            secure=request.headers.get("X-Forwarded-Proto") == "https",
            path="/",
        )
        raise answer

    async def _on_log_out(self, request: web.Request) -> web.Response:
        refusal = await self._refusal(request)
        if refusal is not None:
            return refusal
        answer = web.HTTPSeeOther("/")
        answer.del_cookie(self._cookie_name, path="/")
        raise answer

    async def _refusal(self, request: web.Request) -> web.Response | None:
        """Why a form is refused; None if it was issued to this session."""
        said = str((await request.post()).get("form", ""))
        visitor = self._visitor(request)
        if not visitor.is_known:
            return _html(login_page(visitor, next_path=_known_path(request.path)), status=401)
        if not access.is_form_token(self._data_dir, self._cookie(request), said):
            return _plain(403, "that form is not one of this page: load it again")
        return None

    # Views

    async def _on_now(self, request: web.Request) -> web.Response:
        panels = await self._live.panels()
        body = tag("div", *panels.values(), class_="panels")
        return _html(page("Now", body, visitor=self._visitor(request), path="/", is_live=True))

    async def _on_live(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            return _plain(403, "updates are for this page alone")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        try:
            async with self._live.place():
                await response.prepare(request)
                await self._live.stream(response)
        except TooManyPages:
            return _plain(503, "too many pages are open", {"Retry-After": "5"})
        except (TimeoutError, ConnectionError):
            if request.transport is not None:
                request.transport.abort()
        return response

    async def _on_history(self, request: web.Request) -> web.Response:
        wanted = archive_pages.Filter(
            series=request.query.get("series", ""), day=request.query.get("day", "")
        )
        return await self._page(
            request, "History", lambda: archive_pages.history(self._data_dir, wanted)
        )

    async def _on_orders(self, request: web.Request) -> web.Response:
        market = request.query.get("market", "")
        return await self._page(
            request, "Orders", lambda: archive_pages.orders(self._data_dir, market)
        )

    async def _on_results(self, request: web.Request) -> web.Response:
        def results() -> Html:
            # imported here, as it brings the backtester with it
            from understudy.web import results_pages

            return results_pages.results()

        return await self._page(request, "Results", results)

    async def _on_report(self, request: web.Request) -> web.Response:
        def read() -> str | None:
            from understudy.web import results_pages

            return results_pages.report(request.match_info["name"])

        try:
            text = await self._read(read)
        except _Unreadable as error:
            visitor = self._visitor(request)
            return _html(message_page("Results", str(error), visitor), status=503)
        if text is None:
            raise web.HTTPNotFound
        answer = _html(text)
        answer.headers["Content-Security-Policy"] = REPORT_POLICY
        return answer

    async def _on_log(self, request: web.Request) -> web.Response:
        return await self._page(request, "Log", lambda: archive_pages.log_lines(self._data_dir))

    async def _on_order(self, request: web.Request) -> web.Response:
        name, visitor = request.match_info["name"], self._visitor(request)
        try:
            title, body = await self._read(lambda: archive_pages.order_story(self._data_dir, name))
        except OrderNotFound as error:
            return _html(message_page("No such order", str(error), visitor), status=404)
        except _Unreadable as error:
            return _html(message_page("Order", str(error), visitor), status=503)
        return _html(page(title, body, visitor=visitor))

    async def _page(
        self, request: web.Request, title: str, make: Callable[[], Html]
    ) -> web.Response:
        visitor = self._visitor(request)
        try:
            body = await self._read(make)
        except _Unreadable as error:
            return _html(message_page(title, str(error), visitor), status=503)
        return _html(page(title, body, visitor=visitor, path=request.path))

    async def _on_static(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in self._static:
            raise web.HTTPNotFound
        return web.Response(body=self._static[name], content_type=_STATIC_TYPES[name])

    async def _look(self) -> Observation:
        return await asyncio.get_running_loop().run_in_executor(self._lookers, self._lookout.look)

    async def _read(self, read: Callable[[], Answer]) -> Answer:
        """Read something that may take long; few at once, and with a limited queue."""
        if self._waiting >= _READERS_WAITING_MAX:
            raise _Unreadable("Too many requests are reading the journal: try again in a while.")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._readers, read)
        except (JournalError, OSError) as error:
            raise _Unreadable(f"This cannot be read: {error}") from error
        finally:
            self._waiting -= 1

    # Actions

    async def _on_confirm(self, request: web.Request) -> web.Response:
        visitor = self._visitor(request)
        if not visitor.is_known:
            raise web.HTTPSeeOther(f"/login?next={_known_path(request.path)}")
        action = ACTIONS[request.path.removeprefix("/")]
        differing: tuple[str, ...] = ()
        if action.name == "reload":
            differing = await asyncio.get_running_loop().run_in_executor(
                self._doers, reload_preview, self._data_dir
            )
        return _html(confirmation(action, await self._live.see(), visitor, differing))

    async def _on_act(self, request: web.Request) -> web.Response:
        refusal = await self._refusal(request)
        if refusal is not None:
            return refusal
        form, action = await request.post(), ACTIONS[request.path.removeprefix("/")]
        reason, cancels = str(form.get("reason", "")), form.get("cancel") == "yes"
        series = str(form.get("series", ""))
        problem = await asyncio.get_running_loop().run_in_executor(
            self._doers,
            lambda: carry_out(self._data_dir, action, reason, cancels=cancels, series=series),
        )
        if problem:
            return _html(message_page(action.title, problem, self._visitor(request)), status=502)
        raise web.HTTPSeeOther("/")


class _Unreadable(Exception):
    """Something requested cannot be shown; the sentence says why."""


async def _protect(_request: web.Request, response: web.StreamResponse) -> None:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.popall("Server", None)


def _html(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, content_type="text/html", status=status)


def _plain(status: int, sentence: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(text=sentence + "\n", status=status, headers=headers)


def _known_path(path: str) -> str:
    """A path that a log-in may lead to: one of the page's own, or the first."""
    known = (*VIEWS, *(f"/{name}" for name in ACTIONS))
    return path if path in known else "/"


@contextlib.asynccontextmanager
async def serving(data_dir: Path, site: Site) -> AsyncIterator[int]:
    """Serve within the block; yield the port.

    Raises:
        OSError: the address cannot be listened on.
    """
    # Cookies ignore ports: pages of two systems on one machine each need their own.
    server = PageServer(data_dir, site, cookie_name=f"understudy_{site.port}")
    runner = web.AppRunner(
        server.application(), access_log=None, shutdown_timeout=_END_LIMIT_S, keepalive_timeout=30
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, site.host, site.port).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def serve(data_dir: Path, site: Site) -> None:
    """Serve until the task is cancelled; print the address as one JSON line.

    Raises:
        OSError: as ``serving``.
    """
    async with serving(data_dir, site) as port:
        host = f"[{site.host}]" if ":" in site.host else site.host
        click.echo(json.dumps({"http": f"http://{host}:{port}"}))
        await asyncio.Event().wait()
