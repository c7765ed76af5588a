"""The venues' streams against a server that says anything."""

import asyncio
import base64
import hashlib
import json
import struct
from contextlib import aclosing
from unittest.mock import Mock

import pytest
from fakes.raw_server import Behaviour, Peer, RawServer, http, raw_server
from fakes.telemetry import counted
from websockets.asyncio.client import connect
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.uri import parse_uri

from kimp.adapters.binance.stream import BinanceStream
from kimp.adapters.clock import SystemClock
from kimp.adapters.upbit.stream import UpbitStream
from kimp.adapters.venue import sockets
from kimp.adapters.venue.sockets import BUFFERED_FRAMES, LARGEST_FRAME, MOST_PINGS, MOST_UNREAD, Connection, bursts
from kimp.adapters.venue.stream import ANEW_AFTER, Event, VenueStream
from kimp.config import VenueSettings
from kimp.domain.market import Quote
from kimp.domain.money import Asset

ACCEPT = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


async def shake_hands(peer: Peer) -> None:
    head = await peer.request()
    key = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:")).split(b": ")[1]
    accept = base64.b64encode(hashlib.sha1(key + ACCEPT).digest()).decode()  # noqa: S324 - the protocol's
    lines = ("HTTP/1.1 101 X", "Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Accept: {accept}")
    await peer.answer("\r\n".join(lines).encode() + b"\r\n\r\n")


def frame(payload: bytes) -> bytes:
    size = len(payload)
    return (bytes([0x82, size]) if size < 126 else b"\x82\x7f" + struct.pack(">Q", size)) + payload


def top(number: int, bid: str = "0.5") -> bytes:
    data = {"u": number, "s": "XRPUSDT", "b": bid, "B": "1", "a": "9", "A": "1"}
    return frame(json.dumps({"stream": "xrpusdt@bookTicker", "data": data}).encode())


def stream_at(kind: type[VenueStream], server: RawServer) -> VenueStream:
    return kind(VenueSettings.model_construct(ws_url=f"ws://127.0.0.1:{server.port}"), SystemClock())


async def first(stream: VenueStream, count: int) -> list[Quote]:
    received: list[Quote] = []
    async with asyncio.timeout(5), aclosing(stream.updates([Asset("XRP")])) as readings:
        async for quotes, _ in readings:
            received += quotes
            if len(received) >= count:
                break
    return received


def sends_first(odd: bytes, then: bytes) -> Behaviour:
    """The first connection brings what is odd, the later ones what is right."""

    async def behave(_: RawServer, peer: Peer) -> None:
        await shake_hands(peer)
        await peer.answer(odd if peer.number == 1 else then)
        await peer.reader.read(1)

    return behave


@pytest.mark.parametrize("wrong", [40_000_000_000, 2**62])
async def test_numbers_that_begin_anew_hold_a_book_up_for_few_frames(wrong: int) -> None:
    anew = b"".join(top(number, f"0.{number}") for number in range(600, 600 + ANEW_AFTER + 2))
    async with raw_server(sends_first(top(wrong) + anew, b"")) as server:
        stream = stream_at(BinanceStream, server)
        received = await first(stream, 4)
    assert [str(quote.bid) for quote in received] == ["0.5", "0.604", "0.605", "0.606"]
    assert stream.counts == {Event.OUT_OF_ORDER: ANEW_AFTER - 1, Event.NUMBERED_ANEW: 1}
    assert server.connections == 1


async def test_a_late_frame_is_left_out() -> None:
    async with raw_server(sends_first(top(5) + top(4, "0.4") + top(6, "0.6"), b"")) as server:
        received = await first(stream_at(BinanceStream, server), 2)
    assert [str(quote.bid) for quote in received] == ["0.5", "0.6"]


async def test_a_redirect_is_not_followed() -> None:
    async def nobody(there: RawServer, peer: Peer) -> None:
        there.requests.append(await peer.request())

    async with raw_server(nobody) as elsewhere:

        async def behave(_: RawServer, peer: Peer) -> None:
            if peer.number > 1:
                await shake_hands(peer)
                await peer.answer(top(1))
                await peer.reader.read(1)
            await peer.request()
            await peer.answer(http("302 Found", b"", f"Location: ws://127.0.0.1:{elsewhere.port}/"))

        async with raw_server(behave) as server:
            await first(stream_at(BinanceStream, server), 1)
    assert elsewhere.connections == 0


@pytest.mark.parametrize("odd", [frame(b"[" * (LARGEST_FRAME + 1)), b"\x82\x7f" + struct.pack(">Q", 2**62)])
async def test_a_frame_that_is_too_large_ends_its_connection(odd: bytes) -> None:
    async with raw_server(sends_first(odd, top(1))) as server:
        assert len(await first(stream_at(BinanceStream, server), 1)) == 1
    assert server.connections == 2


CLOSING = b"\x88\x02\x03\xe9"
PING = b"\x89\x7d" + b"x" * 125
PINGS = PING * 20_000


@pytest.mark.parametrize("odd", [frame(b"[" * (LARGEST_FRAME + 1)), CLOSING, PINGS], ids=["too large", "bye", "pings"])
async def test_a_server_that_neither_reads_nor_closes_holds_nothing_up(odd: bytes) -> None:
    async def behave(_: RawServer, peer: Peer) -> None:
        await shake_hands(peer)
        if peer.number > 1:
            await peer.answer(top(1))
        else:
            peer.writer.write(odd)
        await asyncio.Event().wait()

    async with raw_server(behave) as server:
        assert len(await first(stream_at(BinanceStream, server), 1)) == 1
    assert server.connections == 2


@pytest.mark.parametrize("waiting", [MOST_UNREAD, MOST_UNREAD + 1])
async def test_a_server_that_does_not_read_what_it_is_sent_is_left(waiting: int) -> None:
    """Quotes between its pings do not hide that pongs pile up."""
    transport = Mock(spec=asyncio.Transport)
    transport.get_write_buffer_size.return_value = waiting
    connection = Connection(ClientProtocol(parse_uri("ws://127.0.0.1/")))
    connection.connection_made(transport)
    connection.data_received(b"")
    assert transport.abort.called == (waiting > MOST_UNREAD)


WIDE = "123456789012345678.123456789"
"""More digits than any price, size or total of either venue has."""


@pytest.mark.parametrize("named", [True, False])
async def test_the_widest_book_that_a_venue_may_send_fits(*, named: bool) -> None:
    """Upbit's 30 levels, where it does not understand the depth, in its format of long names or of short ones."""
    unit = f'"ask_price":{WIDE},"bid_price":{WIDE},"ask_size":{WIDE},"bid_size":{WIDE}'
    book = (
        f'{{"type":"orderbook","code":"KRW-XRP","total_ask_size":{WIDE},"total_bid_size":{WIDE},'
        f'"orderbook_units":[{",".join([f"{{{unit}}}"] * 30)}],"timestamp":1,"level":{WIDE},"stream_type":"REALTIME"}}'
    )
    short = {"orderbook_units": "obu", "ask_price": "ap", "bid_price": "bp", "ask_size": "as", "bid_size": "bs",
             "timestamp": "tms", "code": "cd"}  # fmt: skip
    for name, shorter in short.items() if not named else ():
        book = book.replace(f'"{name}"', f'"{shorter}"')
    assert len(book) < LARGEST_FRAME / 2
    behave = sends_first(frame(book.encode()) + top(1), b"")
    async with raw_server(behave) as server:
        stream = stream_at(BinanceStream if named else UpbitStream, server)
        await first(stream, 1)
    assert stream.counts[Event.RECONNECTED] == 0


async def test_deep_json_is_one_bad_frame() -> None:
    async with raw_server(sends_first(frame(b"[" * LARGEST_FRAME) + top(1), b"")) as server:
        stream = stream_at(BinanceStream, server)
        assert len(await first(stream, 1)) == 1
    assert stream.counts == {Event.MALFORMED: 1}


async def test_a_refusal_is_logged_in_the_venues_words(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    refusal = frame(b'{"error":{"name":"WRONG_FORMAT","message":"no such format"}}')
    book = b'{"ty":"orderbook","cd":"KRW-XRP","obu":[{"ap":2,"bp":1,"as":1,"bs":1}],"tms":1}'
    async with raw_server(sends_first(refusal, frame(book))) as server:
        stream = stream_at(UpbitStream, server)
        await first(stream, 1)
    assert stream.counts[Event.REFUSED] == 1
    reported = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert len(reported) == 1
    assert "WRONG_FORMAT" in reported[0]
    assert "no such format" in reported[0]
    assert not any("going away" in record.getMessage() for record in caplog.records), "it refuses; it does not leave"


@pytest.fixture
def failures(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many connections in a row had failed at each pause; nobody waits."""
    seen: list[int] = []

    def pause(failures: int) -> float:
        seen.append(failures)
        return 0.0

    monkeypatch.setattr(sockets, "reconnect_pause", pause)
    return seen


async def one_quote(_: RawServer, peer: Peer) -> None:
    await shake_hands(peer)
    await peer.answer(top(1))


async def test_connections_that_bring_a_quote_and_end_are_made_ever_more_slowly(failures: list[int]) -> None:
    async with raw_server(one_quote) as server:
        await first(stream_at(BinanceStream, server), 4)
    assert failures == [1, 2, 3]


async def test_a_connection_that_lived_is_followed_at_once(
    failures: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "HEALTHY_S", 0.0)
    async with raw_server(one_quote) as server:
        await first(stream_at(BinanceStream, server), 4)
    assert failures == []


async def test_numbers_that_begin_anew_again_and_again_are_logged_rarely(caplog: pytest.LogCaptureFixture) -> None:
    times = 40
    anew = b"".join(top(times - time) * ANEW_AFTER for time in range(times))
    async with raw_server(sends_first(top(10**9) + anew, b"")) as server:
        stream = stream_at(BinanceStream, server)
        await first(stream, 1 + times)
    assert stream.counts[Event.NUMBERED_ANEW] == times
    assert len([record for record in caplog.records if "begin anew" in record.getMessage()]) == 6  # 1, 2, 4 .. 32


async def test_a_reader_that_is_slow_keeps_a_bounded_number_of_frames() -> None:
    """The venue waits meanwhile."""
    total = 6 * BUFFERED_FRAMES

    async def flood(_: RawServer, peer: Peer) -> None:
        await shake_hands(peer)
        await peer.answer(frame(b"x") * total)
        await peer.reader.read(1)

    async with (
        raw_server(flood) as server,
        asyncio.timeout(20),
        connect(f"ws://127.0.0.1:{server.port}", max_queue=BUFFERED_FRAMES, compression=None) as socket,
        aclosing(bursts(socket)) as arrived,
    ):
        sizes: list[int] = []
        async for burst in arrived:
            sizes.append(len(burst))
            await asyncio.sleep(0.05)
            if sum(sizes) == total:
                break
    assert max(sizes) <= BUFFERED_FRAMES


@pytest.mark.usefixtures("failures")
async def test_readers_are_told_where_frames_may_have_been_lost() -> None:
    """With each connection, and each frame that cannot be read."""
    reported: list[int] = []

    async def behave(_: RawServer, peer: Peer) -> None:
        await shake_hands(peer)
        await peer.answer(top(10 * peer.number))
        await asyncio.sleep(0.02)
        await peer.answer(frame(b"{}") + top(10 * peer.number + 1))
        await asyncio.sleep(0.02)

    async with (
        raw_server(behave) as server,
        asyncio.timeout(5),
        aclosing(stream_at(BinanceStream, server).updates([Asset("XRP")])) as readings,
    ):
        async for reading in readings:
            reported.append(reading.unbroken)
            if len(reported) == 6:
                break
    assert len(set(reported)) == 6


@pytest.mark.parametrize(
    ("levels", "kinds"),
    [(1, ["bookTicker"]), (2, ["bookTicker", "depth5@100ms"]), (5, ["bookTicker", "depth5@100ms"]),
     (6, ["bookTicker", "depth10@100ms"]), (20, ["bookTicker", "depth20@100ms"])],
)  # fmt: skip
def test_binance_is_asked_for_each_top_and_for_as_many_levels_as_are_wanted(levels: int, kinds: list[str]) -> None:
    settings = VenueSettings.model_construct(ws_url="wss://stream.binance.com:9443/", levels=levels)
    feed = BinanceStream(settings, SystemClock()).setup([Asset("XRP"), Asset("USDT"), Asset("TRX")])
    first, others = ([f"{market}@{kind}" for kind in kinds] for market in ("xrpusdt", "trxusdt"))
    assert feed.url == f"wss://stream.binance.com:9443/stream?streams={'/'.join(first)}"
    assert feed.hello is not None
    assert json.loads(feed.hello) == {"method": "SUBSCRIBE", "params": others, "id": 1}


def test_five_hundred_coins_make_no_longer_url_than_one() -> None:
    """Servers refuse one of some 8,000 signs (414)."""
    settings = VenueSettings.model_construct(ws_url="wss://stream.binance.com:9443", levels=15)
    stream = BinanceStream(settings, SystemClock())
    feeds = [stream.setup([Asset(f"C{n}") for n in range(many)]) for many in (1, 500)]
    assert len({feed.url for feed in feeds}) == 1


def test_upbit_is_asked_for_the_books_of_all_coins() -> None:
    settings = VenueSettings.model_construct(ws_url="wss://api.upbit.com/websocket/v1/", levels=5)
    feed = UpbitStream(settings, SystemClock()).setup([Asset("XRP"), Asset("USDT")])
    assert feed.url == "wss://api.upbit.com/websocket/v1"
    ticket, books, form = json.loads(feed.hello or "")
    assert ticket["ticket"]
    assert books == {"type": "orderbook", "codes": ["KRW-XRP.5", "KRW-USDT.5"]}
    assert form == {"format": "SIMPLE"}


@pytest.mark.parametrize(("levels", "depth"), [(1, 1), (2, 5), (5, 5), (6, 15), (15, 15), (16, 30), (30, 30)])
def test_upbit_is_asked_for_a_number_of_levels_that_it_has(levels: int, depth: int) -> None:
    settings = VenueSettings.model_construct(ws_url="wss://api.upbit.com/websocket/v1", levels=levels)
    _, books, _ = json.loads(UpbitStream(settings, SystemClock()).setup([Asset("XRP")]).hello or "")
    assert books["codes"] == [f"KRW-XRP.{depth}"]


async def test_pings_with_frames_between_them_are_no_flood() -> None:
    transport = Mock(spec=asyncio.Transport)
    transport.get_write_buffer_size.return_value = 0
    connection = Connection(ClientProtocol(parse_uri("ws://127.0.0.1/")))
    connection.connection_made(transport)
    connection.response = Mock()  # the handshake is over
    for _ in range(MOST_PINGS + 1):
        connection.process_event(Frame(Opcode.PONG, b""))
        connection.process_event(Frame(Opcode.PING, b""))
    assert not transport.abort.called
    for _ in range(MOST_PINGS):
        connection.process_event(Frame(Opcode.PING, b""))
    assert transport.abort.called


def test_every_event_is_counted_under_its_own_name() -> None:
    assert [event.value for event in Event] == [event.name.lower() for event in Event]


async def test_what_is_odd_is_counted_by_venue_and_kind() -> None:
    async with raw_server(sends_first(frame(b"{}") * 2 + top(1), b"")) as server:
        with counted("kimp.stream.events", 2, venue="binance", kind="malformed"):
            await first(stream_at(BinanceStream, server), 1)


async def test_a_connection_that_lived_and_brought_nothing_is_followed_ever_more_slowly(
    failures: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "HEALTHY_S", 0.0)

    async def nothing_at_first(_: RawServer, peer: Peer) -> None:
        await shake_hands(peer)
        await peer.answer(frame(b"{}") if peer.number <= 3 else top(1))

    async with raw_server(nothing_at_first) as server:
        await first(stream_at(BinanceStream, server), 1)
    assert failures == [1, 2, 3]


async def test_upbit_sends_books_to_those_who_ask() -> None:
    async def when_asked(_: RawServer, peer: Peer) -> None:
        await shake_hands(peer)
        await peer.reader.readexactly(2)
        await peer.answer(frame(b'{"ty":"orderbook","cd":"KRW-XRP","obu":[{"ap":2,"bp":1,"as":1,"bs":1}],"tms":1}'))
        await peer.reader.read()

    async with raw_server(when_asked) as server:
        assert len(await first(stream_at(UpbitStream, server), 1)) == 1


@pytest.mark.parametrize(
    ("end", "reported"),
    [
        (b"\x88\x02\x03\xe8", ["INFO binance: the venue closed the stream, connecting again"]),
        (b"\x88\x02\x03\xf3", ["WARNING binance: stream lost", "INFO binance: quotes come again"]),
    ],
    ids=["as usual", "in an error"],
)
async def test_a_stream_that_is_closed_as_usual_is_no_alarm_and_one_that_broke_is_told_to_be_mended(
    end: bytes, reported: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "kimp")

    async def behave(_: RawServer, peer: Peer) -> None:
        await shake_hands(peer)
        await peer.answer(top(peer.number) + (end if peer.number == 1 else b""))
        await peer.reader.read(1)

    async with raw_server(behave) as server:
        await first(stream_at(BinanceStream, server), 2)
    lines = [f"{record.levelname} {record.getMessage()}" for record in caplog.records]
    assert [line[: len(expected)] for line, expected in zip(lines, reported, strict=True)] == reported
