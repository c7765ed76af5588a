"""Everything that can be set of kimp itself: one frozen, validated object. `docs/configuration.md` is made from it."""

import re
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from kimp.config.history import CodecServerSettings, HistorySettings
from kimp.config.observability import ObservabilitySettings
from kimp.config.section import CoinName, Section, all_hold, shaped
from kimp.config.venues import BinanceSettings, UpbitSettings, VenueSettings
from kimp.contracts.cycle import CyclePolicy
from kimp.domain.admission import AdmissionLimits
from kimp.domain.caps import ORDER_CEILING_KRW, Caps
from kimp.domain.market import Venue
from kimp.domain.money import USDT, Asset
from kimp.domain.opportunity import Limits

Ratio = Annotated[Decimal, Field(ge=-1, le=1)]
BuildId = Annotated[
    str, shaped(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}", "use letters, digits and . _ + -, at most 100 of them")
]
REDIS_URL = re.compile(r"(rediss?|unix)://\S+")


class TradingSettings(Section):
    """What to trade, when, and how much."""

    coins: tuple[CoinName, ...] = ("XRP", "SOL", "DOGE", "TRX", "ADA", "XLM")
    """Coins to earn with. USDT is always a way home and need not be named."""
    threshold: Ratio = Decimal("0.004")
    """Least expected result of the whole cycle over the cash spent (0.004 = 0.4 %)."""
    notional_krw: Decimal = Field(default=Decimal(2_000_000), gt=0)
    """Cash that a cycle starts with, in won."""
    slippage: Ratio = Decimal("0.002")
    """How much worse than the quote an order may fill."""
    premium_band: Ratio = Decimal("0.2")
    """A premium beyond this, either way, is taken for bad data."""
    max_quote_age_ms: int = Field(default=2_000, gt=0)
    """Older quotes are not traded on."""
    cooldown_s: int = Field(default=5, ge=0)
    """Pause of a coin after its cycle ended."""
    start_within_ms: int = Field(default=2_000, gt=0)
    """Leg one is not sent later than this after it was detected."""
    rebalance_floor: Ratio = Decimal("0.001")
    """A way home is taken at once if the cycle still earns this much."""
    rebalance_loss_limit: Ratio = Decimal("-0.01")
    """After the deadline a way home may cost this much."""
    compensation_loss_limit: Ratio = Decimal("-0.05")
    """A cycle that is undone may lose this much at last, reached step by step."""
    rebalance_deadline_s: int = Field(default=3_600, gt=0)
    """How long a cycle waits for a way home that keeps the floor."""
    rebalance_poll_s: int = Field(default=5, gt=0)
    """Pause between two looks for a way home."""
    deposit_unseen_s: int = Field(default=10_800, gt=0)
    """A deposit that was never listed for so long is shown to a person; every chain is final within minutes."""

    @field_validator("coins")
    @classmethod
    def _no_cash(cls, coins: tuple[str, ...]) -> tuple[str, ...]:
        all_hold(
            (
                not {"USDT", "KRW"} & {*coins},
                "KRW and USDT are cash, not coins to earn with; leave them out (USDT is always a route)",
            ),
            (len(set(coins)) == len(coins), "a coin is named twice"),
        )
        return coins

    @model_validator(mode="after")
    def _floor_above_limit(self) -> "TradingSettings":
        all_hold(
            (
                self.rebalance_loss_limit <= self.rebalance_floor,
                "rebalance_loss_limit must not be above rebalance_floor",
            ),
            (
                self.compensation_loss_limit <= self.rebalance_loss_limit,
                "compensation_loss_limit must not be above rebalance_loss_limit",
            ),
        )
        return self

    @property
    def assets(self) -> tuple[Asset, ...]:
        """The coins, and USDT, which is a market on Upbit and a way home."""
        return (*(Asset(coin) for coin in self.coins), USDT)

    def limits(self) -> Limits:
        return Limits(self.threshold, self.notional_krw, self.slippage, self.premium_band, self.max_quote_age_ms)

    def policy(self, caps: Caps) -> CyclePolicy:
        return CyclePolicy(
            slippage=self.slippage,
            route_coins=self.assets,
            rebalance_floor=self.rebalance_floor,
            rebalance_loss_limit=self.rebalance_loss_limit,
            compensation_loss_limit=self.compensation_loss_limit,
            rebalance_deadline_s=self.rebalance_deadline_s,
            rebalance_poll_s=self.rebalance_poll_s,
            deposit_unseen_s=self.deposit_unseen_s,
            max_quote_age_ms=self.max_quote_age_ms,
            caps=caps,
        )


class CapSettings(Section):
    """How much may be at stake, and when kimp stops itself until a person resumes. The bounds are hard ceilings."""

    order_krw: Decimal = Field(default=Decimal(5_000_000), gt=0, le=ORDER_CEILING_KRW)
    """Value of one order at its limit; a larger sale goes out in parts."""
    cycle_krw: Decimal = Field(default=Decimal(5_000_000), gt=0, le=ORDER_CEILING_KRW)
    """Cash that one cycle starts with, in won."""
    day_krw: Decimal = Field(default=Decimal(1_000_000_000), gt=0, le=100_000_000_000)
    """The same of all cycles of 24 hours, together."""
    open_cycles: int = Field(default=5, gt=0, le=500)
    """No new cycle while so many run."""
    cycles_per_minute: int = Field(default=30, gt=0, le=600)
    """More than so many halt trading until `kimp resume`."""
    losses_in_a_row: int = Field(default=5, gt=0, le=100)
    """So many halt trading until `kimp resume`."""
    day_loss_krw: Decimal = Field(default=Decimal(300_000), gt=0, le=1_000_000_000)
    """What the cycles of 24 hours may lose; then trading halts until `kimp resume`."""

    unexplained_krw: Decimal = Field(default=Decimal(10_000), ge=0, le=1_000_000_000)
    """Balances that the ledger can't explain, by value; more halts trading until `kimp resume`."""

    def caps(self) -> Caps:
        return Caps(
            order_krw=self.order_krw,
            cycle_krw=self.cycle_krw,
            day_krw=self.day_krw,
            open_cycles=self.open_cycles,
            cycles_per_minute=self.cycles_per_minute,
            losses_in_a_row=self.losses_in_a_row,
            day_loss_krw=self.day_loss_krw,
        )


class LocalSettings(Section):
    """The parts that kimp runs itself where no URL names a real server."""

    data_dir: Path = Path(".kimp")
    """SQLite, Temporal's state, logs of child processes."""
    temporal_port: int = Field(default=7233, gt=0, lt=65536)
    """Of the Temporal dev server."""
    temporal_ui_port: int = Field(default=8233, gt=0, lt=65536)
    """Of the dev server's Web UI."""
    redis_port: int = Field(default=6399, gt=0, lt=65536)
    """Of kimp's own redis-server."""

    @model_validator(mode="after")
    def _ports_differ(self) -> "LocalSettings":
        ports = (self.temporal_port, self.temporal_ui_port, self.redis_port)
        if len(set(ports)) < len(ports):
            raise ValueError("temporal_port, temporal_ui_port and redis_port must be three different ports")
        return self


class DeploySettings(Section):
    """Worker versioning: open cycles stay with the version that they began on (docs/deploys.md)."""

    versioned: bool = False
    """Switches it on, for initiators and workers alike. A version gets new cycles by `kimp deploy promote`."""
    build_id: BuildId | None = None
    """What tells this version from all others, e.g. a commit. Left out: the version of the package."""

    @property
    def build(self) -> str:
        return self.build_id or version("kimp")


class ConfigSettings(Section):
    """How the configuration itself is kept."""

    refresh_s: int = Field(default=300, gt=0)
    """Pause between two looks of a running process at the secret stores, for keys that were changed there. Only
    where one is named (Parameter Store, Vault, secrets files).
    """


class Sourced(BaseSettings):
    """Settings that `kimp.config.load_with_origins` reads from kimp's sources. The constructor itself looks at none."""

    model_config = SettingsConfigDict(
        env_prefix="KIMP_",
        env_nested_delimiter="__",
        env_ignore_empty=True,
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
    )
    elsewhere: ClassVar[frozenset[str]] = frozenset()
    """Tables of the same sources that another class reads."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic-settings passes all by name
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


class Settings(Sourced):
    """All that can be set of kimp itself."""

    elsewhere: ClassVar[frozenset[str]] = frozenset({"paper"})

    redis_url: SecretStr | None = None
    """Redis, e.g. `redis://user:password@host:6379/0`. Left out: kimp runs its own redis-server."""
    database_url: SecretStr | None = None
    """The database, e.g. `mysql+asyncmy://user:password@host/kimp`. Left out: SQLite in the data directory."""
    config: ConfigSettings = ConfigSettings()
    trading: TradingSettings = TradingSettings()
    caps: CapSettings = CapSettings()
    upbit: UpbitSettings = UpbitSettings()
    binance: BinanceSettings = BinanceSettings()
    local: LocalSettings = LocalSettings()
    history: HistorySettings = HistorySettings()
    codec_server: CodecServerSettings = CodecServerSettings()
    deploy: DeploySettings = DeploySettings()
    observability: ObservabilitySettings = ObservabilitySettings()

    @field_validator("redis_url")
    @classmethod
    def _speaks_redis(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not REDIS_URL.fullmatch(url.get_secret_value()):
            raise ValueError("it is no Redis URL; write redis://user:password@host:6379/0, or rediss:// for TLS")
        return url

    @field_validator("trading")
    @classmethod
    def _earns(cls, trading: TradingSettings) -> TradingSettings:
        """Not a rule of the table itself: what is in force at run time may be no coin at all."""
        if not trading.coins:
            raise ValueError("coins is empty; name at least one")
        return trading

    @property
    def bus_url(self) -> str:
        """Where Redis is, with its password if it has one: never print it."""
        if self.redis_url is not None:
            return self.redis_url.get_secret_value()
        return f"redis://127.0.0.1:{self.local.redis_port}/0"

    def admission(self) -> AdmissionLimits:
        return AdmissionLimits(self.caps.caps(), self.trading.cooldown_s * 1000)

    def policy(self) -> CyclePolicy:
        return self.trading.policy(self.caps.caps()).model_copy(update={"discreet": self.history.encrypted})

    def venue(self, venue: Venue) -> VenueSettings:
        return self.upbit if venue is Venue.UPBIT else self.binance

    @property
    def sql_url(self) -> str:
        """The database's URL, with its password: never print it."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite+aiosqlite:///{self.local.data_dir / 'kimp.db'}"
