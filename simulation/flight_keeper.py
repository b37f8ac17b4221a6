"""Keeps what led to a run's failure: the flight of the actor in which it came to light."""

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
    """A flight, and what it ended in."""

    flight: Flight
    error: Exception
    is_in_core: bool


class FlightKeeper:
    """Makes the recorders of a run's actors."""

    def __init__(self) -> None:
        self.newest: FlightRecorder | None = None
        """Of the actor that was given a message last."""
        self.failure: RecordedFailure | None = None

    def recorder(self, make_core: Callable[[int], Core]) -> HostWatch:
        """Make the recorder of an actor, given what makes its core anew."""
        return FlightRecorder(make_core, self)

    def keep(self, flight: Flight, error: Exception, *, is_in_core: bool) -> None:
        """Keep a flight whose core has raised."""
        self.failure = RecordedFailure(flight=flight, error=error, is_in_core=is_in_core)

    def warn(self, text: str) -> None:
        """Fail: a simulated core can always be copied.

        Raises:
            AssertionError: always.
        """
        raise AssertionError(text)

    def failed(self, breach: Breach) -> None:
        """Keep the flight of the actor whose step broke a promise; what the end shows has none."""
        trace, is_at_a_step = breach.__traceback__, False
        while trace is not None:
            is_at_a_step = is_at_a_step or trace.tb_frame.f_code is Host.hand.__code__
            trace = trace.tb_next
        if self.failure is None and is_at_a_step and self.newest is not None:
            flight = self.newest.flight()
            if flight is not None:
                self.keep(flight, breach, is_in_core=False)
