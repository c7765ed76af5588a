"""Who is called in docker-compose.yml and the files that it mounts listens there, on a network that both are on."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from architecture.project import ROOT
from fakes.compose import compose, kimp_services, mounts_of, services

ADDRESS = re.compile(rf"(?<![\w.-])({'|'.join(services())}):(\d{{2,5}})\b")
OBSERVABILITY = ROOT / "deploy/observability"
PAGES = {9464}
TEMPORAL = {"temporal-frontend": 7233, "temporal-history": 7234, "temporal-matching": 7235, "temporal-worker": 7239}
"""Roles' ports: temporal.io, default cluster configuration."""
OF_IMAGES = {
    "mysql": {"MYSQL_DATABASE", "MYSQL_USER", "MYSQL_PASSWORD_FILE", "MYSQL_ROOT_PASSWORD_FILE"},
    "postgres": {"POSTGRES_USER", "POSTGRES_PASSWORD_FILE"},
    "temporal-schema": {"SQL_HOST", "SQL_PORT", "SQL_USER", "SQL_PASSWORD_FILE"},
}
"""Variables that the image's own script, or ours, reads."""


def _of_file(name: str) -> Any:
    return yaml.safe_load((OBSERVABILITY / name).read_text())


def listening() -> dict[str, set[int]]:
    """Service -> its ports: from its own file where it has one, else what its image listens on."""
    collector = _of_file("otel-collector.yaml")
    endpoints = [collector["exporters"]["prometheus"], *collector["receivers"]["otlp"]["protocols"].values()]
    tempo = _of_file("tempo.yaml")
    receivers = tempo["distributor"]["receivers"]["otlp"]["protocols"].values()
    return {
        **{name: set(PAGES) for name in kimp_services()},
        **{name: {port, 8000} for name, port in TEMPORAL.items()},
        "mysql": {3306},
        "postgres": {5432},
        "redis": {6379},
        "vault": {8200},
        "paper": {9801, 9802},
        "alertmanager": {9093},
        "prometheus": {9090},
        "loki": {_of_file("loki.yaml")["server"]["http_listen_port"]},
        "tempo": {tempo["server"]["http_listen_port"], *map(_port, receivers)},
        "otel-collector": set(map(_port, endpoints)),
    }


def _port(listener: dict[str, str]) -> int:
    return int(listener["endpoint"].rpartition(":")[2])


def calls() -> Iterator[tuple[str, str, int]]:
    """Who calls whom at which port: by its command and environment, or by a file that is mounted into it."""
    for name, service in services().items():
        reported = json.dumps([service.get("command"), service.get("environment")])
        for path in mounts_of(service):
            files = [ROOT / path] if (ROOT / path).is_file() else (ROOT / path).rglob("*.*ml")
            reported += "".join(file.read_text() for file in files)
        yield from ((name, other, int(port)) for other, port in ADDRESS.findall(reported))


CALLS = sorted(set(calls()))


def test_there_are_calls_to_look_at() -> None:
    assert {("prometheus", "feeder", 9464), ("otel-collector", "tempo", 4317), ("feeder", "paper", 9801)} <= set(CALLS)


@pytest.mark.parametrize(("caller", "called", "port"), CALLS)
def test_who_is_called_listens_there(caller: str, called: str, port: int) -> None:
    assert port in listening()[called]
    shared = set(services()[caller]["networks"]) & set(services()[called]["networks"])
    # A service reads a file for all of its kind: who has no business with the other need not reach it.
    assert shared or caller in kimp_services()


def test_replicas_are_found_where_they_listen() -> None:
    (found,) = _of_file("prometheus.yml")["scrape_configs"][0]["dns_sd_configs"]
    assert set(found["names"]) <= kimp_services().keys()
    assert found["port"] in PAGES


def test_kimps_pages_are_where_the_health_check_looks() -> None:
    for service in kimp_services().values():
        assert int(service["environment"]["KIMP_OBSERVABILITY__HTTP_PORT"]) in PAGES


@pytest.mark.parametrize("name", OF_IMAGES)
def test_images_get_the_variables_that_they_read(name: str) -> None:
    assert set(compose()["services"][name]["environment"]) == OF_IMAGES[name]
