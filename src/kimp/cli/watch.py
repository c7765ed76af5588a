"""`kimp watch`: live premiums for whoever has no key and runs nothing."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import NamedTuple

from rich.live import Live

from kimp.bootstrap.watching import PublicFeed, public_feed
from kimp.cli import terminal
from kimp.cli.watch_view import page, record_of
from kimp.config import Settings, load
from kimp.domain.discovery import Discovered
from kimp.domain.errors import Unavailable
from kimp.domain.money import USDT, Asset, decimal
from kimp.domain.venues import PAIR
from kimp.operations.market import view_now
from kimp.operations.watching import CoinSight, by_net_edge, survey, usually_apart
from kimp.operations.why import check_official_rate

PRICED_WITHIN_S = 15.0
"""How long the first look waits for books that have not come yet; quiet ones may not come at all."""
TRY_AGAIN_S = 0.1

console = terminal.console()


class Look(NamedTuple):
    """What was seen at one moment."""

    sights: Sequence[CoinSight]
    watched: Discovered
    at_ms: int


class LastMessage(logging.Handler):
    """The latest warning of what runs underneath: a line of the page, past which it would be written otherwise."""

    def __init__(self, *, aloud: bool) -> None:
        super().__init__(logging.WARNING)
        self._aloud = aloud
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        if self._aloud and record.getMessage() != self.text:
            terminal.report_error(record.getMessage())
        self.text = record.getMessage()


async def watch(coins: str | None, usd_krw: str | None, every_s: float, *, once: bool, as_json: bool) -> None:
    """Until cancelled, or one look."""
    settings, rate = load(), None if usd_krw is None else decimal(usd_krw)
    check_official_rate(settings, rate)
    named = [Asset(coin.strip().upper()) for coin in (coins or "").split(",") if coin.strip()]
    screen = console.is_terminal and not once and not as_json
    with _messages(aloud=not screen) as messages:
        async with public_feed(settings, named) as feed:
            with Live(console=console, auto_refresh=False, screen=True) if screen else _no_screen() as live:
                async for look in _looks(settings, feed, rate, every_s, once=once, whole=not screen):
                    if as_json:
                        terminal.print_json_lines(record_of(sight, look.at_ms) for sight in look.sights)
                    elif live is not None:
                        live.update(page(look.sights, look.watched, rate, messages.text, console.size), refresh=True)
                    else:
                        console.print(page(look.sights, look.watched, rate, "", None))


@contextmanager
def _messages(*, aloud: bool) -> Iterator[LastMessage]:
    """Warnings go nowhere else meanwhile."""
    handler, root = LastMessage(aloud=aloud), logging.getLogger()
    root.addHandler(handler)
    try:
        yield handler
    finally:
        root.removeHandler(handler)


@contextmanager
def _no_screen() -> Iterator[None]:
    yield None


async def _looks(
    settings: Settings, feed: PublicFeed, rate: Decimal | None, every_s: float, *, once: bool, whole: bool
) -> AsyncIterator[Look]:
    """`whole`: none before all prices are there."""
    loop = asyncio.get_running_loop()
    if whole:
        await _until_priced(feed)
    while True:
        began = loop.time()
        yield await _look(settings, feed, rate)
        if once:
            return
        await asyncio.sleep(max(every_s - (loop.time() - began), TRY_AGAIN_S))


async def _look(settings: Settings, feed: PublicFeed, rate: Decimal | None) -> Look:
    rules = settings.rules()
    view = await view_now(feed.bus, (*feed.watched.coins, USDT))
    watched = usually_apart(view, feed.watched, rules.limits.premium_band)
    sights: list[CoinSight] = []
    now_ms = feed.clock.now_ms()
    for sight in survey(view, watched.coins, rules, now_ms, usd_krw=rate):
        sights.append(sight)
        await asyncio.sleep(0)  # the streams are read in the same thread
    return Look(by_net_edge(sights), watched, now_ms)


async def _until_priced(feed: PublicFeed) -> None:
    """Raises Unavailable if a venue told nothing at all."""
    loop = asyncio.get_running_loop()
    end = loop.time() + PRICED_WITHIN_S
    coins = (*feed.watched.coins, USDT)
    wanted = {(venue, coin) for venue in PAIR for coin in coins if coin != venue.cash}
    while True:
        view = await view_now(feed.bus, coins)
        reported = {venue for venue, _ in view.quotes} & {venue for venue, _ in view.instruments}
        if reported == set(PAIR) and wanted <= view.quotes.keys():
            return
        if loop.time() > end:
            break
        await asyncio.sleep(TRY_AGAIN_S)
    if silent := next((venue for venue in PAIR if venue not in reported), None):
        raise Unavailable(f"its stream brought no prices within {PRICED_WITHIN_S:.0f} s", venue=silent)
