"""What docs/tutorial.md has its reader type does what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from actors.messages.execution import OrderStatus, OwnOrder
from actors.model import Action, Side, TimeInForce
from actors.strategy.choice import make_strategy
from understudy.strategy.check import check_file, example_context, settings_of_file

PAGE = Path(__file__).parents[2] / "docs" / "tutorial.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture(scope="module")
def steps() -> list[str]:
    """The file as it is first written, as it is mended, and as it raises on purpose."""
    first, readiness, condition, raising = BLOCKS
    loop = "        for side in Side:\n"
    old = "            if ask_ticks is not None and ask_ticks < self.limit_ticks:\n"
    mended = first.replace(loop, readiness + loop).replace(old, condition)
    assert old not in mended
    return [first, mended, mended.replace(readiness, raising + readiness)]


def written(folder: Path, text: str) -> Path:
    path = folder / "my_idea.py"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_first_version_has_the_problem_that_the_page_shows(
    steps: list[str], tmp_path: Path
) -> None:
    (problem,) = check_file(written(tmp_path, steps[0]))
    assert f"problem: {problem}\n" in PAGE.read_text(encoding="utf-8")


def test_the_mended_version_keeps_the_contract(steps: list[str], tmp_path: Path) -> None:
    assert check_file(written(tmp_path, steps[1])) == []


def test_the_last_version_raises_once_it_has_an_order(steps: list[str], tmp_path: Path) -> None:
    strategy = make_strategy(settings_of_file(written(tmp_path, steps[2])))
    cheap = example_context(yes_bid=(200, 50), yes_ask=(210, 50))
    (order,) = strategy.evaluate(cheap).orders
    working = OwnOrder(
        order_id="order_1_a",
        side=Side.YES,
        action=Action.BUY,
        price_ticks=order.price_ticks,
        size_units=order.size_units,
        filled_units=0,
        time_in_force=TimeInForce.GTC,
        is_post_only=False,
        status=OrderStatus.PENDING,
        created_at_ms=0,
        expires_at_ms=1,
        is_cancelling=False,
    )
    with pytest.raises(RuntimeError, match="on purpose"):
        strategy.evaluate(example_context(orders=(working,)))
