"""Each command's whole way: command line, control socket, the foreground's loop, a real desk."""

from __future__ import annotations

import contextlib
import json
import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from called import understudy
from chronicle import Chronicle, intent, trade
from click.testing import Result
from nouns import a_position
from scenes import MARKET, NOW_MS, snapshot

from actors.core import Send
from actors.execution.desk import DeskCore
from actors.execution.exits import EXIT_PRIORITY
from actors.messages.directory import MarketOpened
from actors.messages.execution import OrderUpdated
from actors.messages.halts import KILL_SWITCH, Halt
from actors.messages.lifecycle import Started
from actors.messages.market import SnapshotWanted
from actors.messages.strategy import StopLossTriggered
from actors.model import Action, Side
from actors.roles import DESK, MARKET_STATE, OBSERVER, REPLY
from actors.runtime.journal_file import prepare
from actors.settings import Settings
from actors.units import dollars_text, shares
from understudy.control import ControlServer
from understudy.data_dir.kill_switch import KILL_SWITCH_NAME
from understudy.processes.exit_codes import ExitCode
from understudy.running.halting import HaltControl


class DeskAlone:
    """Stands in for the tree: a desk to ask, and a market that sells whatever it is asked to."""

    def __init__(self) -> None:
        self.core = DeskCore(DESK, Settings(), random.Random(1))
        self.is_silent = False
        self.asked: list[object] = []
        for message in (Started(), MarketOpened(market=MARKET, strike=None)):
            self.core.handle(message, NOW_MS)
        self.holds(0)

    def holds(self, yes: int, version: int = 1) -> None:
        self.core.handle(
            a_position(MARKET.market_id, version=version, yes_units=shares(yes)),
            NOW_MS,
        )

    def ask_role(self, role: str, message: object, wanted: type, patience_s: float) -> Any:
        assert role == DESK
        assert patience_s < 1
        self.asked.append(message)
        if self.is_silent:
            return None
        answer = None
        for effect in self.core.handle(message, NOW_MS):
            if isinstance(effect, Send) and effect.to == REPLY:
                assert isinstance(effect.message, wanted)
                answer = effect.message
            elif isinstance(effect, Send) and effect.to == MARKET_STATE:
                self._sell(effect.message)
        return answer

    def _sell(self, message: object) -> None:
        assert isinstance(message, SnapshotWanted)
        for effect in self.core.handle(snapshot(), NOW_MS):
            if isinstance(effect, Send) and isinstance(effect.message, OrderUpdated):
                assert effect.to == OBSERVER
                self.sold = effect.message.order.intent


@attrs.frozen
class Running:
    data_dir: Path
    desk: DeskAlone
    control: HaltControl

    def understudy(self, *arguments: str) -> Result:
        return understudy(*arguments, "--data-dir", self.data_dir)

    def json(self, *arguments: str) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.understudy(*arguments, "--json").stdout)
        return answer


@contextlib.contextmanager
def run_in(data_dir: Path, *series: str) -> Iterator[Running]:
    """A run's loop and control socket about a desk alone."""
    prepare(data_dir)
    desk, control = DeskAlone(), HaltControl(data_dir, series)
    server = ControlServer(data_dir, control.handlers)
    is_over = threading.Event()

    def loop() -> None:
        while not is_over.wait(0.01):
            control.beat(desk)

    thread = threading.Thread(target=loop)
    server.start()
    thread.start()
    try:
        yield Running(data_dir, desk, control)
    finally:
        is_over.set()
        thread.join()
        server.close()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    with run_in(tmp_path) as run:
        yield run


def test_halt_says_what_is_halted_by_whom_and_why(running: Running) -> None:
    result = running.understudy("halt", "--reason", "odd prices")
    assert (result.exit_code, result.output) == (
        0,
        "halted: odd prices (operator); no order is live\n",
    )


@pytest.mark.parametrize(("option", "cancels"), [((), False), (("--cancel",), True)])
def test_halt_cancels_if_it_is_told_to(running: Running, option: Any, cancels: bool) -> None:
    (halt,) = running.json("halt", *option)["halts"]
    assert halt["cancels"] is cancels


def test_resume_lifts_it_and_says_so(running: Running) -> None:
    running.understudy("halt")
    result = running.understudy("resume")
    assert (result.exit_code, result.output) == (0, "trading; no order is live\n")


def test_resume_says_that_a_stop_loss_still_blocks_its_window(running: Running) -> None:
    running.understudy("halt")
    running.desk.core.handle(
        StopLossTriggered(
            market_id=MARKET.market_id,
            side=Side.YES,
            best_bid_ticks=240,
            held_units=shares(10),
            on_stop_loss="halt",
            position_version=1,
            tick_ns=1,
        ),
        NOW_MS,
    )
    result = running.understudy("resume")
    assert result.exit_code == ExitCode.FAILED
    assert result.output.startswith(f"trading; {MARKET.slug} is stopped: ")
    assert "until it is over" in result.output


def test_resume_is_refused_while_the_kill_switch_file_is_there(running: Running) -> None:
    path = running.data_dir / KILL_SWITCH_NAME
    path.write_text("fire\n")
    result = running.understudy("resume")
    assert result.exit_code == ExitCode.FAILED
    assert f"the kill-switch file {path} is still there" in result.stderr
    path.unlink()
    assert running.understudy("resume").exit_code == ExitCode.OK


def test_flatten_sells_and_says_what_is_left_when_it_no_longer_waits(running: Running) -> None:
    running.desk.holds(20, version=2)
    result = running.understudy("flatten", "--wait", "0.5")
    assert running.desk.sold.size_units == shares(20)
    assert result.exit_code == ExitCode.FAILED
    assert "1 orders have not ended yet" in result.stderr


def test_flatten_says_what_it_sold_at_what_price_and_what_that_cost(running: Running) -> None:
    chronicle = Chronicle(running.data_dir)
    bought = intent(1, price_ticks=480)
    chronicle.done(bought, trade(bought, is_maker=True))
    sold_before = intent(2, action=Action.SELL, price_ticks=430, size_units=shares(5))
    chronicle.done(sold_before, trade(sold_before, 5, is_maker=True))
    sales = [
        intent(
            number,
            action=Action.SELL,
            price_ticks=ticks,
            priority=EXIT_PRIORITY,
            reason="flatten: sell 10 YES at the bid",
            created_at_ms=NOW_MS + number,
        )
        for number, ticks in ((3, 400), (4, 390))
    ]
    for sale, size in zip(sales, (10, 5), strict=True):
        chronicle.done(sale, trade(sale, size))
    chronicle.close()

    told = running.json("flatten")["sold"]
    text = running.understudy("flatten").output

    fees = [trade(sale, size).fee_nanos for sale, size in zip(sales, (10, 5), strict=True)]
    proceeds = 400 * shares(10) + 390 * shares(5)
    result = proceeds - 480 * shares(15) - sum(fees)
    assert told == [
        {
            "market": "0x000",
            "slug": bought.market.slug,
            "side": "YES",
            "size": "15",
            "proceeds": "5.95",
            "fees": dollars_text(sum(fees)),
            "result": dollars_text(result),
        }
    ]
    assert "sold 15 YES of btc-updown-15m-1750000500 at 0.3967 on average, for $5.95" in text
    assert "against what they had cost before fees: -1.50" in text


def test_what_the_ledger_has_not_booked_has_no_result_yet(running: Running) -> None:
    chronicle = Chronicle(running.data_dir)
    sale = intent(
        1,
        action=Action.SELL,
        priority=EXIT_PRIORITY,
        reason="flatten: sell 20 YES at the bid",
        created_at_ms=NOW_MS,
    )
    chronicle.live(sale, trade(sale), unbooked=True)
    chronicle.close()
    assert running.json("flatten")["sold"][0]["result"] is None
    assert "the ledger has not booked all of it yet" in running.understudy("flatten").output


def test_flatten_of_nothing_is_done_at_once(running: Running) -> None:
    result = running.understudy("flatten")
    assert result.exit_code == ExitCode.OK
    assert "halted: flattened by hand (operator)" in result.output


def test_flatten_names_dust_as_left_over(running: Running) -> None:
    running.desk.holds(1, version=2)
    result = running.understudy("flatten")
    assert result.exit_code == ExitCode.FAILED
    assert "1 YES are left: YES order of $0.52 is below the market's minimum $1" in result.stderr


def test_without_a_system_halt_writes_the_kill_switch_file_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / KILL_SWITCH_NAME
    result = understudy("halt", "--reason", "just in case", "--data-dir", tmp_path)
    assert result.exit_code == ExitCode.OK
    assert path.read_text() == "just in case\n"
    assert f"{path} is written" in result.output
    assert "remove it and call understudy resume" in result.output


def test_a_desk_that_does_not_answer_is_halted_by_the_file(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("understudy.running.halting._PATIENCE_S", 0.2)
    running.desk.is_silent = True
    result = running.understudy("halt")
    assert result.exit_code == ExitCode.FAILED
    assert "the desk has not answered" in result.output
    assert (running.data_dir / KILL_SWITCH_NAME).exists()


def test_halting_a_directory_that_does_not_exist_is_bad_input(tmp_path: Path) -> None:
    result = understudy("halt", "--data-dir", tmp_path / "absent")
    assert result.exit_code == ExitCode.BAD_INPUT
    assert not (tmp_path / "absent").exists()


@pytest.mark.parametrize("command", ["resume", "flatten"])
def test_without_a_system_the_others_fail_in_one_sentence(tmp_path: Path, command: str) -> None:
    result = understudy(command, "--data-dir", tmp_path)
    assert result.exit_code == ExitCode.FAILED
    assert result.stderr == f"understudy: no understudy runs on {tmp_path}\n"


# The kill-switch file beside a running system


def halts(desk: DeskAlone) -> tuple[Halt, ...]:
    return desk.core._known.state.halts


def test_a_file_that_appears_halts_and_cancels_and_is_told_once(tmp_path: Path) -> None:
    prepare(tmp_path)
    desk, control = DeskAlone(), HaltControl(tmp_path)
    control.beat(desk)
    assert desk.asked == []
    (tmp_path / KILL_SWITCH_NAME).write_text("fire\n")
    for _ in range(3):
        control.beat(desk)
    assert len(desk.asked) == 1
    (halt,) = halts(desk)
    assert (halt.who, halt.reason, halt.cancels) == (KILL_SWITCH, "fire", True)


def test_a_desk_that_missed_the_file_is_told_again(tmp_path: Path) -> None:
    prepare(tmp_path)
    desk, control = DeskAlone(), HaltControl(tmp_path)
    (tmp_path / KILL_SWITCH_NAME).touch()
    desk.is_silent = True
    control.beat(desk)
    desk.is_silent = False
    control.beat(desk)
    assert halts(desk)


def test_removing_the_file_does_not_resume_and_a_new_one_halts_again(tmp_path: Path) -> None:
    prepare(tmp_path)
    desk, control = DeskAlone(), HaltControl(tmp_path)
    path = tmp_path / KILL_SWITCH_NAME
    for count in (1, 2):
        path.touch()
        control.beat(desk)
        path.unlink()
        control.beat(desk)
        assert halts(desk)
        assert len(desk.asked) == count
