"""The process that sends alerts: it observes every two seconds, and waits for no delivery."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from understudy.alerting.core import AlertCore
from understudy.alerting.couriers import Couriers
from understudy.alerting.notices import Notice
from understudy.alerting.queues import AlertQueues
from understudy.alerting.store import Kept, StoreUnreadable, load_kept, save_kept
from understudy.alerting.targets import Targets
from understudy.watching.health import HealthState, health_of
from understudy.watching.observation import Observation

LOOK_EVERY_S = 2.0
PING_EVERY_S = 60.0
LAST_ROUND_S = 3.0
"""Time for the last deliveries when the process is told to end; less than its run waits."""
STUCK_MS = 600_000
"""If alerts have been undeliverable for this long, all is not well: the ping stops."""
_POLL_S = 0.1
_PING = "ping"

LogLine = Callable[[str, str], None]


class AlertService:
    """Core, queues, deliveries and store, combined for one data directory."""

    def __init__(
        self,
        look: Callable[[], Observation],
        data_dir: Path,
        targets: Targets,
        system: str,
        log: LogLine,
        couriers: Couriers | None = None,
    ) -> None:
        self._look = look
        self._data_dir = data_dir
        self._system = system
        self._log = log
        self._urls = {target.name: target.url for target in targets.alerts}
        self._deadman_url = targets.deadman_url
        self._couriers = couriers or Couriers()
        self._sent: dict[str, tuple[Notice, ...]] = {}
        self._ping_due_s = 0.0
        self._is_well = False
        self._told = ""
        kept = self._load()
        self._core = AlertCore(kept.memory)
        self._queues = AlertQueues(self._urls, kept.queues)
        self._saved = kept

    def _load(self) -> Kept:
        try:
            return load_kept(self._data_dir)
        except StoreUnreadable as error:
            self._log("warning", f"{error}: its contents are lost")
            return Kept()

    def run(self, stop: threading.Event) -> None:
        """Watch until told to stop, then try briefly to deliver the rest."""
        try:
            while not stop.is_set():
                self.look()
                deadline = time.monotonic() + LOOK_EVERY_S
                while not stop.is_set() and time.monotonic() < deadline:
                    self.deliver()
                    stop.wait(_POLL_S)
            self._last_round()
        finally:
            self._couriers.close()

    def look(self) -> None:
        """Observe the system, and queue what people should know."""
        seen = self._look()
        notices = self._core.look(seen)
        for notice in notices:
            self._log("info", f"alert ({notice.kind}): {notice.text}")
        self._queues.put(notices)
        self._is_well = health_of(seen).state is not HealthState.DOWN
        self._save()

    def deliver(self) -> None:
        """Process the outcomes of deliveries, and start those that are due."""
        now_ms = time.time_ns() // 1_000_000
        ended = self._couriers.poll()
        for attempt in ended:
            if attempt.name == _PING:
                self._say(f"the dead man's address: {attempt.problem}" if attempt.problem else "")
            elif attempt.problem:
                self._log("warning", f"{attempt.name} was not reached: {attempt.problem}")
                self._queues.failed(attempt.name, now_ms)
            else:
                self._queues.delivered(attempt.name, self._sent[attempt.name], now_ms)
        if ended:
            self._save()
        for name in self._queues.due(now_ms):
            if name not in self._couriers.busy:
                message, self._sent[name] = self._queues.message(name, self._system)
                self._couriers.send(name, self._urls[name], message)
        self._ping(now_ms)

    def _ping(self, now_ms: int) -> None:
        is_due = time.monotonic() >= self._ping_due_s and _PING not in self._couriers.busy
        if not (self._deadman_url and is_due and self._is_well) or self._is_stuck(now_ms):
            return
        self._ping_due_s = time.monotonic() + PING_EVERY_S
        self._couriers.ping(_PING, self._deadman_url)

    def _is_stuck(self, now_ms: int) -> bool:
        return any(
            queue.failing_since_ms is not None and now_ms - queue.failing_since_ms >= STUCK_MS
            for queue in self._queues.by_target.values()
        )

    def _last_round(self) -> None:
        self.look()
        self._queues.hurry(also_failing=True)
        deadline = time.monotonic() + LAST_ROUND_S
        while time.monotonic() < deadline:
            self.deliver()
            self._queues.hurry(also_failing=False)
            if not self._couriers.busy:
                return
            time.sleep(_POLL_S)

    def _save(self) -> None:
        # Targets not named now may be named again, so what waits for them is kept.
        queues = {**self._saved.queues, **self._queues.by_target}
        kept = Kept(memory=self._core.memory, queues=queues)
        if kept == self._saved:
            return
        try:
            save_kept(self._data_dir, kept)
        except OSError as error:
            self._say(f"what waits cannot be kept: {error.strerror}")
            return
        self._saved = kept

    def _say(self, problem: str) -> None:
        """Log a problem once, however often it occurs."""
        if problem and problem != self._told:
            self._log("warning", problem)
        self._told = problem
