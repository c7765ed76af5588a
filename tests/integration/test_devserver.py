import asyncio
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client

from kimp.adapters.embedded.process import free_port
from kimp.adapters.temporal.bootstrap_namespace import RETENTION, prepare_namespace
from kimp.adapters.temporal.devserver import DevServer
from kimp.contracts.search_attributes import SEARCH_ATTRIBUTES
from kimp.domain.errors import BadConfig

PARENT = """
import asyncio, sys
from pathlib import Path
from kimp.adapters.embedded.process import free_port
from kimp.adapters.temporal.devserver import DevServer

async def main():
    async with DevServer(Path(sys.argv[1]), Path(sys.argv[2]), port=free_port(), ui_port=free_port()) as server:
        print(server.pid, flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


def server(binary: Path, folder: Path) -> DevServer:
    return DevServer(binary, folder, port=free_port(), ui_port=free_port())


async def retention_days(client: Client) -> float:
    found = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
    return found.config.workflow_execution_retention_ttl.ToTimedelta() / RETENTION * 30


async def attributes(client: Client) -> set[str]:
    listed = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    return set(listed.custom_attributes)


async def test_a_new_server_has_the_namespace_its_retention_and_search_attributes(temporal_server: DevServer) -> None:
    client = await Client.connect(temporal_server.address, namespace=temporal_server.namespace)
    assert await retention_days(client) == 30
    assert {key.name for key in SEARCH_ATTRIBUTES} <= await attributes(client)


async def test_a_namespace_that_does_not_exist_is_made_ready(temporal_server: DevServer) -> None:
    client = await Client.connect(temporal_server.address, namespace="made-by-test")
    await prepare_namespace(client)
    assert await retention_days(client) == 30


async def test_preparing_again_changes_nothing(temporal_server: DevServer) -> None:
    client = await Client.connect(temporal_server.address, namespace=temporal_server.namespace)
    await prepare_namespace(client)
    assert await retention_days(client) == 30


async def test_an_attribute_of_another_type_is_named(temporal_server: DevServer) -> None:
    client = await Client.connect(temporal_server.address, namespace="default")
    await client.operator_service.add_search_attributes(
        AddSearchAttributesRequest(
            namespace="default",
            search_attributes={"KimpStatus": IndexedValueType.INDEXED_VALUE_TYPE_INT},
        )
    )
    with pytest.raises(BadConfig, match=r"KimpStatus of namespace default is .*_INT, kimp needs .*_KEYWORD"):
        await prepare_namespace(client)


async def test_state_survives_a_restart_and_a_killed_server(temporal_binary: Path, tmp_path: Path) -> None:
    async with server(temporal_binary, tmp_path) as first:
        client = await Client.connect(first.address, namespace=first.namespace)
        started = await client.start_workflow("Waits", id="w-1", task_queue="nobody")
        assert first.pid is not None
        os.kill(first.pid, signal.SIGKILL)
    async with server(temporal_binary, tmp_path) as second:
        client = await Client.connect(second.address, namespace=second.namespace)
        assert (await client.get_workflow_handle("w-1").describe()).run_id == started.result_run_id


async def test_a_taken_port_is_named_with_the_way_out(temporal_server: DevServer, tmp_path: Path) -> None:
    second = DevServer(Path("unused"), tmp_path, port=temporal_server.port)
    with pytest.raises(BadConfig, match=f"port {temporal_server.port} .*KIMP_LOCAL__TEMPORAL_PORT"):
        await second.start()
    second = DevServer(Path("unused"), tmp_path, port=free_port(), ui_port=temporal_server.ui_port)
    with pytest.raises(BadConfig, match="KIMP_LOCAL__TEMPORAL_UI_PORT"):
        await second.start()


async def test_a_killed_parent_leaves_no_server_behind(temporal_binary: Path, tmp_path: Path) -> None:
    parent = start_parent(temporal_binary, tmp_path)
    child = await child_pid(parent)
    parent.kill()
    parent.wait()
    await gone(child)


async def test_ctrl_c_reaches_the_parent_and_not_the_server(temporal_binary: Path, tmp_path: Path) -> None:
    parent = start_parent(temporal_binary, tmp_path)
    child = await child_pid(parent)
    assert os.getpgid(child) != os.getpgid(parent.pid)
    os.killpg(parent.pid, signal.SIGINT)  # what the terminal does
    parent.wait(timeout=60)
    await gone(child)


def start_parent(binary: Path, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PARENT, str(binary), str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )


async def child_pid(parent: subprocess.Popen[str]) -> int:
    assert parent.stdout is not None
    with parent.stdout as out:
        return int(await asyncio.to_thread(out.readline))


async def gone(pid: int) -> None:
    """Waits until the process is no more; the test's own time limit is the only one."""
    with suppress(ProcessLookupError):
        while True:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").exists() and " Z " in Path(f"/proc/{pid}/stat").read_text():
                return  # dead, and only waits for init to take notice
            await asyncio.sleep(0.05)
