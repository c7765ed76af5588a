"""Everything that can be set of kimp itself: one frozen, validated object. `docs/configuration.md` is made from it."""

from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from kimp import DISTRIBUTION
from kimp.config.history import CodecServerSettings, HistorySettings
from kimp.config.observability import ObservabilitySettings
from kimp.config.ports import LOCAL, MOST_OFFSET, PaperPorts, with_ports
from kimp.config.section import Section, matching
from kimp.config.trading import CapSettings, TradingSettings
from kimp.config.urls import redis_fault
from kimp.config.venues import BinanceSettings, UpbitSettings, VenueSettings
from kimp.contracts.cycle import CyclePolicy
from kimp.domain.arming import TradingMode
from kimp.domain.decision import Rules
from kimp.domain.money import Asset
from kimp.domain.venues import Venue

BuildId = Annotated[
    str, matching(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}", "use letters, digits and . _ + -, at most 100 of them")
]


class LocalSettings(Section):
    """The parts that kimp runs itself where no URL names a real server."""

    data_dir: Path = Path(".kimp")
    """SQLite, Temporal's state, logs of child processes."""
    temporal_port: int = Field(default=LOCAL["temporal_port"], gt=0, lt=65536)
    """Of the Temporal dev server."""
    temporal_ui_port: int = Field(default=LOCAL["temporal_ui_port"], gt=0, lt=65536)
    """Of the dev server's Web UI."""
    redis_port: int = Field(default=LOCAL["redis_port"], gt=0, lt=65536)
    """Of kimp's own redis-server."""
    port_offset: int = Field(default=0, ge=0, le=MOST_OFFSET)
    """Added to each port of kimp's own servers that is not set by itself, the paper exchange's too: for a second kimp
    on one machine.
    """

    @field_validator("data_dir")
    @classmethod
    def _home(cls, folder: Path) -> Path:
        return folder.expanduser() if str(folder).startswith("~") else folder

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
        return self.build_id or version(DISTRIBUTION)


class ConfigSettings(Section):
    """How the configuration itself is kept."""

    refresh_s: int = Field(default=300, gt=0, le=86_400)
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
    read_by_others: ClassVar[frozenset[str]] = frozenset()
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

    redis_url: SecretStr | None = None
    """Redis, e.g. `redis://user:password@host:6379/0`. Left out: kimp runs its own redis-server."""
    database_url: SecretStr | None = None
    """The database, e.g. `mysql+asyncmy://user:password@host/kimp`. Left out: SQLite in the data directory."""
    mode: TradingMode = TradingMode.SYNTHETIC
    """How far kimp may go with real venues: `synthetic` (the paper exchange alone), `observe` (the real venues are read
    and nothing is sent), `once` (one cycle of the least size each time that trading is armed), `live`. See
    docs/going-live.md.
    """
    config: ConfigSettings = ConfigSettings()
    trading: TradingSettings = TradingSettings()
    caps: CapSettings = CapSettings()
    upbit: UpbitSettings = UpbitSettings()
    binance: BinanceSettings = BinanceSettings()
    local: LocalSettings = LocalSettings()
    paper: PaperPorts = PaperPorts()
    history: HistorySettings = HistorySettings()
    codec_server: CodecServerSettings = CodecServerSettings()
    deploy: DeploySettings = DeploySettings()
    observability: ObservabilitySettings = ObservabilitySettings()

    @model_validator(mode="before")
    @classmethod
    def _ports_follow(cls, given: Any) -> Any:
        return with_ports(given) if isinstance(given, dict) else given

    @field_validator("redis_url")
    @classmethod
    def _is_redis_url(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and (fault := redis_fault(url.get_secret_value())):
            raise ValueError(fault)
        return url

    @field_validator("trading")
    @classmethod
    def _earns(cls, trading: TradingSettings) -> TradingSettings:
        """Not a rule of the table itself: what is in force at run time may be no coin at all."""
        if not trading.coins:
            raise ValueError("coins is empty; name at least one")
        if others := set(trading.prefunded) - set(trading.coins):
            raise ValueError(
                f"prefunded names {', '.join(sorted(others))}, which coins does not name; name both or none"
            )
        return trading

    @model_validator(mode="after")
    def _cycles_fit_their_caps(self) -> "Settings":
        most = min(self.caps.order_krw, self.caps.cycle_krw, self.caps.day_krw)
        if self.trading.notional_krw > most:
            raise ValueError("trading.notional_krw is above a cap of caps, so every cycle would be refused; lower it")
        return self

    @model_validator(mode="after")
    def _real_venues_by_their_mode(self) -> "Settings":
        real = [name for name in ("upbit", "binance") if getattr(self, name).is_live]
        if real and self.mode is TradingMode.SYNTHETIC:
            raise ValueError(
                f"mode is synthetic, and {real[0]}.rest_url is the real venue's: with real money nothing is reached by"
                ' accident; set mode = "observe" to look at it, and read docs/going-live.md before you trade there'
            )
        return self

    @model_validator(mode="after")
    def _prefunded_with_paper_money_alone(self) -> "Settings":
        live = self.mode.trades_armed or any(venue.is_live for venue in (self.upbit, self.binance))
        if self.trading.prefunded and live:
            raise ValueError(
                "trading.prefunded is for the paper exchange: cycles that trade both sides at once have been through"
                " one whole run of `make chaos` alone, and real money could stay open on one side; take its coins out"
            )
        return self

    def rules(self) -> Rules:
        limits, prefunded = self.trading.limits(), frozenset(Asset(coin) for coin in self.trading.prefunded)
        if self.mode is TradingMode.ONCE:
            limits = replace(limits, notional_krw=min(limits.notional_krw, limits.least_notional_krw))
        return Rules(limits, self.caps.caps(), self.trading.cooldown_s * 1000, prefunded, self.mode)

    def policy(self) -> CyclePolicy:
        return self.trading.policy(self.caps.caps()).model_copy(update={"discreet": self.history.encrypted})

    def venue(self, venue: Venue) -> VenueSettings:
        found: VenueSettings = getattr(self, venue)
        return found

    @property
    def sql_url(self) -> str:
        """The database's URL, with its password: never print it."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite+aiosqlite:///{self.local.data_dir / 'kimp.db'}"
