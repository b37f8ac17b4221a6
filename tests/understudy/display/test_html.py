"""The writer of HTML that pages and reports share."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from understudy.display.html import tag


@given(st.text())
def test_text_and_attributes_never_become_tags(text: str) -> None:
    written = tag("p", text, title=text)
    assert written.count("<") == written.count(">") == 2
    assert written.count('"') == 2
