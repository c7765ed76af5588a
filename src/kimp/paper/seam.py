"""The one place per venue where a fault can be put between a request and its execution, or behind it."""

from typing import Protocol

from aiohttp import web
from aiohttp.typedefs import Handler

ADMITTED_MS = web.RequestKey("admitted_ms", int)
"""Set on a request that is executed later than it was let in: its time window is judged by this moment."""


class RequestHook(Protocol):
    """Sees every request of a venue, WebSocket handshakes included."""

    async def serve(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """The handler executes the request: it may be called at once, late or never, and its answer be kept back."""
        ...


class Seam:
    """Without a hook all requests pass untouched."""

    def __init__(self, hook: RequestHook | None = None) -> None:
        self.hook = hook

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        hook = self.hook
        return await (handler(request) if hook is None else hook.serve(request, handler))
