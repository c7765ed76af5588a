"""All state of the paper exchange behind the two protocols, and the way of a market update through it."""

from collections.abc import Callable
from decimal import Decimal

from kimp.domain.errors import BadConfig
from kimp.domain.market import Side
from kimp.domain.venues import PAIR, Venue
from kimp.paper.accounts import Accounts
from kimp.paper.addresses import AddressBook, Registrations
from kimp.paper.amounts import CONTEXT
from kimp.paper.book import Book
from kimp.paper.clock import Agenda
from kimp.paper.coins import CoinConfig
from kimp.paper.conditions import Condition, Conditions
from kimp.paper.config import LiveMarket, PaperConfig, SyntheticMarket
from kimp.paper.desk import Desk
from kimp.paper.faults.setup import Faults
from kimp.paper.instruments import KRW, PaperInstrument, binance_instruments, upbit_instruments
from kimp.paper.journal import PaperJournal
from kimp.paper.keeping import KeptPrices
from kimp.paper.keys import ApiKeys, PaperKey
from kimp.paper.market.live import LiveBooks, LiveSource
from kimp.paper.market.replay import ReplaySource
from kimp.paper.market.source import MarketSource, MarketUpdate, Print
from kimp.paper.market.synthetic import SyntheticSource
from kimp.paper.orders import Order, PaperFill
from kimp.paper.tape import NumberedPrint, Tape
from kimp.paper.transfers import TransferDesk
from kimp.paper.wallets import Wallets
from kimp.ports.clock import Clock

BookListener = Callable[[PaperInstrument], None]
PrintListener = Callable[[PaperInstrument, NumberedPrint], None]


class World:
    """Single-threaded: every method runs to its end on the event loop. Raises BadMarketData for unusable files."""

    def __init__(
        self, config: PaperConfig, clock: Clock, prices: KeptPrices | None = None, live: LiveBooks | None = None
    ) -> None:
        """`prices`: where a synthetic market goes on; `live`: what a live one reads."""
        self.config = config
        self.clock = clock
        self.started_ms = clock.now_ms()
        self.agenda = Agenda(clock)
        self.journal = PaperJournal(clock, config.journal_path)
        self.coins: dict[str, CoinConfig] = {coin.name: coin for coin in config.coins}
        markets = [
            *upbit_instruments(config.coins, config.upbit_fee),
            *binance_instruments(config.coins, config.binance_fee),
        ]
        self.instruments = {(i.venue, i.symbol): i for i in markets}
        self._by_coin = {(i.venue, i.base): i for i in self.instruments.values()}
        self.wallets = Wallets()
        self.conditions = Conditions(clock, self.journal)
        self.keys = {venue: ApiKeys(_keys(config, venue), self.started_ms) for venue in PAIR}
        self.withdrawals_locked = False
        """Upbit: like the condition, but without an end."""
        self.addresses = AddressBook(config.coins)
        self.registrations = Registrations(self.addresses)
        opening = {Venue.UPBIT: config.upbit_balances, Venue.BINANCE: config.binance_balances}
        self.accounts = {venue: Accounts(venue, self.journal, opening[venue]) for venue in PAIR}
        self.desks = {venue: self._desk(venue) for venue in PAIR}
        self.transfers = TransferDesk(
            self.accounts,
            self.addresses,
            self.wallets,
            self.agenda,
            clock,
            self.journal,
            config.transfer_time_scale,
            config.transfer_tail,
            seed=len(config.coins),
        )
        self.faults = Faults(
            config.faults, self.desks, self.transfers, self.wallets, self.conditions, self.agenda, clock, self.journal
        )
        self.on_book: dict[Venue, list[BookListener]] = {venue: [] for venue in PAIR}
        self.on_print: dict[Venue, list[PrintListener]] = {venue: [] for venue in PAIR}
        self.source: MarketSource
        self.synthetic: SyntheticSource | None = None
        self.replay: ReplaySource | None = None
        self._open_market(prices, live)

    def of(self, venue: Venue, symbol: str) -> PaperInstrument | None:
        return self.instruments.get((venue, symbol))

    def listed(self, venue: Venue) -> list[PaperInstrument]:
        return [i for i in self.instruments.values() if i.venue is venue]

    def book(self, instrument: PaperInstrument) -> Book:
        return self.desks[instrument.venue].books[instrument.symbol]

    def tape(self, instrument: PaperInstrument) -> Tape:
        return self._tapes[instrument]

    @property
    def may_withdraw(self) -> bool:
        """Whether Upbit's key is unlocked."""
        return not (self.withdrawals_locked or self.conditions.hold(Condition.KEY_LOCKED, Venue.UPBIT))

    def apply(self, update: MarketUpdate) -> None:
        """New prices: match resting orders, then tell the streams."""
        instrument = self._by_coin[update.venue, update.coin]
        self.desks[update.venue].refresh(instrument.symbol, update.bid, update.ask, update.sides)
        for report_book in self.on_book[update.venue]:
            report_book(instrument)
        if update.trade is not None:
            self._print(instrument, update.trade)

    async def run_market(self) -> None:
        async for batch in self.source.updates():
            for update in batch:
                self.apply(update)

    def _desk(self, venue: Venue) -> Desk:
        level_value = self._in_cash(venue, self.config.level_krw)
        books = {i.symbol: Book(i, level_value, f"{venue}/{i.symbol}") for i in self.listed(venue)}
        desk = Desk(venue, self.accounts[venue], books, self.conditions, self.clock, self.journal)
        desk.on_fill.append(self._print_own)
        return desk

    def _in_cash(self, venue: Venue, krw: Decimal) -> Decimal:
        rate = Decimal(1) if venue.cash == KRW else self.config.market.krw_per_usdt
        return CONTEXT.divide(krw, rate)

    def _open_market(self, prices: KeptPrices | None, live: LiveBooks | None) -> None:
        market, instruments = self.config.market, list(self.instruments.values())
        if isinstance(market, SyntheticMarket):
            self.source = self.synthetic = SyntheticSource(market, self.config.coins, instruments)
            if prices is not None:
                self.synthetic.restore(prices)
        elif isinstance(market, LiveMarket):
            if live is None:
                raise BadConfig(
                    "paper.market is live, and nothing reads the venues' books; run `kimp up --market live`"
                )
            self.source = LiveSource(market, live, self.desks, self.clock)
        else:
            self.source = self.replay = ReplaySource(market, instruments, self.config.level_krw)
        self._tapes: dict[PaperInstrument, Tape] = {}
        for update in self.source.opening():
            turnover_krw = self.coins[update.coin].turnover_krw
            self._tapes[self._by_coin[update.venue, update.coin]] = Tape(
                update,
                self._in_cash(update.venue, self.config.turnover_krw if turnover_krw is None else turnover_krw),
            )
            self.apply(update)

    def _print(self, instrument: PaperInstrument, trade: Print) -> None:
        numbered = self._tapes[instrument].add(trade, self.clock.now_ms())
        for report in self.on_print[instrument.venue]:
            report(instrument, numbered)

    def _print_own(self, order: Order, fill: PaperFill) -> None:
        """The customer's trades are on the public tape too, and change the displayed book."""
        instrument = order.request.instrument
        buys = (order.request.side is Side.BUY) is not fill.maker
        self._print(instrument, Print(fill.price, fill.quantity, Side.BUY if buys else Side.SELL))
        for report_book in self.on_book[instrument.venue]:
            report_book(instrument)


def _keys(config: PaperConfig, venue: Venue) -> tuple[PaperKey, ...]:
    upbit = venue is Venue.UPBIT
    first = config.upbit_key if upbit else config.binance_key
    more = config.upbit_more_keys if upbit else config.binance_more_keys
    return (PaperKey(access=first.access, secret=first.secret), *more)
