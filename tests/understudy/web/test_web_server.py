"""The page over HTTP: what it shows, to whom, and what it refuses."""

from __future__ import annotations

import asyncio
import json
import stat
import time
from collections.abc import Mapping
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient
from page_visitor import form_of, log_in, origin, visit
from several_series import several
from watched import running, status

from actors.messages.halts import PAGE, Halt
from actors.runtime.journal_file import prepare
from actors.runtime.log import LOG_NAME, LineLog
from understudy.control import ControlServer, Handler
from understudy.data_dir.kill_switch import KILL_SWITCH_NAME
from understudy.display.status import status_reply
from understudy.web import access, live
from understudy.web.page import VIEWS
from understudy.web.server import Site

BEHIND_A_PROXY = Site(names=("trader.example.org",))
PUBLIC = {"Host": "trader.example.org"}


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    prepare(tmp_path)
    return tmp_path


# What is shown


@pytest.mark.parametrize("path", VIEWS)
def test_each_view_is_a_page_that_loads_nothing_from_elsewhere(data_dir: Path, path: str) -> None:
    async def look(client: TestClient[Any, Any]) -> None:
        answer = await client.get(path)
        text = await answer.text()
        assert answer.status == 200
        assert "://" not in text.replace("http://www.w3.org", "")
        assert " style=" not in text
        assert " on" not in [word[:3] for word in text.split("<") if "=" in word[:4]]
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert "Server" not in answer.headers

    visit(data_dir, look)


def test_a_system_that_is_down_is_shown_as_down_and_nothing_old_of_it(data_dir: Path) -> None:
    async def look(client: TestClient[Any, Any]) -> tuple[str, str]:
        with running(data_dir, status()):
            well = await (await client.get("/")).text()
        await asyncio.sleep(live.LOOK_EVERY_S * 1.2)
        return well, await (await client.get("/")).text()

    well, ill = visit(data_dir, look)
    assert 'class="word">serving' in well
    assert "btc-updown-15m-1750000500" in well
    assert 'class="word">down' in ill
    assert "btc-updown-15m-1750000500" not in ill


def test_halts_are_shown_with_who_made_them(data_dir: Path) -> None:
    halt = Halt(who=PAGE, reason="<b>odd</b> prices", since_ms=0, cancels=True)

    async def look(client: TestClient[Any, Any]) -> str:
        with running(data_dir, status(halts=(halt,))):
            return await (await client.get("/")).text()

    text = visit(data_dir, look)
    assert PAGE in text
    assert "&lt;b&gt;odd&lt;/b&gt; prices" in text


def test_the_log_shows_warnings_and_errors_and_nothing_else(data_dir: Path) -> None:
    log = LineLog(data_dir, "desk", to_stderr=False)
    log.write("info", "all is well")
    log.write("warning", "the <script> is late")
    log.write("error", "it fell")
    log.close()

    async def look(client: TestClient[Any, Any]) -> str:
        return await (await client.get("/log")).text()

    text = visit(data_dir, look)
    assert "all is well" not in text
    assert "the &lt;script&gt; is late" in text
    assert text.index("it fell") < text.index("is late")


def test_an_order_that_is_not_there_is_one_sentence(data_dir: Path) -> None:
    async def look(client: TestClient[Any, Any]) -> tuple[int, str]:
        answer = await client.get("/order/order_7_0badcafe")
        return answer.status, await answer.text()

    code, text = visit(data_dir, look)
    assert code == 404
    assert "there is no order order_7_0badcafe" in text


def test_a_journal_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite").write_bytes(b"no journal at all, but long enough to be one" * 99)

    async def look(client: TestClient[Any, Any]) -> list[int]:
        assert "cannot be read" in await (await client.get("/history")).text()
        return [(await client.get(path)).status for path in VIEWS]

    assert visit(tmp_path, look) == [200, 503, 503, 200, 200]


async def frames(answer: ClientResponse, count: int) -> list[Mapping[str, str]]:
    """The panels of so many events."""
    found: list[Mapping[str, str]] = []
    async for line in answer.content:
        if line.startswith(b"data: "):
            found.append(json.loads(line.removeprefix(b"data: "))["panels"])
        if len(found) == count:
            break
    return found


def test_news_are_what_has_changed(data_dir: Path) -> None:
    async def look(client: TestClient[Any, Any]) -> list[Mapping[str, str]]:
        with running(data_dir, status()):
            async with client.get("/live") as answer:
                assert answer.headers["Content-Type"] == "text/event-stream"
                heard = await frames(answer, 2)
                assert "serving" in heard[0]["state"]
        async with client.get("/live") as answer:
            return heard + await frames(answer, 3)

    heard = visit(data_dir, look)
    assert {"state", "market", "yes-book", "actors", "halts"} <= set(heard[0])
    assert heard[1] == {}
    assert any('class="word">down' in each.get("state", "") for each in heard[2:])


# To whom


@pytest.mark.parametrize(
    "host", ["evil.example", "trader.example.org", "", "localhost.evil.example", "1.2.3.4.nip.io"]
)
def test_a_name_that_is_not_ours_is_refused(data_dir: Path, host: str) -> None:
    """A site whose name points here (DNS rebinding) would otherwise read everything."""

    async def look(client: TestClient[Any, Any]) -> int:
        answer = await client.get("/", headers={"Host": host})
        assert "word" not in await answer.text()
        return answer.status

    assert visit(data_dir, look) in (400, 421)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:80", "[::1]:9863", "192.168.1.7"])
def test_addresses_and_localhost_are_ours(host: str) -> None:
    assert access.is_host_allowed(host, ())


def test_a_page_that_others_can_reach_shows_nothing_before_a_log_in(data_dir: Path) -> None:
    access.new_token(data_dir)

    async def look(client: TestClient[Any, Any]) -> None:
        for path in (*VIEWS, "/order/order_7", "/halt"):
            answer = await client.get(path, headers=PUBLIC, allow_redirects=False)
            assert answer.status == 303
            assert answer.headers["Location"].startswith("/login")
        assert (await client.get("/live", headers=PUBLIC)).status == 401
        assert (await client.get("/static/style.css", headers=PUBLIC)).status == 200

    visit(data_dir, look, BEHIND_A_PROXY)


def test_a_log_in_is_a_cookie_that_scripts_and_other_sites_cannot_use(data_dir: Path) -> None:
    token = access.new_token(data_dir)

    async def look(client: TestClient[Any, Any]) -> SimpleCookie:
        answer = await log_in(client, data_dir, **{"X-Forwarded-Proto": "https"})
        assert (answer.status, answer.headers["Location"]) == (303, "/halt")
        return answer.cookies

    (cookie,) = visit(data_dir, look).values()
    assert cookie["httponly"]
    assert cookie["secure"]
    assert cookie["samesite"] == "Strict"
    assert token not in cookie.value


def test_a_wrong_token_and_a_missing_one_let_nobody_in(data_dir: Path) -> None:
    async def look(client: TestClient[Any, Any]) -> None:
        for said, words in (("", "there is no token"), ("guess", "there is no token")):
            answer = await client.post("/login", data={"token": said}, headers=origin(client))
            assert answer.status == 403
            assert words in await answer.text()
        access.new_token(data_dir)
        answer = await client.post("/login", data={"token": "guess"}, headers=origin(client))
        assert answer.status == 403
        assert "guess" not in await answer.text()
        assert not answer.cookies

    visit(data_dir, look)


@pytest.mark.parametrize("next_path", ["//evil.example", "https://evil.example", "/live", "\\evil"])
def test_a_log_in_leads_to_the_page_itself(data_dir: Path, next_path: str) -> None:
    token = access.new_token(data_dir)

    async def look(client: TestClient[Any, Any]) -> str:
        answer = await client.post(
            "/login",
            data={"token": token, "next": next_path},
            headers=origin(client),
            allow_redirects=False,
        )
        return answer.headers["Location"]

    assert visit(data_dir, look) == "/"


def test_sessions_end_with_their_token_and_with_their_time(data_dir: Path) -> None:
    access.new_token(data_dir)
    cookie = access.new_session(data_dir, 1_000.0)
    assert access.is_session(data_dir, cookie, 1_001.0)
    assert not access.is_session(data_dir, cookie, 1_000.0 + access.SESSION_S)
    assert not access.is_session(data_dir, "9" + cookie, 1_001.0)
    assert not access.is_session(data_dir, "", 1_001.0)
    assert not access.is_session(data_dir, "\udce4.\udce4", 1_001.0)
    access.new_token(data_dir)
    assert not access.is_session(data_dir, cookie, 1_001.0)


def test_the_tokens_file_is_its_users_alone(data_dir: Path) -> None:
    token = access.new_token(data_dir)
    path = data_dir / access.TOKEN_NAME
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert access.is_token(data_dir, f" {token}\n")
    path.chmod(0o644)
    with pytest.raises(access.NoToken, match="can be read by others"):
        access.read_token(data_dir)


# What is refused


@pytest.mark.parametrize("name", ["halt", "resume", "flatten"])
def test_nothing_is_done_without_a_log_in_a_form_and_the_right_origin(
    data_dir: Path, name: str
) -> None:
    access.new_token(data_dir)
    asked: list[dict[str, Any]] = []

    async def look(client: TestClient[Any, Any]) -> None:
        async def post(headers: dict[str, str], **form: str) -> int:
            answer = await client.post(f"/{name}", data=form, headers=headers)
            return answer.status

        assert await post(origin(client)) == 401
        await log_in(client, data_dir)
        form = await form_of(client, f"/{name}")
        assert await post(origin(client)) == 403
        assert await post(origin(client), form="0" * 64) == 403
        assert await post(origin(client, "evil.example"), form=form) == 403
        assert await post({"Origin": "null"}, form=form) == 403
        assert await post({}, form=form) == 403
        assert (await client.get(f"/{name}")).status == 200
        assert asked == []
        assert await post(origin(client), form=form) == 502  # nobody answers

    handlers = {name: lambda request: asked.append(request) or {}}
    server = ControlServer(data_dir, handlers)
    server.start()
    server.close()
    visit(data_dir, look)


def test_what_is_confirmed_is_done_and_says_that_it_was_the_page(data_dir: Path) -> None:
    access.new_token(data_dir)
    asked: list[dict[str, Any]] = []

    def take(request: dict[str, Any]) -> dict[str, Any]:
        asked.append(request)
        return {}

    async def look(client: TestClient[Any, Any]) -> None:
        await log_in(client, data_dir)
        form = await form_of(client, "/halt")
        answer = await client.post(
            "/halt",
            data={"form": form, "cancel": "yes", "reason": " odd\n prices " + "x" * 900},
            headers=origin(client),
            allow_redirects=False,
        )
        assert (answer.status, answer.headers["Location"]) == (303, "/")

    server = ControlServer(data_dir, {"halt": take})
    server.start()
    try:
        visit(data_dir, look)
    finally:
        server.close()
    (request,) = asked
    assert (request["who"], request["cancel"]) == (PAGE, True)
    assert request["reason"].startswith("odd prices x")
    assert len(request["reason"]) == 200


def test_one_series_of_several_is_halted_alone(data_dir: Path) -> None:
    access.new_token(data_dir)
    asked: list[dict[str, Any]] = []
    shown = status(settings=several("btc-15m", "eth-5m"))
    handlers: Mapping[str, Handler] = {
        "halt": lambda request: asked.append(request) or {},
        "status": lambda _request: status_reply(shown),
    }

    async def look(client: TestClient[Any, Any]) -> str:
        await log_in(client, data_dir)
        text = await (await client.get("/halt")).text()
        form = {"form": await form_of(client, "/halt"), "series": "eth-5m"}
        await client.post("/halt", data=form, headers=origin(client), allow_redirects=False)
        server.close()
        answer = await client.post("/halt", data=form, headers=origin(client))
        assert "Nothing was done" in await answer.text()
        return text

    server = ControlServer(data_dir, handlers)
    server.start()
    assert '<option value="eth-5m">' in visit(data_dir, look)
    assert [request["series"] for request in asked] == ["eth-5m"]
    assert not (data_dir / KILL_SWITCH_NAME).exists(), "that would halt the others"


def test_a_halt_that_no_system_takes_is_left_in_the_kill_switch_file(data_dir: Path) -> None:
    access.new_token(data_dir)

    async def look(client: TestClient[Any, Any]) -> str:
        await log_in(client, data_dir)
        form = {"form": await form_of(client, "/halt"), "reason": "odd prices"}
        answer = await client.post("/halt", data=form, headers=origin(client))
        return await answer.text()

    assert "is written instead" in visit(data_dir, look)
    assert (data_dir / KILL_SWITCH_NAME).read_text() == f"odd prices ({PAGE})\n"


def test_news_are_not_told_to_another_site(data_dir: Path) -> None:
    async def look(client: TestClient[Any, Any]) -> int:
        answer = await client.get("/live", headers={"Sec-Fetch-Site": "cross-site"})
        return answer.status

    assert visit(data_dir, look) == 403


@pytest.mark.parametrize(
    "path",
    [
        "/static/../server.py",
        "/static/..%2fserver.py",
        "/static/%2e%2e/server.py",
        "/static//etc/passwd",
        "/order/..%2f..%2fweb-token",
        "/results/..",
        "/results/%2e%2e",
        "/results/..%2f..%2fweb-token",
        "/web-token",
        f"/static/{LOG_NAME}",
    ],
)
def test_no_path_leads_to_a_file(data_dir: Path, path: str) -> None:
    async def look(client: TestClient[Any, Any]) -> int:
        reader, writer = await asyncio.open_connection(client.host, client.port)
        writer.write(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
        line = await reader.readline()
        writer.close()
        return int(line.split()[1])

    assert visit(data_dir, look) == 404


def test_a_body_that_is_too_large_is_refused(data_dir: Path) -> None:
    async def look(client: TestClient[Any, Any]) -> int:
        answer = await client.post("/login", data={"token": "x" * 9_000}, headers=origin(client))
        return answer.status

    assert visit(data_dir, look) == 413


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x00\xff garbage\r\n\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n",
    ],
    ids=["garbage", "long", "two hosts"],
)
def test_what_is_no_request_is_refused_and_leaves_nothing_in_the_log(
    data_dir: Path, caplog: pytest.LogCaptureFixture, request_bytes: bytes
) -> None:
    async def look(client: TestClient[Any, Any]) -> bytes:
        reader, writer = await asyncio.open_connection(client.host, client.port)
        writer.write(request_bytes)
        first_line = await reader.readline()
        writer.close()
        return first_line

    assert b"400" in visit(data_dir, look)
    assert caplog.records == []


# Many, and slow ones


def test_a_thousand_clients_are_served_or_turned_away_and_one_look_serves_them(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "CLIENTS_MAX", 40)
    looks = 0
    shown = status()

    def reply(_request: dict[str, Any]) -> dict[str, Any]:
        nonlocal looks
        looks += 1
        return status_reply(shown)

    async def look(client: TestClient[Any, Any]) -> tuple[list[int], float]:
        began = time.monotonic()

        async def one() -> int:
            async with client.get("/live") as answer:
                if answer.status == 200:
                    await frames(answer, 2)
                return answer.status

        codes: list[int] = []
        for _ in range(10):
            codes += await asyncio.gather(*(one() for _ in range(100)))
            assert (await client.get("/")).status == 200
        return codes, time.monotonic() - began

    server = ControlServer(data_dir, {"status": reply})
    server.start()
    try:
        codes, seconds = visit(data_dir, look)
    finally:
        server.close()
    assert len(codes) == 1_000
    assert set(codes) == {200, 503}
    assert codes.count(200) >= 10 * 40
    assert looks <= seconds / live.LOOK_EVERY_S + 10


def test_a_client_that_does_not_read_is_let_go_and_holds_up_nobody(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "_WRITE_LIMIT_S", 0.5)
    monkeypatch.setattr(live, "LOOK_EVERY_S", 0.01)
    numbers = iter(range(1_000_000))

    def panels(*_: object) -> dict[str, str]:
        return {"state": f"{next(numbers)}" + "x" * 200_000}

    monkeypatch.setattr(live, "now_panels", panels)

    async def look(client: TestClient[Any, Any]) -> None:
        reader, writer = await asyncio.open_connection(client.host, client.port, limit=1_024)
        writer.transport.pause_reading()  # type: ignore[attr-defined] # a transport that reads
        writer.write(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        async with client.get("/live") as answer:
            assert len(await frames(answer, 20)) == 20
        await asyncio.sleep(1.0)
        writer.transport.resume_reading()  # type: ignore[attr-defined] # as above
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1 << 30)

    visit(data_dir, look)


def test_views_that_read_much_wait_in_a_line_that_ends(data_dir: Path) -> None:
    async def look(client: TestClient[Any, Any]) -> list[int]:
        answers = await asyncio.gather(*(client.get("/history") for _ in range(60)))
        assert (await client.get("/login")).status == 200
        return [answer.status for answer in answers]

    assert set(visit(data_dir, look)) <= {200, 503}
