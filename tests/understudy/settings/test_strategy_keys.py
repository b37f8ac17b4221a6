"""``[strategy] use`` and ``[strategy.parameters]``: typed and checked like all other settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from actors.settings import StrategySettings
from understudy.settings.config import Config, ConfigError, Source, config_of, load
from understudy.settings.contradictions import contradictions

CHEAP = """
from understudy.strategy import Context, Decision, Strategy, parameter


class Cheap(Strategy):
    limit_ticks: int = parameter(300, "bought below this", least=1, most=999)
    edge: float = parameter(0.5, "least edge", least=0)

    def evaluate(self, context: Context) -> Decision:
        return Decision()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "cheap.py").write_text(CHEAP)
    return tmp_path


def configured(folder: Path, text: str, *assignments: str) -> Config:
    path = folder / "my.toml"
    path.write_text(text)
    return load(path, assignments)


def refusal(folder: Path, text: str, *assignments: str) -> str:
    with pytest.raises(ConfigError) as refused:
        configured(folder, text, *assignments)
    return str(refused.value)


def test_a_file_is_sought_beside_the_file_that_names_it_and_kept_by_its_absolute_path(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    text = (
        '[strategy]\nuse = "cheap.py:Cheap"\n[strategy.parameters]\nlimit_ticks = 250\nedge = 1\n'
    )
    config = configured(folder, text, "strategy.parameters.edge=2")
    chosen = config.settings.strategy
    assert chosen.use == f"{folder}/cheap.py:Cheap"
    assert chosen.file is not None
    assert (chosen.file.path, len(chosen.file.sha256)) == (f"{folder}/cheap.py", 64)
    assert chosen.parameters == (("limit_ticks", 250), ("edge", 2.0))
    sources = {each.key.full_name: each.source for each in config.effective}
    assert sources["strategy.parameters.limit_ticks"] is Source.FILE
    assert sources["strategy.parameters.edge"] is Source.COMMAND_LINE
    running = {each.key.full_name: each.value for each in config_of(config.settings).effective}
    assert running["strategy.parameters.edge"] == 2.0


def test_on_the_command_line_a_file_is_sought_where_one_stands(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    config = load(None, ["strategy.use=cheap.py"])
    assert config.settings.strategy.use == f"{folder}/cheap.py:Cheap"


def test_the_parameters_of_pair_have_two_spellings(folder: Path) -> None:
    new = configured(folder, "[strategy.parameters]\nstop_loss_ticks = 300\n")
    assert new.settings.strategy == StrategySettings(stop_loss_ticks=300)
    by_name = {each.key.full_name: each for each in new.effective}
    assert by_name["strategy.stop_loss_ticks"].source is Source.FILE
    both = configured(
        folder, "[strategy]\nstop_loss_ticks = 200\n", "strategy.parameters.stop_loss_ticks=300"
    )
    assert both.settings.strategy.stop_loss_ticks == 300
    twice = "[strategy]\nstop_loss_ticks = 200\n[strategy.parameters]\nstop_loss_ticks = 300\n"
    assert refusal(folder, twice).endswith(
        "strategy.parameters.stop_loss_ticks is the same as strategy.stop_loss_ticks: the key is "
        "set twice"
    )


WRONG = {
    "misspelt": (
        "limit_tick = 3",
        "unknown key strategy.parameters.limit_tick: did you mean strategy.parameters.limit_ticks?",
    ),
    "unknown": (
        "zzz = 3",
        "unknown key strategy.parameters.zzz: allowed are limit_ticks, edge",
    ),
    "type": (
        'limit_ticks = "3"',
        'strategy.parameters.limit_ticks = "3": must be a whole number, 1 to 999',
    ),
    "range": ("edge = -1", "strategy.parameters.edge = -1.0: must be at least 0"),
}


@pytest.mark.parametrize(("line", "sentence"), WRONG.values(), ids=WRONG)
def test_a_wrong_parameter_is_refused_in_one_sentence(
    folder: Path, line: str, sentence: str
) -> None:
    text = f'[strategy]\nuse = "cheap.py:Cheap"\n[strategy.parameters]\n{line}\n'
    assert refusal(folder, text) == f"{folder / 'my.toml'}: {sentence}"


@pytest.mark.parametrize(
    ("use", "sentence"),
    [
        ("none.py:Cheap", "none.py cannot be read: No such file or directory"),
        ("cheap.py:Dear", "has no class Dear"),
        ("nowhere", "nowhere is no strategy: name pair, maker, a FILE.py:Name, or one"),
    ],
)
def test_a_strategy_that_cannot_be_had_is_refused_by_its_key(
    folder: Path, use: str, sentence: str
) -> None:
    said = refusal(folder, f'[strategy]\nuse = "{use}"\n')
    assert said.startswith(f'{folder / "my.toml"}: strategy.use = "{use}": ')
    assert sentence in said


def test_the_parameters_of_a_built_in_strategy_are_keys_too(folder: Path) -> None:
    config = configured(folder, "", "strategy.use=maker", "strategy.parameters.quiet_s=90")
    assert config.settings.strategy.parameters == (("quiet_s", 90),)
    meanings = {each.key.full_name: each.key.meaning for each in config.effective}
    assert meanings["strategy.parameters.quiet_s"]


def test_a_parameter_of_pair_is_told_to_be_useless_with_another_strategy(folder: Path) -> None:
    config = configured(folder, "[strategy]\nuse = 'maker'\nfloor_ticks = 100\n")
    (problem,) = contradictions(config.settings)
    assert problem.startswith("strategy.floor_ticks is a parameter of pair, and strategy.use is m")
