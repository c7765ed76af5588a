"""What reached a venue is never called "not sent", nothing is sent twice or to a second host, answers are bounded.

Against bare sockets, because what a client library does on its own accord shows only there.
"""

import asyncio
import gzip
import json
import socket
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from contract.venues.bench import KEY, SECRET, adapter
from fakes import intents
from fakes.certificates import self_signed
from fakes.intents import NEVER
from fakes.raw_server import Behaviour, Peer, RawServer, http, raw_server
from pydantic import SecretStr

from kimp.adapters.binance import rest
from kimp.adapters.venue.transport import LONGEST_ANSWER, SentTwice, open_session, sending_once
from kimp.config import PAPER_NETWORKS
from kimp.config.venues import BinanceSettings, UpbitSettings
from kimp.domain.errors import OutcomeUnknown, Unavailable
from kimp.domain.market import Side
from kimp.domain.money import Asset
from kimp.domain.venues import Venue
from kimp.ports.exchange import Exchange

REDIRECTS = ["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"]
JSON = "Content-Type: application/json"


@asynccontextmanager
async def exchange_at(url: str, venue: Venue, timeout_ms: int = 3_000) -> AsyncIterator[Exchange]:
    kind = UpbitSettings if venue is Venue.UPBIT else BinanceSettings
    settings = kind(
        rest_url=url,
        ws_url=url.replace("http", "ws") + ("/websocket/v1" if venue is Venue.UPBIT else ""),
        access_key=SecretStr(KEY[venue]),
        secret_key=SecretStr(SECRET[venue]),
        networks=PAPER_NETWORKS,
    )
    exchange = adapter(settings, venue)
    exchange._api.timeout = timeout_ms  # type: ignore[attr-defined]
    try:
        yield exchange
    finally:
        await exchange.close()


async def place(exchange: Exchange) -> None:
    intent = intents.order(venue=exchange.venue, side=Side.BUY, quantity=Decimal(10), limit_price=Decimal(3_000))
    await exchange.place_order(intent, send_by_ms=NEVER)


async def close_at_once(server: RawServer, peer: Peer) -> None:
    del server, peer


async def reset_at_once(server: RawServer, peer: Peer) -> None:
    del server
    await peer.reader.read(1)
    peer.reset()


async def take_and_close(server: RawServer, peer: Peer) -> None:
    server.requests.append(await peer.request())


async def take_and_reset(server: RawServer, peer: Peer) -> None:
    server.requests.append(await peer.request())
    peer.reset()


async def half_a_status_line(server: RawServer, peer: Peer) -> None:
    server.requests.append(await peer.request())
    await peer.answer(b"HTTP/1.1 20")


async def no_http(server: RawServer, peer: Peer) -> None:
    server.requests.append(await peer.request())
    await peer.answer(b"\x00\xff\x00 nothing of the kind\r\n\r\n")


async def half_a_body(server: RawServer, peer: Peer) -> None:
    server.requests.append(await peer.request())
    await peer.answer(b'HTTP/1.1 201 Created\r\nContent-Length: 1000\r\n\r\n{"uuid": ')


async def never_answers(server: RawServer, peer: Peer) -> None:
    server.requests.append(await peer.request())
    await peer.reader.read()


async def answers_without_end(server: RawServer, peer: Peer) -> None:
    server.requests.append(await peer.request())
    await peer.answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        await peer.answer(b"1\r\n \r\n")
        await asyncio.sleep(0.01)


async def heads_without_end(server: RawServer, peer: Peer) -> None:
    server.requests.append(await peer.request())
    await peer.answer(b"HTTP/1.1 200 OK\r\n")
    while True:
        await peer.answer(b"X-More: " + b"x" * 4_000 + b"\r\n")


async def switches_protocols(server: RawServer, peer: Peer) -> None:
    server.requests.append(await peer.request())
    await peer.answer(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
    await peer.reader.read()


def answering(answer: bytes) -> Behaviour:
    async def behave(server: RawServer, peer: Peer) -> None:
        while request := await peer.request():
            server.requests.append(request)
            await peer.answer(answer)

    return behave


TAKEN = [
    take_and_close, take_and_reset, half_a_status_line, no_http, half_a_body, never_answers, answers_without_end,
    heads_without_end, switches_protocols,
]  # fmt: skip


@pytest.mark.parametrize("behave", TAKEN)
async def test_what_the_venue_took_is_of_unknown_outcome_and_sent_once(venue: Venue, behave: Behaviour) -> None:
    async with raw_server(behave) as server, exchange_at(server.url, venue, timeout_ms=500) as exchange:
        with pytest.raises(OutcomeUnknown):
            await place(exchange)
    assert len(server.orders()) == 1
    assert server.connections == 1


@pytest.mark.parametrize("behave", [close_at_once, reset_at_once])
async def test_what_the_venue_may_have_taken_is_of_unknown_outcome(venue: Venue, behave: Behaviour) -> None:
    async with raw_server(behave) as server, exchange_at(server.url, venue) as exchange:
        with pytest.raises(OutcomeUnknown):
            await place(exchange)
    assert server.connections == 1


async def test_a_connection_kept_from_before_that_ends_with_the_order_on_it(venue: Venue) -> None:
    """Where a client may think that only the idle connection had ended, and that it may send the request anew."""

    async def behave(server: RawServer, peer: Peer) -> None:
        server.requests.append(await peer.request())
        if peer.number == 1:
            await peer.answer(http("200 OK", b"{}", JSON))
            server.requests.append(await peer.request())

    async with raw_server(behave) as server, exchange_at(server.url, venue) as exchange:
        with pytest.raises(Unavailable):
            await exchange.balances()
        with pytest.raises(OutcomeUnknown):
            await place(exchange)
    assert (len(server.orders()), server.connections) == (1, 1)


async def test_without_a_connection_nothing_was_sent(venue: Venue) -> None:
    with socket.socket() as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        async with exchange_at(f"http://127.0.0.1:{taken.getsockname()[1]}", venue) as exchange:
            with pytest.raises(Unavailable, match="no connection"):
                await place(exchange)


@pytest.mark.parametrize("uses", ["TLS", "no TLS"])
async def test_without_a_trusted_handshake_nothing_was_sent(venue: Venue, tmp_path: Path, uses: str) -> None:
    """A certificate that nobody vouches for, and a server that speaks no TLS."""
    context = None
    if uses == "TLS":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self_signed(tmp_path))
    got: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.append(await reader.read(100))
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with exchange_at(url, venue) as exchange:
            with pytest.raises(Unavailable, match="no connection"):
                await place(exchange)
    assert not any(b"POST" in data for data in got)


@pytest.mark.parametrize("status", REDIRECTS)
async def test_a_redirect_is_followed_nowhere_and_proves_nothing(venue: Venue, status: str) -> None:
    """Not to a host that can't be reached, which must not look like "not sent"; nor to one that waits for the key."""
    async with raw_server(answering(http("200 OK", b"{}", JSON))) as second:
        for place_to_go in ("http://127.0.0.1:9/blocked", f"{second.url}/take", "/elsewhere"):
            behave = answering(http(status, b"", f"Location: {place_to_go}"))
            async with raw_server(behave) as server, exchange_at(server.url, venue) as exchange:
                with pytest.raises(OutcomeUnknown):
                    await place(exchange)
                with pytest.raises(Unavailable):
                    await exchange.balances()
            assert len(server.requests) == 2
    assert second.connections == 0


async def test_proxies_of_the_environment_get_nothing(venue: Venue, monkeypatch: pytest.MonkeyPatch) -> None:
    async with raw_server(take_and_close) as proxy, raw_server(take_and_close) as server:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        async with exchange_at(server.url, venue) as exchange:
            with pytest.raises(OutcomeUnknown):
                await place(exchange)
    assert (proxy.connections, len(server.orders())) == (0, 1)


async def test_a_bomb_ends_where_the_bound_is(venue: Venue) -> None:
    bomb = gzip.compress(bytes(2 * LONGEST_ANSWER), compresslevel=1)
    behave = answering(http("200 OK", bomb, JSON, "Content-Encoding: gzip"))
    async with raw_server(behave) as server, exchange_at(server.url, venue) as exchange:
        with pytest.raises(Unavailable):
            await exchange.balances()


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 100_000, b"9" * 100_000, b"1e999999999"])
async def test_json_that_no_parser_should_follow(venue: Venue, body: bytes) -> None:
    async with raw_server(answering(http("200 OK", body, JSON))) as server, exchange_at(server.url, venue) as exchange:
        with pytest.raises(Unavailable):
            await exchange.balances()


async def test_a_call_that_hangs_holds_up_no_other(venue: Venue) -> None:
    came = asyncio.Event()

    async def behave(server: RawServer, peer: Peer) -> None:
        request = await peer.request()
        server.requests.append(request)
        came.set()
        if not request.startswith(b"GET "):
            await peer.reader.read()
        await peer.answer(http("429 Too Many Requests", b"later"))

    async with raw_server(behave) as server, exchange_at(server.url, venue, timeout_ms=2_000) as exchange:
        order = asyncio.create_task(place(exchange))
        await came.wait()
        began = time.monotonic()
        with pytest.raises(Unavailable):
            await exchange.balances()
        assert not order.done()
        assert time.monotonic() - began < 2
        with pytest.raises(OutcomeUnknown):
            await order


@pytest.mark.parametrize("date", ["", "never", "Thu, 01 Jan 99999 00:00:00 GMT", "Mon, 01 Jan 0001 00:00:00 +2359"])
async def test_no_date_spoils_an_answer(venue: Venue, date: str) -> None:
    behave = answering(http("429 Too Many Requests", b"later", f"Date: {date}"))
    async with raw_server(behave) as server, exchange_at(server.url, venue) as exchange:
        with pytest.raises(Unavailable) as error:
            await exchange.balances()
    assert error.value.retry_after == 1


async def _answers_each(server: RawServer, peer: Peer) -> None:
    while request := await peer.request():
        server.requests.append(request)
        await peer.answer(http("200 OK"))


async def test_a_client_that_is_closed_has_no_connection_left(venue: Venue) -> None:
    ended = asyncio.Event()

    async def behave(server: RawServer, peer: Peer) -> None:
        server.requests.append(await peer.request())
        await peer.answer(http("429 Too Many Requests", b"later"))
        await peer.reader.read()
        ended.set()

    async with raw_server(behave) as server, exchange_at(server.url, venue) as exchange:
        with pytest.raises(Unavailable):
            await exchange.balances()
        assert not ended.is_set()
        await exchange.close()
        async with asyncio.timeout(5):
            await ended.wait()


async def test_an_answer_that_comes_in_parts_is_read_whole() -> None:
    body = bytes(range(256)) * 4_096
    async with raw_server(answering(http("200 OK", body))) as server, open_session() as session:
        assert await (await session.get(server.url)).read() == body


@pytest.mark.parametrize("again", ["POST", "DELETE"])
async def test_a_second_request_of_a_call_that_changes_something_is_not_sent(again: str) -> None:
    async with raw_server(_answers_each) as server, open_session() as session:
        with sending_once() as departure:
            await (await session.post(server.url)).read()
            with pytest.raises(SentTwice):
                await session.request(again, server.url)

        assert departure.begun
        assert len(server.orders()) == 1


async def test_the_next_call_is_sent_and_reads_are_never_held_back() -> None:
    async with raw_server(_answers_each) as server, open_session() as session:
        for _ in range(2):
            with sending_once() as departure:
                await (await session.get(server.url)).read()
                await (await session.get(server.url)).read()
                assert not departure.begun
                await (await session.post(server.url)).read()

        assert len(server.orders()) == 2


TRADE = {"price": "2", "qty": "1", "commission": "0", "commissionAsset": "BNB"}
ORDER = {
    "symbol": "XRPUSDT", "orderId": 7, "clientOrderId": "XRP-1-1B1-1", "side": "BUY", "status": "FILLED",
    "origQty": "5000", "executedQty": "5000", "cummulativeQuoteQty": "10000", "price": "3", "time": 1,
}  # fmt: skip


@pytest.mark.parametrize("rises", [False, True])
async def test_trades_without_an_end_end(monkeypatch: pytest.MonkeyPatch, *, rises: bool) -> None:
    """The same page again and again, or ever new ones: neither is read for ever, nor booked."""
    monkeypatch.setattr(rest, "MOST_TRADES", 3 * rest.TRADES_PER_READ)
    pages = 0

    async def behave(_: RawServer, peer: Peer) -> None:
        nonlocal pages
        while request := await peer.request():
            answer: object = ORDER
            if b"/myTrades?" in request:
                start = pages * rest.TRADES_PER_READ if rises else 0
                answer = [TRADE | {"id": start + number} for number in range(rest.TRADES_PER_READ)]
                pages += 1
            await peer.answer(http("200 OK", json.dumps(answer).encode(), JSON))

    async with raw_server(behave) as server, exchange_at(server.url, Venue.BINANCE) as exchange:
        with pytest.raises(Unavailable, match=r"more than 3000 trades" if rises else r"some before 1000"):
            await exchange.find_order(Asset("XRP"), "XRP-1-1B1-1")
    assert pages == (3 if rises else 2)
