"""What people would see, as text."""

from __future__ import annotations

import io

from rich.console import Console, RenderableType


def drawn(content: RenderableType, *, width: int, height: int = 40) -> str:
    """Draw something on a terminal of this size that has no colours."""
    file = io.StringIO()
    console = Console(file=file, width=width, height=height, force_terminal=True, color_system=None)
    console.print(content, end="")
    return file.getvalue()
