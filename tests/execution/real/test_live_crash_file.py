"""A crash file of the real executor holds no key, no credentials and no signature."""

from __future__ import annotations

import json
import random
import zlib
from pathlib import Path

import pytest
from host_bench import HostBench
from live_stage import LiveStage, RunningExchange, StageWatch

from actors.core import Core
from actors.execution.real.core import RealExecutorCore
from actors.execution.real.port import VenuePort
from actors.messages.execution import OrderStatus
from actors.roles import EXECUTOR
from actors.runtime.crash_file import crash_files, read_flight
from actors.runtime.crashes import CrashKeeper
from actors.runtime.flight_recorder import FlightRecorder
from actors.runtime.host_context import HostWatch, HostWatches, RunningHost
from actors.runtime.replay import play

pytestmark = [pytest.mark.processes, pytest.mark.timeout(300)]


class OnlyExecutor(HostWatch):
    """Records the executor among the hosts of a stage."""

    def __init__(self, recorder: FlightRecorder) -> None:
        self.recorder = recorder

    def made(self, host: RunningHost) -> None:
        if host.role == EXECUTOR:
            self.recorder.made(host)

    def hears(self, host: RunningHost, message: object, now_ms: int) -> None:
        if host.role == EXECUTOR:
            self.recorder.hears(host, message, now_ms)

    def handled(self, host: RunningHost, message: object) -> None:
        if host.role == EXECUTOR:
            self.recorder.handled(host, message)


class RecordedStage(LiveStage):
    """A live stage whose executor is recorded, as in its own process."""

    data_dir: Path

    def _make_bench(self) -> HostBench:
        def make_core(_generation: int) -> Core:
            return RealExecutorCore(EXECUTOR, self.settings, random.Random(1))

        keeper = CrashKeeper(self.data_dir, self.settings, 1, lambda _level, _text: None)
        recorder = keeper.recorder(make_core)
        assert isinstance(recorder, FlightRecorder)
        self.recorder = recorder
        bench = super()._make_bench()
        bench.watch = HostWatches(OnlyExecutor(recorder), StageWatch(self))
        return bench


def test_nothing_secret_is_in_the_file_and_it_can_be_played(tmp_path: Path) -> None:
    RecordedStage.data_dir = tmp_path
    with RunningExchange() as exchange, RecordedStage(exchange) as stage:
        order_id = stage.order(price_ticks=200)
        stage.run_until(
            lambda: stage.state(order_id).status is OrderStatus.ACCEPTED, "it is accepted"
        )
        signature = json.loads(stage.live(order_id).payload)["order"]["signature"]
        port = stage.bench.hosts[EXECUTOR].port
        assert isinstance(port, VenuePort)
        assert port._client is not None
        # The venue wants the API key's name as the order's owner; alone it opens nothing.
        owner = port._client.owner
        hidden = [each for each in port._client.secrets if each != owner]
        assert len(hidden) == 2
        secrets = [stage.key, signature, *hidden]
        host = stage.bench.hosts[EXECUTOR]
        stage.recorder.raised(host, None, ValueError(f"cannot take {stage.live(order_id).payload}"))
    (file,) = crash_files(tmp_path)
    head, _, body = file.read_bytes().partition(b"\n")
    whole = head + zlib.decompress(body)
    assert order_id.encode() in whole
    for secret in secrets:
        assert len(secret) >= 16
        for form in (secret, secret.removeprefix("0x")):
            assert form.encode() not in whole
            assert form.encode().hex().encode() not in whole
    assert len(list(play(read_flight(file)))) > 5
