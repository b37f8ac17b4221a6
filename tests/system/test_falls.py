"""Whatever is killed while the system trades, it serves again and its orders live on."""

from __future__ import annotations

import os
import signal

import pytest
from onlookers import Onlooker, understudy

from actors.roles import MARKET_FEED, MARKET_STATE, REFERENCE_FEED, STRATEGY, TWAP_FEED
from actors.units import shares
from audit.books import read_books
from understudy.control import ask
from understudy.drill.witness import Witness
from understudy.processes.exit_codes import ExitCode
from understudy.settings.options import DrillStage

pytestmark = pytest.mark.processes


@pytest.mark.parametrize("role", [MARKET_FEED, REFERENCE_FEED, TWAP_FEED, MARKET_STATE, STRATEGY])
def test_a_killed_actor_comes_back_and_orders_live_on(trading: Onlooker, role: str) -> None:
    before = trading.until_whole().child(role)
    orders = trading.until_an_order_lives()
    assert before is not None
    os.kill(before.pid, signal.SIGKILL)

    def successor() -> bool:
        seen = trading.system.look()
        row = seen.child(role) if seen is not None else None
        return row is not None and row.generation > before.generation

    trading.until(f"{role} is made again", successor)
    trading.until_whole()
    trading.until_ended(orders)


def test_an_actor_that_is_killed_after_a_reload_comes_back_with_the_reloaded_settings(
    trading: Onlooker,
) -> None:
    before = trading.until_whole().child(STRATEGY)
    assert before is not None
    reply = ask(trading.system.data_dir, "reload", assignments=["strategy.max_trade_shares=500"])
    number = reply["number"]
    os.kill(before.pid, signal.SIGKILL)

    def decided() -> set[str]:
        """Orders that a strategy and a desk of the new settings have agreed on."""
        orders = trading.orders().items()
        return {name for name, order in orders if order.intent.settings_number == number}

    trading.until("an order is decided by the reloaded settings", decided)
    after = trading.until_whole().child(STRATEGY)
    assert after is not None
    assert after.generation > before.generation
    assert all(trading.orders()[name].intent.size_units <= shares(500) for name in decided())


@pytest.mark.parametrize("who", ["supervisor", "admin"])
def test_a_killed_supervisor_or_admin_is_rebuilt_with_all_below_it(
    trading: Onlooker, who: str
) -> None:
    before = trading.until_whole()
    orders = trading.until_an_order_lives()
    old = {before.supervisor_pid, *(child.pid for child in before.children)}
    os.kill(before.supervisor_pid if who == "supervisor" else before.admin_pid, signal.SIGKILL)

    def rebuilt() -> bool:
        seen = trading.system.look()
        return seen is not None and seen.supervisor_pid != before.supervisor_pid

    trading.until("a new supervisor answers", rebuilt)
    after = trading.until_whole()
    assert old.isdisjoint({after.supervisor_pid, *(child.pid for child in after.children)})
    assert old.isdisjoint(trading.system.pids())
    trading.until_ended(orders)


def test_a_second_run_on_the_same_directory_is_turned_away(trading: Onlooker) -> None:
    before = trading.until_whole()
    second = understudy("run", "--demo", "--data-dir", str(trading.system.data_dir))
    assert second.returncode == ExitCode.LOCKED
    assert f"process id {trading.system.foreground_pid}" in second.stderr
    assert trading.until_whole().supervisor_pid == before.supervisor_pid


def test_everything_leaves_with_a_killed_foreground_and_the_next_run_goes_on(
    trading: Onlooker,
) -> None:
    trading.until_whole()
    orders = trading.until_an_order_lives()
    os.kill(trading.system.foreground_pid, signal.SIGKILL)
    assert trading.system.wait_for_end(5.0) == -signal.SIGKILL
    assert trading.system.outliving() == frozenset()
    trading.system.start()
    trading.until_whole()
    trading.until_ended(orders)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_told_to_end_ends_its_orders_and_leaves_nothing(
    trading: Onlooker, stage: DrillStage, number: signal.Signals
) -> None:
    """The books of all that was killed before must agree, too."""
    if trading.system.has_ended:
        trading.system.start()
    trading.until_whole()
    trading.until_an_order_lives()
    trading.system.tell(number)
    assert trading.system.wait_for_end(60.0) == ExitCode.OK
    assert trading.system.outliving() == frozenset()
    assert trading.unfinished() == []
    assert trading.summary()["orders"]
    verdict = trading.verdict_on(read_books(trading.reader), Witness(stage.http_url))
    assert verdict.findings == []
