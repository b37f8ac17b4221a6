from __future__ import annotations

import asyncio
import http.client
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from aiohttp.test_utils import TestClient, TestServer
from called import understudy
from prometheus_client import CONTENT_TYPE_LATEST
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from scenes import feed_health, series_view, view
from watched import down, observation, running, status

from actors.messages.halts import Halt
from actors.messages.observer import FeedSeen
from actors.runtime.journal_file import prepare
from understudy.display.latency import Histogram
from understudy.drill.processes import wait_for
from understudy.metrics.collector import BUCKETS_S, ObservationCollector, buckets_of
from understudy.metrics.server import MetricsServer
from understudy.watching.observation import Observation

REPOSITORY = Path(__file__).parents[3]


def exposed(seen: Observation) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample of an observation, as Prometheus's own parser reads it."""
    text = generate_latest(ObservationCollector(lambda: seen)).decode()
    return {
        (each.name.removeprefix("understudy_"), tuple(sorted(each.labels.items()))): each.value
        for family in text_string_to_metric_families(text)
        for each in family.samples
    }


FEED = FeedSeen(
    feed="market-feed",
    is_up=True,
    since_ms=0,
    health=feed_health(
        "market-feed",
        frames_count=900,
        malformed_count=1,
        merged_count=45,
        reconnect_count=2,
        data_at_ms=view().at_ms - 3_000,
    ),
)


def test_everything_that_is_asked_for_is_exposed() -> None:
    samples = exposed(observation(status=status(view=view(feeds=(FEED,)))))
    expected = {
        ("health", (("state", "serving"),)): 1,
        ("health", (("state", "down"),)): 0,
        ("latency_seconds_count", (("path", "tick_to_order"),)): 2,
        ("journal_write_seconds_count", ()): 2,
        ("feed_frames_total", (("feed", "market-feed"),)): 900,
        ("feed_merged_batches_total", (("feed", "market-feed"),)): 45,
        ("feed_data_age_seconds", (("feed", "market-feed"),)): 3,
        ("book_age_seconds", (("side", "YES"),)): 0.2,
        ("signals_refused_total", ()): 0,
        ("pnl_dollars", ()): 5.76,
        ("limit", (("limit", "max_day_loss_dollars"),)): 250,
        ("limit_used", (("limit", "max_orders_per_minute"),)): 3,
        ("actor_restarts_total", (("role", "strategy"),)): 1,
        ("actor_restarts_total", (("role", "order"),)): 0,
        ("journal_bytes", (("file", "log"),)): 4_096,
        ("exchange_errors_total", (("kind", "post_refused"), ("status", "425"))): 4,
    }
    assert {key: samples.get(key) for key in expected} == pytest.approx(expected)


def test_a_system_that_is_down_has_no_stale_numbers() -> None:
    names = {name for name, _ in exposed(down())}
    assert "health" in names
    assert "journal_bytes" in names
    assert not {"pnl_dollars", "feed_up", "latency_seconds_count", "actor_serving"} & names


def test_a_halt_is_exposed_with_whose_it_is() -> None:
    halt = Halt(who="kill-switch file", reason="a secret?", since_ms=0, cancels=True)
    samples = exposed(observation(status=status(halts=(halt,))))
    assert samples["halted", (("who", "kill-switch file"),)] == 1


def test_buckets_cumulate_and_end_with_all() -> None:
    buckets, total_s = buckets_of(Histogram([50, 50, 2_000, 9_000_000]))
    counts = [count for _, count in buckets]
    assert counts == sorted(counts)
    assert buckets[0] == (str(BUCKETS_S[0]), 2)
    assert buckets[-1] == ("+Inf", 4)
    assert total_s == pytest.approx(9.0021, rel=1 / 64)


def test_no_samples_are_a_histogram_too() -> None:
    samples = exposed(observation(status=status(latencies={})))
    assert samples["journal_write_seconds_count", ()] == 0


# Over HTTP


def asked(seen: Observation, path: str) -> tuple[int, str, str]:
    async def ask() -> tuple[int, str, str]:
        server = TestServer(MetricsServer(lambda: seen).application())
        async with TestClient(server) as client:
            answer = await client.get(path)
            return answer.status, answer.headers["Content-Type"], await answer.text()

    return asyncio.run(ask())


HEALTHS = {
    "serving": (observation(), 200),
    "degraded": (observation(disk_free_bytes=1), 200),
    "down": (down(), 503),
}


@pytest.mark.parametrize("state", HEALTHS)
def test_health_answers_probes_by_its_status(state: str) -> None:
    seen, wanted = HEALTHS[state]
    code, _, body = asked(seen, "/health")
    assert code == wanted
    assert json.loads(body)["state"] == state


def test_metrics_are_served_in_prometheuss_format() -> None:
    code, content_type, body = asked(observation(), "/metrics")
    assert code == 200
    assert content_type.split(";")[0] == CONTENT_TYPE_LATEST.split(";")[0]
    assert list(text_string_to_metric_families(body))


def test_many_scrapes_at_once_are_one_look() -> None:
    looks = 0

    def look() -> Observation:
        nonlocal looks
        looks += 1
        return observation()

    async def ask() -> list[int]:
        async with TestClient(TestServer(MetricsServer(look).application())) as client:
            answers = await asyncio.gather(*(client.get("/health") for _ in range(50)))
            return [answer.status for answer in answers]

    assert asyncio.run(ask()) == [200] * 50
    assert looks == 1


# As a process


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "understudy", "metrics", "--port", "0", "--data-dir", str(tmp_path)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    yield process, json.loads(process.stdout.readline())["http"]
    process.kill()
    process.communicate()


def get(url: str, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body


@pytest.mark.processes
def test_the_process_sees_a_system_come_and_go(served, tmp_path: Path) -> None:
    process, url = served
    assert urlsplit(url).hostname == "127.0.0.1"
    assert get(url, "/health")[0] == 503
    with running(tmp_path, status(handled_count=77)):
        assert wait_for_text(url, "understudy_messages_handled_total 77.0")
    assert wait_for_text(url, 'understudy_health{state="down"} 1.0')

    process.send_signal(signal.SIGTERM)
    assert process.wait() == 0


def wait_for_text(url: str, wanted: str) -> bool:
    return wait_for(lambda: wanted in get(url, "/metrics")[1], 60)


@pytest.mark.processes
def test_a_taken_port_is_one_sentence(served, tmp_path: Path) -> None:
    port = str(urlsplit(served[1]).port)
    result = understudy("metrics", "--port", port, "--data-dir", tmp_path)
    assert result.exit_code == 1
    assert f"port {port} of 127.0.0.1 cannot be served" in result.output


def test_metrics_can_be_printed_once(tmp_path: Path) -> None:
    with running(tmp_path, status()):
        result = understudy("metrics", "--once", "--data-dir", tmp_path)
    assert result.exit_code == 0
    assert "understudy_messages_handled_total 14808.0" in result.output
    assert "understudy_refused_frames_total 3.0" in result.output


def test_health_is_a_command_with_an_exit_code(tmp_path: Path) -> None:
    prepare(tmp_path)
    with running(tmp_path, status()):
        well = understudy("health", "--data-dir", tmp_path)
    ill = understudy("health", "--json", "--data-dir", tmp_path)
    assert (well.exit_code, well.output) == (0, "serving\n")
    assert ill.exit_code == 1
    assert json.loads(ill.output)["state"] == "down"


@pytest.mark.parametrize("command", ["metrics", "health"])
def test_a_directory_that_is_not_there_is_bad_input(command: str, tmp_path: Path) -> None:
    result = understudy(command, "--data-dir", tmp_path / "absent")
    assert result.exit_code == 2
    assert "there is no directory" in result.output


def test_without_the_extra_the_command_says_how_to_get_it(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['prometheus_client'] = None; "
        "from understudy.cli import main; main(sys.argv[1:])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "metrics", "--once", "--data-dir", str(tmp_path)],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "pip install 'understudy[metrics]'" in done.stderr


def test_the_page_lists_every_metric() -> None:
    page = (REPOSITORY / "docs" / "metrics.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `(understudy_\w+)", page, re.MULTILINE))
    two = (series_view("btc-15m"), series_view("eth-5m"))
    seen = observation(status=status(view=view(feeds=(FEED,), series=two)))
    assert listed == {
        family.name + ("_total" if family.type == "counter" else "")
        for family in ObservationCollector(lambda: seen).collect()
    }
