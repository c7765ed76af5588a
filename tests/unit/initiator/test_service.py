"""The initiator with ports of its own: at most one cycle per coin and opportunity, whatever goes wrong around it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest
from fakes.caps import RICH, WIDE
from fakes.initiator import KnowingStarter, PlayedBus, StatedBooks
from fakes.initiator_settings import LIMITS, RULES, SETTINGS
from fakes.market import NOW, SOL, TRX, XRP, ManualClock, d, free_rules, kimchi_quotes, quote

from initiator.service import RULES_TRUST_MS, Initiator, InitiatorSettings
from kimp.contracts.ticks import encode_batch
from kimp.domain.admission import CoinState, HaltLevel, legs_out
from kimp.domain.caps import Exposure
from kimp.domain.decision import RiskState, Rules
from kimp.domain.errors import StartFailed, StoreUnavailable
from kimp.domain.gates import Gate
from kimp.domain.market import Quote
from kimp.domain.money import USDT, Asset, Money
from kimp.domain.venues import PAIR, Direction, Venue
from kimp.domain.view import MarketView
from kimp.operations.why import explain_coin
from kimp.ports.starter import StartOutcome

ROUTES = [q for q in kimchi_quotes() if q.coin != XRP]
XRP_QUOTES = [q for q in kimchi_quotes() if q.coin == XRP]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - any condition, so there is no event to wait for
            await asyncio.sleep(0.005)


@dataclass
class Scene:
    """One initiator and its world."""

    settings: InitiatorSettings = SETTINGS
    bus: PlayedBus = field(default_factory=lambda: PlayedBus(rules=free_rules((XRP, TRX, USDT))))
    starter: KnowingStarter = field(default_factory=KnowingStarter)
    books: StatedBooks = field(default_factory=StatedBooks)
    clock: ManualClock = field(default_factory=ManualClock)

    def __post_init__(self) -> None:
        self.initiator = Initiator(
            self.bus,
            self.starter,
            self.books,
            self.books,
            self.books,
            self.clock,
            self.settings,
            self.latest,
        )

    async def latest(self) -> InitiatorSettings:
        if self.books.away is not None:
            raise self.books.away
        return self.settings

    @property
    def counts(self) -> dict[str, int]:
        return self.initiator.counts

    async def know(self) -> None:
        """What the first second of running reads."""
        await self.initiator._read_knowledge()
        await self.initiator._read_rules()

    async def see(self, *quotes: Quote) -> None:
        """Take the quotes in one batch, and let the starts that they made end."""
        self.initiator.take(list(quotes))
        await self.settle()

    async def settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.initiator.run())
        try:
            yield
            assert not task.done(), "the initiator must not end by itself"
        finally:
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert len(asyncio.all_tasks()) == 1, "a cancelled initiator leaves no task behind"


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_an_opportunity_starts_one_cycle(scene: Scene) -> None:
    await scene.know()
    await scene.see(*kimchi_quotes())
    assert [cycle.cycle_id for cycle in scene.starter.asked if cycle.coin == XRP] == ["XRP-1"]
    cycle = next(cycle for cycle in scene.starter.asked if cycle.coin == XRP)
    assert cycle.expected_edge == d("0.01")
    assert cycle.expires_at_ms == NOW + SETTINGS.start_within_ms


@pytest.mark.parametrize("ahead_ms", [600_000, -600_000])
async def test_when_a_cycle_expires_is_told_by_the_clock_that_judges_it(ahead_ms: int) -> None:
    """The journal's database: this machine's clock may be another one's past or future."""
    scene = Scene(books=StatedBooks(at_stake=replace(RICH, now_ms=NOW + ahead_ms)))
    await scene.know()
    scene.clock.ms += 300
    await scene.see(*kimchi_quotes())
    assert scene.starter.asked[0].expires_at_ms == NOW + ahead_ms + 300 + SETTINGS.start_within_ms


async def test_the_way_home_is_sought_among_the_best_ways_home() -> None:
    """Five coins as dear as XRP are better ways out than TRX, and as ways home they would cost the profit."""
    dear = [Asset(name) for name in ("XRP", "ADA", "DOT", "ETC", "SOL")]
    coins = (*dear, TRX, USDT)
    scene = Scene(replace(SETTINGS, coins=coins), PlayedBus(rules=free_rules(coins)))
    await scene.know()
    await scene.see(*ROUTES, *(q._replace(coin=coin) for coin in dear for q in XRP_QUOTES))
    out = [cycle.expected_route for cycle in scene.starter.asked if cycle.coin in dear]
    assert out
    assert set(out) == {TRX}


async def test_two_opportunities_of_one_coin_open_one_cycle(scene: Scene) -> None:
    """The second comes while Temporal has not yet answered, the third when it has."""
    scene.starter.gate = asyncio.Event()
    await scene.know()
    await scene.see(*ROUTES, *XRP_QUOTES)
    await scene.see(*XRP_QUOTES)
    scene.starter.gate.set()
    await scene.settle()
    await scene.see(*XRP_QUOTES)
    assert scene.starter.ids.count("XRP-1") == 1
    assert not {"XRP-2"} & set(scene.starter.ids)
    assert scene.counts[Gate.COIN_BUSY] > 0


async def test_two_initiators_open_one_cycle(scene: Scene) -> None:
    other = Scene(starter=scene.starter)
    for each in (scene, other):
        await each.know()
        await each.see(*ROUTES)
    scene.starter.asked.clear()
    for each in (scene, other):
        await each.see(*XRP_QUOTES)
    assert scene.starter.ids == ["XRP-1", "XRP-1"], "XRP out and TRX home is one mispricing"
    assert scene.counts[StartOutcome.STARTED] == 1
    assert other.counts[StartOutcome.ALREADY_OPEN] == 1
    await other.see(*XRP_QUOTES)
    assert scene.starter.ids.count("XRP-1") == 2, "the second initiator learned that the coin is busy"
    assert "XRP-2" not in scene.starter.ids


async def test_a_number_that_is_used_up_is_learned_and_the_next_one_asked_for() -> None:
    """The database lost the coin's first cycle; Temporal still knows it."""
    scene = Scene(replace(SETTINGS, rules=replace(RULES, cooldown_ms=10_000)))
    scene.starter.used["XRP-1"] = False
    await scene.know()
    await scene.see(*kimchi_quotes())
    assert scene.counts[StartOutcome.ALREADY_CLOSED] == 1
    await scene.see(*XRP_QUOTES)
    assert "XRP-2" not in scene.starter.ids, "when that cycle ended is not known, so the coin rests first"
    scene.clock.ms += 10_000
    await scene.know()
    await scene.see(*kimchi_quotes(scene.clock.ms))
    assert "XRP-2" in scene.starter.ids


def scene_with_sol(rules: Rules = RULES) -> Scene:
    coins = (XRP, TRX, SOL, USDT)
    return Scene(replace(SETTINGS, coins=coins, rules=rules), PlayedBus(rules=free_rules(coins)))


DEARER_SOL = [quote(Venue.UPBIT, SOL, "2850", "2852"), quote(Venue.BINANCE, SOL, "1.999", "2")]
"""1.8 % above USDT, where XRP is 1 %."""
CHEAP_TRX = [quote(Venue.UPBIT, TRX, "344", "345"), quote(Venue.BINANCE, TRX, "0.25", "0.2501")]
"""1.4 % below USDT: it pays alone, the other way."""


async def test_the_best_of_what_pays_at_once_is_started_first() -> None:
    scene = scene_with_sol(Rules(LIMITS, replace(WIDE, open_cycles=1), cooldown_ms=0))
    await scene.know()
    await scene.see(*kimchi_quotes(), *DEARER_SOL)
    assert scene.starter.ids == ["SOL-1"]
    assert scene.counts[Gate.OPEN_CYCLES] == 1, "for XRP there was no room any more"


async def test_where_there_is_room_the_next_best_follows() -> None:
    scene = scene_with_sol()
    await scene.know()
    await scene.see(*kimchi_quotes(), *DEARER_SOL)
    assert scene.starter.ids == ["SOL-1", "XRP-1"]


async def test_one_mispricing_opens_one_cycle_and_not_its_mirror(scene: Scene) -> None:
    """XRP out and TRX home, or TRX out and XRP home: the same four trades. TRX is the further one off."""
    await scene.know()
    await scene.see(*kimchi_quotes(), *CHEAP_TRX)
    await scene.see(*kimchi_quotes(), *CHEAP_TRX)
    assert len(scene.starter.ids) == 1
    assert scene.counts[Gate.MIRROR] > 0


async def test_the_mirror_of_a_cycle_that_another_initiator_began_is_not_opened(scene: Scene) -> None:
    scene.books.states = {TRX: CoinState(4, open=True, closed_ms=None, direction=Direction.TO_BINANCE)}
    await scene.know()
    await scene.see(*kimchi_quotes(), *CHEAP_TRX)
    assert not scene.starter.ids
    assert scene.counts[Gate.MIRROR] > 0


async def test_the_number_follows_the_read_model(scene: Scene) -> None:
    scene.books.states = {XRP: CoinState(41, open=False, closed_ms=NOW - 60_000)}
    await scene.know()
    await scene.see(*kimchi_quotes())
    assert "XRP-42" in scene.starter.ids


async def test_a_coin_rests_after_its_cycle(scene: Scene) -> None:
    scene.books.states = {XRP: CoinState(41, open=False, closed_ms=NOW - 59_999)}
    await scene.know()
    await scene.see(*kimchi_quotes())
    assert not [name for name in scene.starter.ids if name.startswith("XRP")]
    assert scene.counts[Gate.COOLDOWN] > 0


async def test_what_a_market_refused_brings_no_cash_home_and_is_not_offered_to_the_cycle() -> None:
    scene = scene_with_sol()
    scene.books.states = {TRX: CoinState(0, open=False, closed_ms=None, refusals=1, refused_ms=NOW - 29_999)}
    await scene.know()
    await scene.see(*kimchi_quotes(), *DEARER_SOL)
    assert scene.starter.asked
    for cycle in scene.starter.asked:
        assert cycle.expected_route != TRX
        assert TRX not in cycle.policy.route_coins


async def test_no_more_cycles_than_allowed_even_in_one_batch() -> None:
    """Both XRP and SOL pay at once; starts under way count as open."""
    scene = scene_with_sol(Rules(LIMITS, replace(WIDE, open_cycles=1), cooldown_ms=0))
    await scene.know()
    await scene.see(*kimchi_quotes(), *DEARER_SOL)
    await scene.see(*kimchi_quotes(), *DEARER_SOL)
    assert len(set(scene.starter.ids)) == 1
    assert scene.counts[Gate.OPEN_CYCLES] > 0


@pytest.mark.parametrize("level", [HaltLevel.NO_NEW_CYCLES, HaltLevel.ONLY_COMPENSATION, HaltLevel.NOTHING_LEAVES])
async def test_the_kill_switch_forbids_new_cycles(scene: Scene, level: HaltLevel) -> None:
    scene.books.level = level
    await scene.know()
    await scene.see(*kimchi_quotes())
    assert not scene.starter.asked
    assert scene.counts[Gate.KILL_SWITCH] > 0


async def test_a_kill_switch_that_was_never_read_counts_as_on(scene: Scene) -> None:
    await scene.initiator._read_rules()
    await scene.see(*kimchi_quotes())
    assert not scene.starter.asked


async def test_a_kill_switch_that_was_not_read_lately_counts_as_on(scene: Scene) -> None:
    await scene.know()
    scene.clock.ms += 5_001
    await scene.see(*kimchi_quotes(scene.clock.ms))
    assert not scene.starter.asked
    assert scene.counts[Gate.KILL_SWITCH] > 0


async def test_a_latch_that_was_reached_halts_trading_until_a_person_has_looked(scene: Scene) -> None:
    scene.books.at_stake = replace(RICH, exposure=Exposure(losses_in_a_row=WIDE.losses_in_a_row))
    await scene.know()
    assert scene.books.level is HaltLevel.NO_NEW_CYCLES
    await scene.know()
    await scene.see(*kimchi_quotes())
    assert not scene.starter.asked
    assert scene.books.halts == ["losses_in_a_row: 100 cycles in a row lost money; 100 allowed"]


@pytest.mark.parametrize(
    "books",
    [
        StatedBooks(level=HaltLevel.NO_NEW_CYCLES),
        StatedBooks(states={XRP: CoinState(41, open=True, closed_ms=None)}),
        StatedBooks(states={XRP: CoinState(41, open=False, closed_ms=NOW - 1)}),
        StatedBooks(states={Asset(f"C{n}"): CoinState(1, open=True, closed_ms=None) for n in range(5)}),
        StatedBooks(states={TRX: CoinState(1, open=True, closed_ms=None, direction=Direction.TO_BINANCE)}),
        StatedBooks(at_stake=replace(RICH, exposure=Exposure(day_krw=100_000_000_000))),
        StatedBooks(at_stake=replace(RICH, free={venue: Money(d(1), venue.cash) for venue in PAIR})),
    ],
    ids=["halted", "busy", "rests", "full", "mirror", "day cap", "no cash"],
)
async def test_who_asks_why_reads_the_gate_that_is_counted(books: StatedBooks) -> None:
    scene = Scene(books=books)
    await scene.know()
    scene.counts.clear()
    await scene.see(*kimchi_quotes())
    opened = sum(state.open for state in books.states.values())
    facts = RiskState(
        books.level, books.at_stake.exposure.with_open(opened), books.at_stake.free, legs_out(books.states)
    )
    view = MarketView.of(kimchi_quotes(), free_rules((XRP, TRX, USDT)))
    reported = explain_coin(view, PAIR, XRP, (XRP, TRX, USDT), books.states, facts, SETTINGS.rules, NOW, NOW)
    first = reported.directions[Direction.TO_UPBIT].closed[0].gate
    assert scene.counts[first] > 0
    assert "XRP" not in {cycle.coin for cycle in scene.starter.asked}


@pytest.mark.parametrize(
    ("venue", "gates"),
    [(Venue.BINANCE, {Gate.CAPITAL}), (Venue.UPBIT, set[Gate]())],
    ids=["where the cycle begins", "where it leads"],
)
async def test_cash_that_is_not_there_starts_nothing(scene: Scene, venue: Venue, gates: set[Gate]) -> None:
    """XRP goes out from Binance, where it is bought for USDT."""
    scene.books.at_stake = replace(RICH, free={**RICH.free, venue: Money(d(1), venue.cash)})
    await scene.know()
    await scene.see(*ROUTES, *XRP_QUOTES)
    assert gates <= scene.counts.keys()
    assert ("XRP-1" in scene.starter.ids) == (not gates)


async def test_a_cycle_beyond_a_cap_is_not_started() -> None:
    scene = Scene(replace(SETTINGS, rules=replace(RULES, caps=replace(WIDE, cycle_krw=d(1)))))
    await scene.know()
    await scene.see(*kimchi_quotes())
    assert not scene.starter.asked
    assert scene.counts[Gate.CYCLE_CAP] > 0


async def test_a_stale_quote_starts_nothing(scene: Scene) -> None:
    await scene.know()
    scene.clock.ms += 1_001
    await scene.see(*kimchi_quotes())
    assert not scene.starter.asked
    assert scene.counts[Gate.QUOTE_STALE] > 0


async def test_rules_that_are_not_read_anew_count_as_none(scene: Scene) -> None:
    """A wallet may have been closed since."""
    scene.clock.ms += RULES_TRUST_MS + 1
    await scene.know()
    await scene.see(*kimchi_quotes(scene.clock.ms))
    assert not scene.starter.asked


async def test_a_coin_far_from_its_usual_premium_is_not_started(scene: Scene) -> None:
    scene.bus.usual = {XRP: d("-0.09")}
    await scene.know()
    await scene.see(*kimchi_quotes())
    assert not scene.starter.asked
    assert scene.counts[Gate.PREMIUM_BAND] > 0


async def test_a_start_that_failed_is_tried_with_the_same_number(scene: Scene) -> None:
    scene.starter.faults.append(StartFailed("no answer"))
    await scene.know()
    await scene.see(*kimchi_quotes())
    asked = len(scene.starter.asked)
    await scene.see(*kimchi_quotes())
    assert len(scene.starter.asked) > asked
    assert set(scene.starter.ids) == {"XRP-1"}
    assert scene.counts["start_failed"] == 1


async def test_a_late_joiner_starts_from_the_last_values(scene: Scene) -> None:
    scene.bus.last = kimchi_quotes()
    await scene.know()
    await scene.settle()
    assert "XRP-1" in scene.starter.ids


async def test_messages_become_cycles(scene: Scene) -> None:
    async with scene.running():
        await until(lambda: scene.books.readings > 0)
        scene.bus.channel.put_nowait(encode_batch(kimchi_quotes()))
        await until(lambda: "XRP-1" in scene.starter.ids)


POISON = [
    b"",
    b"not json",
    b"[1,[]]",
    b"\xff\xfe",
    b"[2,[]," + b"[" * 100_000,
    b'[2,[["upbit","XRP","0","1","0","1",1790000000000]]]',
    b'[2,[["binance","XRP","1","1","1E+999999","1",1790000000000]]]',
    b'[2,[["binance","XRP","NaN","1","NaN","1",1790000000000]]]',
    b'[2,[["kraken","XRP","1","1","2","1",1790000000000]]]',
]


async def test_a_poison_message_does_not_stop_the_loop(scene: Scene) -> None:
    async with scene.running():
        await until(lambda: scene.books.readings > 0)
        for message in POISON:
            scene.bus.channel.put_nowait(message)
        scene.bus.channel.put_nowait(encode_batch(kimchi_quotes()))
        await until(lambda: "XRP-1" in scene.starter.ids)
        assert scene.counts["bad_message"] == len(POISON)


async def test_whatever_one_message_raises_the_next_one_is_taken(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    take = scene.initiator.take

    def taken(quotes: list[Quote]) -> None:
        if quotes[0].coin == TRX:
            raise ZeroDivisionError("of a kind that nobody thought of")
        take(quotes)

    monkeypatch.setattr(scene.initiator, "take", taken)
    async with scene.running():
        await until(lambda: scene.books.readings > 0)
        for _ in range(3):
            scene.bus.channel.put_nowait(encode_batch([quote(Venue.UPBIT, TRX, "349.9", "350")]))
        scene.bus.channel.put_nowait(encode_batch(kimchi_quotes()))
        await until(lambda: "XRP-1" in scene.starter.ids)
    assert scene.counts["failed_message"] == 3
    assert caplog.text.count("of a kind that nobody thought of") == 1, "told once, counted each time"


async def test_a_quote_from_the_future_is_refused_and_hides_none_that_comes_after_it(scene: Scene) -> None:
    await scene.know()
    lead = LIMITS.max_quote_age_ms
    await scene.see(*kimchi_quotes(NOW + lead + 1))
    assert scene.counts["future_quote"] == len(kimchi_quotes())
    assert await scene.initiator.stale() is not None, "nothing was heard"
    await scene.see(*kimchi_quotes())
    assert "XRP-1" in scene.starter.ids


async def test_a_clock_that_is_set_back_leaves_no_quote_of_the_future(scene: Scene) -> None:
    await scene.know()
    await scene.see(quote(Venue.UPBIT, XRP, "2700", "2701"))
    scene.clock.off_ms = -600_000
    scene.bus.rules = free_rules((XRP, TRX, USDT), NOW - 600_000)
    await scene.know()
    await scene.see(*kimchi_quotes(NOW - 600_000))
    assert "XRP-1" in scene.starter.ids


async def test_a_database_that_is_away_is_outlived(scene: Scene) -> None:
    scene.books.away = StoreUnavailable("the database is away")
    async with scene.running():
        await until(lambda: scene.counts["read_failed"] > 0)
        scene.bus.channel.put_nowait(encode_batch(kimchi_quotes()))
        await until(lambda: scene.counts["quotes"] > 0)
        assert not scene.starter.asked
        scene.books.away, failed = None, scene.books.readings
        await until(lambda: scene.books.readings > failed)
        scene.bus.channel.put_nowait(encode_batch(kimchi_quotes()))
        await until(lambda: "XRP-1" in scene.starter.ids)


async def test_a_coin_of_another_list_is_ignored(scene: Scene) -> None:
    await scene.know()
    unknown: Asset = SOL
    await scene.see(quote(Venue.UPBIT, unknown, "1", "2"), quote(Venue.BINANCE, unknown, "1", "2"))
    assert not scene.starter.asked
