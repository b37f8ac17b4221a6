"""Keeps the recording of the actor in which a run's failure appeared."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from actors.core import Core
from actors.runtime.flight_recorder import Flight, FlightRecorder
from actors.runtime.host import Host
from actors.runtime.host_context import HostWatch
from simulation.invariants.breach import Breach


@attrs.frozen(kw_only=True)
class RecordedFailure:
    """A recording, and the failure at its end."""

    flight: Flight
    error: Exception
    is_in_core: bool


class FlightKeeper:
    """Makes the flight recorders of a run's actors."""

    def __init__(self) -> None:
        self.newest: FlightRecorder | None = None
        """Recorder of the actor that last received a message."""
        self.failure: RecordedFailure | None = None

    def recorder(self, make_core: Callable[[int], Core]) -> HostWatch:
        """Return the recorder of an actor, given the function that makes its core again."""
        return FlightRecorder(make_core, self)

    def keep(self, flight: Flight, error: Exception, *, is_in_core: bool) -> None:
        """Keep the recording of a core that has raised."""
        self.failure = RecordedFailure(flight=flight, error=error, is_in_core=is_in_core)

    def warn(self, text: str) -> None:
        """Fail: a simulated core can always be copied.

        Raises:
            AssertionError: always.
        """
        raise AssertionError(text)

    def failed(self, breach: Breach) -> None:
        """Keep the recording of the actor whose step broke an invariant."""
        trace, is_at_a_step = breach.__traceback__, False
        while trace is not None:
            is_at_a_step = is_at_a_step or trace.tb_frame.f_code is Host.hand.__code__
            trace = trace.tb_next
        if self.failure is None and is_at_a_step and self.newest is not None:
            flight = self.newest.flight()
            if flight is not None:
                self.keep(flight, breach, is_in_core=False)
