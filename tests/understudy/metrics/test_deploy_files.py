"""The files for Prometheus, Grafana and containers load, and name only what there is.

Every expression is parsed by promql-parser, a maintained port of Prometheus's own grammar. Where
``promtool`` is installed it is asked as well; it comes only with the whole server, which no test
should need. For dashboards there is no checker that can be installed by a package manager.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import promql_parser
import pytest
import yaml
from scenes import view
from test_metrics import FEED
from watched import observation, status

from actors.messages.halts import Halt
from actors.messages.observer import ObserverCounts
from understudy.cli import main
from understudy.metrics.collector import ObservationCollector
from understudy.running.foreground import ORDERLY_END_S

DEPLOY = Path(__file__).parents[3] / "deploy"
RULES = DEPLOY / "prometheus" / "understudy.rules.yml"
DASHBOARD = DEPLOY / "grafana" / "understudy.json"

_GRAFANAS_OWN = {"$__rate_interval": "5m", "$instance": ".*"}
_PROMETHEUSS_OWN = {"up"}
_ADDED_WHEN_SCRAPED = {"instance", "job"}


def exposed() -> dict[str, set[str]]:
    """Names of all samples and their labels."""
    halt = Halt(who="operator", reason="", since_ms=0, cancels=True)
    counts = ObserverCounts(orders={"FILLED": 2}, signals={2: 5})
    shown = view(feeds=(FEED,), counts=counts)
    seen = observation(status=status(view=shown, halts=(halt,)))
    names: dict[str, set[str]] = {}
    for family in ObservationCollector(lambda: seen).collect():
        for sample in family.samples:
            names.setdefault(sample.name, set()).update(sample.labels)
    return names


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    return found


def expressions() -> Iterator[str]:
    yield from (rule["expr"] for rule in rules())
    for panel in panels():
        for target in panel["targets"]:
            text = target["expr"]
            for name, value in _GRAFANAS_OWN.items():
                text = text.replace(name, value)
            yield text


def selectors(expression: str) -> Iterator[tuple[str, set[str]]]:
    """Every metric that an expression reads, and the labels that it selects by."""
    found: list[tuple[str, set[str]]] = []

    def note(node: object) -> bool:
        if isinstance(node, promql_parser.VectorSelector) and node.name:
            found.append((node.name, {each.name for each in node.matchers.matchers}))
        return True

    promql_parser.walk(promql_parser.parse(expression), note)
    assert found, expression
    yield from found


@pytest.mark.parametrize("expression", [*expressions()])
def test_an_expression_parses_and_reads_what_is_exposed(expression: str) -> None:
    names = exposed()
    for name, labels in selectors(expression):
        if name not in _PROMETHEUSS_OWN:
            assert name in names
            assert labels - _ADDED_WHEN_SCRAPED <= names[name] | {"le"}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_a_rule_has_what_prometheus_wants_of_it(rule: dict[str, Any]) -> None:
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert re.fullmatch(r"[A-Za-z_]\w*", rule["alert"])
    assert re.fullmatch(r"\d+[smhd]", rule.get("for", "1m"))
    assert rule["labels"]["severity"] in {"warning", "critical"}
    assert rule["annotations"]["summary"]


def test_rules_have_names_of_their_own() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names)


def test_promtool_takes_the_rules() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed: it comes with Debian's prometheus")
    subprocess.run([promtool, "check", "rules", str(RULES)], check=True)


def test_the_dashboard_has_what_grafana_wants_of_it() -> None:
    board = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    assert board["uid"] == "understudy"
    assert board["schemaVersion"] >= 39
    assert {each["name"] for each in board["templating"]["list"]} == {"datasource", "instance"}
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    kinds = {"stat", "timeseries", "bargauge", "state-timeline"}
    for panel in board["panels"]:
        assert panel["type"] in kinds
        assert panel["title"]
        assert panel["datasource"]["uid"] == "${datasource}"
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


def test_no_panel_lies_on_another_or_beyond_the_edge() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells


# Containers; nothing here can build them, so they are only looked at.

COMPOSE = DEPLOY / "docker" / "compose.yaml"
DOCKERFILE = DEPLOY / "docker" / "Dockerfile"
ROOT = DEPLOY.parent


@pytest.mark.parametrize("name", ["run", "alerts", "metrics", "web"])
def test_a_container_has_nothing_that_it_does_not_need(name: str) -> None:
    service = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["volumes"] == ["data:/data"]
    assert "ports" not in service


@pytest.mark.parametrize("name", ["run", "alerts", "metrics", "web"])
def test_a_containers_command_is_one_that_there_is(name: str) -> None:
    service = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"][name]
    command: click.Command = main
    words = [word for word in service["command"] if not word.startswith(("-", "/"))]
    for word in words:
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), word)
        assert found is not None
        command = found
    options = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in service["command"] if word.startswith("-")} <= options


def test_a_containers_end_has_as_long_as_an_orderly_end_may_take() -> None:
    run = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]["run"]
    assert int(run["stop_grace_period"].removesuffix("s")) >= ORDERLY_END_S


def test_the_image_is_nobodys_root_and_has_an_init_and_a_health_check() -> None:
    lines = DOCKERFILE.read_text(encoding="utf-8").splitlines()
    assert lines.index("USER understudy") < lines.index("VOLUME /data")
    assert 'ENTRYPOINT ["tini", "--", "understudy"]' in lines
    assert any(line.startswith("HEALTHCHECK") for line in lines)


def test_everything_that_the_image_copies_is_there_and_reaches_the_build() -> None:
    allowed = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    }
    copied = [
        word
        for line in DOCKERFILE.read_text(encoding="utf-8").splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for word in line.split()[1:-1]
    ]
    assert copied
    for name in copied:
        assert (ROOT / name).exists()
        assert name in allowed
