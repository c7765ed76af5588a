"""Parts of `kimp up` that end by themselves are started again, with growing pauses."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import NoReturn, Protocol

from kimp.adapters.embedded.process import ServerFailed

WATCH_EVERY_S = 0.5
STEADY_S = 60.0
"""A part that has run for so long can run: when it ends it is waited for as if it had never ended."""
MOST_SHORT_LIVES = 6
"""One after the other: then the part can't start, and who looks at the terminal must know why."""
LONGEST_PAUSE_S = 30.0


class Part(Protocol):
    """A process of ours."""

    def check(self) -> None:
        """Raises ServerFailed when it ended by itself."""
        ...


async def keep_alive(
    name: str,
    part: Part,
    start: Callable[[], Awaitable[None]],
    write_line: Callable[[str], None],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    now_s: Callable[[], float] = time.monotonic,
) -> NoReturn:
    """Start the part whenever it ends. Raises its last failure if it can't start, or refuses its configuration."""
    short_lives = 0
    while True:
        since = now_s()
        try:
            if short_lives:
                await start()
            await _until_it_ends(part, sleep)
        except ServerFailed as failure:
            short_lives = short_lives + 1 if now_s() - since < STEADY_S else 1
            if short_lives >= MOST_SHORT_LIVES:
                raise
            pause_s = min(LONGEST_PAUSE_S, 2.0 ** (short_lives - 1))
            write_line(f"{failure}; {name} is started again in {pause_s:.0f} s, cycles wait meanwhile")
            await sleep(pause_s)


async def _until_it_ends(part: Part, sleep: Callable[[float], Awaitable[None]]) -> NoReturn:
    while True:
        part.check()
        await sleep(WATCH_EVERY_S)
