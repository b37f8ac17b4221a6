"""Rules that a reader relies on, held by a test."""

from __future__ import annotations

import ast
import configparser
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path

import attrs
import msgspec
import pytest

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = ("actors", "audit", "research", "understudy", "venue", "simulation")

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 50

IMPURE_FILES = {"port.py"}
"""Files of these names touch the world; every other one in a pure folder is a core."""
IMPURE_PATHS = {
    "actors/runtime/actor_spec.py",  # it hands the data directory on
    "actors/runtime/clock.py",
    "actors/runtime/codec.py",
    "actors/runtime/disk_trouble.py",
    "actors/runtime/crash_file.py",
    "actors/runtime/crashes.py",
    "actors/runtime/disk_waits.py",
    "actors/runtime/flight_recorder.py",
    "actors/runtime/io_thread.py",
    "actors/runtime/journal.py",
    "actors/runtime/journal_file.py",
    "actors/runtime/journal_rows.py",
    "actors/runtime/journal_turn.py",
    "actors/proxies.py",
    "actors/reaching.py",
    "actors/runtime/late_dice.py",  # seeded
    "actors/runtime/log.py",
    "actors/runtime/pause_points.py",
    "actors/runtime/private_files.py",
    "actors/runtime/process.py",
    "actors/runtime/process_ties.py",
    "actors/runtime/processor_waits.py",
    "actors/runtime/sockets/connections.py",
    "actors/runtime/sockets/directory.py",
    "actors/runtime/sockets/peer.py",
    "actors/runtime/sockets/poller.py",
    "actors/runtime/sockets/receiver.py",
    "actors/runtime/sockets/refusals.py",
    "actors/runtime/sockets/sender.py",
    "actors/runtime/thespian_hooks.py",
    "actors/runtime/timers.py",
    "actors/runtime/transport.py",
    "actors/runtime/unix_system.py",
    "actors/runtime/process_name.py",
    "actors/runtime/urgency.py",
    "actors/strategy/loading.py",  # strategies of one's own are files
    # ChildSpec names the actor class of a role
    "actors/supervision/messages.py",
}
PURE_FOLDERS = ("actors", "venue/engine", "venue/simulation", "venue/wire", "simulation")
BANNED_IMPORTS = {
    "aiohttp",
    "asyncio",
    "ctypes",
    "io",
    "logging",
    "multiprocessing",
    "os",
    "pathlib",
    "pickle",
    "random",
    "resource",
    "secrets",
    "select",
    "selectors",
    "signal",
    "socket",
    "sqlite3",
    "subprocess",
    "sys",
    "tempfile",
    "thespian",
    "threading",
    "time",
    "urllib",
    "uuid",
    "websockets",
}
SEEDED = {"random"}
SEEDED_FOLDERS = ("venue/simulation/", "simulation/")
"""Simulations draw from seeded generators that they are handed, and from nothing else."""
BANNED_CALLS = {"now", "utcnow", "today", "open", "print", "input", "urandom"}


Trees = Mapping[Path, ast.Module]

MESSAGES = sorted((ROOT / "actors" / "messages").glob("*.py"))
"""What actors say to each other."""
TIMED_OR_RECALLED = {"SetTimer", "CancelTimer", "Recall"}
"""Effects that nobody looks at but whoever performs them."""


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def named(trees: Trees) -> Iterator[tuple[str, ast.Module]]:
    return ((name_of(path), tree) for path, tree in trees.items())


def product_files() -> list[Path]:
    found = [ROOT / "supervisor.py"]
    for folder in PRODUCT:
        found += sorted((ROOT / folder).rglob("*.py"))
    return found


def is_pure(path: Path) -> bool:
    name = name_of(path)
    is_in_pure_folder = name.startswith(tuple(f"{folder}/" for folder in PURE_FOLDERS))
    return is_in_pure_folder and path.name not in IMPURE_FILES and name not in IMPURE_PATHS


@pytest.fixture(scope="module")
def trees() -> Trees:
    """Every file of the product, parsed once."""
    return {path: tree_of(path) for path in product_files()}


def pure(trees: Trees) -> Trees:
    return {path: tree for path, tree in trees.items() if is_pure(path)}


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def imported_modules(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


ABOVE = {
    "actors": {"audit", "venue", "simulation", "research", "understudy"},
    "audit": {"venue", "simulation", "research", "understudy"},
    "venue": {"audit", "simulation", "research", "understudy"},
    "simulation": {"research", "understudy"},
    "research": {"understudy"},
}
"""Which packages a package may not import: those that stand on it."""


def test_packages_import_only_what_they_stand_on(trees: Trees) -> None:
    found = {
        name: sorted(ABOVE.get(name.split("/")[0], set()).intersection(imported_modules(tree)))
        for name, tree in named(trees)
    }
    assert {name: above for name, above in found.items() if above} == {}


def test_an_audit_shares_no_arithmetic_with_what_it_audits() -> None:
    """From actors it imports classes of records, messages and nouns, names of roles, and texts."""
    functions = [
        f"{name_of(path)}: {alias.name}"
        for path in sorted((ROOT / "audit").glob("*.py"))
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("actors.")
        for alias in node.names
        if node.module != "actors.roles" and not alias.name.endswith("_text")
        if not alias.name[0].isupper() or alias.name.isupper()
    ]
    assert functions == []


def package_of(module: str) -> str:
    """The innermost folder of a module of ours; empty of a module at the top or of others."""
    parts = module.split(".")
    while parts and not (ROOT.joinpath(*parts) / "__init__.py").exists():
        parts.pop()
    return ".".join(parts)


def imports_between_packages(trees: Trees) -> dict[str, set[str]]:
    """Which other packages each imports; those above and below it in the same folder aside."""
    found: dict[str, set[str]] = defaultdict(set)
    for name, tree in named(trees):
        package = package_of(name.removesuffix(".py").replace("/", "."))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                other = package_of(node.module)
                if other and not f"{other}.".startswith(f"{package}."):
                    found[package] |= {other} - {package.rpartition(".")[0]}
    return found


def test_no_package_reaches_itself_by_what_it_imports(trees: Trees) -> None:
    imports = imports_between_packages(trees)

    def reached(package: str, seen: set[str]) -> set[str]:
        for other in imports[package] - seen:
            seen.add(other)
            reached(other, seen)
        return seen

    inner = [package for package in list(imports) if "." in package]
    assert [package for package in inner if package in reached(package, set())] == []


@pytest.mark.parametrize("path", [ROOT / "actors" / "model.py", *MESSAGES], ids=name_of)
def test_nouns_and_messages_stand_on_nothing_that_acts(path: Path) -> None:
    theirs = {
        node.module
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in PRODUCT
    }
    nouns = {"actors.model", "actors.roles", "actors.series", "actors.units", "actors.settings"}
    assert {name for name in theirs if not name.startswith("actors.messages.")} <= nouns


def test_a_core_imports_nothing_that_touches_the_world(trees: Trees) -> None:
    def banned(name: str) -> set[str]:
        return BANNED_IMPORTS - (SEEDED if name.startswith(SEEDED_FOLDERS) else set())

    found = {
        name: sorted(banned(name).intersection(imported_modules(tree)))
        for name, tree in named(pure(trees))
    }
    assert {name: modules for name, modules in found.items() if modules} == {}


def test_a_core_reads_no_clock_and_no_file(trees: Trees) -> None:
    def called(tree: ast.Module) -> Iterator[str]:
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                function = node.func
                if isinstance(function, ast.Attribute):
                    yield function.attr
                elif isinstance(function, ast.Name):
                    yield function.id

    found = {
        name: sorted(BANNED_CALLS.intersection(called(tree))) for name, tree in named(pure(trees))
    }
    assert {name: calls for name, calls in found.items() if calls} == {}


def test_files_and_functions_stay_small(trees: Trees) -> None:
    lines = {name_of(path): len(path.read_text().splitlines()) for path in trees}
    assert {name: count for name, count in lines.items() if count > FILE_LINES_MAX} == {}
    functions = {
        f"{name}: {node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for name, tree in named(trees)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: count for name, count in functions.items() if count > FUNCTION_LINES_MAX} == {}


def test_effects_are_performed_by_the_host_and_by_nobody_else() -> None:
    """Whoever keeps timers or looks for rows because a core said so is a second host."""
    places = []
    for folder in (*PRODUCT, "bench", "tests"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            text = path.read_text()
            if not any(name in text for name in TIMED_OR_RECALLED):
                continue
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.MatchClass):
                    looked_at: list[ast.expr | None] = [node.cls]
                else:
                    looked_at = node.keys if isinstance(node, ast.Dict) else []
                if TIMED_OR_RECALLED & {e.id for e in looked_at if isinstance(e, ast.Name)}:
                    places.append(name_of(path))
    assert set(places) == {"actors/runtime/host.py"}


def test_class_names_are_unique_across_the_project(trees: Trees) -> None:
    places = defaultdict(list)
    for name, tree in named(trees):
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(name)
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


@pytest.mark.parametrize(
    "path", [*MESSAGES, *sorted((ROOT / "actors").rglob("messages.py"))], ids=name_of
)
def test_messages_are_immutable(path: Path) -> None:
    module = import_module(name_of(path).removesuffix(".py").replace("/", "."))
    for value in vars(module).values():
        if not isinstance(value, type) or value.__module__ != module.__name__:
            continue
        if issubclass(value, msgspec.Struct):
            assert value.__struct_config__.frozen, f"{value.__name__} can be changed"
        elif attrs.has(value):
            frozen = value.__setattr__ is not object.__setattr__
            assert frozen, f"{value.__name__} can be changed after it was sent"


def test_an_ignored_rule_says_why() -> None:
    silent = []
    for path in product_files():
        for number, line in enumerate(path.read_text().splitlines(), 1):
            marker = re.search(r"#\s*(noqa|type:\s*ignore)[^#]*(#.*)?$", line)
            if marker and not marker.group(2):
                silent.append(f"{name_of(path)}:{number}")
    assert silent == []


def test_no_exception_is_swallowed_and_nothing_is_left_to_do(trees: Trees) -> None:
    found = []
    for path, tree in trees.items():
        if re.search(r"\b(TODO|FIXME|XXX)\b", path.read_text()):
            found.append(f"{name_of(path)}: something is left to do")
        for node in ast.walk(tree):
            if isinstance(node, ast.ExceptHandler):
                place = f"{name_of(path)}:{node.lineno}"
                if node.type is None:
                    found.append(f"{place}: a bare except")
                if isinstance(node.body[0], ast.Pass):
                    found.append(f"{place}: a swallowed exception")
    assert found == []


def test_files_that_are_no_code_are_installed_with_the_package_that_reads_them() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    patterns = {
        (package.replace(".", "/"), pattern)
        for package, names in setup["options.package_data"].items()
        for pattern in names.split()
    }
    installed = {path for package, pattern in patterns for path in (ROOT / package).glob(pattern)}
    data = {
        path
        for folder in PRODUCT
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc")
    }
    assert data == installed


def test_no_two_test_files_have_the_same_name() -> None:
    names = Counter(path.name for path in (ROOT / "tests").rglob("test_*.py"))
    assert [name for name, count in names.items() if count > 1] == []
