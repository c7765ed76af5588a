"""One validated, frozen settings object. Sources, the first that has a value wins: environment (`KIMP_...`,
nested with `__`), `.env`, the TOML file (`kimp.toml`, or the one that `KIMP_CONFIG` names), defaults.
"""

import os
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from kimp.contracts.cycle import CyclePolicy
from kimp.domain.admission import AdmissionLimits
from kimp.domain.errors import BadConfig
from kimp.domain.market import Venue
from kimp.domain.money import USDT, Asset
from kimp.domain.opportunity import Limits
from kimp.history_settings import CodecServerSettings, HistorySettings

Ratio = Annotated[Decimal, Field(ge=-1, le=1)]
CoinName = Annotated[str, Field(pattern=r"^[A-Z0-9]{1,12}$")]


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class VenueSettings(Section):
    """One exchange. The defaults are the paper exchange's; live trading is not enabled yet."""

    rest_url: str
    ws_url: str
    access_key: SecretStr
    secret_key: SecretStr
    networks: dict[str, str]
    """Coin -> the venue's own name of the chain that kimp uses for it."""
    withdraw_to: dict[str, str] = Field(default_factory=dict)
    """Coin -> the only address (`address` or `address:tag`) that coins may be sent to *from this venue*.

    Empty: the paper exchange's own addresses, which `kimp` reads from it at start.
    """


class TradingSettings(Section):
    """What to trade, when, and how much."""

    coins: tuple[CoinName, ...] = ("XRP", "SOL", "DOGE", "TRX", "ADA", "XLM")
    threshold: Ratio = Decimal("0.004")
    notional_krw: Decimal = Field(default=Decimal(2_000_000), gt=0)
    slippage: Ratio = Decimal("0.002")
    premium_band: Ratio = Decimal("0.2")
    max_quote_age_ms: int = Field(default=2_000, gt=0)
    max_open_cycles: int = Field(default=5, gt=0)
    cooldown_s: int = Field(default=5, ge=0)
    start_within_ms: int = Field(default=2_000, gt=0)
    rebalance_floor: Ratio = Decimal("0.001")
    rebalance_loss_limit: Ratio = Decimal("-0.01")
    compensation_loss_limit: Ratio = Decimal("-0.05")
    rebalance_deadline_s: int = Field(default=3_600, gt=0)
    rebalance_poll_s: int = Field(default=5, gt=0)

    @field_validator("coins")
    @classmethod
    def _no_cash(cls, coins: tuple[str, ...]) -> tuple[str, ...]:
        if "USDT" in coins or "KRW" in coins:
            raise ValueError("KRW and USDT are cash, not coins to earn with; leave them out (USDT is always a route)")
        if len(set(coins)) != len(coins):
            raise ValueError("a coin is named twice")
        return coins

    @model_validator(mode="after")
    def _floor_above_limit(self) -> "TradingSettings":
        if self.rebalance_loss_limit > self.rebalance_floor:
            raise ValueError("rebalance_loss_limit must not be above rebalance_floor")
        if self.compensation_loss_limit > self.rebalance_loss_limit:
            raise ValueError("compensation_loss_limit must not be above rebalance_loss_limit")
        return self

    @property
    def assets(self) -> tuple[Asset, ...]:
        """The coins, and USDT, which is a market on Upbit and a way home."""
        return (*(Asset(coin) for coin in self.coins), USDT)

    def limits(self) -> Limits:
        return Limits(self.threshold, self.notional_krw, self.slippage, self.premium_band, self.max_quote_age_ms)

    def admission(self) -> AdmissionLimits:
        return AdmissionLimits(self.max_open_cycles, self.cooldown_s * 1000)

    def policy(self) -> CyclePolicy:
        return CyclePolicy(
            slippage=self.slippage,
            route_coins=self.assets,
            rebalance_floor=self.rebalance_floor,
            rebalance_loss_limit=self.rebalance_loss_limit,
            compensation_loss_limit=self.compensation_loss_limit,
            rebalance_deadline_s=self.rebalance_deadline_s,
            rebalance_poll_s=self.rebalance_poll_s,
            max_quote_age_ms=self.max_quote_age_ms,
        )


class LocalSettings(Section):
    """The parts that kimp runs itself where no URL names a real server."""

    data_dir: Path = Path(".kimp")
    temporal_port: int = Field(default=7233, gt=0, lt=65536)
    temporal_ui_port: int = Field(default=8233, gt=0, lt=65536)
    redis_port: int = Field(default=6399, gt=0, lt=65536)


PAPER_NETWORKS = {coin: coin for coin in ("XRP", "SOL", "DOGE", "TRX", "ADA", "XLM")} | {"USDT": "TRX"}


class UpbitSettings(VenueSettings):
    rest_url: str = "http://127.0.0.1:9801"
    ws_url: str = "ws://127.0.0.1:9801/websocket/v1"
    access_key: SecretStr = SecretStr("paper-upbit")
    secret_key: SecretStr = SecretStr("paper-upbit-secret")
    networks: dict[str, str] = PAPER_NETWORKS


class BinanceSettings(VenueSettings):
    rest_url: str = "http://127.0.0.1:9802"
    ws_url: str = "ws://127.0.0.1:9802"
    access_key: SecretStr = SecretStr("paper-binance")
    secret_key: SecretStr = SecretStr("paper-binance-secret")
    networks: dict[str, str] = PAPER_NETWORKS


class Sourced(BaseSettings):
    """Settings that come from kimp's sources."""

    model_config = SettingsConfigDict(
        env_prefix="KIMP_",
        env_nested_delimiter="__",
        env_file=".env",
        frozen=True,
        extra="ignore",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic-settings passes it by name
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        path = Path(os.environ.get("KIMP_CONFIG", "kimp.toml"))
        return (init_settings, env_settings, dotenv_settings, TomlConfigSettingsSource(settings_cls, path))


class Settings(Sourced):
    """All that can be set of kimp itself. `kimp.example.toml` documents every field."""

    redis_url: SecretStr | None = None
    """None: kimp runs its own redis-server. A real one's may hold a password."""
    database_url: SecretStr | None = None
    """None: SQLite in the data directory. MySQL: `mysql+asyncmy://user:password@host/kimp`."""
    trading: TradingSettings = TradingSettings()
    upbit: UpbitSettings = UpbitSettings()
    binance: BinanceSettings = BinanceSettings()
    local: LocalSettings = LocalSettings()
    history: HistorySettings = HistorySettings()
    codec_server: CodecServerSettings = CodecServerSettings()

    @property
    def bus_url(self) -> str:
        """Where Redis is, with its password if it has one: never print it."""
        if self.redis_url is not None:
            return self.redis_url.get_secret_value()
        return f"redis://127.0.0.1:{self.local.redis_port}/0"

    def policy(self) -> CyclePolicy:
        return self.trading.policy().model_copy(update={"discreet": self.history.encrypted})

    def venue(self, venue: Venue) -> VenueSettings:
        return self.upbit if venue is Venue.UPBIT else self.binance

    @property
    def sql_url(self) -> str:
        """The database's URL, with its password: never print it."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite+aiosqlite:///{self.local.data_dir / 'kimp.db'}"


S = TypeVar("S", bound=Sourced)


def load(**overrides: Any) -> Settings:
    """Read and validate kimp's own settings; see `load_as` for the errors."""
    return load_as(Settings, **overrides)


def load_as(kind: type[S], **overrides: Any) -> S:
    """Read and validate everything. Raises BadConfig that lists *all* problems, one line each."""
    try:
        return kind(**overrides)
    except SettingsError as error:  # a table or list in the environment that is no JSON; the text holds no value
        raise BadConfig(f"bad configuration; mend it in the environment: {error}") from None
    except ValidationError as error:
        lines = [f"  {'.'.join(str(part) for part in e['loc'])}: {e['msg']}" for e in error.errors()]
        raise BadConfig("bad configuration; mend it in the environment or kimp.toml:\n" + "\n".join(lines)) from None
