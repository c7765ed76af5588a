"""What the SDK's core has to say is a log line, not a line of a command's output."""

import logging
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.client import Client
from temporalio.service import RPCError

from kimp.adapters.embedded.process import free_port
from kimp.adapters.temporal.core import core_runtime
from kimp.adapters.temporal.devserver import DevServer

COMPLAINS_WITHIN = timedelta(seconds=20)


@pytest.fixture
def server(temporal_binary: Path, tmp_path: Path) -> DevServer:
    return DevServer(temporal_binary, tmp_path, port=free_port(), ui_port=free_port())


async def test_a_server_that_went_away_is_complained_of_in_the_log(
    server: DevServer, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    async with server:
        client = await Client.connect(server.address, namespace=server.namespace, runtime=core_runtime())
    capfd.readouterr()
    with caplog.at_level(logging.WARNING), suppress(RPCError):
        await client.service_client.check_health(retry=True, timeout=COMPLAINS_WITHIN)
    assert [record for record in caplog.records if record.name.startswith("temporalio.core")]
    assert capfd.readouterr().out == ""
