"""Keys as a terminal sends them."""

import asyncio
import os
import pty
import sys
import termios
from collections.abc import Iterator

import pytest

from kimp.cli.keyboard import in_foreground, keys_read


@pytest.fixture
def typist(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Whoever writes to it types on this process' terminal."""
    master, slave = pty.openpty()
    with os.fdopen(slave) as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        yield master
    os.close(master)


async def test_each_key_is_told_at_once_by_its_name(typist: int) -> None:
    reported: list[str] = []
    with keys_read(reported.append):
        os.write(typist, b"hq\x1b[A\x1bOB\x1b[6~\r\x1b")
        for _ in range(100):
            if len(reported) == 7:
                break
            await asyncio.sleep(0.01)
    assert reported == ["h", "q", "up", "down", "page down", "enter", "escape"]


async def test_the_terminal_is_as_it_was_afterwards(typist: int) -> None:
    before = termios.tcgetattr(sys.stdin.fileno())
    with keys_read(print):
        assert termios.tcgetattr(sys.stdin.fileno()) != before
    assert termios.tcgetattr(sys.stdin.fileno()) == before


def test_a_terminal_that_is_not_ours_is_no_place_for_a_live_view(typist: int) -> None:
    """A job in the background that asks a terminal for its keys is stopped by the system."""
    assert not in_foreground()
