"""Coins, their markets' rules and their networks. The numbers are plausible defaults, not the venues' present ones."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[Decimal, Field(gt=0)]
Amount = Annotated[Decimal, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0)]


class Caution(StrEnum):
    """docs.upbit.com, market/all?is_details=true."""

    PRICE_FLUCTUATIONS = "PRICE_FLUCTUATIONS"
    TRADING_VOLUME_SOARING = "TRADING_VOLUME_SOARING"
    DEPOSIT_AMOUNT_SOARING = "DEPOSIT_AMOUNT_SOARING"
    GLOBAL_PRICE_DIFFERENCES = "GLOBAL_PRICE_DIFFERENCES"
    CONCENTRATION_OF_SMALL_ACCOUNTS = "CONCENTRATION_OF_SMALL_ACCOUNTS"


class PaperNetwork(BaseModel):
    """The chain that a coin travels on; both venues use it, under the same name (`net_type`, `network`).

    Times are those of the real chain, before `transfer_time_scale`: review by the sending venue, then confirmation,
    then crediting by the receiving venue.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    tag_required: bool = False
    decimals: int = Field(default=6, ge=0, le=8)
    upbit_fee: Amount
    upbit_min: Positive
    binance_fee: Amount
    binance_min: Positive
    review_s: Seconds = 60.0
    confirm_s: Seconds = 40.0
    credit_s: Seconds = 50.0


class CoinConfig(BaseModel):
    """A coin with a KRW market on Upbit and, unless it is USDT, a USDT market on Binance."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[A-Z0-9]{1,12}$")]
    price_usdt: Positive
    """Opening price of the synthetic market."""
    tick: Positive
    """Binance PRICE_FILTER.tickSize, USDT."""
    lot: Positive
    """Binance LOT_SIZE.stepSize, coins."""
    upbit_tick: Positive | None = None
    """Overrides Upbit's published table for this market, KRW."""
    networks: tuple[PaperNetwork, ...] = Field(min_length=1)
    binance_least: Positive = Decimal(5)
    """Binance NOTIONAL.minNotional, USDT."""
    turnover_krw: Amount | None = None
    """Of this coin, in place of `turnover_krw` of all."""
    warning: bool = False
    """Upbit warns of its market."""
    cautions: frozenset[Caution] = frozenset()
    """What Upbit tells to be careful of."""

    def network(self, name: str) -> PaperNetwork | None:
        return next((network for network in self.networks if network.name == name), None)


def _coin(name: str, price: str, tick: str, lot: str, network: PaperNetwork) -> CoinConfig:
    return CoinConfig(
        name=name, price_usdt=Decimal(price), tick=Decimal(tick), lot=Decimal(lot), networks=(network,)
    )  # fmt: skip


def _network(
    name: str, upbit: tuple[str, str], binance: tuple[str, str], *, tag: bool = False, **times: float
) -> PaperNetwork:
    """`upbit` and `binance`: withdrawal fee and minimum, in coins."""
    return PaperNetwork.model_validate(
        {
            "name": name,
            "tag_required": tag,
            "upbit_fee": upbit[0],
            "upbit_min": upbit[1],
            "binance_fee": binance[0],
            "binance_min": binance[1],
        }
        | times
    )


DEFAULT_COINS = (
    _coin("XRP", "2.2", "0.0001", "0.1", _network("XRP", ("1", "2"), ("0.2", "2"), tag=True)),
    _coin("SOL", "140", "0.01", "0.001", _network("SOL", ("0.01", "0.02"), ("0.001", "0.02"), confirm_s=25)),
    _coin("DOGE", "0.155", "0.00001", "1", _network("DOGE", ("5", "10"), ("4", "10"), confirm_s=600)),
    _coin("TRX", "0.28", "0.0001", "0.1", _network("TRX", ("1", "2"), ("1", "2"), confirm_s=60)),
    _coin("ADA", "0.42", "0.0001", "0.1", _network("ADA", ("0.5", "1"), ("0.8", "2"), confirm_s=300)),
    _coin("XLM", "0.25", "0.0001", "1", _network("XLM", ("0.05", "1"), ("0.02", "1"), tag=True)),
    _coin("SUI", "1.7", "0.0001", "0.1", _network("SUI", ("0.1", "0.2"), ("0.07", "0.2"), confirm_s=5)),
    _coin("AVAX", "14.5", "0.001", "0.01", _network("AVAX", ("0.01", "0.02"), ("0.008", "0.02"), confirm_s=30)),
    _coin("NEAR", "1.9", "0.0001", "0.1", _network("NEAR", ("0.01", "0.1"), ("0.01", "0.1"), confirm_s=30)),
    _coin("APT", "1.95", "0.0001", "0.01", _network("APT", ("0.001", "0.01"), ("0.001", "0.1"), confirm_s=5)),
    _coin("USDT", "1", "0.0001", "1", _network("TRX", ("1", "2"), ("1", "10"), confirm_s=60)),
)
