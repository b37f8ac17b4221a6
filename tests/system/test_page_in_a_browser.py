"""The page beside a run, as people meet it: in Chromium, on a desk and on a phone."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING

import attrs
import pytest
from onlookers import LIMIT_S, Onlooker
from unused_port import unused_port

from actors.execution.desk_state import Halted, Resumed
from actors.messages.halts import PAGE
from actors.series import series_named
from actors.settings import SeriesPlan
from understudy.display.html import tag
from understudy.drill import processes
from understudy.drill.stage import SETTINGS, run_options
from understudy.drill.system import DrilledSystem
from understudy.watching.observation import Lookout
from understudy.web.access import new_token
from understudy.web.market_panels import PriceTrails
from understudy.web.now import now_panels
from understudy.web.page import Visitor as Stranger
from understudy.web.page import page as document

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_WHY = "`pip install --editable '.[dev]'` brings it"
playwright = pytest.importorskip("playwright.sync_api", reason=_WHY)
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason=_WHY)
expect = playwright.expect

pytestmark = [pytest.mark.processes, pytest.mark.timeout(300)]

SEED = 5
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
LOOKS = {"a desk, light": (DESK, "light"), "a phone, dark": (PHONE, "dark")}
FORM = "/halt"
"""Stands for the other forms, which look like it, where all but colours and width was shown."""
NAMES = ("btc-15m", "eth-5m", "sol-4h")
VIEWS = ("/", "/history", "/orders", "/order", "/log", "/login", "/halt", "/resume", "/flatten")
LIMIT_MS = LIMIT_S * 1_000

expect.set_options(timeout=LIMIT_MS)


class Shown:
    """A system that trades, and its page."""

    def __init__(self, onlooker: Onlooker, port: int) -> None:
        self.onlooker = onlooker
        self.url = f"http://127.0.0.1:{port}"
        self._port = port
        self.token = new_token(onlooker.system.data_dir)

    def is_up(self) -> bool:
        """Whether the page's server answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
        try:
            connection.request("GET", "/login")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def server_pid(self) -> int | None:
        return self.onlooker.companion_pid("web")


@pytest.fixture(scope="module")
def shown(stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    port = unused_port()
    settings = (*SETTINGS, "web.enabled=true", f"web.port={port}")
    options = run_options(stage, SEED, settings)
    onlooker = Onlooker(DrilledSystem(tmp_path_factory.mktemp("shown"), options))
    seen = Shown(onlooker, port)
    onlooker.system.start()
    onlooker.until_whole()
    onlooker.until("the page is served", seen.is_up)
    yield seen
    onlooker.system.kill_all()
    assert onlooker.system.outliving() == frozenset()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium here, and `make test` could not install it")
    sandbox = ["--no-sandbox"] if os.getuid() == 0 else []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=sandbox)
        yield browser
        browser.close()


class Visitor:
    """A browser's tab, which remembers what its console has complained of."""

    def __init__(self, browser: Browser, shown: Shown, look: str = "a desk, light") -> None:
        size, scheme = LOOKS[look]
        self.context = browser.new_context(
            base_url=shown.url,
            viewport=size,  # type: ignore[arg-type] # playwright's own type of a size
            color_scheme=scheme,  # type: ignore[arg-type] # one of its words
        )
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(LIMIT_MS)
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda line: self._hear(line.type, line.text))
        self._token = shown.token

    def _hear(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(text)

    def log_in(self) -> None:
        self.page.goto("/login")
        self.page.get_by_label("Token").fill(self._token)
        self.page.get_by_role("button", name="Log in").click()
        expect(self.page.get_by_role("button", name="Log out")).to_be_visible()


@pytest.fixture
def visitor(browser: Browser, shown: Shown) -> Iterator[Visitor]:
    visitor = Visitor(browser, shown)
    yield visitor
    visitor.context.close()


@pytest.mark.parametrize("look", LOOKS)
def test_each_view_is_whole_in_itself_and_fit_for_everyone(
    browser: Browser, shown: Shown, look: str
) -> None:
    onlooker = shown.onlooker
    order_id = onlooker.until("there is an order", lambda: min(onlooker.orders(), default=None))
    visitor = Visitor(browser, shown, look)
    visitor.log_in()
    page = visitor.page
    elsewhere: list[str] = []
    page.on("request", lambda asked: elsewhere.append(asked.url))
    for path in VIEWS if look == "a desk, light" else (*VIEWS[:5], FORM):
        page.goto(f"/order/{order_id}" if path == "/order" else path)
        if path == "/":
            expect(page.locator("#market progress")).to_be_visible()
        found = axe.Axe().run(page)
        assert found.violations_count == 0, f"{path}: {found.generate_report()}"
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= LOOKS[look][0]["width"], f"{path} can be scrolled sideways"
        assert page.locator("h1").count() == 1
    assert [url for url in elsewhere if not url.startswith(shown.url)] == []
    assert visitor.complaints == []
    visitor.context.close()


def of_several_series(shown: Shown) -> str:
    """The page of a run of three series: what the run shows of its one, three times."""
    seen = Lookout(shown.onlooker.system.data_dir).look()
    assert seen.status is not None
    assert seen.status.view is not None
    base = seen.status.settings
    plans = [
        SeriesPlan(series=series_named(name), strategy=base.strategy, risk=base.risk)
        for name in NAMES
    ]
    series = tuple(attrs.evolve(seen.status.view.series[0], series=name) for name in NAMES)
    view = attrs.evolve(seen.status.view, series=series)
    status = attrs.evolve(seen.status, view=view, settings=base.trading(plans))
    trails = PriceTrails()
    trails.note(status)
    panels = now_panels(attrs.evolve(seen, status=status), trails)
    return document("Now", tag("div", *panels.values(), class_="panels"), visitor=Stranger())


@pytest.mark.parametrize("look", LOOKS)
def test_a_run_of_several_series_is_fit_for_everyone(
    browser: Browser, shown: Shown, look: str
) -> None:
    visitor = Visitor(browser, shown, look)
    page = visitor.page
    page.route("**/several", lambda route: route.fulfill(body=of_several_series(shown)))
    page.goto("/several")
    assert page.get_by_role("heading", level=3).count() == len(NAMES)
    for name in NAMES:
        region = page.get_by_role("region", name=name)
        expect(region).to_contain_text("time left")
        region.get_by_text("Books: YES").click()
        expect(region.get_by_role("group", name=f"{name} YES (Up), best first")).to_be_visible()
    found = axe.Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= LOOKS[look][0]["width"]
    visitor.context.close()


def test_what_happens_is_shown_without_anyone_asking(visitor: Visitor, shown: Shown) -> None:
    page = visitor.page
    page.goto("/")
    expect(page.locator("#state")).to_contain_text("serving")
    clock = page.locator("#market h2 small")
    before = clock.inner_text()
    expect(clock).not_to_have_text(before)
    seen = shown.onlooker.until_whole()
    child = seen.child("strategy")
    assert child is not None
    processes.send(signal.SIGKILL, [child.pid])
    expect(page.locator("#actors h2 small")).to_have_text(re.compile(", [1-9][0-9]* restarts?$"))
    shown.onlooker.until_whole()
    expect(page.locator("#state")).to_contain_text("serving")
    assert visitor.complaints == []


def test_it_can_be_walked_by_keyboard(visitor: Visitor) -> None:
    page = visitor.page
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.get_by_role("link", name="Halt", exact=True).focus()
    clock = page.locator("#market h2 small")
    before = clock.inner_text()
    expect(clock).not_to_have_text(before)
    expect(page.get_by_role("link", name="Halt", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Token")).to_be_focused()


def test_a_person_halts_and_resumes_by_hand(visitor: Visitor, shown: Shown) -> None:
    page, onlooker = visitor.page, shown.onlooker
    page.goto("/")
    page.get_by_role("link", name="Halt", exact=True).click()
    page.get_by_label("Token").fill(shown.token)
    page.keyboard.press("Enter")
    expect(page.get_by_text("No new order is made until someone resumes")).to_be_visible()
    page.get_by_label("Reason").fill("odd <b>prices</b>")
    page.get_by_role("button", name="Halt trading").click()
    halts = page.locator("#halts")
    expect(halts).to_contain_text(f"{PAGE} odd <b>prices</b>")
    expect(page.locator("#state")).to_contain_text("trading is halted")
    halted = list(onlooker.reader.events(kind=Halted.__name__))
    assert [each.body["halt"]["who"] for each in halted] == [PAGE]

    halts.get_by_role("link", name="Resume").click()
    page.get_by_role("button", name="Resume trading").click()
    expect(halts).to_contain_text("nobody has halted trading")
    resumed = list(onlooker.reader.events(kind=Resumed.__name__))
    assert [each.body["who"] for each in resumed] == [PAGE]

    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("link", name="Log in")).to_be_visible()
    page.goto("/flatten")
    expect(page.get_by_label("Token")).to_be_visible()
    assert visitor.complaints == []
    for path in onlooker.system.data_dir.iterdir():
        if path.is_file() and path.name != "web-token":
            assert shown.token.encode() not in path.read_bytes(), path.name


def test_an_open_page_says_that_its_server_is_gone_and_goes_on_when_it_is_back(
    visitor: Visitor, shown: Shown
) -> None:
    page = visitor.page
    page.goto("/")
    expect(page.locator("#state")).to_contain_text("serving")
    pid = shown.server_pid()
    assert pid is not None
    processes.send(signal.SIGSTOP, [pid])
    expect(page.locator("#unheard")).to_contain_text("No news")
    processes.send(signal.SIGKILL, [pid])
    shown.onlooker.until("the page is served again", shown.is_up)
    expect(page.locator("#unheard")).to_be_hidden()
    expect(page.locator("#state")).to_contain_text("serving")
