"""Dashboards, alerts and runbook name only what kimp tells, and each other."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from architecture.project import ROOT
from fakes.telemetry import OF_THE_SDK

FOLDER = ROOT / "deploy" / "observability"
METRIC = re.compile(r"\b(?:kimp|temporal)_[a-z_]+\b")
ALERT = re.compile(r"^ +- alert: (\w+)$", re.MULTILINE)
ONE_OF_EACH = """
from opentelemetry import metrics as api
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from prometheus_client import CollectorRegistry, generate_latest
from kimp.observability import metrics

registry = CollectorRegistry()
memory = InMemoryMetricReader()
api.set_meter_provider(MeterProvider([PrometheusMetricReader(registry=registry), memory]))
for one in vars(metrics).values():
    if isinstance(one, metrics.SnapshotGauge):
        one.show((1, {}))
    elif isinstance(one, api.Counter):
        one.add(1)
    elif isinstance(one, api.Histogram):
        one.record(1)
    elif hasattr(one, "set"):
        one.set(1)
print(generate_latest(registry).decode())
for scope in memory.get_metrics_data().resource_metrics[0].scope_metrics:
    for metric in scope.metrics:
        print("#unit", metric.name, metric.unit, sep=",")
"""
"""In a process of its own, which has one provider for good."""
WORDS = {"": None, "s": "seconds", "d": "days"}
"""What the units that we use are in a name of Prometheus."""


@pytest.fixture(scope="module")
def page() -> list[str]:
    """One value of each instrument, as the exporter itself writes it; below it their names and units."""
    done = subprocess.run([sys.executable, "-c", ONE_OF_EACH], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def reported(page: list[str]) -> set[str]:
    """Every name on the page."""
    return {line.split("{")[0].split(" ")[0] for line in page if not line.startswith("#")}


def test_each_instrument_is_on_the_page(reported: set[str]) -> None:
    assert {"kimp_feeder_ticks_total", "kimp_halt_level", "kimp_key_expiry_days"} <= reported
    assert "kimp_cycle_duration_seconds_bucket" in reported


def test_a_collector_names_each_instrument_as_the_page_does(page: list[str]) -> None:
    """Its Prometheus exporter makes another name of unit 1, and of a name that holds the word of its unit."""
    units = dict(line.split(",")[1:] for line in page if line.startswith("#unit"))
    assert "kimp.halt.level" in units
    assert not {name: unit for name, unit in units.items() if unit not in WORDS}
    assert not {name: unit for name, unit in units.items() if WORDS[unit] in re.split(r"[._]", name)}


def dashboards() -> dict[str, dict[str, Any]]:
    return {path.name: json.loads(path.read_text()) for path in sorted(FOLDER.rglob("*.json"))}


def queries(panel: dict[str, Any]) -> Iterator[str]:
    for target in panel["targets"]:
        if panel["datasource"]["type"] == "prometheus":
            yield target["expr"]


@pytest.mark.parametrize("name", dashboards())
def test_dashboards_name_only_metrics_that_exist(name: str, reported: set[str]) -> None:
    found = {
        metric for panel in dashboards()[name]["panels"] for query in queries(panel) for metric in METRIC.findall(query)
    }
    assert found
    assert found <= reported | OF_THE_SDK


@pytest.mark.parametrize("name", dashboards())
def test_dashboards_use_only_provisioned_datasources(name: str) -> None:
    provisioned = set(re.findall(r"uid: (\w+)", (FOLDER / "grafana/provisioning/datasources/kimp.yaml").read_text()))
    assert {panel["datasource"]["uid"] for panel in dashboards()[name]["panels"]} <= provisioned


def test_alerts_name_only_metrics_that_exist(reported: set[str]) -> None:
    expressions = re.findall(r"expr: '(.+)'", (FOLDER / "alerts.yml").read_text())
    assert {metric for expression in expressions for metric in METRIC.findall(expression)} <= reported | OF_THE_SDK


def test_every_figure_is_shown_somewhere(reported: set[str]) -> None:
    """One that nobody looks at is a cost and no help."""
    shown = set(METRIC.findall("".join(json.dumps(board) for board in dashboards().values())))
    alike = {name.removesuffix("_bucket").removesuffix("_count").removesuffix("_sum") for name in shown}
    bases = {name.removesuffix("_bucket").removesuffix("_count").removesuffix("_sum") for name in reported}
    assert not {name for name in bases if name.startswith("kimp_")} - alike


def alerts() -> list[str]:
    return ALERT.findall((FOLDER / "alerts.yml").read_text())


def test_each_alert_has_its_entry_in_the_runbook_and_each_entry_its_alert() -> None:
    text = (ROOT / "docs/runbook.md").read_text()
    assert re.findall(r"^## (\w+)$", text, re.MULTILINE) == alerts()
    for entry in text.split("\n## ")[1:]:
        assert "**Look:**" in entry
        assert "**Do:**" in entry


def test_each_alert_leads_to_its_entry() -> None:
    led = re.findall(r"runbook: docs/runbook.md#(\w+)", (FOLDER / "alerts.yml").read_text())
    assert led == [name.lower() for name in alerts()]


def test_each_alert_is_tried_firing_and_quiet() -> None:
    tried = re.findall(r"- name: (\w+) (fires|is quiet)", (FOLDER / "alerts.test.yml").read_text())
    assert tried == [(name, how) for name in alerts() for how in ("fires", "is quiet")]


@pytest.mark.parametrize("command", [("promtool", "check", "rules", "alerts.yml"),
                                     ("promtool", "test", "rules", "alerts.test.yml"),
                                     ("promtool", "check", "config", "--syntax-only", "prometheus.yml"),
                                     ("amtool", "check-config", "alertmanager.yml")])  # fmt: skip
def test_their_own_tools_are_content(command: tuple[str, ...]) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed (Debian: prometheus, prometheus-alertmanager)")
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
