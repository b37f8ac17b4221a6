"""Make docs/pictures/page.png and page-phone.png again: the page during a demo of two series.

Needs Chromium and what `pip install '.[dev]'` brings. Run it from the repository:

    .venv/bin/python docs/pictures/page.py
"""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

HERE = Path(__file__).parent
PICTURES = {
    "page.png": ({"width": 1280, "height": 1000}, "light"),
    "page-phone.png": ({"width": 390, "height": 844}, "dark"),
}
LIMIT_S = 300.0


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for_page(port: int) -> None:
    """Wait until the page is served.

    Raises:
        TimeoutError: it is not.
    """
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/login")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.5)
        finally:
            connection.close()
    raise TimeoutError("the page is not served")


def take(browser: Browser, port: int) -> None:
    """Take both pictures once windows have settled and something is held."""
    page = browser.new_context().new_page()
    page.set_default_timeout(LIMIT_S * 1_000)
    page.goto(f"http://127.0.0.1:{port}/")
    page.locator("#windows tbody tr").nth(1).wait_for()
    page.locator("#market .card progress").nth(1).wait_for()
    page.locator("#decisions li").nth(2).wait_for()
    for name, (size, scheme) in PICTURES.items():
        context = browser.new_context(viewport=size, color_scheme=scheme)  # type: ignore[arg-type] # playwright's own types
        shot = context.new_page()
        shot.goto(f"http://127.0.0.1:{port}/")
        shot.locator("#state.serving").wait_for()
        shot.screenshot(path=HERE / name)
        context.close()


def main() -> None:
    """Run a demo, take the pictures, and end it."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("there is no Chromium here")
    port = free_port()
    with tempfile.TemporaryDirectory() as directory:
        data_dir = Path(directory) / "demo"
        command = [sys.executable, "-m", "understudy", "run", "--demo", "--series", "btc-5m,eth-5m"]
        command += ["--data-dir", str(data_dir), "--windows", "0", "--speed", "5"]
        command += ["--set", "web.enabled=true", "--set", f"web.port={port}"]
        demo = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for_page(port)
            with sync_playwright() as driver:
                sandbox = ["--no-sandbox"] if os.getuid() == 0 else []
                browser = driver.chromium.launch(executable_path=chromium, args=sandbox)
                take(browser, port)
                browser.close()
        finally:
            demo.terminate()
            demo.wait(90)


if __name__ == "__main__":
    main()
