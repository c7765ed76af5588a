"""Commands and answers of the admin listener."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec
from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from kimp.config.hosts import is_loopback
from kimp.contracts.names import encode_name

M = TypeVar("M", bound=BaseModel)


class Command(BaseModel):
    model_config = ConfigDict(extra="forbid")


@web.middleware
async def no_web_page(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """A browser on this machine would send what any page asks for, but not as JSON, nor under this machine's name once
    the page's own name leads here.
    """
    if not is_loopback(_name(request.headers.get("Host", ""))):
        raise web.HTTPForbidden(text="the Host is not this machine; use 127.0.0.1\n")
    if "Origin" in request.headers:
        raise web.HTTPForbidden(text="no web page may call this\n")
    if request.body_exists and request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="send JSON, with Content-Type: application/json\n")
    return await handler(request)


def _name(host: str) -> str:
    """Without its port."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


async def read_command(request: web.Request, model: type[M]) -> M:
    """Raises a 400 that says which field is wrong."""
    try:
        return model.model_validate_json(await request.read())
    except ValidationError as error:
        first = error.errors()[0]
        raise bad(f"{'.'.join(map(str, first['loc'])) or 'body'}: {first['msg']}") from None


def bad(text: str) -> web.HTTPBadRequest:
    return web.HTTPBadRequest(text=text + "\n")


def answer(body: Any) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(body, enc_hook=encode_name), content_type="application/json", charset="utf-8"
    )
