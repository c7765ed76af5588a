"""`kimp codec serve` over real HTTP, asked the way the Web UI and the `temporal` CLI ask."""

import json
import logging
import ssl
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from fakes.certificates import self_signed
from fakes.decoding import serving
from fakes.identity import AUDIENCE, ISSUER, IdentityProvider, publish
from fakes.sealing import codec, new_key, payload, ring
from google.protobuf.json_format import MessageToJson, Parse
from temporalio.api.common.v1 import Payload, Payloads

from kimp.adapters.codec_server.server import LARGEST_BODY
from kimp.adapters.embedded.process import free_port
from kimp.bootstrap.codec_server import run_codec_server
from kimp.config import Settings
from kimp.domain.errors import BadConfig

KEY, LOST_KEY = new_key(), new_key()
KEYS = ring(k1=KEY)
TOKEN = "a-token-that-is-long-enough"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
UI = "https://temporal.example.com"
AS_THE_CLI_SENDS = {**BEARER, "X-Namespace": "kimp", "Content-Type": "application/json"}
AS_THE_UI_SENDS = {**AS_THE_CLI_SENDS, "Origin": UI, "Authorization-Extras": "an ID token"}
PATH = "/decode?preserveStorageRefs=true"
"""As the Web UI 2.54.1 asks."""
AMOUNT = '"311.78 XRP"'
SEALED = codec({"k1": KEY}).seal(payload(AMOUNT.encode()))


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with serving(KEYS, {"token": TOKEN, "allowed_origins": [UI]}) as url:
        yield url


def body(*payloads: Payload) -> str:
    return MessageToJson(Payloads(payloads=payloads))


async def ask(
    url: str, headers: Mapping[str, str], data: str | bytes, *, path: str = PATH, **options: Any
) -> tuple[int, str, Mapping[str, str]]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(url + path, headers=headers, data=data, **options) as answer,
    ):
        return answer.status, await answer.text(), answer.headers


def logged(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    lines = [record.getMessage() for record in caplog.records if record.name == "kimp.codec_server.audit"]
    return [json.loads(line.removeprefix("decode ")) for line in lines]


@pytest.mark.parametrize("headers", [AS_THE_CLI_SENDS, AS_THE_UI_SENDS], ids=["CLI", "Web UI"])
@pytest.mark.parametrize("path", [PATH, "/decode", "/mounted/by/a/proxy/decode"])
async def test_who_may_read_gets_the_payloads_as_they_were(url: str, headers: dict[str, str], path: str) -> None:
    status, text, _ = await ask(url, headers, body(SEALED, SEALED), path=path)
    assert status == 200
    assert Parse(text, Payloads()) == Payloads(payloads=[payload(AMOUNT.encode())] * 2)


@pytest.mark.parametrize(
    ("headers", "data", "status", "words"),
    [
        ({"Authorization": ""}, body(SEALED), 401, "a bearer token is needed"),
        ({"Authorization": "Bearer guessed-and-wrong-one"}, body(SEALED), 401, "this is not the token"),
        ({"Authorization": "Bearer \u00ff\u20ac"}, body(SEALED), 401, "signs that no token has"),
        ({"Authorization": "Bearer " + "a" * 9_000}, body(SEALED), 431, "a header has more than 8192 characters"),
        ({"X-Anything": "a" * 200_000}, body(SEALED), 431, "a header has more than 8192 characters"),
        ({"Origin": "https://evil.example.com"}, body(SEALED), 403, "not in codec_server.allowed_origins"),
        ({"Origin": "null"}, body(SEALED), 403, "not in codec_server.allowed_origins"),
        ({"Origin": f"{UI}.evil.com"}, body(SEALED), 403, "not in codec_server.allowed_origins"),
        ({"X-Namespace": "other"}, body(SEALED), 403, "X-Namespace must be kimp"),
        ({"X-Namespace": ""}, body(SEALED), 403, "X-Namespace must be kimp"),
        ({"Content-Type": "text/plain"}, body(SEALED), 415, "must be application/json"),
        ({}, b"x" * (LARGEST_BODY + 1), 413, f"more than {LARGEST_BODY} bytes"),
        ({}, "not json", 400, 'the body must be {"payloads": [...]}'),
        ({}, b"\xff\xfe", 400, 'the body must be {"payloads": [...]}'),
        ({}, '{"payloads": 7}', 400, 'the body must be {"payloads": [...]}'),
        ({}, "[" * 100_000, 400, 'the body must be {"payloads": [...]}'),
        ({}, '{"secrets": []}', 400, 'the body must be {"payloads": [...]}'),
    ],
)
async def test_everything_else_is_refused_in_one_clear_line(
    url: str, caplog: pytest.LogCaptureFixture, headers: dict[str, str], data: str | bytes, status: int, words: str
) -> None:
    with caplog.at_level(logging.INFO, "kimp.codec_server.audit"):
        answered, text, _ = await ask(url, AS_THE_CLI_SENDS | headers, data)
    assert (answered, len(text.splitlines())) == (status, 1)
    assert words in text
    (line,) = logged(caplog)
    assert (line["status"], words in line["why"], line["payloads"]) == (status, True, 0)


async def test_who_is_not_known_is_not_listened_to(url: str) -> None:
    """A stranger's body is not even read: what is wrong with it he is not told."""
    status, text, headers = await ask(url, {**AS_THE_CLI_SENDS, "Authorization": "Bearer x"}, "not json")
    assert (status, text) == (401, "this is not the token\n")
    assert headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_nothing_is_served_but_posts_to_decode(url: str, method: str) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.request(method, f"{url}/decode", headers=AS_THE_CLI_SENDS) as answer:
            assert answer.status == 405
        for path in ("/encode", "/", "/decode/more", "/undecode"):
            async with session.post(url + path, headers=AS_THE_CLI_SENDS, data=body(SEALED)) as answer:
                assert answer.status == 404


async def _preflight(url: str, origin: str) -> aiohttp.ClientResponse:
    """As Chromium sent it for the Web UI 2.54.1 with a login."""
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,authorization-extras,content-type,x-namespace",
    }
    async with aiohttp.ClientSession() as session, session.options(url + PATH, headers=headers) as answer:
        return answer


async def test_a_browser_is_given_leave_for_exactly_what_the_web_ui_sends(url: str) -> None:
    answer = await _preflight(url, UI)
    assert answer.status == 204
    assert answer.headers["Access-Control-Allow-Origin"] == UI
    assert answer.headers["Access-Control-Allow-Methods"] == "POST"
    allowed = answer.headers["Access-Control-Allow-Headers"].split(", ")
    assert sorted(allowed) == ["authorization", "authorization-extras", "content-type", "x-namespace"]
    assert answer.headers["Vary"] == "Origin"
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize("origin", ["https://evil.example.com", "http://temporal.example.com", "null", "*"])
async def test_a_browser_elsewhere_is_given_no_leave(url: str, origin: str) -> None:
    answer = await _preflight(url, origin)
    assert answer.status == 403
    assert not [name for name in answer.headers if name.startswith("Access-Control-")]


async def test_the_web_ui_may_read_the_text_of_a_refusal(url: str) -> None:
    """Without the header on errors too, a browser would tell it nothing but "failed to fetch"."""
    status, _, headers = await ask(url, AS_THE_UI_SENDS | {"Authorization": "Bearer x"}, body(SEALED))
    assert (status, headers["Access-Control-Allow-Origin"]) == (401, UI)


async def test_what_cannot_be_read_says_why_in_its_place_and_hides_nothing_else(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    lost = codec({"k0": LOST_KEY}, "k0").seal(payload())
    altered = Payload(metadata=SEALED.metadata, data=SEALED.data[:-1] + b"?")
    with caplog.at_level(logging.INFO, "kimp.codec_server.audit"):
        status, text, _ = await ask(url, AS_THE_UI_SENDS, body(SEALED, lost, altered, payload(b'"forged"')))
    assert status == 200
    reported = [json.loads(shown.data) for shown in Parse(text, Payloads()).payloads]
    assert reported[0] == json.loads(AMOUNT)
    assert reported[1].startswith(
        'kimp codec: a payload of the history is encrypted with key "k0", and history.keys has'
    )
    assert reported[2].startswith("kimp codec: a payload of the history is not what was encrypted")
    assert reported[3].startswith("kimp codec: a payload of the history is not encrypted")
    (line,) = logged(caplog)
    assert (line["payloads"], line["refused"], line["keys"]) == (4, 3, ["k0", "k1"])


async def test_what_no_codec_ever_sees_is_shown_as_it_is(url: str) -> None:
    """The note of a patch, which the SDK's core writes itself; the replay of a shown history needs it."""
    note = b'{"id":"page-ends-51","deprecated":false}'
    _, text, _ = await ask(url, AS_THE_UI_SENDS, body(payload(note), payload(b'{"id":"forged"}')))
    shown = Parse(text, Payloads()).payloads
    assert shown[0].data == note
    assert json.loads(shown[1].data).startswith("kimp codec: ")


async def test_each_call_is_logged_with_who_and_how_much_and_never_what(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    provider = IdentityProvider()
    token = provider.token(sub="ann@example.com")
    jwks = publish(tmp_path / "keys.json", provider)
    server = {"jwks_file": jwks, "issuer": ISSUER, "audience": AUDIENCE, "allowed_origins": [UI]}
    with caplog.at_level(logging.DEBUG):
        async with serving(KEYS, server) as url:
            await ask(url, AS_THE_UI_SENDS | {"Authorization": f"Bearer {token}"}, body(SEALED, SEALED))
    assert logged(caplog) == [
        {
            "who": "ann@example.com",
            "namespace": "kimp",
            "origin": UI,
            "payloads": 2,
            "refused": 0,
            "keys": ["k1"],
            "status": 200,
            "why": "",
        }
    ]
    assert "311.78" not in caplog.text
    assert token not in caplog.text
    assert "an ID token" not in caplog.text


async def test_a_caller_cannot_forge_a_line_of_the_log(url: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "kimp.codec_server.audit"):
        await ask(url, AS_THE_CLI_SENDS | {"X-Namespace": "k\u2028decode {}" + "x" * 5000}, body(SEALED))
    (record,) = [record for record in caplog.records if record.name == "kimp.codec_server.audit"]
    assert record.getMessage().isascii()
    assert len(record.getMessage()) < 1000


async def test_over_tls(tmp_path: Path) -> None:
    """The Web UI hands its token to https only."""
    certificate, key = self_signed(tmp_path)
    trusting = ssl.create_default_context(cafile=str(certificate))
    async with serving(KEYS, {"token": TOKEN, "tls_cert": certificate, "tls_key": key}, "https") as url:
        status, _, _ = await ask(url, AS_THE_CLI_SENDS, body(SEALED), ssl=trusting)
    assert status == 200


@pytest.mark.parametrize(
    ("history", "server", "words"),
    [
        ({}, {"token": TOKEN}, "nothing to decrypt with: set history.keys"),
        (KEYS, {}, "lets nobody in"),
        (KEYS, {"token": TOKEN, "host": "192.0.2.1"}, "cannot listen on 192.0.2.1"),
        (KEYS, {"token": TOKEN, "tls_cert": "no.pem", "tls_key": "no.pem"}, "no certificate with its key"),
    ],
)
async def test_a_server_that_could_not_serve_says_so_at_start(
    history: dict[str, Any], server: dict[str, Any], words: str
) -> None:
    settings = Settings.model_validate({"history": history, "codec_server": {"port": free_port(), **server}})
    with pytest.raises(BadConfig) as refusal:
        await run_codec_server(settings)
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)
