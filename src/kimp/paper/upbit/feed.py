"""Market updates and the customer's events, rendered once per format and put to every subscriber."""

from collections.abc import Callable

from kimp.domain.market import Side, Venue
from kimp.paper.amounts import ZERO, exact, ratio
from kimp.paper.desk import Event
from kimp.paper.hub import Hub, Outbox, Topic
from kimp.paper.instruments import Instrument
from kimp.paper.orders import Fill, Order, State
from kimp.paper.tape import NumberedPrint
from kimp.paper.upbit import frames
from kimp.paper.upbit.render import trade_uuid
from kimp.paper.upbit.subscription import ALL, Subscription
from kimp.paper.world import World

REALTIME = "REALTIME"
SNAPSHOT = "SNAPSHOT"


class Feed:
    def __init__(self, world: World) -> None:
        self.hub = Hub()
        self._world = world
        self._changed_assets: set[str] = set()
        world.on_book[Venue.UPBIT].append(self._on_book)
        world.on_print[Venue.UPBIT].append(self._on_print)
        world.desks[Venue.UPBIT].on_order.append(self._on_order)
        world.accounts[Venue.UPBIT].on_change.append(self._on_balance)

    def snapshot(self, outbox: Outbox, subscription: Subscription) -> None:
        """The present state of every public topic."""
        for topic in subscription.topics:
            instrument = self._world.of(Venue.UPBIT, topic.symbol)
            if instrument is not None:
                self._put_snapshot(outbox, topic, instrument)

    def _put_snapshot(self, outbox: Outbox, topic: Topic, instrument: Instrument) -> None:
        tape, book, now_ms = self._world.tape(instrument), self._world.book(instrument), self._world.clock.now_ms()
        if topic.kind == "orderbook":
            outbox.put(frames.orderbook(book, topic.depth, topic.style, now_ms, SNAPSHOT))
        elif topic.kind == "ticker":
            outbox.put(frames.ticker(instrument, tape, topic.style, now_ms, SNAPSHOT))
        elif topic.kind == "trade" and tape.prints:
            outbox.put(frames.trade(instrument, tape.prints[-1], book, tape, topic.style, SNAPSHOT))

    def _on_book(self, instrument: Instrument) -> None:
        book = self._world.book(instrument)
        for topic, readers in self.hub.of(instrument.symbol).items():
            if topic.kind == "orderbook":
                _put(readers, frames.orderbook(book, topic.depth, topic.style, book.updated_ms, REALTIME))

    def _on_print(self, instrument: Instrument, printed: NumberedPrint) -> None:
        tape, book = self._world.tape(instrument), self._world.book(instrument)
        for topic, readers in self.hub.of(instrument.symbol).items():
            if topic.kind == "trade":
                _put(readers, frames.trade(instrument, printed, book, tape, topic.style, REALTIME))
            elif topic.kind == "ticker":
                _put(readers, frames.ticker(instrument, tape, topic.style, printed.at_ms, REALTIME))

    def _on_order(self, order: Order, event: Event, fill: Fill | None) -> None:
        state = _state(order, event)
        self._tell_private("myOrder", (order.request.instrument.symbol, ALL), lambda style: frames.frame(
            order_fields(order, state, fill, self._world.clock.now_ms()), style
        ))  # fmt: skip

    def _on_balance(self, asset: str) -> None:
        """One order moves several balances in one go: they are told together, when it is done."""
        if not self._changed_assets:
            self._world.agenda.after(0, self._tell_assets)
        self._changed_assets.add(asset)

    def _tell_assets(self) -> None:
        changed, self._changed_assets = sorted(self._changed_assets), set()
        now_ms, accounts = self._world.clock.now_ms(), self._world.accounts[Venue.UPBIT]

        def render(style: str) -> bytes:
            rows = [
                frames.named(
                    (("currency", "cu", a), ("balance", "b", accounts[a].free), ("locked", "l", accounts[a].locked)),
                    style,
                )
                for a in changed
            ]
            fields: tuple[frames.Field, ...] = (
                ("type", "ty", "myAsset"),
                ("asset_uuid", "astuid", f"kimp-paper-{now_ms}"),
                ("assets", "ast", rows),
                ("asset_timestamp", "asttms", now_ms),
                ("timestamp", "tms", now_ms),
                ("stream_type", "st", REALTIME),
            )
            return frames.frame(fields, style)

        self._tell_private("myAsset", (ALL,), render)

    def _tell_private(self, kind: str, symbols: tuple[str, ...], render: Callable[[str], bytes]) -> None:
        for symbol in symbols:
            for topic, readers in self.hub.of(symbol).items():
                if topic.kind == kind:
                    _put(readers, render(topic.style))


@exact
def order_fields(order: Order, state: str, fill: Fill | None, now_ms: int) -> tuple[frames.Field, ...]:
    """docs.upbit.com: websocket-myorder. `price` is the trade's own in a message about a trade."""
    request = order.request
    asked = request.limit if request.limit is not None else request.budget
    average = ratio(order.funds, order.executed) if order.executed else ZERO
    return (
        ("type", "ty", "myOrder"),
        ("code", "cd", request.instrument.symbol),
        ("uuid", "uid", order.uuid),
        ("ask_bid", "ab", "BID" if request.side is Side.BUY else "ASK"),
        ("order_type", "ot", request.wire["ord_type"]),
        ("state", "s", state),
        ("trade_uuid", "tuid", None if fill is None else trade_uuid(order, fill.number)),
        ("price", "p", asked if fill is None else fill.price),
        ("avg_price", "ap", average),
        ("volume", "v", request.quantity if fill is None else fill.quantity),
        ("remaining_volume", "rv", order.remaining),
        ("executed_volume", "ev", order.executed),
        ("trades_count", "tc", len(order.fills)),
        ("reserved_fee", "rsf", order.reserved_fee),
        ("remaining_fee", "rmf", order.reserved_fee - order.fees if request.side is Side.BUY else ZERO),
        ("paid_fee", "pf", order.fees),
        ("locked", "l", order.locked),
        ("executed_funds", "ef", order.funds),
        ("time_in_force", "tif", request.wire["time_in_force"]),
        ("trade_fee", "tf", None if fill is None else fill.fee),
        ("is_maker", "im", None if fill is None else fill.maker),
        ("identifier", "id", request.client_id),
        ("smp_type", "smpt", None),
        ("prevented_volume", "pv", ZERO),
        ("prevented_locked", "pl", ZERO),
        ("trade_timestamp", "ttms", None if fill is None else fill.at_ms),
        ("order_timestamp", "otms", order.created_ms),
        ("timestamp", "tms", now_ms),
        ("stream_type", "st", REALTIME),
    )


def _state(order: Order, event: Event) -> str:
    if event is Event.ACCEPTED:
        return "wait"
    if event is Event.TRADED:
        return "trade"
    return "done" if order.state is State.FILLED else "cancel"


def _put(readers: set[Outbox], message: bytes) -> None:
    for outbox in readers:
        outbox.publish(message)
