"""The pages of a process: what it measures, whether it lives, whether it serves."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from prometheus_client import CollectorRegistry, Counter

from kimp.adapters.embedded.process import free_port
from kimp.adapters.telemetry.health_server import HealthServer, ReadinessCheck
from kimp.domain.errors import BadConfig, StoreUnavailable

HOST = "127.0.0.1"


class Site:
    """The pages, and a browser."""

    def __init__(self, url: str, checks: dict[str, ReadinessCheck], registry: CollectorRegistry) -> None:
        self.url = url
        self.checks = checks
        self.registry = registry

    async def get(self, page: str) -> tuple[int, str, str]:
        async with aiohttp.ClientSession() as session, session.get(f"{self.url}/{page}") as response:
            return response.status, response.content_type, await response.text()

    async def ready(self) -> tuple[int, dict[str, Any]]:
        async with aiohttp.ClientSession() as session, session.get(f"{self.url}/readyz") as response:
            return response.status, await response.json()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    checks: dict[str, ReadinessCheck] = {}
    registry, port = CollectorRegistry(), free_port()
    runner = await HealthServer("worker", registry, checks).start(HOST, port)
    yield Site(f"http://{HOST}:{port}", checks, registry)
    await runner.cleanup()


async def well() -> None:
    """A check that finds nothing wrong."""


async def test_a_process_lives_from_its_start_and_is_ready_when_all_serve(site: Site) -> None:
    status, _, text = await site.get("healthz")
    assert (status, text) == (200, '{"process": "worker", "alive": true}')
    status, reported = await site.ready()
    assert (status, reported["checks"]) == (503, {"start": "under way"})
    site.checks["database"] = well
    assert await site.ready() == (200, {"process": "worker", "ready": True, "checks": {"database": "ok"}})


async def test_what_does_not_serve_is_named(site: Site) -> None:
    async def away() -> None:
        raise StoreUnavailable("the database does not answer")

    async def silent() -> str:
        return "no quotes of upbit for 10 s"

    site.checks |= {"redis": well, "database": away, "quotes": silent}
    status, reported = await site.ready()
    assert status == 503
    assert reported["checks"] == {
        "redis": "ok",
        "database": "the database does not answer",
        "quotes": "no quotes of upbit for 10 s",
    }


async def test_a_librarys_error_is_named_but_not_quoted(site: Site) -> None:
    async def leaky() -> None:
        raise OSError("redis://:password@host")

    site.checks["redis"] = leaky
    _, reported = await site.ready()
    assert reported["checks"] == {"redis": "OSError"}


async def test_a_check_that_hangs_is_not_waited_for(site: Site) -> None:
    async def hangs() -> None:
        await asyncio.Event().wait()

    site.checks["temporal"] = hangs
    _, reported = await site.ready()
    assert reported["checks"] == {"temporal": "no answer within 3 s"}


async def test_metrics_are_in_prometheus_own_words(site: Site) -> None:
    Counter("tries", "How often", registry=site.registry).inc()
    status, kind, text = await site.get("metrics")
    assert (status, kind) == (200, "text/plain")
    assert "tries_total 1.0" in text


async def test_a_taken_port_is_one_clear_line(site: Site) -> None:
    port = int(site.url.rpartition(":")[2])
    with pytest.raises(BadConfig, match=rf"cannot be served on {HOST} port {port} .* set observability.http_host"):
        await HealthServer("feeder", CollectorRegistry(), {}).start(HOST, port)
