from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from recording import ProcessStage

from actors.core import Core, Effects, Record, Send, handles
from actors.messages.execution import OrderDone, OrderReport, OrderStatus, QueryOrder
from actors.messages.lifecycle import ActorFell, Started
from actors.runtime.actor_spec import ActorSpec
from actors.runtime.clock import ClockSpec
from actors.runtime.journal import JournalReader
from actors.runtime.messages import StartActor
from actors.runtime.pause_points import RAISE, Held, PausePoints, Trap, point_name
from actors.settings import Settings
from understudy.composition import supervisor_boot
from understudy.drill.processes import wait_for

LIMIT_S = 10.0


class SayerCore(Core):
    """Records, then tells."""

    @handles(Started)
    def on_started(self, _message: Started, _now_ms: int) -> Effects:
        return []

    @handles(QueryOrder)
    def on_query(self, message: QueryOrder, _now_ms: int) -> Effects:
        return [Record(message), Send("desk", OrderDone(message.order_id))]


def until(condition: Callable[[], object]) -> None:
    assert wait_for(condition, LIMIT_S, 0.001)


@pytest.mark.parametrize(
    ("role", "value", "name"),
    [
        ("desk", OrderDone("a"), "desk/recorded/OrderDone"),
        ("order/order_1_ab", OrderDone("a"), "order/recorded/OrderDone"),
        (
            "executor",
            OrderReport(order_id="a", status=OrderStatus.PARTIALLY_FILLED),
            "executor/recorded/OrderReport/PARTIALLY_FILLED",
        ),
        ("executor", OrderReport(order_id="a", status=None), "executor/recorded/OrderReport"),
    ],
)
def test_a_point_is_named_after_actor_moment_and_value(role: str, value: object, name: str) -> None:
    assert point_name(role, "recorded", value) == name


def test_an_armed_point_holds_one_actor_once_until_it_is_released(tmp_path: Path) -> None:
    trap = Trap(tmp_path, "order/sending/OrderDone")
    points = PausePoints(tmp_path)
    passed: list[str] = []

    def pass_by(role: str) -> None:
        points.reach(role, "sending", OrderDone("a"))
        passed.append(role)

    first = threading.Thread(target=pass_by, args=["order/x"])
    first.start()
    until(trap.held)
    held = trap.held()
    assert held is not None
    assert held.role == "order/x"
    pass_by("order/y")
    assert passed == ["order/y"]
    trap.release()
    first.join(LIMIT_S)
    assert passed == ["order/y", "order/x"]
    assert trap.held() is None
    assert list(tmp_path.iterdir()) == []


def test_a_released_point_holds_nobody(tmp_path: Path) -> None:
    trap = Trap(tmp_path, "desk/sending/OrderDone")
    trap.release()
    PausePoints(tmp_path).reach("desk", "sending", OrderDone("a"))
    assert trap.held() is None


def test_nobody_is_held_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.runtime.pause_points.HOLD_LIMIT_S", 0.02)
    trap = Trap(tmp_path, "desk/sending/OrderDone")
    PausePoints(tmp_path).reach("desk", "sending", OrderDone("a"))
    assert isinstance(trap.held(), Held)


def test_an_actor_passes_points_as_it_handles_a_message_records_and_sends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = ProcessStage(tmp_path, {"sayer": ActorSpec(core=SayerCore)})
    stage.boot("desk", pause_points_dir=str(tmp_path))
    passed: list[tuple[str, str, int, int]] = []

    def note(_points: PausePoints, _role: str, moment: str, value: object) -> None:
        recorded = len(list(JournalReader(tmp_path).events()))
        passed.append((moment, type(value).__name__, recorded, len(stage.sent_to("desk"))))

    monkeypatch.setattr(PausePoints, "reach", note)
    stage.say("desk", QueryOrder("a"))
    assert passed == [
        ("handling", "QueryOrder", 0, 0),
        ("recorded", "QueryOrder", 1, 0),
        ("sending", "OrderDone", 1, 0),
    ]
    assert stage.sent_to("desk") == [OrderDone("a")]


def test_a_system_without_a_drill_cannot_be_paused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    boot = supervisor_boot(
        Settings(), ClockSpec.starting_now(), tmp_path, seed=1, log_to_stderr=False
    )
    assert boot.pause_points_dir is None

    def fail(*_: object) -> None:
        pytest.fail("an actor looked for an armed point")

    monkeypatch.setattr(PausePoints, "reach", fail)
    stage = ProcessStage(tmp_path, {"sayer": ActorSpec(core=SayerCore)})
    stage.boot("desk", pause_points_dir=boot.pause_points_dir)
    stage.say("desk", QueryOrder("a"))
    assert stage.sent_to("desk") == [OrderDone("a")]


def test_an_actor_whose_core_is_made_to_raise_falls_and_its_process_lives(tmp_path: Path) -> None:
    stage = ProcessStage(tmp_path, {"sayer": ActorSpec(core=SayerCore)})
    stage.boot("desk", pause_points_dir=str(tmp_path))
    trap = Trap(tmp_path, "sayer/handling", RAISE)
    stage.say("desk", QueryOrder("a"))
    assert trap.held() == Held(os.getpid(), "sayer")
    fell = stage.sent_to("supervisor")[-1]
    assert isinstance(fell, ActorFell)
    assert "sayer is made to raise on QueryOrder" in fell.reason
    stage.tell(StartActor("sayer"))
    stage.say("desk", QueryOrder("b"))
    assert stage.sent_to("desk") == [OrderDone("b")]
