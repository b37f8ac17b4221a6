"""``understudy strategy``: begin one's own, check it, list what there is."""

from __future__ import annotations

import math
import runpy
from pathlib import Path

import pytest
from called import understudy
from click.testing import Result

from actors.settings import Settings, StrategySettings
from actors.strategy.choice import make_strategy
from actors.strategy.contract import Decision, FairValue
from actors.strategy.loading import StrategyUnavailable
from actors.strategy.saying import evaluated, trade_signals
from understudy import strategy_check
from understudy.strategy.check import check, check_file, example_context, settings_of_file

HEAD = """
import random

from understudy.strategy import (
    Action, Cancel, Context, Decision, Order, Side, StopWindow, Strategy, TimeInForce
)

SEEN = []
"""


def test_the_test_of_a_strategy_that_an_earlier_release_wrote_still_finds_the_check() -> None:
    assert strategy_check.check_file is check_file
    assert strategy_check.settings_of_file is settings_of_file


def run(*arguments: str) -> Result:
    return understudy("strategy", *arguments)


def written(folder: Path, body: str) -> Path:
    """A file whose strategy's ``evaluate`` is this."""
    lines = "\n".join(f"        {line}" for line in body.strip().splitlines())
    path = folder / "mine.py"
    path.write_text(
        f"{HEAD}\nclass Mine(Strategy):\n    def evaluate(self, context: Context) -> Decision:\n"
        f"{lines}\n"
    )
    return path


def test_a_new_strategy_keeps_the_contract_and_passes_its_own_test(tmp_path: Path) -> None:
    made = run("new", "my_idea", "--dir", str(tmp_path))
    assert made.exit_code == 0, made.output
    path = tmp_path / "my_idea.py"
    checked = run("check", str(path))
    assert checked.exit_code == 0, checked.output
    assert checked.output.endswith("ok\n")
    test = runpy.run_path(str(tmp_path / "test_my_idea.py"))
    test["test_it_keeps_the_contract"]()
    test["test_it_buys_what_is_cheap_and_nothing_else"]()


@pytest.mark.parametrize(
    "body",
    [
        "while True: pass",
        """
while True:
    try:
        import time; time.sleep(60)
    except Exception:
        pass
""",
    ],
    ids=["a loop", "a sleep that takes every exception"],
)
def test_an_evaluation_without_end_is_ended_and_named(
    body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("understudy.strategy.check._GIVEN_UP_S", 0.2)
    (problem,) = check_file(written(tmp_path, body))
    assert problem.startswith("an evaluation has not ended within 0.2 s, where ")


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "test_my_idea.py").write_text("mine")
    refused = run("new", "my_idea", "--dir", str(tmp_path))
    assert refused.exit_code == 2
    assert "exists already" in refused.output
    assert [each.name for each in tmp_path.iterdir()] == ["test_my_idea.py"]


@pytest.mark.parametrize("name", ["My-Idea", "../x", "1st", ""])
def test_a_name_that_makes_no_module_is_refused(name: str, tmp_path: Path) -> None:
    refused = run("new", name, "--dir", str(tmp_path))
    assert refused.exit_code == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["pair", "maker"])
def test_the_built_in_strategies_keep_the_contract(name: str) -> None:
    report = check(Settings(strategy=StrategySettings(use=name)))
    assert report.problems == ()
    assert report.ordered_count > 50


BUY = 'Order(side=Side.YES, price_ticks=%s, size_units=%s, reason="x")'
READY = "if context.unready_reason(): return Decision()\n"
WRONG = {
    "raises": (
        "return Decision(reasons=(str(context.book(Side.NO).best_ask_ticks + 1),))",
        "'NoneType' and 'int'; in mine.py, line 12, where no one buys YES, no one sells NO",
    ),
    "no decision": ("return None", "evaluate returned NoneType, and must return a Decision"),
    "the process's end": ("raise SystemExit(0)", "it raises SystemExit: 0; in mine.py, line 12"),
    "text for a side": (
        'return Decision(orders=(Order(side="YES", price_ticks=1, size_units=1, reason="x"),))',
        "Order.side is 'YES', and must be Side",
    ),
    "a price that is no number": (
        f"return Decision(orders=({BUY % ('1e999 - 1e999', 10_000_000)},))",
        "Order.price_ticks is nan, and must be int",
    ),
    "a size without end": (
        f"return Decision(orders=({BUY % (450, '10**30')},))",
        "Order.size_units has more than 64 bits",
    ),
    "what is no order": ("return Decision(orders=(5,))", "holds 5, which is no Order"),
    "too many orders": (
        f"return Decision(orders=({BUY % (450, 10_000_000)},) * 201)",
        "holds more than 200 Orders",
    ),
    "one text for many": ('return Decision(reasons="no")', "'no', and must be a tuple"),
    "a reason that is no text": ("return Decision(reasons=(5,))", "5, which is no text"),
    "chance": (
        "return Decision(reasons=(str(random.random()),))",
        "the same context gives two decisions",
    ),
    "hidden memory": (
        "SEEN.append(1)\nreturn Decision(reasons=(str(len(SEEN)),))",
        "the same context gives two decisions",
    ),
    "not picklable": ("return Decision(memory=lambda: 1)", "cannot be pickled"),
    "off the grid": (
        READY + f"return Decision(orders=({BUY % (455, 10_000_000)},))",
        "off the market's grid",
    ),
    "too small": (
        READY + f"return Decision(orders=({BUY % (450, 1_000_000)},))",
        "below the market's minimum 5",
    ),
    "sold without holding": (
        READY + "bid = context.book(Side.YES).best_bid_ticks\n"
        "if bid is None or context.orders or context.sellable_units(Side.YES): return Decision()\n"
        "return Decision(orders=(Order(side=Side.YES, action=Action.SELL, price_ticks=bid, "
        'size_units=10_000_000, reason="x", time_in_force=TimeInForce.FAK),))',
        "10 YES are to be sold, and 0 are held",
    ),
    "unready": (
        f"return Decision(orders=({BUY % (450, 10_000_000)},))",
        "it orders although the",
    ),
    "a stranger's order": (
        'return Decision(cancels=(Cancel(order_id="order_1", reason="x"),))',
        "it cancels 'order_1', which is not one of its orders",
    ),
    "stop without holding": (
        "return Decision(stop=StopWindow(side=Side.YES, sells=True))",
        "it stops the window for YES, of which nothing is held",
    ),
}


@pytest.mark.parametrize(("body", "sentence"), WRONG.values(), ids=WRONG)
def test_what_breaks_the_contract_is_found_and_named(
    tmp_path: Path, body: str, sentence: str
) -> None:
    problems = check_file(written(tmp_path, body))
    assert any(sentence in problem for problem in problems), problems


def test_a_file_that_never_ends_is_given_up_and_so_are_very_slow_evaluations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("understudy.strategy.check._IMPORT_LIMIT_S", 0.2)
    endless = tmp_path / "endless.py"
    endless.write_text("while True: pass\n")
    with pytest.raises(StrategyUnavailable, match="it has not ended within"):
        check_file(endless)
    monkeypatch.setattr("understudy.strategy.check._WALK_LIMIT_S", 0.2)
    sleepy = written(tmp_path, "import time\ntime.sleep(0.1)\nreturn Decision()")
    assert "it is too slow" in check_file(sleepy)[0]


def test_very_long_reasons_are_cut(tmp_path: Path) -> None:
    path = written(tmp_path, "return Decision(reasons=('x' * 100_000,) * 100)")
    context = example_context()
    decision = make_strategy(settings_of_file(path)).evaluate(context)
    told = trade_signals(decision, context, signals_id=1, orders_per_side=1)
    assert len(told.passed_over) == 50
    assert set(map(len, told.passed_over)) == {1_000}


@pytest.mark.parametrize(("ticks", "shown"), [(500, 500.0), (math.nan, None), (-math.inf, None)])
def test_a_value_that_is_no_finite_number_is_shown_as_none(
    ticks: float, shown: float | None
) -> None:
    told = evaluated(Decision(), example_context(), FairValue(ticks, "why"))
    assert told.model_ticks == shown


def test_a_slow_strategy_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("understudy.strategy.check.SLOW_MS", 2.0)
    slow = "import time\nend = time.thread_time_ns() + 2_500_000\n"
    slow += "while {} and time.thread_time_ns() < end: pass\nreturn Decision()"
    some = slow.format("context.left_ms > 296_000")
    assert check_file(written(tmp_path, some)) == []  # a few slow ones may be the machine's
    many = slow.format("context.now_ms % 3 == 0")
    assert "it is too slow" in check_file(written(tmp_path, many))[0]


def test_reaching_outside_is_told_and_not_forbidden(tmp_path: Path) -> None:
    path = written(tmp_path, 'open("/dev/null").close()\nreturn Decision()')
    report = check(Settings(strategy=settings_of_file(path)))
    assert report.problems == ()
    assert any("it reached outside: open '/dev/null'" in note for note in report.notes)
    assert any("imports random" in note for note in report.notes)


def test_the_list_has_every_strategy_with_its_parameters(tmp_path: Path) -> None:
    run("new", "my_idea", "--dir", str(tmp_path))
    listed = run("list").output
    assert "pair (the default)" in listed
    assert "half_spread_ticks = 20  each bid stands so far below the fair value" in listed
    own = run("list", str(tmp_path / "my_idea.py")).output
    assert own.startswith("MyIdea  Buys below one price")
    assert "buy_below_ticks = 300  an outcome is bought below this (1 to 999)" in own


def test_a_strategy_that_is_not_there_is_bad_input() -> None:
    refused = run("check", "nowhere.py")
    assert refused.exit_code == 2
    assert "nowhere.py cannot be read" in refused.output
