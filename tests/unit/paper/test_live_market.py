"""A live market's books are the venues' own, less what was taken; on one that is not known no order is taken."""

from dataclasses import dataclass, field
from decimal import Decimal

import pytest
from fakes.market import NOW, XRP, ManualClock, d

from kimp.domain.market import Quote, Side
from kimp.domain.money import USDT, Asset
from kimp.domain.venues import PAIR, Venue
from kimp.paper.config import LiveMarket, PaperConfig
from kimp.paper.market.live import LiveBooks
from kimp.paper.orders import Force, MarketHalted, Request, State
from kimp.paper.world import World
from kimp.ports.exchange import StreamUpdate

MARKET = LiveMarket(ws_urls=dict.fromkeys(PAIR, "ws://127.0.0.1:1"), gone_s=5, stale_ms=2_000)
CONFIG = PaperConfig(market=MARKET)
COINS = tuple(Asset(coin.name) for coin in CONFIG.coins)


def book(venue: Venue, coin: Asset = XRP) -> Quote:
    """Ten at 3000 and ten at 3001 to buy, ten at 2999 and ten at 2998 to sell."""
    return Quote(venue, coin, d(2999), d(10), d(3000), d(10), NOW, "2998:10", "3001:10")


@dataclass
class Live:
    """A world that reads the venues' books from a test."""

    clock: ManualClock = field(default_factory=ManualClock)
    unbroken: int = 1

    def __post_init__(self) -> None:
        opening = [book(venue, coin) for venue in PAIR for coin in COINS if coin != venue.cash]
        self.world = World(CONFIG, self.clock, live=LiveBooks((), opening))

    def show(self, *quotes: Quote) -> None:
        source = self.world.source
        for update in source.take(PAIR.won, StreamUpdate(list(quotes), self.unbroken)):  # type: ignore[attr-defined]
            self.world.apply(update)

    def buy(self, quantity: str, limit: str = "3001") -> tuple[State, Decimal, Decimal]:
        """How it ended, the coins that it brought and what they cost."""
        instrument = self.world.instruments[Venue.UPBIT, "KRW-XRP"]
        order = self.world.desks[Venue.UPBIT].place(
            Request(instrument, Side.BUY, Force.NOW, None, quantity=d(quantity), budget=None, limit=d(limit), wire={})
        )
        return order.state, order.executed, order.funds


@pytest.fixture
def live() -> Live:
    live = Live()
    live.show(book(Venue.UPBIT))
    return live


def test_an_order_takes_the_venues_levels(live: Live) -> None:
    assert live.buy("12") == (State.FILLED, d(12), d(10 * 3000 + 2 * 3001))


def test_nothing_is_there_behind_the_last_level_that_was_told(live: Live) -> None:
    state, executed, _ = live.buy("25")
    assert (state, executed) == (State.EXPIRED, d(20))


def test_what_was_taken_is_gone_for_a_while_though_the_venue_still_shows_it(live: Live) -> None:
    live.buy("12")
    live.clock.ms += 1_000
    live.show(book(Venue.UPBIT))
    assert live.buy("25")[1:] == (d(8), d(8 * 3001))
    live.clock.ms += 5_000
    live.show(book(Venue.UPBIT))
    assert live.buy("12")[1] == d(12)


def test_what_was_bought_is_missing_from_the_asks_alone(live: Live) -> None:
    live.buy("12")
    live.show(book(Venue.UPBIT))
    levels = live.world.desks[Venue.UPBIT].books["KRW-XRP"].levels(Side.SELL)
    assert [(level.price, level.quantity) for level in levels] == [(d(2999), d(10)), (d(2998), d(10))]


def test_on_a_silent_stream_no_order_is_taken(live: Live) -> None:
    live.clock.ms += 2_001
    with pytest.raises(MarketHalted):
        live.buy("1")


def test_a_sign_of_life_keeps_a_quiet_book_known(live: Live) -> None:
    live.clock.ms += 2_000
    live.show()
    live.clock.ms += 2_000
    assert live.buy("1")[0] is State.FILLED


def test_after_a_break_a_book_is_unknown_until_it_is_told_again(live: Live) -> None:
    live.unbroken += 1
    live.show(book(Venue.UPBIT, USDT))
    with pytest.raises(MarketHalted):
        live.buy("1")
    live.show(book(Venue.UPBIT))
    assert live.buy("1")[0] is State.FILLED


def test_before_the_streams_speak_no_order_is_taken() -> None:
    with pytest.raises(MarketHalted):
        Live().buy("1")


def test_a_book_without_a_side_is_not_known(live: Live) -> None:
    live.show(book(Venue.UPBIT)._replace(bid=d(0)))
    with pytest.raises(MarketHalted):
        live.buy("1")
