"""Temporal's protocol of codec servers, the half that reads: `POST /decode` with a JSON list of payloads.

There is no `/encode`: what enters a history is written by kimp's own commands. Each call is logged in one line that
says who had how much decrypted, and never what.
"""

import json
import logging
from collections.abc import Collection
from dataclasses import dataclass, field
from http import HTTPStatus

from aiohttp import web
from google.protobuf.json_format import MessageToJson, Parse, ParseError
from temporalio.api.common.v1 import Payload, Payloads

from kimp.adapters.codec_server.access import Access, Denied
from kimp.adapters.temporal.codec import HistoryCodec, key_id_of
from kimp.adapters.temporal.converter import Unreadable
from kimp.adapters.temporal.decoding import is_patch_note

LARGEST_BODY = 8 * 1024 * 1024
"""Bytes. Temporal's largest page of a history is 4 MiB, and JSON makes a third more of it."""
DECODE = "/{prefix:(?:.*/)?}decode"
"""The protocol looks at the last part of the path only, so that a proxy may mount it anywhere."""
ALLOWED_HEADERS = "authorization, authorization-extras, content-type, x-namespace"
"""With a login the Web UI sends its ID token as well (`authorization-extras`), and a browser asks leave for each."""
PREFLIGHT_S = 600
LARGEST_HEADER = 8 * 1024
"""Characters of one header; a login's token has about a quarter."""
LONGEST_LOGGED = 200
audit = logging.getLogger("kimp.codec_server.audit")


@dataclass(slots=True)
class AuditRecord:
    """What the audit log tells of one call."""

    who: str = ""
    payloads: int = 0
    refused: int = 0
    """Of the payloads: those that could not, or must not, be read."""
    keys: set[str] = field(default_factory=set)
    why: str = ""
    """It failed."""


class Failed(Exception):
    """The call is answered with this status and text."""

    def __init__(self, status: HTTPStatus, text: str) -> None:
        super().__init__(text)
        self.status = status


class CodecServer:
    """The codec must know its workflow from no context: what a payload says of itself is authenticated by the codec."""

    def __init__(self, codec: HistoryCodec, access: Access, origins: Collection[str]) -> None:
        self._codec = codec
        self._access = access
        self._origins = frozenset(origins)

    def app(self) -> web.Application:
        app = web.Application(client_max_size=LARGEST_BODY)
        app.router.add_options(DECODE, self._preflight)
        app.router.add_post(DECODE, self._decode)
        return app

    async def _preflight(self, request: web.Request) -> web.Response:
        """A browser asks before it sends a token anywhere."""
        if self._allowed_origin(request) is None:
            return web.Response(
                status=HTTPStatus.FORBIDDEN, text="this origin is not in codec_server.allowed_origins\n"
            )
        headers = {
            **self._cors(request),
            "Access-Control-Allow-Methods": "POST",
            "Access-Control-Allow-Headers": ALLOWED_HEADERS,
            "Access-Control-Max-Age": str(PREFLIGHT_S),
        }
        return web.Response(status=HTTPStatus.NO_CONTENT, headers=headers)

    async def _decode(self, request: web.Request) -> web.Response:
        call = AuditRecord()
        try:
            answer = self._opened(await self._asked(request, call), call)
            response = web.Response(text=MessageToJson(answer), content_type="application/json")
        except Failed as failure:
            call.why = str(failure)
            response = web.Response(status=failure.status, text=f"{failure}\n")
            if failure.status == HTTPStatus.UNAUTHORIZED:
                response.headers["WWW-Authenticate"] = "Bearer"
        response.headers.update(self._cors(request))
        _log(request, call, response.status)
        return response

    async def _asked(self, request: web.Request, call: AuditRecord) -> Payloads:
        """The checks, cheapest and strictest first; the body is not read before its sender is known."""
        if any(len(value) > LARGEST_HEADER for value in request.headers.values()):
            raise Failed(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"a header has more than {LARGEST_HEADER} characters"
            )
        if "Origin" in request.headers and self._allowed_origin(request) is None:
            raise Failed(HTTPStatus.FORBIDDEN, "this origin is not in codec_server.allowed_origins")
        try:
            call.who = self._access.who(request.headers.get("Authorization", ""))
        except Denied as denial:
            raise Failed(HTTPStatus.UNAUTHORIZED, str(denial)) from None
        if request.headers.get("X-Namespace") != self._codec.namespace:
            raise Failed(HTTPStatus.FORBIDDEN, f"X-Namespace must be {self._codec.namespace}: no other is served here")
        if request.content_type != "application/json":
            raise Failed(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the body must be application/json")
        try:
            return Parse(await request.read(), Payloads())
        except web.HTTPRequestEntityTooLarge:
            raise Failed(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"more than {LARGEST_BODY} bytes at once") from None
        except (ParseError, UnicodeDecodeError):
            raise Failed(HTTPStatus.BAD_REQUEST, 'the body must be {"payloads": [...]} as protobuf writes it') from None

    def _opened(self, asked: Payloads, call: AuditRecord) -> Payloads:
        """What can't be read is answered with a text that says why, so that it does not hide the rest of a history."""
        call.payloads = len(asked.payloads)
        call.keys = {key_id for payload in asked.payloads if (key_id := key_id_of(payload)) is not None}
        return Payloads(payloads=[self._opened_or_reason(payload, call) for payload in asked.payloads])

    def _opened_or_reason(self, payload: Payload, call: AuditRecord) -> Payload:
        try:
            return self._codec.open(payload)
        except Unreadable as why:
            if is_patch_note(payload):  # or the history that `temporal workflow show` writes would not replay
                return payload
            call.refused += 1
            return Payload(metadata={"encoding": b"json/plain"}, data=json.dumps(f"kimp codec: {why}").encode())

    def _allowed_origin(self, request: web.Request) -> str | None:
        origin = request.headers.get("Origin")
        return origin if origin in self._origins else None

    def _cors(self, request: web.Request) -> dict[str, str]:
        """On every answer, else the browser keeps an error's status and text from the Web UI."""
        origin = self._allowed_origin(request)
        return {"Vary": "Origin"} | ({} if origin is None else {"Access-Control-Allow-Origin": origin})


def _log(request: web.Request, call: AuditRecord, status: int) -> None:
    line = {
        "who": call.who[:LONGEST_LOGGED],
        "namespace": request.headers.get("X-Namespace", "")[:LONGEST_LOGGED],
        "origin": request.headers.get("Origin", "")[:LONGEST_LOGGED],
        "payloads": call.payloads,
        "refused": call.refused,
        "keys": sorted(call.keys),
        "status": status,
        "why": call.why,
    }
    audit.log(logging.INFO if status == HTTPStatus.OK else logging.WARNING, "decode %s", json.dumps(line))
