from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.shown_text import shown

DOES_SOMETHING = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain", "plain"),
        ("café → ✓ 中文 😀", "café → ✓ 中文 😀"),
        ("\x1b[2J\x1b]0;gone\x07", "\\x1b[2J\\x1b]0;gone\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("\x7f\x00\b", "\\x7f\\x00\\x08"),
        ("one\r\ntwo\ttabs", "one\\r\\ntwo\\ttabs"),
        ("one\x85two\u2028three\u2029", "one\\x85two\\u2028three\\u2029"),
        ("\u202eevil\u202c \u2066x\u2069\u200f", "\\u202eevil\\u202c \\u2066x\\u2069\\u200f"),
        ("\ud800", "\\ud800"),
        ("\ufeff\u200b", "\\ufeff\\u200b"),
    ],
)
def test_control_characters_are_seen_and_everything_else_stays(text: str, seen: str) -> None:
    assert shown(text) == seen


@given(st.text(st.characters()))
def test_nothing_that_is_shown_does_anything_but_be_read(text: str) -> None:
    seen = shown(text)
    assert not [sign for sign in seen if unicodedata.category(sign) in DOES_SOMETHING]
    assert len(seen.splitlines()) <= 1
    assert shown(seen) == seen
    assert shown(text, keeps_breaks=True).split("\n") == [shown(line) for line in text.split("\n")]
