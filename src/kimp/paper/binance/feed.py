"""Market updates, rendered once per stream name and put to every subscriber."""

import re
from collections.abc import Callable
from typing import Any

import msgspec

from kimp.domain.venues import Venue
from kimp.paper.binance import frames
from kimp.paper.hub import Hub, Outbox, Topic
from kimp.paper.instruments import PaperInstrument
from kimp.paper.tape import NumberedPrint
from kimp.paper.world import World

STREAM = re.compile(r"([a-z0-9]+)@(bookTicker|aggTrade|depth(?:5|10|20)(?:@100ms|@1000ms)?)")
COMBINED, RAW = "combined", "raw"
FAST_MS, SLOW_MS = 100, 1_000
_encode = msgspec.json.encode


def topic_of(name: str, style: str) -> Topic | None:
    """None for a name that is no stream here. The kind keeps the stream's own words behind the symbol."""
    found = STREAM.fullmatch(name)
    if found is None:
        return None
    levels = re.match(r"depth(\d+)", found[2])
    return Topic(found[2], found[1].upper(), int(levels[1]) if levels else 0, style)


def name_of(topic: Topic) -> str:
    return f"{topic.symbol.lower()}@{topic.kind}"


class Feed:
    def __init__(self, world: World) -> None:
        self.hub = Hub()
        self._world = world
        self._due: set[Topic] = set()
        world.on_book[Venue.BINANCE].append(self._on_book)
        world.on_print[Venue.BINANCE].append(self._on_print)

    def _on_book(self, instrument: PaperInstrument) -> None:
        book = self._world.book(instrument)
        for topic, readers in self.hub.of(instrument.symbol).items():
            if topic.kind == "bookTicker":
                message = frames.book_ticker(book)
                if message is not None:
                    _put(readers, topic, message)
            elif topic.depth and topic not in self._due:
                self._due.add(topic)
                self._world.agenda.after(_pause_ms(topic), self._publisher(topic, instrument))

    def _on_print(self, instrument: PaperInstrument, printed: NumberedPrint) -> None:
        for topic, readers in self.hub.of(instrument.symbol).items():
            if topic.kind == "aggTrade":
                _put(readers, topic, frames.agg_trade_event(instrument, printed))

    def _publisher(self, topic: Topic, instrument: PaperInstrument) -> Callable[[], None]:
        """Depth is told once per interval, however often it changed."""

        def publish() -> None:
            self._due.discard(topic)
            readers = self.hub.of(topic.symbol).get(topic)
            if readers:
                _put(readers, topic, frames.partial_depth(self._world.book(instrument), topic.depth))

        return publish


def _pause_ms(topic: Topic) -> int:
    return FAST_MS if topic.kind.endswith("@100ms") else SLOW_MS


def _put(readers: set[Outbox], topic: Topic, message: dict[str, Any]) -> None:
    frame = _encode({"stream": name_of(topic), "data": message} if topic.style == COMBINED else message)
    for outbox in readers:
        outbox.publish(frame)
