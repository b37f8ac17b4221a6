"""What one run was asked to do: the checked command line, in one value."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from actors.runtime.clock import ClockSpec
from actors.settings import Settings

if TYPE_CHECKING:
    from venue.world import World

DEFAULT_DATA_DIR = Path("~/.understudy")
DEFAULT_RECORDINGS = DEFAULT_DATA_DIR / "recordings"
DEMO_WINDOWS = 2
DEMO_SPEED = 20.0
DEMO_SEED = 5
"""A market with more activity than most; which orders fill in parts depends on real time."""


@attrs.frozen(kw_only=True)
class DrillStage:
    """Where a run in a drill trades: an exchange and a clock that outlive the run's processes."""

    http_url: str
    ws_url: str
    clock: ClockSpec
    pause_points_dir: Path
    """Where the drill arms pause points."""


@attrs.frozen(kw_only=True)
class ConfigOrigin:
    """Where a run's settings came from, so that they can be read again."""

    path: Path | None = None
    """Absolute."""
    assignments: tuple[str, ...] = ()
    series: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, path: Path | None, assignments: tuple[str, ...], series: tuple[str, ...]
    ) -> ConfigOrigin:
        """From the options of a command."""
        absolute = path and path.expanduser().absolute()
        return cls(path=absolute, assignments=assignments, series=series)

    def with_request(self, request: Mapping[str, Any]) -> ConfigOrigin:
        """The same with another file and further assignments, from a control request."""
        path = request.get("config")
        return ConfigOrigin(
            path=Path(path) if path else self.path,
            assignments=(*self.assignments, *map(str, request.get("assignments", ()))),
            series=self.series,
        )

    @property
    def words(self) -> str:
        """Such as ``my.toml, strategy.max_shares=50``."""
        return ", ".join([str(self.path or "the defaults"), *self.assignments])


@attrs.frozen(kw_only=True)
class RunOptions:
    """Everything the foreground process needs to start a run."""

    is_demo: bool
    """Whether to trade against a local exchange that is started with the run."""
    settings: Settings
    windows: int
    """Stop after this many settled windows; 0: only on request."""
    speed: float
    """Venue time per real time; 1 except in a demo, whose exchange has the same speed."""
    seed: int
    """For every actor's random numbers and the demo's prices."""
    data_dir: Path
    """Directory of journal, log, lock and control socket; exists already."""
    is_json: bool
    """Whether to print the summary as one JSON object and nothing else on stdout."""
    is_terminal: bool
    """Whether someone watches: show the live view."""
    account: str = ""
    """Lower-case address of the account of live orders; empty if they are simulated."""
    is_real_money_understood: bool = False
    """Whether the command line confirms real money."""
    recorded_world: World | None = None
    """Demo only: recorded windows that the exchange serves; None for simulated ones."""
    origin: ConfigOrigin = ConfigOrigin()
    """Where the settings came from."""
    drill_stage: DrillStage | None = None
    """None unless a drill has started this run."""

    @property
    def is_local(self) -> bool:
        """Whether it trades on a local exchange, without real money."""
        return self.is_demo or self.drill_stage is not None

    @property
    def is_rehearsal(self) -> bool:
        """Whether its live orders are for an account that ends with it, and its exchange."""
        return self.is_demo and bool(self.account)

    @property
    def stakes(self) -> str:
        """What is at stake in its orders, for people; empty if they are simulated."""
        if not self.account:
            return ""
        return "live orders, no real money" if self.is_local else "REAL MONEY"
