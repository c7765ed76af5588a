"""Everything about the paper exchange that can be set."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from kimp.domain.modelled_book import BookShape
from kimp.domain.venues import Venue
from kimp.paper.coins import DEFAULT_COINS, Amount, CoinConfig, Positive
from kimp.paper.faults.plan import FaultPlan
from kimp.paper.keys import PaperKey

Port = Annotated[int, Field(ge=0, le=65535)]


class PaperSection(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PaperKeyPair(PaperSection):
    """The first API key of a venue. It may do everything, withdrawals included."""

    access: SecretStr
    secret: SecretStr


class SyntheticMarket(PaperSection):
    """Prices out of a seeded generator: correlated random walks, mean-reverting premiums, and premium episodes."""

    kind: Literal["synthetic"] = "synthetic"
    seed: int = 7
    ticks_per_second: int = Field(default=100, ge=0, le=20_000)
    """Updates per second over all markets together. 0: prices move only when a premium is set."""
    krw_per_usdt: Positive = Decimal(1475)
    correlation: float = Field(default=0.7, ge=0, le=1)
    """Share of each coin's moves that all coins make together."""
    daily_volatility: float = Field(default=0.05, ge=0, le=1)
    premium_std: float = Field(default=0.001, ge=0, le=0.05)
    premium_reversion_s: float = Field(default=60.0, gt=0)
    episode_every_s: float = Field(default=8.0, ge=0)
    """Mean time between two openings, over all coins. 0: no episodes."""
    episode_hold_s: tuple[float, float] = (10.0, 30.0)
    episode_premium: tuple[float, float] = (0.008, 0.02)
    """Smallest and largest size of an episode; its sign is drawn."""


class ReplayMarket(PaperSection):
    """Recorded prices. The header of each file says whether it holds candles, ticks, snapshots or daily rates."""

    kind: Literal["replay"] = "replay"
    files: tuple[Path, ...] = Field(min_length=1)
    speed: float = Field(default=60.0, gt=0)
    """Recorded seconds per real second."""
    krw_per_usdt: Positive = Decimal(1475)
    """Until the files tell a price of KRW-USDT."""
    half_spread: Annotated[Decimal, Field(ge=0, lt=Decimal("0.01"))] = BookShape().half_spread
    """Of the price; at least one tick lies between bid and ask."""
    waits: bool = False
    """Stand still, with no premium anywhere, until the admin listener is told to begin."""


class LiveMarket(PaperSection):
    """The venues' own books, by their public streams. `kimp up --market live` sets it."""

    kind: Literal["live"] = "live"
    ws_urls: dict[Venue, str]
    """Of each venue's public stream."""
    latency_ms: int = Field(default=150, ge=0, le=10_000)
    """An order meets the books as they are so long after it came."""
    gone_s: float = Field(default=5.0, ge=0, le=3_600)
    """For so long what kimp took is not there again: the venue's book still shows it, as nothing was taken of it."""
    stale_ms: int = Field(default=2_000, ge=100, le=60_000)
    """No order is taken on a book whose stream gave no sign of life for so long."""
    krw_per_usdt: Positive = Decimal(1475)
    """For the turnover and the levels that are made of won amounts; the books have the market's own."""


class RateLimits(PaperSection):
    """Per second on Upbit (docs: rate-limits), per the named window on Binance (docs: rest-api limits)."""

    upbit_market: int = 10
    """Each group of public calls."""
    upbit_default: int = 30
    upbit_order: int = 12
    upbit_order_test: int = 8
    upbit_ws_connects: int = 5
    upbit_ws_messages: int = 5
    binance_weight_1m: int = 6_000
    binance_orders_10s: int = 100
    binance_orders_1d: int = 200_000
    binance_sapi_ip_1m: int = 12_000
    binance_sapi_uid_1m: int = 180_000
    binance_sapi_uid_1s: int = 180_000


class StreamTimes(PaperSection):
    """Housekeeping of WebSocket connections, seconds."""

    upbit_idle_s: float = Field(default=120.0, gt=0)
    upbit_status_s: float = Field(default=10.0, gt=0)
    binance_ping_s: float = Field(default=20.0, gt=0)
    binance_pong_within_s: float = Field(default=60.0, gt=0)
    binance_max_age_s: float = Field(default=86_400.0, gt=0)


class PaperConfig(PaperSection):
    """One paper exchange. Port 0 takes a free port."""

    host: str = "127.0.0.1"
    upbit_port: Port = 9801
    binance_port: Port = 9802
    admin_port: Port = 9803
    upbit_key: PaperKeyPair = PaperKeyPair(access=SecretStr("paper-upbit"), secret=SecretStr("paper-upbit-secret"))
    binance_key: PaperKeyPair = PaperKeyPair(
        access=SecretStr("paper-binance"), secret=SecretStr("paper-binance-secret")
    )
    upbit_more_keys: tuple[PaperKey, ...] = ()
    binance_more_keys: tuple[PaperKey, ...] = ()
    upbit_balances: dict[str, Amount] = Field(default_factory=lambda: {"KRW": Decimal(100_000_000)})
    binance_balances: dict[str, Amount] = Field(default_factory=lambda: {"USDT": Decimal(100_000)})
    coins: tuple[CoinConfig, ...] = DEFAULT_COINS
    market: SyntheticMarket | ReplayMarket | LiveMarket = Field(default=SyntheticMarket(), discriminator="kind")
    level_krw: Positive = Decimal(700_000)
    """Mean value of the first levels of a displayed order book, of which a usual cycle takes several; each level behind
    is larger. Where recorded prices are replayed each of ten levels has this value. USDT books get the same value."""
    turnover_krw: Amount = Decimal(20_000_000_000)
    """What each market had turned over in the 24 hours before the exchange opened, by value."""
    upbit_fee: Amount = Decimal("0.0005")
    binance_fee: Amount = Decimal("0.001")
    transfer_time_scale: float = Field(default=0.01, ge=0)
    """1: transfers take as long as on the real chains."""
    transfer_tail: float = Field(default=0.0, ge=0, le=2)
    """How much longer some transfers take than others: each step's time is drawn from a lognormal distribution with
    this deviation; 0: none is late.
    """
    repeated_withdraw_order_id: Literal["accept", "refuse"] = "accept"
    """What Binance makes of a `withdrawOrderId` that it has seen. It does not say, so the worse is assumed."""
    binance_questionnaire: str = Field(default="NIL", min_length=1)
    """The country whose travel rule Binance asks about with each withdrawal; NIL: it asks nothing."""
    limits: RateLimits = RateLimits()
    streams: StreamTimes = StreamTimes()
    faults: FaultPlan = FaultPlan()
    """Until another plan is put over the admin listener."""
    journal_path: Path | None = None
    """All that happens is logged there, as JSON lines; it is never read again."""
    state_path: Path | None = None
    """Where balances, orders and transfers are kept over restarts; None: nothing is. `kimp up` names one in its data
    directory. What the file holds goes before the balances set here.
    """

    @model_validator(mode="after")
    def _coins_are_distinct(self) -> "PaperConfig":
        names = [coin.name for coin in self.coins]
        if len(set(names)) != len(names):
            raise ValueError("coins: a coin is named twice")
        if "USDT" not in names:
            raise ValueError("coins: USDT is missing; it is Upbit's market for the exchange rate")
        return self
