"""What one run was asked to do: the command line's answer, checked, in one value."""

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
"""A market in which more goes on than in most; which orders fill in parts, real time decides."""


@attrs.frozen(kw_only=True)
class DrillStage:
    """Where a drill lets a run trade: an exchange and a clock that outlive the run's processes."""

    http_url: str
    ws_url: str
    clock: ClockSpec
    pause_points_dir: Path
    """Where the drill arms pause points."""


@attrs.frozen(kw_only=True)
class ConfigOrigin:
    """Where a run's settings were read, so that they can be read again."""

    path: Path | None = None
    """Absolute."""
    assignments: tuple[str, ...] = ()
    series: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, path: Path | None, assignments: tuple[str, ...], series: tuple[str, ...]
    ) -> ConfigOrigin:
        """As the options of a command name it."""
        absolute = path and path.expanduser().absolute()
        return cls(path=absolute, assignments=assignments, series=series)

    def with_request(self, request: Mapping[str, Any]) -> ConfigOrigin:
        """The same with another file and further assignments, as a control request names them."""
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
    """Everything the foreground process must know to start a run."""

    is_demo: bool
    """Trade against a local exchange that is started with the run."""
    settings: Settings
    windows: int
    """Stop after so many settled windows; 0: only when told to."""
    speed: float
    """Venue time per real time; 1 unless it is a demo, where the exchange keeps pace."""
    seed: int
    """For every actor's dice and the demo's prices."""
    data_dir: Path
    """Journal, log, lock and control socket; exists already."""
    is_json: bool
    """Print the summary as one JSON object and nothing else on stdout."""
    is_terminal: bool
    """Someone watches: show the live view."""
    account: str = ""
    """Lower-case address of the account that live orders are for; empty if they are simulated."""
    is_real_money_understood: bool = False
    """Whether the command line says so."""
    recorded_world: World | None = None
    """Demo only: recorded windows that the exchange serves; None: simulated ones."""
    origin: ConfigOrigin = ConfigOrigin()
    """Where the settings are from."""
    drill_stage: DrillStage | None = None
    """None unless a drill has started this run."""

    @property
    def is_local(self) -> bool:
        """Whether it trades on a local exchange, where no real money is."""
        return self.is_demo or self.drill_stage is not None

    @property
    def stakes(self) -> str:
        """What its orders are worth, for whoever watches; empty if they are simulated."""
        if not self.account:
            return ""
        return "live orders, no real money" if self.is_local else "REAL MONEY"
