from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.settings import RISK_LIMITS, Settings, StrategySettings
from understudy.settings.config import ConfigError, Source, load
from understudy.settings.keys import KEYS, SECTIONS, keys_in, toml_text

MAX_KEYS = 51
MAX_PROTECTION_KEYS = 10
MAX_BACKTEST_KEYS = 6
"""docs/decisions/configuration-keys.md says why so many, and why no more."""
WATCHING = ("metrics", "alerts", "web", "recording")
MAX_WATCHING_KEYS = 17
"""Sections that decide nothing of trading are counted apart."""


@pytest.fixture
def write(tmp_path: Path):
    def write_file(text: str) -> Path:
        path = tmp_path / "my.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write_file


REFUSALS = {
    "misspelt key": (
        "[strategy]\nstop_los_ticks = 3",
        "unknown key strategy.stop_los_ticks: did you mean strategy.stop_loss_ticks?",
    ),
    "key of another section": (
        "[execution]\nstop_loss_ticks = 3",
        "unknown key execution.stop_loss_ticks: did you mean strategy.stop_loss_ticks?",
    ),
    "key like no other": (
        "[series]\nqqq = 3",
        "unknown key series.qqq: allowed are asset, window_minutes",
    ),
    "misspelt section": ("[strateg]\n", "unknown section [strateg]: did you mean [strategy]?"),
    "section like no other": (
        "[zzz]\na = 1",
        f"unknown section [zzz]: allowed are {', '.join(f'[{name}]' for name in SECTIONS)}",
    ),
    "known key outside its section": (
        "max_shares = 3",
        "max_shares = 3 is outside a section: it belongs below [strategy]",
    ),
    "unknown key outside a section": (
        'zzz = "a"',
        'zzz = "a" is outside a section: each key belongs below a section',
    ),
    "value instead of a section": (
        "strategy = 3",
        "strategy = 3: must be a section, written [strategy]",
    ),
    "list of sections": (
        "[[strategy]]\nmax_shares = 1",
        "strategy = […]: must be a section, written [strategy]",
    ),
    "section instead of a value": (
        "[strategy.oracle]\nx = 1",
        'strategy.oracle = {…}: must be "linear" or "diffusion"',
    ),
    "true is no integer": (
        "[strategy]\nmax_shares = true",
        "strategy.max_shares = true: must be a whole number, 1 to 1,000,000",
    ),
    "true is no float": (
        "[supervision]\nrestart_period_s = true",
        "supervision.restart_period_s = true: must be a number, 1 to 86,400",
    ),
    "one is no flag": (
        "[strategy]\narbitrage_fees = 1",
        "strategy.arbitrage_fees = 1: must be true or false",
    ),
    "a fraction is no integer": (
        "[strategy]\nmax_shares = 1.5",
        "strategy.max_shares = 1.5: must be a whole number, 1 to 1,000,000",
    ),
    "a text is no integer": (
        '[strategy]\nmax_shares = "10"',
        'strategy.max_shares = "10": must be a whole number, 1 to 1,000,000',
    ),
    "a date is no text": (
        "[series]\nasset = 1979-05-27",
        (
            'series.asset = 1979-05-27: must be "btc" or "eth" or "sol" or "xrp" or "doge" '
            'or "bnb" or "hype" or "zec"'
        ),
    ),
    "too small": (
        "[strategy]\nmax_shares = 0",
        "strategy.max_shares = 0: must be 1 to 1,000,000",
    ),
    "too large": (
        "[strategy]\nstop_loss_ticks = 1001",
        "strategy.stop_loss_ticks = 1001: must be 0 to 1,000",
    ),
    "not a number": (
        "[strategy]\nbase_sense_dollars = nan",
        "strategy.base_sense_dollars = nan: must be 0.000001 to 1,000,000",
    ),
    "infinite": (
        "[supervision]\nrestart_period_s = inf",
        "supervision.restart_period_s = inf: must be 1 to 86,400",
    ),
    "not one of the choices": (
        '[strategy]\noracle = "crystal"',
        'strategy.oracle = "crystal": must be "linear" or "diffusion"',
    ),
    "not one of the lengths": (
        "[series]\nwindow_minutes = 7",
        "series.window_minutes = 7: must be 5 or 15 or 60 or 240",
    ),
    "no list": (
        '[risk]\nhalt_on = "max_shares"',
        f'risk.halt_on = "max_shares": must be a list of {", ".join(RISK_LIMITS)}',
    ),
    "no such limit in a list": (
        '[risk]\nhalt_on = ["max_shares", "luck"]',
        f'risk.halt_on = ["max_shares", "luck"]: must be a list of {", ".join(RISK_LIMITS)}',
    ),
    "no float any more": (
        f"[strategy]\nbase_sense_dollars = {'9' * 400}",
        f"strategy.base_sense_dollars = {'9' * 200}…: must be a number, 0.000001 to 1,000,000",
    ),
    "more digits than Python reads": (
        f"[risk]\nmax_order_dollars = {'9' * 5_000}",
        "a number has too many digits",
    ),
    "more digits than Python writes": (
        f"[risk]\nmax_order_dollars = 0x{'f' * 5_000}",
        "risk.max_order_dollars = a number of thousands of digits: must be 1 to 1,000,000,000",
    ),
    "no host": (
        '[venue]\nclob_url = "http://"',
        'venue.clob_url = "http://": must be https://… or http://…',
    ),
    "nested without end": (
        f"[risk]\nhalt_on = {'[' * 3_000}{']' * 3_000}",
        "lists or tables are nested too deeply",
    ),
    "wrong scheme": (
        '[venue]\nclob_url = "ftp://example.org"',
        'venue.clob_url = "ftp://example.org": must be https://… or http://…',
    ),
}


@pytest.mark.parametrize(("text", "sentence"), REFUSALS.values(), ids=REFUSALS.keys())
def test_a_wrong_file_is_refused_in_one_sentence(write, text: str, sentence: str) -> None:
    path = write(text)

    with pytest.raises(ConfigError) as refusal:
        load(path)

    assert str(refusal.value) == f"{path}: {sentence}"


SYNTAX_ERRORS = {
    "no value": ("[strategy]\nmax_shares =\n", 2),
    "open text": ('[series]\n\nasset = "btc', 3),
    "the same key twice": ("[series]\nasset = 'btc'\nasset = 'eth'\n[venue]\n", 3),
    "the end is missing": ("[series", 1),
}


@pytest.mark.parametrize(("text", "line"), SYNTAX_ERRORS.values(), ids=SYNTAX_ERRORS.keys())
def test_a_syntax_error_names_file_and_line(write, text: str, line: int) -> None:
    path = write(text)

    with pytest.raises(ConfigError) as refusal:
        load(path)

    assert str(refusal.value).startswith(f"{path}, line {line}: this is not TOML: ")


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.toml cannot be read: No such file"):
        load(tmp_path / "absent.toml")


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load(tmp_path)


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(ConfigError, match=r"my\.toml is not UTF-8 text"):
        load(tmp_path / "my.toml")


def test_an_empty_file_gives_the_defaults(write) -> None:
    assert load(write("")).settings == Settings()


def test_without_a_file_every_value_is_a_default(tmp_path, monkeypatch) -> None:
    (tmp_path / "understudy.toml").write_text("[strategy]\nmax_shares = 7\n")
    monkeypatch.chdir(tmp_path)

    config = load()

    assert config.settings == Settings()
    assert {each.source for each in config.effective} == {Source.DEFAULT}
    assert [each.key.full_name for each in config.effective] == list(KEYS)


def test_every_value_knows_where_it_comes_from(write) -> None:
    path = write('[strategy]\nmax_shares = 7\noracle = "diffusion"\n[series]\nwindow_minutes = 5\n')

    config = load(path, ["strategy.max_shares=9", "strategy.high_zone_minutes=4"])

    by_name = {each.key.full_name: each for each in config.effective}
    assert by_name["strategy.max_shares"].value == 9
    assert by_name["strategy.max_shares"].source is Source.COMMAND_LINE
    assert by_name["strategy.oracle"].source is Source.FILE
    assert by_name["strategy.floor_ticks"].source is Source.DEFAULT
    assert config.settings.strategy == StrategySettings(
        max_shares=9, oracle="diffusion", high_zone_minutes=4.0
    )
    assert config.settings.series.window_minutes == 5


def test_a_list_is_taken_from_a_file_and_from_the_command_line(write) -> None:
    path = write('[risk]\nhalt_on = ["max_shares", "price_band_ticks"]\n')

    assert load(path).settings.risk.halt_on == ("max_shares", "price_band_ticks")
    assert load(path, ["risk.halt_on=[]"]).settings.risk.halt_on == ()


def test_every_limit_is_a_key_and_may_halt() -> None:
    names = {key.name for key in KEYS.values()}

    assert names.issuperset(RISK_LIMITS)
    assert load(None, [f"risk.halt_on={toml_text(RISK_LIMITS)}"]).settings.risk.halt_on


def test_a_whole_number_is_taken_for_a_float(write) -> None:
    config = load(write("[supervision]\nrestart_period_s = 30\n"))

    assert type(config.settings.supervision.restart_period_s) is float


ASSIGNMENTS = {
    "bare text": ("strategy.oracle=diffusion", "strategy.oracle", "diffusion"),
    "quoted text": ('strategy.oracle = "diffusion"', "strategy.oracle", "diffusion"),
    "flag": ("strategy.arbitrage_fees=false", "strategy.arbitrage_fees", False),
    "number": ("execution.latency_ms=20", "execution.latency_ms", 20),
    "address": (
        "venue.clob_url=http://127.0.0.1:8080/?a=b",
        "venue.clob_url",
        "http://127.0.0.1:8080/?a=b",
    ),
}


@pytest.mark.parametrize(
    ("assignment", "name", "value"), ASSIGNMENTS.values(), ids=ASSIGNMENTS.keys()
)
def test_an_assignment_sets_one_value(assignment: str, name: str, value: object) -> None:
    effective = {each.key.full_name: each.value for each in load(None, [assignment]).effective}

    assert effective[name] == value


WRONG_ASSIGNMENTS = {
    "no value": ("strategy.oracle", "strategy.oracle: must be section.key=value"),
    "no section": ("oracle=linear", "unknown key oracle: did you mean strategy.oracle?"),
    "misspelt without a section": (
        "max_share=3",
        "unknown key max_share: did you mean strategy.max_shares?",
    ),
    "wrong value": (
        "strategy.max_shares=many",
        'strategy.max_shares = "many": must be a whole number, 1 to 1,000,000',
    ),
    "more digits than Python reads": (
        f"strategy.max_shares={'9' * 5_000}",
        f'strategy.max_shares = "{"9" * 199}…: must be a whole number, 1 to 1,000,000',
    ),
    "too deep": ("strategy.a.b=3", "unknown section [strategy.a]: did you mean [strategy]?"),
}


@pytest.mark.parametrize(
    ("assignment", "sentence"), WRONG_ASSIGNMENTS.values(), ids=WRONG_ASSIGNMENTS.keys()
)
def test_a_wrong_assignment_is_refused_in_one_sentence(assignment: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        load(None, [assignment])

    assert str(refusal.value) == sentence


def test_there_are_few_keys() -> None:
    watching = [key for key in KEYS.values() if key.section in WATCHING]
    of_backtests = [key for key in KEYS.values() if key.section == "backtest"]
    protections = [key for key in KEYS.values() if key.section == "protections"]
    counted_apart = (*watching, *of_backtests, *protections)
    assert len(KEYS) - len(counted_apart) <= MAX_KEYS
    assert len(protections) <= MAX_PROTECTION_KEYS
    assert len(of_backtests) <= MAX_BACKTEST_KEYS
    assert len(watching) <= MAX_WATCHING_KEYS


def test_every_field_of_every_section_is_a_key_with_a_meaning() -> None:
    fields = [
        f"{section}.{field.name}"
        for section, section_class in SECTIONS.items()
        for field in keys_in(section_class)
    ]

    assert list(KEYS) == fields
    assert all(key.meaning and key.rule.allowed for key in KEYS.values())


def test_every_default_is_allowed() -> None:
    for key in KEYS.values():
        assert key.default is None or key.checked(key.default) == key.default


def test_settings_made_in_code_obey_the_same_rules() -> None:
    with pytest.raises(ValueError, match=r"stop_loss_ticks = 1001: must be 0 to 1,000"):
        StrategySettings(stop_loss_ticks=1001)


_ANY_VALUE = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.booleans(),
    st.floats(),
    st.text("abz/: …€", max_size=8),
)


@given(name=st.sampled_from(sorted(KEYS)), value=_ANY_VALUE)
def test_whatever_a_value_is_it_is_used_or_refused_by_name(name: str, value: object) -> None:
    text = toml_text(value)
    refusal = ""
    try:
        config = load(None, [f"{name}={text}"])
    except ConfigError as error:
        refusal = str(error)

    if refusal:
        assert refusal.startswith(f"{name} = ")
    else:
        (used,) = (each for each in config.effective if each.source is Source.COMMAND_LINE)
        assert used.value == value or math.isclose(used.value, float(value))
        assert type(used.value) is KEYS[name].kind
