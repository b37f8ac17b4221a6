"""How long a process has waited for a processor: on a busy machine its silence is not its fault."""

from __future__ import annotations

from pathlib import Path

_NANOS_PER_MS = 1_000_000


class ProcessorWaits:
    """Reads how long each process has waited since the previous call."""

    def __init__(self) -> None:
        self._total_ms: dict[int, int] = {}

    def since_last_ms(self, pids: list[int]) -> dict[int, int]:
        """Return each process's wait since the last call; 0 at the first call, and where unknown.

        The kernel counts it in ``/proc/<pid>/schedstat``, second number, in ns
        (Documentation/scheduler/sched-stats.rst). Not every kernel does.
        """
        before, self._total_ms = self._total_ms, {pid: _waited_ms(pid) for pid in pids}
        return {pid: max(0, now - before.get(pid, now)) for pid, now in self._total_ms.items()}


def _waited_ms(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()
    except OSError:
        return 0
    return int(fields[1]) // _NANOS_PER_MS
