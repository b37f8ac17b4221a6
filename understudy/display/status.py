"""The status of a running system: one value for the live view, ``ps`` and the watchers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import cattrs
import msgspec
from cattrs.preconf.json import make_converter

from actors.messages.halts import Halt
from actors.messages.halts import halts_of as halts_of_series
from actors.messages.observer import View
from actors.messages.settings import SettingChange
from actors.settings import Settings
from actors.supervision.messages import ChildrenReport, ChildReport
from understudy.display.events import Event
from understudy.display.latency import Histogram

_NOTHING_SEEN = View(request_id=0, at_ms=0)


@attrs.frozen(kw_only=True)
class Status:
    """A running system at one instant."""

    view: View | None
    """The observer's view; None before its first answer."""
    report: ChildrenReport | None
    """The supervisor's report of its children; None before its first answer."""
    now_ms: int
    """Venue time."""
    speed: float
    """Venue time per real time."""
    stakes: str = ""
    """What is at stake in orders; empty if they are simulated."""
    latencies: Mapping[str, Histogram] = attrs.field(factory=dict)
    """By measured path, since the run began."""
    halts: tuple[Halt, ...] = ()
    """Why trading is halted."""
    restarts: Mapping[str, int] = attrs.field(factory=dict)
    """Restarts by role since the run began, over all trees."""
    handled_count: int = 0
    """Messages handled by all actors since the run began."""
    refused_count: int = 0
    """Connections and frames refused by the sockets between processes since the run began."""
    settings: Settings = attrs.field(factory=Settings)
    """The settings the run was started with."""
    events: tuple[Event, ...] = ()
    """Recent events, newest first."""

    @property
    def seen(self) -> View:
        """The observer's view; an empty one before its first answer."""
        return self.view or _NOTHING_SEEN

    @property
    def children(self) -> tuple[ChildReport, ...]:
        """The supervisor's children; none before its first answer."""
        return self.report.children if self.report is not None else ()

    @property
    def by_series(self) -> dict[str, Status]:
        """The status for each series: its window, its settings, and the halts that apply.

        Of a run with one series it is the whole, under an empty name.
        """
        view = self.view
        if view is None or len(view.series) < 2:
            return {"": self}
        return {
            seen.series: attrs.evolve(
                self,
                view=view.in_series(seen),
                settings=self.settings.of(seen.series),
                halts=halts_of_series(self.halts, seen.series),
            )
            for seen in view.series
        }


def _is_struct(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


_converter = make_converter(unstruct_collection_overrides={frozenset: sorted})
_converter.register_unstructure_hook_func(_is_struct, msgspec.to_builtins)
_converter.register_structure_hook_func(_is_struct, msgspec.convert)
_converter.register_unstructure_hook(
    Histogram, lambda histogram: {str(us): count for us, count in histogram.counts.items()}
)
_converter.register_structure_hook(
    Histogram,
    lambda counts, _: Histogram.of_counts({int(us): count for us, count in counts.items()}),
)


def status_reply(status: Status) -> dict[str, Any]:
    """Answer the control command "status": everything, for ``status_of``."""
    reply: dict[str, Any] = _converter.unstructure(status)
    return reply


def status_of(reply: dict[str, Any]) -> Status:
    """Read a "status" reply.

    Raises:
        cattrs.BaseValidationError: another version answered, whose status holds something else.
    """
    return _converter.structure(reply, Status)


def ps_reply(
    report: ChildrenReport,
    halts: tuple[Halt, ...] = (),
    stopped: tuple[str, ...] = (),
    refused_count: int = 0,
) -> dict[str, Any]:
    """Answer the control command "ps": what readers below read back, and programs may."""
    reply: dict[str, Any] = cattrs.unstructure(report)
    del reply["request_id"], reply["latencies_us"], reply["is_cleared"]
    reply["halts"] = cattrs.unstructure(halts)
    reply["stopped"] = list(stopped)
    reply["refused_count"] = refused_count
    return reply


def children_of(reply: dict[str, Any]) -> tuple[ChildReport, ...]:
    """Read the children out of a "ps" reply."""
    return cattrs.structure(reply["children"], tuple[ChildReport, ...])


def halts_of(reply: dict[str, Any]) -> tuple[Halt, ...]:
    """Read the halts out of a "ps" reply."""
    return cattrs.structure(reply["halts"], tuple[Halt, ...])


def changes_of(reply: dict[str, Any]) -> tuple[SettingChange, ...]:
    """Read the changes out of a "reload" reply."""
    return cattrs.structure(reply["changes"], tuple[SettingChange, ...])


def reload_text(reply: dict[str, Any], *, is_check: bool) -> str:
    """Say what has become of a reload, or would."""
    if not reply["changes"]:
        return f"nothing differs from what is in force ({reply['source']})"
    if is_check:
        return f"would be taken from {reply['source']}"
    return f"in force as settings {reply['number']}, from {reply['source']}"
