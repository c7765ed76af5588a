"""What both venues show at this moment, and whether it may be traded on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Self

from kimp.domain.gates import Blocked, Gate, Gates, first_closed
from kimp.domain.market import Instrument, Network, Quote, VenueRules
from kimp.domain.money import KRW, USDT, ZERO, Asset, Money, exact
from kimp.domain.premium import mid, premium_between
from kimp.domain.venues import Direction, Pair, Venue
from kimp.domain.won import in_won, krw_per_usdt
from kimp.domain.wording import money


@dataclass(slots=True)
class MarketView:
    """The latest quotes and rules of both venues. The owner feeds it; decisions only read it."""

    quotes: dict[tuple[Venue, Asset], Quote] = field(default_factory=dict)
    instruments: Mapping[tuple[Venue, Asset], Instrument] = field(default_factory=dict)
    networks: Mapping[tuple[Venue, Asset], Network] = field(default_factory=dict)
    turnovers: Mapping[tuple[Venue, Asset], Decimal] = field(default_factory=dict)
    """Of 24 hours, in the venue's cash, where that is known."""
    usual_premiums: Mapping[Asset, Decimal] = field(default_factory=dict)
    """Each coin's own over the last day (`kimp.domain.usual_premiums`), where that is known."""

    @classmethod
    def of(
        cls, quotes: Iterable[Quote], rules: Iterable[VenueRules], usual_premiums: Mapping[Asset, Decimal] | None = None
    ) -> Self:
        view = cls({(quote.venue, quote.coin): quote for quote in quotes}, usual_premiums=usual_premiums or {})
        view.apply_rules(rules)
        return view

    def apply_rules(self, rules: Iterable[VenueRules]) -> None:
        """Replace all rules by a fresh reading."""
        readings = tuple(rules)
        self.instruments = {(i.venue, i.coin): i for reading in readings for i in reading.instruments}
        self.networks = {(n.venue, n.coin): n for reading in readings for n in reading.networks}
        self.turnovers = {(t.venue, t.coin): t.cash for reading in readings for t in reading.turnovers}


def check_quote(view: MarketView, venue: Venue, coin: Asset, now_ms: int, max_age_ms: int) -> Quote | Blocked:
    """The venue's quote of `coin`, if it may be traded on: present, fresh, not crossed."""
    quote = view.quotes.get((venue, coin))
    if quote is None:
        return Blocked(Gate.QUOTE_MISSING, f"no quote of {coin} on {venue} yet")
    if quote.age_ms(now_ms) > max_age_ms:
        return Blocked(
            Gate.QUOTE_STALE,
            f"{coin} on {venue} is {quote.age_ms(now_ms)} ms old, {max_age_ms} allowed",
        )
    if quote.age_ms(now_ms) < -max_age_ms:
        # Its true age is unknown: by this clock it would look fresh long after it stopped being so.
        return Blocked(
            Gate.QUOTE_STALE, f"{coin} on {venue} is {-quote.age_ms(now_ms)} ms ahead of this clock; set both clocks"
        )
    if quote.crossed:
        return Blocked(Gate.QUOTE_CROSSED, f"{coin} on {venue}: bid {quote.bid} >= ask {quote.ask}")
    return quote


def premium_gate(view: MarketView, pair: Pair, coin: Asset, band: Decimal) -> Blocked | None:
    """Whether the coin's premium is too large to be one: another coin of the same name, a frozen book, a closed wallet.

    USDT has none against itself. Without all three quotes nothing can be told.
    """
    if coin == USDT:
        return None
    premium = premium_between(view.quotes, pair, coin, krw_per_usdt(view.quotes, pair.won))
    return None if premium is None else band_gate(view, coin, premium, band)


@exact
def band_gate(view: MarketView, coin: Asset, premium: Decimal, band: Decimal) -> Blocked | None:
    """The same of a premium that is known: neither zero nor what is usual for the coin may be further away.

    What is usual counts from when it is known: until then, an hour at most, zero alone does.
    """
    if abs(premium) > band:
        return Blocked(Gate.PREMIUM_BAND, f"premium {premium:+.2%} of {coin} is beyond +-{band:.2%}")
    usual = view.usual_premiums.get(coin)
    if usual is not None and abs(premium - usual) > band:
        return Blocked(
            Gate.PREMIUM_BAND, f"premium {premium:+.2%} of {coin} is more than {band:.2%} from its usual {usual:+.2%}"
        )
    return None


@exact
def tick_gate(view: MarketView, pair: Pair, coin: Asset, most: Decimal | None) -> Blocked | None:
    """Whether one step of the coin's price, on either venue, is so large that an edge may be nothing but a step.

    `most`: as a ratio of the price; None: any. USDT is never left out: it is the way home that all others are measured
    by.
    """
    if coin == USDT or most is None:
        return None
    for venue in pair:
        quote, instrument = view.quotes.get((venue, coin)), view.instruments.get((venue, coin))
        if quote is None or instrument is None or quote.bid <= ZERO:
            continue
        price = mid(quote)
        if (step := instrument.tick(price) / price) > most:
            return Blocked(Gate.COARSE_TICK, f"one tick of {coin} on {venue} is {step:.3%}, {most:.3%} allowed")
    return None


@exact
def turnover_gate(view: MarketView, pair: Pair, coin: Asset, least_krw: Decimal) -> Blocked | None:
    """Whether so little of the coin is traded, on either venue, that its last price tells little and its books are
    soon gone. What a venue does not tell counts as too little.

    `least_krw`: of 24 hours, in won; 0: any. USDT is never left out.
    """
    rate = krw_per_usdt(view.quotes, pair.won)
    if coin == USDT or least_krw <= ZERO or rate is None:
        return None
    for venue in pair:
        cash = view.turnovers.get((venue, coin))
        if cash is None:
            return Blocked(
                Gate.TURNOVER, f"what {coin} turns over on {venue} is not known; {money(least_krw, KRW)} wanted"
            )
        if (krw := in_won(Money(cash, venue.cash), rate)) < least_krw:
            return Blocked(
                Gate.TURNOVER,
                f"{coin} turned over {money(krw, KRW)} on {venue} in 24 hours; {money(least_krw, KRW)} wanted",
            )
    return None


def wallet_gates(view: MarketView, coin: Asset, direction: Direction) -> Gates[tuple[Network, Network]]:
    """The networks that carry `coin` out of the source and into the destination."""
    out = view.networks.get((direction.source, coin))
    into = view.networks.get((direction.destination, coin))
    if out is None or into is None:
        missing = direction.source if out is None else direction.destination
        yield Blocked(Gate.RULES_MISSING, f"the {coin} wallet of {missing} is not known")
        return None
    if not out.withdraw_open:
        yield Blocked(Gate.WALLET_CLOSED, f"{direction.source} lets no {coin} out")
    if not into.deposit_open:
        yield Blocked(Gate.WALLET_CLOSED, f"{direction.destination} takes no {coin} in")
    return out, into


def check_wallets(view: MarketView, coin: Asset, direction: Direction) -> tuple[Network, Network] | Blocked:
    """Both networks, if both are open."""
    return first_closed(wallet_gates(view, coin, direction))
