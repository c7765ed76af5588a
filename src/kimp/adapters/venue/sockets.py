"""A venue's WebSocket connections: one after the other, each bounded in what its server can fill or hold up.

Whatever is buffered on a socket when the reader wakes is handed on as one list, so that a burst costs one wake-up and
one publication instead of thousands.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing
from dataclasses import dataclass
from itertools import count
from typing import cast

from websockets.asyncio.client import ClientConnection, connect
from websockets.frames import Frame, Opcode
from websockets.protocol import Event

from kimp.backoff import pause_after

QUIET_S = 1.0
"""A connection that brings nothing for so long is asked whether it lives: no oftener than venues let a client write."""
PONG_S = 1.0
"""Without an answer for so long it is frozen, or only half open."""
SILENCE_S = 90.0
"""A connection that answers pings and brings no frame for so long is given up; a quiet market has one a minute."""
BUFFERED_FRAMES = 4_096
LARGEST_FRAME = 16_384
"""Bytes. It bounds what a hostile server can fill, and how deep JSON nests.

A bookTicker with all digits that a number may have stays below half a kilobyte, a book of Upbit's of the depth that is
asked for as well; the 30 levels that it has where a depth is not understood, in the format with the long names, take
6 KB. The quotes of a frame above twice that would be somebody else's.
"""
MOST_UNREAD = 65_536
"""Bytes that wait for the server to read them: kimp sends next to nothing, so it asks for pongs and reads none."""
MOST_PINGS = 100
"""In a row with no other frame between them; each is work. Binance sends one in twenty seconds, Upbit none."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 10.0
HEALTHY_S = 5.0
"""A connection that brought something and lived for so long is followed by the next one at once."""

log = logging.getLogger(__name__)


def reconnect_pause(failures: int) -> float:
    return pause_after(failures, first_s=FIRST_PAUSE_S, longest_s=LONGEST_PAUSE_S)


def _pauses() -> Generator[float]:
    return (reconnect_pause(failures) for failures in count())


class _Connect(connect):
    """Follows no redirect: quotes come from the configured host or not at all."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class Connection(ClientConnection):
    """Ends at once where it ends at all: one whose server has said goodbye or broken the protocol would wait for that
    server to close it, with no quotes meanwhile.
    """

    _pings = 0

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.protocol.close_expected() or self.transport.get_write_buffer_size() > MOST_UNREAD:
            self.transport.abort()

    def process_event(self, event: Event) -> None:
        super().process_event(event)
        if isinstance(event, Frame):
            self._pings = self._pings + 1 if event.opcode is Opcode.PING else 0
            if self._pings > MOST_PINGS:
                self.transport.abort()


def connections(url: str) -> AsyncGenerator[ClientConnection]:
    connecting = _Connect(
        url,
        compression=None,  # saves latency; the frames are small
        proxy=None,
        ping_interval=None,  # `bursts` asks, where there is silence
        close_timeout=1.0,
        max_size=LARGEST_FRAME,
        max_queue=BUFFERED_FRAMES,
        reconnect_delays=_pauses,
        # Nothing is fatal: a venue that refuses today (maintenance, ban, DNS) may accept in a minute.
        process_exception=_retry,
        create_connection=Connection,
    )
    # The cast is for `aclosing`: it is an async generator, declared as an iterator.
    return cast("AsyncGenerator[ClientConnection]", connecting.__aiter__())


def _retry(refusal: Exception) -> None:
    log.warning("stream cannot connect: %s: %s", type(refusal).__name__, refusal)


@dataclass(slots=True)
class Attempt:
    """One connection of several; whoever reads it says whether it brought anything."""

    socket: ClientConnection
    fruitful: bool = False


async def attempts(url: str) -> AsyncGenerator[Attempt]:
    """For ever. Venues ban who connects too often: what ends soon, or brought nothing, is followed ever more slowly."""
    loop = asyncio.get_running_loop()
    failures = 0
    async with aclosing(connections(url)) as sockets:
        async for socket in sockets:
            attempt, began = Attempt(socket), loop.time()
            yield attempt
            failures = 0 if attempt.fruitful and loop.time() - began >= HEALTHY_S else failures + 1
            await asyncio.sleep(reconnect_pause(failures) if failures else 0.0)


async def bursts(socket: ClientConnection) -> AsyncGenerator[list[bytes]]:
    """All frames that are there, as soon as there is one; none where a ping was answered after a second of silence.

    A pong comes behind all frames that the server had sent before it, so these were handed on by then.
    Raises ConnectionClosed, or TimeoutError where a ping is not answered or the silence lasts.
    """
    frames: list[bytes] = []
    arrived, taken = asyncio.Event(), asyncio.Event()

    async def pump() -> None:
        try:
            while True:
                # Does not suspend while the socket has frames buffered.
                frame = await socket.recv(decode=False)
                frames.append(frame)
                arrived.set()
                while len(frames) >= BUFFERED_FRAMES:  # whoever reads them is slow: the venue has to wait
                    taken.clear()
                    await taken.wait()
        finally:
            arrived.set()

    loop = asyncio.get_running_loop()
    last_frame = loop.time()
    reader = asyncio.create_task(pump())
    try:
        while True:
            if not frames:
                if reader.done():
                    reader.result()
                arrived.clear()
                if await _quiet(arrived) and loop.time() - last_frame > SILENCE_S:
                    raise TimeoutError(f"no frame for {SILENCE_S:.0f} s")
                if not arrived.is_set() and await _answers(socket, arrived):
                    yield []
            burst, frames = frames, []
            taken.set()
            if burst:
                last_frame = loop.time()
                yield burst
    finally:
        reader.cancel()


async def _quiet(arrived: asyncio.Event) -> bool:
    try:
        async with asyncio.timeout(QUIET_S):
            await arrived.wait()
    except TimeoutError:
        return True
    return False


async def _answers(socket: ClientConnection, arrived: asyncio.Event) -> bool:
    """Whether a pong came and no frame before it; either is a sign of life, and TimeoutError is raised without one.

    An event loop that was held up finds both its timer and the answer: the answer counts.
    """
    pong, frame = asyncio.ensure_future(await socket.ping()), asyncio.ensure_future(arrived.wait())
    try:
        done, _ = await asyncio.wait((pong, frame), timeout=PONG_S, return_when=asyncio.FIRST_COMPLETED)
    finally:
        frame.cancel()
    if not done:
        raise TimeoutError(f"a ping was not answered within {PONG_S:.0f} s")
    if pong in done:
        pong.result()
    return not arrived.is_set()
