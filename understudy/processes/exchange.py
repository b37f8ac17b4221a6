"""The local exchange as a process of its own, beside the system that trades on it."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import functools
import gc
import json
import os
import select
import signal
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from actors.runtime.clock import ClockSpec
from actors.runtime.process_name import name_process
from actors.runtime.process_ties import end_with_parent
from actors.series import SeriesSettings
from actors.units import NANOS_PER_DOLLAR
from understudy.processes.end_signals import ENDING, SUSPENDING
from understudy.processes.exit_codes import ExitCode
from venue.options import SEEN_MISSING_SHARE, ExchangeOptions

MONEY_FAULTS = """\
[chance]
short_match = 0.1
unreadable_part = 0.1
repeated_row = 0.1
excess_fill = 0.1
late_failure = 0.04
"""
"""Faults of live orders even in a rehearsal, by name and share of what can be affected: those that
cost money at the real venue (F29, F30, F39-F41); docs/exchange.md has the kinds."""

_START_LIMIT_S = 30.0
_STOP_LIMIT_S = 5.0
_LOOK_AGAIN_S = 0.01
_FIRST_DESCRIPTOR = 3
"""Those below are the standard streams."""


class ExchangeFailed(Exception):
    """The local exchange did not start; the sentence says why."""


def exchange_options(
    clock: ClockSpec,
    series: Iterable[SeriesSettings],
    *,
    account: str = "",
    dollars: int = 1_000,
    **more: Any,
) -> ExchangeOptions:
    """Options of an exchange that follows a run's clock; ``more`` is as for ``ExchangeOptions``.

    Args:
        clock: its origin is where the simulated market begins.
        series: names of the series it offers.
        account: gets money at the start; empty if no orders are expected.
        dollars: the account's initial money.
        more: further options.
    """
    return ExchangeOptions(
        speed=clock.speed,
        start_ms=clock.origin_ms,
        origin_monotonic_ns=clock.origin_monotonic_ns,
        missing_share=SEEN_MISSING_SHARE,
        series=tuple((each.asset, each.window_minutes) for each in series),
        wallets={account: dollars * NANOS_PER_DOLLAR} if account else {},
        **more,
    )


class ExchangeProcess:
    """Starts the exchange on a free port of loopback and learns its addresses.

    It is a fork of this process, with which it shares the memory of everything loaded. So start it
    before any thread, and before this process has read a secret.
    """

    def __init__(self, options: ExchangeOptions) -> None:
        """Start the exchange.

        Raises:
            ExchangeFailed: it did not start.
        """
        from venue.cli import serve  # here, so that its pages are shared, and only demos load it

        self._loss = ""
        read_end, write_end = os.pipe()
        tie = end_with_parent()
        try:
            self._pid = os.fork()
        except OSError as error:
            raise ExchangeFailed(f"the local exchange did not start: {error.strerror}") from error
        if not self._pid:
            _be_the_exchange(functools.partial(serve, options), write_end, tie)
        os.close(write_end)
        with os.fdopen(read_end, "rb") as words:
            ready, _, _ = select.select([words], [], [], _START_LIMIT_S)
            line = words.readline() if ready else b""
        said: dict[str, str] = json.loads(line or b"{}")
        if "http" not in said:
            self.close()
            problem = said.get("problem") or "it said nothing"
            raise ExchangeFailed(f"the local exchange did not start: {problem}")
        self.http_url = said["http"]
        self.ws_url = said["ws"]

    def loss(self) -> str:
        """Say that the process has ended by itself; empty while it runs."""
        if not self._loss:
            with contextlib.suppress(ChildProcessError):
                ended, status = os.waitpid(self._pid, os.WNOHANG)
                if not ended:
                    return ""
                code = os.waitstatus_to_exitcode(status)
                how = f"signal {-code}" if code < 0 else f"status {code}"
                self._loss = f"the local exchange has ended by {how}, so nothing can be traded"
        return self._loss

    def close(self) -> None:
        """End the process, by force if it does not exit."""
        if self.loss():
            return  # its process id may be another's by now
        with contextlib.suppress(ProcessLookupError, ChildProcessError):  # it has exited by itself
            os.kill(self._pid, signal.SIGTERM)
            deadline = time.monotonic() + _STOP_LIMIT_S
            while os.waitpid(self._pid, os.WNOHANG) == (0, 0):
                if time.monotonic() > deadline:
                    os.kill(self._pid, signal.SIGKILL)
                time.sleep(_LOOK_AGAIN_S)


def _be_the_exchange(
    serve: Callable[[Callable[[Mapping[str, Any]], None]], Coroutine[Any, Any, None]],
    write_end: int,
    tie: Callable[[], None],
) -> NoReturn:
    """Serve in a process that has just been forked, until a signal asks for the end."""
    code = ExitCode.FAILED
    try:
        write_end = _leave_the_run(write_end)
        tie()
        name_process("exchange")
        asyncio.run(serve(functools.partial(_tell, write_end)))
        code = ExitCode.OK
    except Exception as error:
        _tell(write_end, {"problem": str(error) or repr(error)})
    finally:
        os._exit(code)  # nothing that the run has begun is ended here


def _leave_the_run(write_end: int) -> int:
    """Keep nothing of the run but its memory, and the pipe; return the pipe's new descriptor.

    Its own session: a Ctrl-C must not end it before the system has ended its orders.
    """
    os.setsid()
    gc.freeze()  # garbage collected later would close descriptors that belong to others here
    for number in ENDING | SUSPENDING:
        signal.signal(number, signal.SIG_DFL)
    write_end = fcntl.fcntl(write_end, fcntl.F_DUPFD, _FIRST_DESCRIPTOR)
    os.closerange(_FIRST_DESCRIPTOR, write_end)
    os.closerange(write_end + 1, os.sysconf("SC_OPEN_MAX"))
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in range(_FIRST_DESCRIPTOR):
        os.dup2(nowhere, stream)
    os.close(nowhere)
    return write_end


def _tell(write_end: int, words: Mapping[str, Any]) -> None:
    """Send the address, or the reason for a failure: once, as nobody reads it afterwards."""
    os.write(write_end, json.dumps(words).encode() + b"\n")
    os.close(write_end)


@contextlib.contextmanager
def rehearsed_faults(account: str) -> Iterator[Path | None]:
    """Name a file of ``MONEY_FAULTS`` for an exchange that starts within the block.

    Args:
        account: the account of the orders; empty if they are simulated, and nothing goes wrong.
    """
    if not account:
        yield None
        return
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        file.write(MONEY_FAULTS)
        file.flush()
        yield Path(file.name)
