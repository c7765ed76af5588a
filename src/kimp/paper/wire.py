"""Commands and answers of the admin listener."""

from typing import Any, TypeVar

import msgspec
from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

M = TypeVar("M", bound=BaseModel)


class Command(BaseModel):
    model_config = ConfigDict(extra="forbid")


async def read(request: web.Request, model: type[M]) -> M:
    """Raises a 400 that says which field is wrong."""
    try:
        return model.model_validate_json(await request.read())
    except ValidationError as error:
        first = error.errors()[0]
        raise bad(f"{'.'.join(map(str, first['loc'])) or 'body'}: {first['msg']}") from None


def bad(text: str) -> web.HTTPBadRequest:
    return web.HTTPBadRequest(text=text + "\n")


def answer(body: Any) -> web.Response:
    return web.Response(body=msgspec.json.encode(body), content_type="application/json", charset="utf-8")
