"""An OpenTelemetry collector that keeps what it is sent."""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass
class Collector:
    """OTLP over HTTP, in protobuf as kimp sends it: texts stand in it as they are."""

    received: defaultdict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    """By signal: traces, metrics, logs."""
    url: str = ""

    async def _take(self, request: web.Request) -> web.Response:
        assert request.headers.get("Content-Encoding") is None, "compressed texts could not be searched"
        self.received[request.match_info["signal"]].append(await request.read())
        return web.Response(content_type="application/x-protobuf")

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Collector"]:
        app = web.Application(client_max_size=64 * 2**20)
        app.add_routes([web.post("/v1/{signal}", self._take)])
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await runner.cleanup()

    def spans(self) -> Iterator[tuple[str, Span]]:
        """Each with the service that made it."""
        for body in self.received["traces"]:
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                names = {a.key: a.value.string_value for a in resource.resource.attributes}
                for scope in resource.scope_spans:
                    for span in scope.spans:
                        yield names["service.name"], span

    def traces(self) -> dict[bytes, list[tuple[str, Span]]]:
        found = defaultdict[bytes, list[tuple[str, Span]]](list)
        for service, span in self.spans():
            found[span.trace_id].append((service, span))
        return found

    def written(self) -> dict[str, bytes]:
        return {f"OTLP {signal} {n}": body for signal, all_ in self.received.items() for n, body in enumerate(all_)}
