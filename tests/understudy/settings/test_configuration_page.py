from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from understudy.settings.keys import KEYS, SECTIONS, toml_text

PAGE = Path(__file__).parents[3] / "docs" / "configuration.md"


def _tables() -> Iterator[str]:
    for section in SECTIONS:
        yield f"## [{section}]\n\n| key | default | allowed | meaning |\n|---|---|---|---|\n"
        for key in KEYS.values():
            if key.section == section:
                cells = (
                    f"`{key.name}`",
                    f"`{toml_text(key.default)}`",
                    key.rule.allowed,
                    key.meaning,
                )
                yield "| " + " | ".join(cells) + " |\n"
        yield "\n"


def test_the_page_holds_every_key_as_declared() -> None:
    page = PAGE.read_text(encoding="utf-8")
    tables = "".join(_tables()).rstrip() + "\n"

    assert page.endswith(tables), f"{PAGE.name} should end in:\n{tables}"
