"""Strategies of files and packages: what is run, what is refused, and in which words."""

from __future__ import annotations

import pickle
import random
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import attrs
import pytest

from actors.core import Record
from actors.messages.lifecycle import Started
from actors.messages.strategy import StrategyChosen
from actors.settings import Settings, StrategySettings
from actors.strategy import loading
from actors.strategy.choice import make_strategy, strategy_class
from actors.strategy.core import StrategyCore
from actors.strategy.loading import StrategyUnavailable, chosen_file, kept_in, only_class

CHEAP = """
from understudy.strategy import Context, Decision, Strategy, parameter


class Cheap(Strategy):
    limit_ticks: int = parameter(300, "bought below this", least=1, most=999)

    def evaluate(self, context: Context) -> Decision:
        return Decision(reasons=(f"limit {self.limit_ticks}",))
"""


def written(folder: Path, text: str = CHEAP) -> Path:
    path = folder / "cheap.py"
    path.write_text(text)
    return path


def settings(path: Path, name: str = "Cheap", **parameters: int) -> StrategySettings:
    file = chosen_file(path, name)
    return StrategySettings(
        use=f"{file.path}:{name}", file=file, parameters=tuple(parameters.items())
    )


def refusal(chosen: StrategySettings) -> str:
    with pytest.raises(StrategyUnavailable) as refused:
        make_strategy(chosen)
    return str(refused.value)


def test_a_class_of_a_file_is_made_with_its_parameters(tmp_path: Path) -> None:
    strategy = make_strategy(settings(written(tmp_path), limit_ticks=250))
    assert strategy.title == "Cheap"
    assert getattr(strategy, "limit_ticks", None) == 250
    assert only_class(chosen_file(written(tmp_path), "")) == "Cheap"


def test_a_file_is_not_found_by_where_one_stands_and_leaves_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, CHEAP.replace("limit {", "the limit {"))
    monkeypatch.chdir(tmp_path)
    before = list(sys.path)
    make_strategy(settings(path))
    assert sys.path == before
    assert [each.name for each in tmp_path.iterdir()] == ["cheap.py"]
    (tmp_path / "helper.py").write_text("VALUE = 1\n")
    assert "No module named 'helper'" in refusal(settings(written(tmp_path, "import helper\n")))


def test_a_file_that_changed_is_not_run_and_its_copy_is(tmp_path: Path) -> None:
    path = written(tmp_path, CHEAP + "# a first text of its own\n")
    chosen = settings(path)
    assert chosen.file is not None
    kept = attrs.evolve(chosen, file=kept_in(tmp_path / "kept", chosen.file))
    path.write_text("raise SystemExit\n")
    assert "has changed since it was chosen" in refusal(chosen)
    assert make_strategy(kept).title == "Cheap"
    assert kept.file is not None
    Path(kept.file.kept_at).write_text("raise SystemExit\n")
    del sys.modules[f"understudy_strategy_{chosen.file.sha256[:16]}"]
    assert "has changed since it was chosen" in refusal(kept)


BROKEN = {
    "syntax": ("class Cheap(:\n", "cheap.py, line 1: SyntaxError: invalid syntax"),
    "raises": ("x = 1\ny = 1 / 0\n", "cheap.py, line 2: ZeroDivisionError: division by zero"),
    "leaves": ("import sys\nsys.exit(3)\n", "cheap.py, line 2: SystemExit: 3"),
    "no class": ("x = 1\n", "cheap.py has no class Cheap"),
    "another class": ("class Cheap: pass\n", "must be a subclass of Strategy"),
    "no method": (
        "from understudy.strategy import Strategy\nclass Cheap(Strategy): pass\n",
        "has no method evaluate(self, context)",
    ),
    "too new": (CHEAP + "\n    contract = 2\n", "written for version 2 of the contract"),
    "too few": (CHEAP + "\n    orders_per_side = 0\n", "must be a whole number from 1"),
    "parameter": (CHEAP + "\n    odd: list = parameter([])\n", "Cheap.odd must be a bool, int"),
}


@pytest.mark.parametrize(("text", "sentence"), BROKEN.values(), ids=BROKEN)
def test_what_is_no_strategy_is_refused_in_one_sentence(
    tmp_path: Path, text: str, sentence: str
) -> None:
    said = refusal(settings(written(tmp_path, text)))
    assert sentence in said
    assert "\n" not in said


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(StrategyUnavailable, match=r"none\.py cannot be read: No such file"):
        chosen_file(tmp_path / "none.py", "Cheap")


def test_a_parameter_that_is_not_allowed_is_named(tmp_path: Path) -> None:
    said = refusal(settings(written(tmp_path), limit_ticks=1_000))
    assert said.endswith("limit_ticks = 1000: must be 1 to 999")


def test_a_package_brings_strategies_under_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    brought = [
        EntryPoint("quoting", "actors.strategy.maker:MakerStrategy", loading.ENTRY_POINTS),
        EntryPoint("gone", "no_such_package:Thing", loading.ENTRY_POINTS),
        EntryPoint("other", "json:dumps", loading.ENTRY_POINTS),
    ]
    asked: list[str] = []
    monkeypatch.setattr(loading, "entry_points", lambda group: asked.append(group) or brought)
    assert strategy_class(StrategySettings(use="quoting")).__name__ == "MakerStrategy"
    assert "gone cannot be imported: ModuleNotFoundError" in refusal(StrategySettings(use="gone"))
    assert "other is no strategy" in refusal(StrategySettings(use="other"))
    assert "(gone, other, quoting)" in refusal(StrategySettings(use="nowhere"))
    assert set(asked) == {"understudy.strategies"}


def test_the_journal_has_a_strategy_of_ones_own_once(tmp_path: Path) -> None:
    chosen = settings(written(tmp_path), limit_ticks=250)
    core = StrategyCore("strategy", Settings(strategy=chosen), random.Random(1))
    (effect,) = core.handle(Started(), 0)
    assert isinstance(effect, Record)
    event = effect.event
    assert isinstance(event, StrategyChosen)
    assert chosen.file is not None
    assert (event.path, event.sha256) == (chosen.file.path, chosen.file.sha256)
    assert event.parameters == (("limit_ticks", "250"),)
    again = StrategyCore("strategy", Settings(strategy=chosen), random.Random(1))
    assert again.handle(Started((event,)), 0) == []


def test_a_core_is_copied_without_the_classes_of_a_file(tmp_path: Path) -> None:
    chosen = settings(written(tmp_path))
    core = StrategyCore("strategy", Settings(strategy=chosen), random.Random(1))
    copied = pickle.dumps(core)
    assert b"understudy_strategy" not in copied
    assert pickle.loads(copied).handle(Started(), 0)  # noqa: S301  # our own bytes
