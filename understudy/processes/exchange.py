"""The local exchange as a process of its own, beside the system that trades on it."""

from __future__ import annotations

import contextlib
import json
import select
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import attrs

from actors.runtime.clock import ClockSpec
from actors.runtime.process_ties import end_with_parent
from understudy.processes.isolation import module_command

MONEY_FAULTS = """\
[chance]
short_match = 0.1
unreadable_part = 0.1
repeated_row = 0.1
excess_fill = 0.1
late_failure = 0.04
"""
"""What goes wrong with live orders even in a rehearsal, by name and share of all that can suffer:
faults that cost money at the real venue (F29, F30, F39-F41); docs/exchange.md has the kinds."""

_START_LIMIT_S = 30.0
_STOP_LIMIT_S = 5.0


class ExchangeFailed(Exception):
    """The local exchange did not start; the sentence holds its last words."""


@attrs.frozen(kw_only=True)
class ExchangeSetup:
    """What the local exchange is told when a run starts it."""

    clock: ClockSpec
    seed: int
    series: tuple[str, ...]
    """Names of what it offers."""
    rate: float | None = None
    """Frames of the market channel in a second of venue time, for each series; None: its own."""
    account: str = ""
    """Has money at the start; empty: nobody's orders are expected."""
    dollars: int = 1_000
    """The account's."""
    has_admin: bool = False
    """Whether its own books can be read, and things made go wrong."""
    faults: Path | None = None
    """What goes wrong by itself."""
    recordings: tuple[str, ...] = ()
    """Recorded windows to serve in place of simulated ones; the clock begins with them."""


class ExchangeProcess:
    """Starts the exchange on a free port of loopback and learns its addresses."""

    def __init__(self, options: ExchangeSetup) -> None:
        program = ("understudy", "venue") if options.recordings else ("venue",)
        command = [
            *module_command(*program),
            *("--port", "0"),
            *("--seed", str(options.seed)),
            *("--speed", repr(options.clock.speed)),
            *("--series", ",".join(options.series)),
            *("--origin-monotonic-ns", str(options.clock.origin_monotonic_ns)),
            *(("--wallet", f"{options.account}={options.dollars}") if options.account else ()),
            *_markets(options),
            *(("--admin",) if options.has_admin else ()),
            *(("--faults", str(options.faults)) if options.faults is not None else ()),
        ]
        # Its own session: a Ctrl-C must not end it before the system has ended its orders.
        self._process = subprocess.Popen(  # noqa: S603 # our own module, our own arguments
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=end_with_parent(),
        )
        addresses = self._read_addresses()
        self.http_url: str = addresses["http"]
        self.ws_url: str = addresses["ws"]

    def _read_addresses(self) -> dict[str, str]:
        stdout, stderr = self._process.stdout, self._process.stderr
        if stdout is None or stderr is None:
            raise AssertionError("the exchange was started without pipes")
        ready, _, _ = select.select([stdout], [], [], _START_LIMIT_S)
        line = stdout.readline() if ready else b""
        if not line.strip():
            self._process.kill()
            last_words = stderr.read().decode(errors="replace").strip() or "it said nothing"
            raise ExchangeFailed(f"the local exchange did not start: {last_words}")
        addresses: dict[str, str] = json.loads(line)
        return addresses

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process.poll() is None

    def close(self) -> None:
        """End the process, by force if it does not go."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()


def _markets(options: ExchangeSetup) -> list[str]:
    if not options.recordings:
        rate = [] if options.rate is None else ["--rate", repr(options.rate)]
        return ["--start", str(options.clock.origin_ms), *rate]
    return [word for place in options.recordings for word in ("--recording", place)]


@contextlib.contextmanager
def rehearsed_faults(account: str) -> Iterator[Path | None]:
    """Name a file of ``MONEY_FAULTS`` while an exchange starts that is to cause them.

    Args:
        account: the one that orders are for; empty if they are simulated, and nothing goes wrong.
    """
    if not account:
        yield None
        return
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        file.write(MONEY_FAULTS)
        file.flush()
        yield Path(file.name)
