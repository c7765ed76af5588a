"""The dev server on this machine is no web page's: of all that it listens on, only gRPC and the Web UI do anything."""

import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from kimp.adapters.temporal.devserver import DevServer

LISTENS = "0A"
UPDATE = "/api/v1/namespaces/kimp/workflows/cycle-XRP-1/update/abort"
PAGE = {"Origin": "https://evil.example", "Content-Type": "text/plain"}


def listening(pid: int) -> Iterator[int]:
    """Ports of that process."""
    sockets = {str(fd.readlink()) for fd in Path(f"/proc/{pid}/fd").iterdir() if fd.is_symlink()}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTENS and f"socket:[{fields[9]}]" in sockets:
                yield int(fields[1].rpartition(":")[2], 16)


@pytest.mark.skipif(sys.platform != "linux", reason="which ports a process listens on is told by Linux's /proc")
async def test_no_web_page_changes_anything(temporal_server: DevServer) -> None:
    assert temporal_server.pid is not None
    ports = set(listening(temporal_server.pid))
    assert {temporal_server.port, temporal_server.ui_port} < ports
    refused = 0
    async with aiohttp.ClientSession() as http:
        for port in ports:
            try:
                async with http.post(f"http://127.0.0.1:{port}{UPDATE}", data="{}", headers=PAGE) as answer:
                    assert answer.status >= 400
                    refused += "Host not allowed" in await answer.text()
            except aiohttp.ClientError:
                continue  # speaks no HTTP
    assert refused == 1
