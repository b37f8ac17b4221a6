"""Several series in one configuration: ``[[series]]`` and ``--series``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from actors.settings import Settings
from understudy.settings.config import ConfigError, Source, config_of, load
from understudy.settings.contradictions import contradictions

Write = Callable[[str], Path]

TWO = """
[strategy]
max_shares = 50

[risk]
max_day_loss_dollars = 90

[[series]]
asset = "btc"

[[series]]
asset = "eth"
window_minutes = 5
[series.strategy]
max_shares = 20
[series.risk]
max_window_dollars = 300
"""


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str) -> Path:
        path = tmp_path / "my.toml"
        path.write_text(text)
        return path

    return write


def names(settings: Settings) -> list[str]:
    return [plan.series.name for plan in settings.traded]


def test_each_series_overrules_what_is_its_own_and_shares_the_rest(write: Write) -> None:
    settings = load(write(TWO)).settings
    assert names(settings) == ["btc-15m", "eth-5m"]
    btc, eth = settings.of("btc-15m"), settings.of("eth-5m")
    assert (btc.strategy.max_shares, eth.strategy.max_shares) == (50, 20)
    assert (btc.risk.max_window_dollars, eth.risk.max_window_dollars) == (250, 300)
    assert btc.risk.max_day_loss_dollars == eth.risk.max_day_loss_dollars == 90
    assert settings.risk.max_window_dollars == 250
    assert contradictions(settings) == ()


def test_one_series_in_a_list_is_the_same_as_a_section(write: Write) -> None:
    listed = load(write('[[series]]\nasset = "eth"\n[series.strategy]\nmax_shares = 20\n'))
    section = load(write('[series]\nasset = "eth"\n[strategy]\nmax_shares = 20\n'))
    assert listed.settings == section.settings
    assert listed.settings.traded == ()


def test_the_command_line_chooses_among_series_and_keeps_what_the_file_says_of_them(
    write: Write,
) -> None:
    settings = load(write(TWO), series=["eth-5m", "sol-4h"]).settings
    assert names(settings) == ["eth-5m", "sol-4h"]
    assert settings.of("eth-5m").strategy.max_shares == 20
    assert settings.of("sol-4h").strategy.max_shares == 50
    assert load(series=["eth-5m"]).settings.series.name == "eth-5m"


def test_what_is_set_on_the_command_line_overrules_every_series(write: Write) -> None:
    settings = load(write(TWO), ["strategy.max_shares=7"]).settings
    assert {plan.strategy.max_shares for plan in settings.traded} == {7}


def test_show_tells_what_each_series_has_for_itself(write: Write) -> None:
    config = load(write(TWO))
    own = {each.key.full_name: each for each in config.series["eth-5m"]}
    assert own["strategy.max_shares"].value == 20
    assert own["strategy.max_shares"].source is Source.FILE
    assert "strategy.max_shares" not in {e.key.full_name for e in config.series["btc-15m"]}
    running = config_of(config.settings)
    assert {e.key.full_name: e.value for e in running.series["eth-5m"]} == {
        name: each.value for name, each in own.items()
    }


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[[series]]\nasset="btc"\n[[series]]\nwindow_minutes=15\n', "btc-15m is given twice"),
        ('[[series]]\n[[series]]\nasset="eth"\nlength=5\n', "unknown key series.length"),
        ('[[series]]\n[[series]]\nasset="eth"\n[series.venue]\nx=1\n', "[series.venue]"),
        (
            '[[series]]\n[[series]]\nasset="eth"\n[series.risk]\nmax_day_loss_dollars=5\n',
            "risk.max_day_loss_dollars applies to the account",
        ),
        ("series = [1, 2]\n", "must be a table"),
        ('[[series]]\nasset="btc"\n[[series]]\nasset="gold"\n', 'series.asset = "gold"'),
        ('[[series]]\n[[series]]\nwindow_minutes="5"\n', 'series.window_minutes = "5"'),
    ],
)
def test_a_list_that_cannot_be_used_is_refused_in_one_sentence(
    write: Write, text: str, sentence: str
) -> None:
    path = write(text)
    with pytest.raises(ConfigError) as refusal:
        load(path)
    assert sentence in str(refusal.value)
    assert str(refusal.value).startswith(f"{path}: ")


@pytest.mark.parametrize(
    ("series", "assignments", "sentence"),
    [
        (["btc-1m"], [], "'btc-1m' is not a series"),
        (["gold-5m"], [], "'gold-5m' is not a series"),
        (["btc-5m", "btc-5m"], [], "btc-5m is given twice"),
        (["btc-5m"], ["series.asset=eth"], "series.asset names one series"),
    ],
)
def test_names_that_cannot_be_used_are_refused_in_one_sentence(
    series: list[str], assignments: list[str], sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        load(None, assignments, series)
