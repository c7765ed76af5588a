"""Market updates, rendered once per format and put to every subscriber."""

from kimp.domain.venues import Venue
from kimp.paper.hub import Hub, Outbox, Topic
from kimp.paper.instruments import PaperInstrument
from kimp.paper.tape import NumberedPrint
from kimp.paper.upbit import frames
from kimp.paper.upbit.subscription import Subscription
from kimp.paper.world import World

REALTIME = "REALTIME"
SNAPSHOT = "SNAPSHOT"


class Feed:
    def __init__(self, world: World) -> None:
        self.hub = Hub()
        self._world = world
        world.on_book[Venue.UPBIT].append(self._on_book)
        world.on_print[Venue.UPBIT].append(self._on_print)

    def snapshot(self, outbox: Outbox, subscription: Subscription) -> None:
        """The present state of every public topic."""
        for topic in subscription.topics:
            instrument = self._world.of(Venue.UPBIT, topic.symbol)
            if instrument is not None:
                self._put_snapshot(outbox, topic, instrument)

    def _put_snapshot(self, outbox: Outbox, topic: Topic, instrument: PaperInstrument) -> None:
        tape, book, now_ms = self._world.tape(instrument), self._world.book(instrument), self._world.clock.now_ms()
        if topic.kind == "orderbook":
            outbox.put(frames.orderbook(book, topic.depth, topic.style, now_ms, SNAPSHOT))
        elif topic.kind == "ticker":
            outbox.put(frames.ticker(instrument, tape, topic.style, now_ms, SNAPSHOT))
        elif topic.kind == "trade" and tape.prints:
            outbox.put(frames.trade(instrument, tape.prints[-1], book, tape, topic.style, SNAPSHOT))

    def _on_book(self, instrument: PaperInstrument) -> None:
        book = self._world.book(instrument)
        for topic, readers in self.hub.of(instrument.symbol).items():
            if topic.kind == "orderbook":
                _put(readers, frames.orderbook(book, topic.depth, topic.style, book.updated_ms, REALTIME))

    def _on_print(self, instrument: PaperInstrument, printed: NumberedPrint) -> None:
        tape, book = self._world.tape(instrument), self._world.book(instrument)
        for topic, readers in self.hub.of(instrument.symbol).items():
            if topic.kind == "trade":
                _put(readers, frames.trade(instrument, printed, book, tape, topic.style, REALTIME))
            elif topic.kind == "ticker":
                _put(readers, frames.ticker(instrument, tape, topic.style, printed.at_ms, REALTIME))


def _put(readers: set[Outbox], message: bytes) -> None:
    for outbox in readers:
        outbox.publish(message)
