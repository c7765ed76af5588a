"""The pages of one process: /metrics for Prometheus, /healthz and /readyz for whoever starts and restarts it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from kimp.domain.errors import BadConfig, KimpError

CHECK_S = 3.0
SHUTDOWN_S = 1.0
ReadinessCheck = Callable[[], Awaitable[str | None]]
"""What keeps a part from serving, in a few words, or None."""


class HealthServer:
    """Answers as soon as it is entered. `checks` may be added to at any time."""

    def __init__(self, process: str, registry: CollectorRegistry, checks: Mapping[str, ReadinessCheck]) -> None:
        self._process = process
        self._registry = registry
        self._checks = checks

    async def start(self, host: str, port: int) -> web.AppRunner:
        """Raises BadConfig if the port is taken."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/metrics", self._metrics),
                web.get("/healthz", self._alive),
                web.get("/readyz", self._ready),
            ]
        )
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            await runner.cleanup()
            raise BadConfig(
                f"/metrics and /readyz cannot be served on {host} port {port} ({error.strerror});"
                " set observability.http_host and observability.http_port"
            ) from None
        return runner

    async def _metrics(self, request: web.Request) -> web.Response:
        encode, kind = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(self._registry), headers={"Content-Type": kind})

    async def _alive(self, _request: web.Request) -> web.Response:
        """That it answers says that the event loop turns."""
        return web.json_response({"process": self._process, "alive": True})

    async def _ready(self, _request: web.Request) -> web.Response:
        names = list(self._checks)
        problems = await asyncio.gather(*(_problem(self._checks[name]) for name in names))
        ready = bool(names) and not any(problems)
        reported = {name: problem or "ok" for name, problem in zip(names, problems, strict=True)} or {
            "start": "under way"
        }
        status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
        return web.json_response({"process": self._process, "ready": ready, "checks": reported}, status=status)


async def _problem(check: ReadinessCheck) -> str | None:
    try:
        async with asyncio.timeout(CHECK_S):
            return await check()
    except TimeoutError:
        return f"no answer within {CHECK_S:.0f} s"
    except KimpError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - a library's own text may tell a URL with its password
        return type(error).__name__
