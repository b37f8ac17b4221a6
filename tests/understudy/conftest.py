"""Its presence puts this folder on the import path: helpers for these tests live beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from chronicle import Chronicle


@pytest.fixture
def chronicle(tmp_path: Path) -> Iterator[Chronicle]:
    """A journal to write what is then read."""
    written = Chronicle(tmp_path)
    yield written
    written.close()
