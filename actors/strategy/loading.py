"""Loading of strategies from files and packages: the only user code that is run.

A file is read by its absolute path and run only if its bytes are those that were chosen. Nothing
else is involved: neither the working directory nor Python's search path is used, no compiled copy
is written or read, and the file cannot import its neighbours.
"""

from __future__ import annotations

import hashlib
import sys
import traceback
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

import attrs

from actors.settings import StrategyFile
from actors.strategy.contract import Strategy

ENTRY_POINTS = "understudy.strategies"
"""Group of entry points in which a package names its strategies."""

FILE_BYTES_MAX = 1_000_000


class StrategyUnavailable(Exception):
    """There is no usable strategy; one sentence says why."""


def chosen_file(path: Path, class_name: str) -> StrategyFile:
    """Return a file's absolute path and current bytes; nothing of it is run.

    Raises:
        StrategyUnavailable: it cannot be read.
    """
    absolute = path.expanduser().absolute()
    digest = hashlib.sha256(_read(absolute)).hexdigest()
    return StrategyFile(path=str(absolute), class_name=class_name, sha256=digest)


def kept_in(folder: Path, file: StrategyFile) -> StrategyFile:
    """Copy a file into a folder, and return the copy to be used from now on.

    Raises:
        StrategyUnavailable: the file cannot be read, or has changed.
        OSError: the copy cannot be written.
    """
    content = _bytes_of(attrs.evolve(file, kept_at=""))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    copy = folder / f"{file.sha256}.py"
    unfinished = copy.with_suffix(".new")
    unfinished.write_bytes(content)
    unfinished.replace(copy)
    return attrs.evolve(file, kept_at=str(copy))


def class_in_file(file: StrategyFile) -> object:
    """Run a file, once per process, and return its class.

    Raises:
        StrategyUnavailable: it cannot be read, has changed, raises, or has no such class.
    """
    found: object = getattr(_module(file), file.class_name, None)
    if found is None:
        raise StrategyUnavailable(f"{file.path} has no class {file.class_name}")
    return found


def only_class(file: StrategyFile) -> str:
    """Return the name of the only strategy in a file.

    Raises:
        StrategyUnavailable: the file cannot be run, or has none or several.
    """
    module = _module(file)
    names = [
        name
        for name, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, Strategy)
        and value.__module__ == module.__name__
        and not name.startswith("_")
    ]
    if len(names) != 1:
        found = f"several: {', '.join(names)}" if names else "none"
        raise StrategyUnavailable(f"name the class, as {file.path}:Name; the file has {found}")
    return names[0]


def class_of_package(name: str) -> object:
    """Import the strategy that an installed package registers under a name.

    Raises:
        StrategyUnavailable: there is none, or it cannot be imported.
    """
    found = [each for each in entry_points(group=ENTRY_POINTS) if each.name == name]
    if not found:
        raise StrategyUnavailable(
            f"{name} is no strategy: name pair, maker, a FILE.py:Name, or one that an installed "
            f"package brings ({', '.join(names_of_packages()) or 'none does'})"
        )
    try:
        loaded: object = found[0].load()
    except Exception as error:  # a user's module may raise anything
        raise StrategyUnavailable(f"{name} cannot be imported: {_what(error)}") from error
    return loaded


def names_of_packages() -> list[str]:
    """Return the names of the strategies of installed packages."""
    return sorted({each.name for each in entry_points(group=ENTRY_POINTS)})


def _module(file: StrategyFile) -> ModuleType:
    name = f"understudy_strategy_{file.sha256[:16]}"
    return sys.modules.get(name) or _run(name, file)


def _run(name: str, file: StrategyFile) -> ModuleType:
    content = _bytes_of(file)
    module = ModuleType(name)
    module.__file__ = file.path
    sys.modules[name] = module  # its annotations are resolved there
    try:
        exec(compile(content, file.path, "exec"), module.__dict__)  # noqa: S102  # what it is for
    except BaseException as error:
        del sys.modules[name]
        if isinstance(error, KeyboardInterrupt):
            raise
        raise StrategyUnavailable(
            f"{file.path}{_where(error, file.path)}: {_what(error)}"
        ) from error
    return module


def _bytes_of(file: StrategyFile) -> bytes:
    path = Path(file.kept_at or file.path)
    content = _read(path)
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise StrategyUnavailable(f"{path} has changed since it was chosen, and is not run")
    return content


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as opened:
            content = opened.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise StrategyUnavailable(f"{path} cannot be read: {error.strerror}") from None
    if len(content) > FILE_BYTES_MAX:
        raise StrategyUnavailable(f"{path} is larger than any strategy: {FILE_BYTES_MAX:,} bytes")
    return content


def _what(error: BaseException) -> str:
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}: {text}".partition("\n")[0]


def _where(error: BaseException, path: str) -> str:
    if isinstance(error, SyntaxError):
        return f", line {error.lineno}" if error.lineno else ""
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == path and frame.lineno
    ]
    return f", line {lines[-1]}" if lines else ""
