"""The one order that the doctor may place: seen, cancelled, gone, whatever goes wrong."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from doctor_stage import (
    ADDRESS,
    FAIL,
    PASS,
    WARN,
    against,
    inject,
    key_file,
    ledger,
    live_at,
    run,
    subject,
)
from test_doctor_command import LIVE, at

from actors.execution.real.client import VenueClient
from actors.units import NANOS_PER_DOLLAR
from understudy.doctor.findings import Finding
from understudy.doctor.sight import VenueSight
from venue.server import LocalExchange

order_test = pytest.importorskip("understudy.doctor.order_test")
STEPS = ("order placed", "order seen", "order cancelled", "order gone")


async def placed(exchange: LocalExchange, data_dir: Path) -> list[Finding]:
    examinee = subject(live_at(exchange), data_dir)
    return list(await order_test.run_order_test(examinee, VenueSight(examinee)))


def outcomes(findings: list[Finding]) -> list[object]:
    assert tuple(each.name for each in findings) == STEPS
    return [each.outcome for each in findings]


async def assert_nothing_is_left(exchange: LocalExchange, orders: int) -> None:
    books = await ledger(exchange)
    assert len(books["orders"]) == orders
    assert all(order["status"].startswith("CANCEL") for order in books["orders"])
    assert books["trades"] == []
    assert books["cash_nanos"] == 1_000 * NANOS_PER_DOLLAR


@against()
async def test_a_small_order_is_placed_seen_cancelled_and_gone(
    exchange: LocalExchange, tmp_path: Path
) -> None:
    findings = await placed(exchange, tmp_path)
    assert outcomes(findings) == [PASS] * 4
    assert "$0.05 in all" in findings[0].sentence
    await assert_nothing_is_left(exchange, orders=1)


@against()
async def test_it_may_only_rest_and_ends_by_itself(
    exchange: LocalExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    posted: list[str] = []
    post = VenueClient.post

    async def noted(client: VenueClient, payload: str) -> object:
        posted.append(payload)
        return await post(client, payload)

    monkeypatch.setattr(VenueClient, "post", noted)
    await inject(exchange, kind="post_only", for_ms=60_000)
    assert outcomes(await placed(exchange, tmp_path)) == [PASS] * 4
    assert len(posted) == 1
    assert '"orderType":"GTD"' in posted[0]
    assert '"postOnly":true' in posted[0]


def test_an_exchange_ahead_of_this_host_takes_it_too(tmp_path: Path) -> None:
    async def scenario(exchange: LocalExchange) -> None:
        assert outcomes(await placed(exchange, tmp_path)) == [PASS] * 4

    run(scenario, start_ms=time.time_ns() // 1_000_000 + 700_000)


@pytest.mark.parametrize("kind", ["lost_answer", "server_error"])
@against()
async def test_an_answer_that_is_lost_leaves_no_order(
    exchange: LocalExchange, tmp_path: Path, kind: str
) -> None:
    await inject(exchange, kind=kind, target="orders")
    assert outcomes(await placed(exchange, tmp_path)) == [WARN, PASS, PASS, PASS]
    await assert_nothing_is_left(exchange, orders=1)


@against()
async def test_an_order_that_never_arrived_is_cancelled_by_its_id_all_the_same(
    exchange: LocalExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_test, "STEP_LIMIT_S", 1.0)
    await inject(exchange, kind="reset", target="orders")
    findings = await placed(exchange, tmp_path)
    assert outcomes(findings) == [WARN, FAIL, WARN, WARN]
    assert "can't be found" in findings[2].sentence
    assert "ends it by itself" in findings[2].advice
    await assert_nothing_is_left(exchange, orders=0)


@pytest.mark.parametrize("kind", ["lost_answer", "server_error", "reset", "rate_limited"])
@against()
async def test_a_cancel_without_a_clear_answer_is_sent_again(
    exchange: LocalExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(order_test, "STEP_LIMIT_S", 2.0)
    await inject(exchange, kind=kind, target="cancels")
    findings = await placed(exchange, tmp_path)
    assert [each.outcome for each in findings[:2]] == [PASS, PASS]
    assert findings[3].outcome is PASS
    await assert_nothing_is_left(exchange, orders=1)


@against()
async def test_an_order_that_no_read_shows_is_cancelled(
    exchange: LocalExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_test, "STEP_LIMIT_S", 1.0)
    await inject(exchange, kind="hidden_order", for_ms=60_000)
    assert outcomes(await placed(exchange, tmp_path)) == [PASS, FAIL, PASS, PASS]
    await assert_nothing_is_left(exchange, orders=1)


@pytest.mark.parametrize(
    ("kind", "word"), [("disabled", "disabled"), ("cancel_only", "cancel-only")]
)
@against()
async def test_a_refusal_is_the_venue_s_words_and_the_end(
    exchange: LocalExchange, tmp_path: Path, kind: str, word: str
) -> None:
    await inject(exchange, kind=kind, for_ms=60_000)
    (refused,) = await placed(exchange, tmp_path)
    assert (refused.outcome, word in refused.sentence) == (FAIL, True)
    assert "try again" in refused.advice


@against(wallets={ADDRESS: 0})
async def test_no_money_is_the_venue_s_word_too(exchange: LocalExchange, tmp_path: Path) -> None:
    (refused,) = await placed(exchange, tmp_path)
    assert (refused.outcome, "balance" in refused.advice) == (FAIL, True)


@against()
async def test_an_interrupt_cancels_what_was_posted(
    exchange: LocalExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = asyncio.Event()

    async def open_forever(_test: Any) -> bool:
        seen.set()
        return False

    monkeypatch.setattr(order_test._Test, "_is_open", open_forever)
    testing = asyncio.create_task(placed(exchange, tmp_path))
    await seen.wait()
    testing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await testing
    await assert_nothing_is_left(exchange, orders=1)


_NEVER_SEEN = """
import sys
from understudy.cli import main
from understudy.doctor import data_dir, examination, order_test
from understudy.doctor.findings import passed

async def well(_subject, _sight):
    return [passed(data_dir.LOCK, "free")]

async def never(_test):
    return False

examination.examined = well
order_test._Test._is_open = never
order_test.STEP_LIMIT_S = 60.0
main(["doctor", *sys.argv[1:]])
"""
"""The doctor, who only does the order test, and would look for its order for a minute, so that a
signal finds it looking."""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT], ids=lambda n: n.name)
@against()
async def test_f32_a_signal_between_placing_and_cancelling_lets_the_doctor_cancel_first(
    exchange: LocalExchange, tmp_path: Path, number: signal.Signals
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _NEVER_SEEN, *at(exchange.http_url, exchange.ws_url), *LIVE),
        *("--data-dir", str(tmp_path), "--order-test"),
        env={**os.environ, **key_file(tmp_path)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        while not (await ledger(exchange))["orders"]:
            assert process.returncode is None, await process.communicate()
            await asyncio.sleep(0.05)
        process.send_signal(number)
        process.send_signal(number)
        output = (await process.communicate())[0].decode()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    await assert_nothing_is_left(exchange, orders=1)
    assert process.returncode == 1, output
    assert f"not looked for: {number.name} asked for the end" in output
    assert "is cancelled" in output


@against()
async def test_f32_a_signal_before_the_order_was_sent_sends_none(
    exchange: LocalExchange, tmp_path: Path
) -> None:
    examinee = subject(live_at(exchange), tmp_path)
    sight = VenueSight(examinee)
    market_ahead = sight.market_ahead

    async def told_to_end(count: int) -> Any:
        os.kill(os.getpid(), signal.SIGTERM)
        return await market_ahead(count)

    sight.market_ahead = told_to_end  # type: ignore[method-assign] # a seam for this test
    (refused,) = await order_test.run_order_test(examinee, sight)
    assert refused.outcome is FAIL
    assert "nothing was sent: SIGTERM" in refused.sentence
    await assert_nothing_is_left(exchange, orders=0)


@pytest.mark.parametrize("step", ["_placed", "_seen"])
@against()
async def test_an_error_of_our_own_cancels_what_was_posted(
    exchange: LocalExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def fails(*_arguments: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(order_test._Test, step, fails)
    with pytest.raises(ZeroDivisionError):
        await placed(exchange, tmp_path)
    await assert_nothing_is_left(exchange, orders=1)


@against()
async def test_a_trade_in_spite_of_everything_is_not_passed_over(
    exchange: LocalExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = VenueClient.rows
    cancelled: list[str] = []
    cancel = VenueClient.cancel

    async def noted(client: VenueClient, venue_order_ids: tuple[str, ...]) -> Any:
        cancelled.extend(venue_order_ids)
        return await cancel(client, venue_order_ids)

    async def with_a_trade(client: VenueClient, path: str, market_id: str) -> list[object]:
        if path != "/data/trades":
            return await rows(client, path, market_id)
        (order_id,) = set(cancelled)
        own = {"order_id": order_id, "matched_amount": "5", "price": "0.01", "side": "BUY"}
        trade = {"id": "t", "side": "SELL", "size": "5", "price": "0.01", "maker_orders": [own]}
        return [trade]

    monkeypatch.setattr(VenueClient, "cancel", noted)
    monkeypatch.setattr(VenueClient, "rows", with_a_trade)
    findings = await placed(exchange, tmp_path)
    assert outcomes(findings) == [PASS, PASS, PASS, FAIL]
    assert "has traded" in findings[3].sentence
