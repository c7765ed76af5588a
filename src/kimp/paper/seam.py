"""The one place per venue where a fault can be put between a request and its execution, or behind it."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class RequestHook(Protocol):
    """Sees every request of a venue, WebSocket handshakes included."""

    async def before(self, request: web.Request) -> web.StreamResponse | None:
        """Before execution: a response here means that the request is never executed."""
        ...

    async def after(self, request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
        """After execution: what the client gets instead of, or as, the response."""
        ...


class Seam:
    """Without a hook all requests pass untouched."""

    def __init__(self) -> None:
        self.hook: RequestHook | None = None

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        hook = self.hook
        if hook is None:
            return await handler(request)
        response = await hook.before(request)
        if response is None:
            response = await hook.after(request, await handler(request))
        return response
