"""A forged quote buys nothing: the first order is compared with what the venues themselves say."""

import asyncio
import gc
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pytest
from fakes import intents
from fakes.caps import WIDE
from fakes.desk import Desk
from fakes.lab import BOUNDS, COINS, LIMITS, POLICY, XRP, binance, upbit
from fakes.market import NOW, ManualClock
from fakes.telemetry import counted
from fakes.venue import FakeVenue

from activities.orders import OrderActivities
from activities.price_guard import KEEP_MS, LASTING_MS, REFUSALS, PriceGuard
from initiator.plan import cycle_input
from kimp.contracts.orders import Opening, OrderIntent, OrderOutcome, OrderReport
from kimp.domain.admission import HaltLevel
from kimp.domain.decision import plan_of
from kimp.domain.errors import Unavailable
from kimp.domain.gates import Gate
from kimp.domain.market import Quote, Side
from kimp.domain.money import USDT, Asset
from kimp.domain.opportunity import Opportunity, evaluate
from kimp.domain.venues import PAIR, Direction, Venue
from kimp.domain.view import MarketView

ENDLESS = Decimal(10**12)


@dataclass
class Scene:
    """Two venues, and what somebody makes of their quotes on the way."""

    desk: Desk
    venues: dict[Venue, FakeVenue] = field(default_factory=lambda: {Venue.UPBIT: upbit(), Venue.BINANCE: binance()})
    number: int = 0

    def __post_init__(self) -> None:
        controls = self.desk.journal
        self.guard = PriceGuard(self.venues, controls, self.desk.clock, BOUNDS)
        self.work = OrderActivities(self.venues, self.desk.journal, controls, self.desk.clock, self.guard)

    async def intent(self, scale: dict[tuple[Venue, str], Decimal], direction: Direction) -> OrderIntent:
        """What an initiator makes of quotes whose prices are scaled so, and whose books are as deep as one likes."""
        quotes = [
            _scaled((await venue.market(coin)).quote, scale.get((venue.venue, coin), Decimal(1)))
            for venue in self.venues.values()
            for coin in COINS
            if coin in venue.prices
        ]
        rules = [await venue.rules(COINS) for venue in self.venues.values()]
        limits = replace(LIMITS, threshold=Decimal(-1), premium_band=Decimal(1))
        found = evaluate(MarketView.of(quotes, rules), XRP, direction, COINS, limits, NOW)
        assert isinstance(found, Opportunity), found
        self.number += 1
        cycle = cycle_input(plan_of(found), self.number, POLICY, self.desk.clock.ms, 2_000, "k7m2p")
        source = direction.source
        return intents.order(
            cycle_id=cycle.cycle_id,
            client_order_id=f"{cycle.cycle_id}-1B1-1",
            venue=source,
            quantity=cycle.buy_quantity,
            limit_price=cycle.buy_limit_price,
            krw_per_cash=cycle.krw_per_usdt if source is Venue.BINANCE else Decimal(1),
            expires_at_ms=cycle.expires_at_ms,
            opening=Opening(
                reserve=cycle.reserve,
                stake_krw=cycle.stake_krw,
                caps=WIDE,
                krw_per_usdt=cycle.krw_per_usdt,
                premium=cycle.premium,
            ),
        )

    async def open(self, direction: Direction = Direction.TO_UPBIT, **scale: str) -> OrderReport:
        """`scale`: of quotes, as `upbit_USDT`."""
        by = {(Venue(name.split("_")[0]), name.split("_")[1]): Decimal(factor) for name, factor in scale.items()}
        report = await self.desk.run(self.work.execute_order, await self.intent(by, direction))
        assert isinstance(report, OrderReport)
        return report

    @property
    def sent(self) -> list[OrderIntent]:
        return [order for venue in self.venues.values() for order in venue.sent]


def _scaled(quote: Quote, by: Decimal) -> Quote:
    return quote._replace(bid=quote.bid * by, ask=quote.ask * by, bid_size=ENDLESS, ask_size=ENDLESS, received_ms=NOW)


@pytest.fixture
def scene(desk: Desk) -> Scene:
    return Scene(desk)


@pytest.mark.parametrize("direction", PAIR.directions)
async def test_a_message_that_says_what_the_venues_say_is_believed(scene: Scene, direction: Direction) -> None:
    assert (await scene.open(direction)).outcome is OrderOutcome.FILLED


FORGED: list[dict[str, Any]] = [
    {"upbit_USDT": "0.01", "upbit_XRP": "0.01"},
    {"upbit_USDT": "0.6", "upbit_XRP": "0.6"},
    {"upbit_USDT": "1.5", "upbit_XRP": "1.5"},
    {"binance_XRP": "1.5", "upbit_XRP": "1.5"},
    {"binance_XRP": "0.9"},
    {"upbit_XRP": "1.02"},
    {"upbit_USDT": "0.98"},
]


@pytest.mark.parametrize("scale", FORGED, ids=str)
@pytest.mark.parametrize("direction", PAIR.directions)
async def test_a_message_of_forged_quotes_buys_nothing(
    scene: Scene, direction: Direction, scale: dict[str, str]
) -> None:
    with counted("kimp.price.refusals", gate=Gate.PRICES_DIFFER.value):
        report = await scene.open(direction, **scale)
    assert report.outcome is OrderOutcome.NOT_SENT
    assert report.reason.startswith(f"{Gate.PRICES_DIFFER}; "), report.reason
    assert not scene.sent


async def test_a_stake_is_valued_by_the_venues_and_not_by_the_message(scene: Scene) -> None:
    """Whoever writes the workflow's input itself keeps every price right, and counts the order as next to nothing."""
    honest = await scene.intent({}, Direction.TO_UPBIT)
    assert honest.opening is not None
    low = honest.opening.model_copy(update={"stake_krw": 1})
    large = {"quantity": Decimal(9_000), "client_order_id": "XRP-2-1B1-1"}
    for forged in (honest.model_copy(update={"opening": low}), honest.model_copy(update=large)):
        report = await scene.desk.run(scene.work.execute_order, forged)
        assert report.outcome is OrderOutcome.NOT_SENT
    assert not scene.sent


@pytest.mark.parametrize("rate", [499, 5_001])
async def test_a_rate_beyond_the_configurations_bounds_opens_nothing(scene: Scene, rate: int) -> None:
    """Not even if the venue says so."""
    scene.venues[Venue.UPBIT].prices[USDT] = (Decimal(rate), Decimal(rate) + Decimal("0.5"))
    scene.venues[Venue.UPBIT].prices[XRP] = (Decimal("2.29") * rate, Decimal("2.2901") * rate)
    report = await scene.open()
    assert report.reason.startswith(f"{Gate.RATE_BOUNDS}; "), report.reason


async def test_prices_that_the_venues_do_not_tell_open_nothing(scene: Scene) -> None:
    scene.venues[Venue.UPBIT].faults["tops"] = deque([Unavailable("busy", venue="upbit")])
    assert (await scene.open()).reason.startswith(f"{Gate.OWN_PRICES_MISSING}; ")
    assert (await scene.open()).outcome is OrderOutcome.FILLED, "and are asked for anew"
    assert scene.desk.journal.halt is HaltLevel.RUN


@pytest.mark.parametrize("price", [None, ("0", "2.29"), ("2.30", "2.29")])
@pytest.mark.parametrize("direction", PAIR.directions)
async def test_prices_that_are_none_open_nothing(
    scene: Scene, direction: Direction, price: tuple[str, str] | None
) -> None:
    """A book that is missing, empty, or the wrong way round."""
    intent = await scene.intent({}, direction)
    prices = scene.venues[Venue.BINANCE].prices
    if price is None:
        del prices[XRP]
    else:
        prices[XRP] = (Decimal(price[0]), Decimal(price[1]))
    report = await scene.desk.run(scene.work.execute_order, intent)
    assert report.reason.startswith(f"{Gate.OWN_PRICES_MISSING}; binance tells no price of XRP"), report.reason


async def test_a_reading_that_fails_while_nobody_waits_for_it_is_no_error_of_the_loop(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.venues[Venue.UPBIT].faults["tops"] = deque([Unavailable("busy", venue="upbit")])
    scene.guard.begin(XRP)
    for _ in range(10):
        await asyncio.sleep(0)
    assert not scene.venues[Venue.UPBIT].faults["tops"]
    scene.guard._readings.clear()
    gc.collect()
    assert "never retrieved" not in caplog.text


@dataclass
class SlowVenue(FakeVenue):
    """Answers after a while."""

    clock: ManualClock = field(default_factory=ManualClock)
    takes_ms: int = 0

    async def tops(self, coins: Sequence[Asset]) -> Mapping[Asset, Quote]:
        self.clock.ms += self.takes_ms
        return await super().tops(coins)


@pytest.mark.parametrize(("takes_ms", "sent"), [(1_000, 1), (1_001, 0)])
async def test_an_order_that_expires_while_the_venues_tell_their_prices_is_not_sent(
    scene: Scene, takes_ms: int, sent: int
) -> None:
    slow = SlowVenue(Venue.UPBIT, scene.venues[Venue.UPBIT].prices, clock=scene.desk.clock, takes_ms=takes_ms)
    scene.venues[Venue.UPBIT] = slow
    intent = await scene.intent({}, Direction.TO_UPBIT)
    report = await scene.desk.run(
        scene.work.execute_order, intent.model_copy(update={"expires_at_ms": scene.desk.clock.ms + 1_000})
    )
    assert len(scene.sent) == sent
    assert (report.outcome is OrderOutcome.NOT_SENT) == (sent == 0), report.reason


async def test_forged_ones_in_a_row_halt_new_cycles(scene: Scene) -> None:
    for _ in range(REFUSALS):
        assert scene.desk.journal.halt is HaltLevel.RUN
        await scene.open(upbit_XRP="1.02")
        scene.desk.clock.ms += LASTING_MS // (REFUSALS - 1)
    assert scene.desk.journal.halt is HaltLevel.NO_NEW_CYCLES
    assert Gate.PRICES_DIFFER in scene.desk.journal.reasons[0]


async def test_a_market_that_moves_fast_for_a_moment_halts_nothing(scene: Scene) -> None:
    """Each is refused, but they are over before long, or some in between are believed."""
    for _ in range(3 * REFUSALS):
        await scene.open(upbit_XRP="1.02")
    await scene.open()
    scene.desk.clock.ms += 2 * LASTING_MS
    for _ in range(REFUSALS):
        await scene.open(upbit_XRP="1.02")
        scene.desk.clock.ms += LASTING_MS // REFUSALS
    assert scene.desk.journal.halt is HaltLevel.RUN


async def test_a_reading_that_was_begun_a_moment_ago_is_used_and_an_older_one_is_not(scene: Scene) -> None:
    scene.guard.begin(XRP)
    scene.venues[Venue.UPBIT].faults["tops"] = deque([Unavailable("asked again", venue="upbit")])
    scene.desk.clock.ms += KEEP_MS
    # The task has not run yet: it is the one that meets the fault.
    assert (await scene.open()).outcome is OrderOutcome.NOT_SENT
    assert (await scene.open()).outcome is OrderOutcome.FILLED
    bid, ask = scene.venues[Venue.BINANCE].prices[XRP]
    scene.venues[Venue.BINANCE].prices[XRP] = (bid * 2, ask * 2)
    scene.desk.clock.ms += KEEP_MS + 1
    assert (await scene.open(binance_XRP="0.5")).reason.startswith(f"{Gate.PRICES_DIFFER}; ")


@pytest.mark.parametrize(
    ("venue", "quantity", "price", "rate", "words"),
    [
        (Venue.BINANCE, 50_001, "2", "1", "100,002 USDT is above the ceiling of 100,000"),
        (Venue.BINANCE, 50_001, "2", "1E-18", "100,002 USDT"),
        (Venue.BINANCE, 49_999, "2", "1400", "139,997,200 KRW"),
        (Venue.UPBIT, 50_001, "2000", "1E-18", "100,002,000 KRW"),
    ],
)
async def test_no_rate_of_a_message_lifts_an_order_above_the_ceiling_of_its_own_cash(
    scene: Scene, venue: Venue, quantity: int, price: str, rate: str, words: str
) -> None:
    order = intents.order(
        venue=venue, side=Side.BUY, quantity=Decimal(quantity), limit_price=Decimal(price), krw_per_cash=Decimal(rate)
    )
    report = await scene.desk.run(scene.work.execute_order, order)
    assert report.outcome is OrderOutcome.NOT_SENT
    assert words in report.reason
