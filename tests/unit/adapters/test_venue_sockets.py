"""What silence on a WebSocket connection means, on a socket that a test answers for."""

import asyncio
from collections.abc import Awaitable
from contextlib import aclosing
from typing import cast

import pytest
from websockets.asyncio.client import ClientConnection

from kimp.adapters.venue import sockets
from kimp.adapters.venue.sockets import bursts, reconnect_pause


class Socket:
    """Brings what is put into it. A ping is answered at once: by a frame `behind`, by `lost`, or never: `frozen`."""

    def __init__(self, *, frozen: bool = False, behind: bytes = b"", lost: Exception | None = None) -> None:
        self.frames = asyncio.Queue[bytes]()
        self.pings = 0
        self._frozen, self._behind, self._lost = frozen, behind, lost

    async def recv(self, *, decode: bool) -> bytes:
        assert decode is False
        return await self.frames.get()

    async def ping(self) -> Awaitable[float]:
        self.pings += 1
        pong = asyncio.get_running_loop().create_future()
        if self._behind:
            self.frames.put_nowait(self._behind)
        elif self._lost is not None:
            pong.set_exception(self._lost)
        elif not self._frozen:
            pong.set_result(0.0)
        return pong


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "QUIET_S", 0.02)
    monkeypatch.setattr(sockets, "PONG_S", 0.05)


async def received(socket: Socket, count: int) -> list[list[bytes]]:
    found: list[list[bytes]] = []
    async with asyncio.timeout(5), aclosing(bursts(cast("ClientConnection", socket))) as arrived:
        async for burst in arrived:
            found.append(burst)
            if len(found) == count:
                break
    return found


async def test_silence_with_an_answered_ping_is_told_as_nothing_new() -> None:
    socket = Socket()
    socket.frames.put_nowait(b"first")
    assert await received(socket, 3) == [[b"first"], [], []]
    assert socket.pings == 2


async def test_a_frame_in_the_place_of_the_pong_is_a_sign_of_life_and_nothing_is_told_before_it() -> None:
    socket = Socket(behind=b"late")
    assert await received(socket, 2) == [[b"late"], [b"late"]]


async def test_all_frames_that_wait_are_one_burst() -> None:
    socket = Socket()
    for frame in (b"1", b"2", b"3"):
        socket.frames.put_nowait(frame)
    assert await received(socket, 1) == [[b"1", b"2", b"3"]]


async def test_a_connection_that_leaves_a_ping_unanswered_is_given_up() -> None:
    began = asyncio.get_running_loop().time()
    with pytest.raises(TimeoutError, match="a ping was not answered"):
        await received(Socket(frozen=True), 1)
    assert asyncio.get_running_loop().time() - began < 1


async def test_a_connection_that_ends_under_a_ping_is_lost() -> None:
    with pytest.raises(ConnectionResetError):
        await received(Socket(lost=ConnectionResetError()), 1)


async def test_a_connection_that_answers_and_brings_nothing_for_long_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sockets, "SILENCE_S", 0.1)
    socket = Socket()
    with pytest.raises(TimeoutError, match="no frame for"):
        await received(socket, 100)
    assert 2 <= socket.pings <= 5


async def test_what_ends_the_reading_reaches_whoever_listens() -> None:
    socket = Socket()

    async def gone(*, decode: bool) -> bytes:
        del decode
        raise ConnectionResetError

    socket.recv = gone  # type: ignore[method-assign]
    with pytest.raises(ConnectionResetError):
        await received(socket, 1)


def test_what_fails_again_and_again_is_tried_ever_more_rarely() -> None:
    assert 0 < reconnect_pause(1) <= 0.2
    assert 5 <= reconnect_pause(50) <= 10
