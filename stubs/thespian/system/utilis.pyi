from collections.abc import Callable
from typing import Any

_thesplog_file: str | None
_thesplog_old_file: str | None
open: Callable[[str, str], Any]  # noqa: A001 # it is set in place of the built-in one

def thesplog(msg: str, *args: object, level: int = ...) -> None: ...
