"""Files: configurations, the journal's rows, recordings."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import Any

import attrs
import msgspec

from actors.directory.windows import WindowState
from actors.messages.execution import OrderIntent, OrderState
from actors.model import Action, FillDetail, Side, Strike, TimeInForce
from actors.runtime.codec import Undecodable, decode, encode, tag_of
from actors.settings import Settings
from bench.fuzz.market import MARKET, NOW_MS, SHAPES
from bench.fuzz.mutations import NASTY, Literal, mutated, text_of
from bench.fuzz.target import Target, hold
from research.recordings.window_files import MalformedRecording, survey
from understudy.settings.config import ConfigError, load
from understudy.settings.keys import KEYS

_ORDER = OrderState(
    intent=OrderIntent(
        order_id="order_1_00c0ffee",
        market=MARKET,
        side=Side.YES,
        action=Action.BUY,
        price_ticks=520,
        size_units=10_000_000,
        time_in_force=TimeInForce.GTC,
        created_at_ms=NOW_MS,
        expires_at_ms=NOW_MS + 3_000,
        priority=0,
        reason="a campaign",
        pair_id=None,
        position_version=1,
        tick_ns=1,
    ),
    fills=(
        FillDetail(
            trade_id="trade-1",
            price_ticks=510,
            size_units=5_000_000,
            fee_nanos=1_000,
            timestamp_ms=NOW_MS,
            is_maker=False,
        ),
    ),
    reversed_trade_ids=frozenset({"trade-0"}),
)
_VALUES: tuple[Any, ...] = (
    _ORDER,
    WindowState(market=MARKET, strike=Strike(price_e18=1, source="x", timestamp_ms=NOW_MS)),
)
_TEMPORARY = tempfile.TemporaryDirectory(prefix="understudy-fuzz-")  # gone with the process
_DIRECTORY = Path(_TEMPORARY.name)
_KEYS = tuple(KEYS.values())


def configurations(chance: random.Random) -> str:
    """Settings that satisfy their rules, or one sentence."""
    sections: dict[str, list[str]] = {}
    for _ in range(chance.randrange(1, 5)):
        key = chance.choice(_KEYS)
        sections.setdefault(key.section, []).append(f"{key.name} = {_value(key.default, chance)}")
    text = "\n".join(f"[{name}]\n" + "\n".join(lines) for name, lines in sections.items())
    if chance.random() < 0.2:
        at = chance.randrange(len(text) + 1)
        text = text[:at] + chance.choice(("[", "=", '"', "\n", "\u0000", "[x]\n", "#")) + text[at:]
    path = _DIRECTORY / "fuzz.toml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        settings = load(path).settings
    except ConfigError as error:
        hold("\n" not in str(error), f"no sentence: {error!s:.200}")
        return "refused"
    attrs.validate(settings.risk)
    hold(isinstance(settings, Settings), "no settings")
    return "read"


def _value(default: Any, chance: random.Random) -> str:
    if chance.random() < 0.3:
        return msgspec.json.encode(default).decode() if default is not None else '"x"'
    nasty = chance.choice(NASTY)
    return nasty.text if isinstance(nasty, Literal) else text_of(nasty)


def journal_rows(chance: random.Random) -> str:
    """A value of the row's class, or Undecodable."""
    value = chance.choice(_VALUES)
    tag = tag_of(type(value))
    raw = mutated(msgspec.json.decode(encode(value)), chance)
    try:
        found = decode(tag, raw.decode("utf-8", "replace"))
    except Undecodable:
        return "undecodable"
    hold(type(found) is type(value), f"a {type(found).__name__} in a row of {tag}")
    encode(found)
    return "read"


def recordings(chance: random.Random) -> str:
    """A window, or one sentence that names the file."""
    lines = []
    for number in range(4):
        book = SHAPES[number % 2]
        is_bad = number == 2
        raw = (
            mutated(book, chance) if is_bad and chance.random() < 0.5 else msgspec.json.encode(book)
        )
        line = {"recv_ts": 1_776_331_800.5 + number, "raw": raw.decode("utf-8", "replace")}
        is_worse = is_bad and chance.random() < 0.5
        lines.append(mutated(line, chance) if is_worse else msgspec.json.encode(line))
    path = _DIRECTORY / "btc-updown-5m-1776331800.jsonl"
    path.write_bytes(b"\n".join(lines))
    try:
        recording = survey(path)
    except MalformedRecording as problem:
        hold(str(path) in str(problem), "the sentence does not name the file")
        return "refused"
    hold(0 <= recording.last_mid_ticks <= 1_000, "a price that is none")
    return "read"


TARGETS = (
    Target("configurations", configurations, 2),
    Target("journal rows", journal_rows, 2),
    Target("recordings", recordings, 1),
)
