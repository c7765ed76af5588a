"""`kimp temporal bootstrap` on a server that is there: what it makes, that it may be repeated, and how it fails."""

import json
import os
import subprocess
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from fakes.command import KIMP
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client

from kimp.adapters.embedded.process import free_port
from kimp.adapters.temporal.bootstrap_namespace import RETENTION
from kimp.adapters.temporal.devserver import DevServer
from kimp.adapters.temporal.schedule import SCHEDULE_ID
from kimp.cli.commands.setting_up import KEPT_DAYS as DAYS
from kimp.contracts.search_attributes import SEARCH_ATTRIBUTES


@pytest.fixture
def namespace() -> str:
    return f"made-by-test-{uuid4().hex[:8]}"


def bootstrap(address: str, namespace: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KIMP_", "TEMPORAL_"))}
    return subprocess.run(
        [KIMP, "temporal", "bootstrap", *arguments],
        env={**kept, "TEMPORAL_ADDRESS": address, "TEMPORAL_NAMESPACE": namespace},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def changes(address: str, namespace: str, folder: Path, *arguments: str) -> list[str]:
    ran = bootstrap(address, namespace, folder, "--json", *arguments)
    assert ran.returncode == 0, ran.stderr
    reported = json.loads(ran.stdout)["result"]
    assert (reported["address"], reported["namespace"]) == (address, namespace)
    found: list[str] = reported["changed"]
    return found


async def kept_for(client: Client) -> timedelta:
    found = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
    return found.config.workflow_execution_retention_ttl.ToTimedelta()


async def test_all_is_made_once_and_a_second_run_changes_nothing(
    temporal_server: DevServer, namespace: str, tmp_path: Path
) -> None:
    made = changes(temporal_server.address, namespace, tmp_path)
    assert len(made) == 1 + len(SEARCH_ATTRIBUTES) + 1, made
    client = await Client.connect(temporal_server.address, namespace=namespace)
    assert await kept_for(client) == RETENTION == timedelta(days=DAYS)
    assert (await client.get_schedule_handle(SCHEDULE_ID).describe()).id == SCHEDULE_ID
    assert changes(temporal_server.address, namespace, tmp_path) == []


async def test_a_longer_retention_is_set_and_a_shorter_one_is_not(
    temporal_server: DevServer, namespace: str, tmp_path: Path
) -> None:
    changes(temporal_server.address, namespace, tmp_path)
    reported = changes(temporal_server.address, namespace, tmp_path, "--retention-days", "90")
    assert reported == ["histories are kept for 90 days, before 30"]
    assert changes(temporal_server.address, namespace, tmp_path, "--retention-days", "7") == []
    assert await kept_for(await Client.connect(temporal_server.address, namespace=namespace)) == timedelta(days=90)


def test_a_person_reads_what_was_done(temporal_server: DevServer, namespace: str, tmp_path: Path) -> None:
    ran = bootstrap(temporal_server.address, namespace, tmp_path)
    assert f"namespace {namespace} is made, histories are kept for 30 days" in ran.stdout
    assert ran.stdout.endswith(f"namespace {namespace} at {temporal_server.address} is ready\n")


def test_a_server_that_is_not_there_is_one_line(namespace: str, tmp_path: Path) -> None:
    port = free_port()
    ran = bootstrap(f"127.0.0.1:{port}", namespace, tmp_path)
    assert ran.returncode == 1
    assert ran.stderr.startswith(
        f"kimp: no Temporal server answers at 127.0.0.1:{port} (connection refused); name yours in TEMPORAL_ADDRESS, or"
    )
    assert len(ran.stderr.splitlines()) == 1


def test_a_name_that_nobody_knows_is_told_from_a_server_that_is_away(namespace: str, tmp_path: Path) -> None:
    ran = bootstrap("temporal.invalid:7233", namespace, tmp_path)
    assert ran.returncode == 1
    assert "at temporal.invalid:7233 (no such host); name yours" in ran.stderr


def test_an_address_that_is_none_is_a_bad_configuration(namespace: str, tmp_path: Path) -> None:
    ran = bootstrap("a host:7233", namespace, tmp_path)
    assert ran.returncode == 2
    assert ran.stderr == "kimp: 'a host:7233' is no address; write host:port in TEMPORAL_ADDRESS\n"


def test_a_server_that_refuses_is_one_line(temporal_server: DevServer, tmp_path: Path) -> None:
    """This one takes no such name; others refuse for want of rights, with the same line."""
    ran = bootstrap(temporal_server.address, "n" * 1_001, tmp_path)
    assert ran.returncode == 2
    assert f"Temporal at {temporal_server.address} refuses to prepare namespace" in ran.stderr
    assert "Traceback" not in ran.stderr
