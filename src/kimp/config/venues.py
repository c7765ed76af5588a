"""Settings of the two exchanges, and the keys for them."""

from typing import ClassVar
from urllib.parse import urlsplit

from pydantic import Field, SecretStr

from kimp.config.section import ByCoin, RestUrl, Section, SocketUrl
from kimp.domain.keys import Right


class KeyPair(Section):
    """An API key of a venue."""

    access_key: SecretStr
    """Its public half, which names it."""
    secret_key: SecretStr
    """Its private half, which signs."""


class RoleKeys(Section):
    """A key for each right, so that a process holds no right that it does not use. See "Keys by role"."""

    read: KeyPair | None = None
    """May read only. For the feeder, and for commands that look."""
    trade: KeyPair | None = None
    """May read and trade. For initiators and for workers of the queue `cycles`."""
    withdraw: KeyPair | None = None
    """May read and withdraw. For workers of the queue `transfers` and nobody else."""


class VenueSettings(Section):
    """One exchange. The defaults are the paper exchange's; live trading is not enabled yet."""

    LIVE_DOMAINS: ClassVar = ("upbit.com", "binance.com", "binance.us")
    PAPER_KEYS: ClassVar = frozenset({"paper-upbit", "paper-binance"})

    rest_url: RestUrl
    """Of the venue's REST API; no call goes to any other host."""
    ws_url: SocketUrl
    """Of the venue's public WebSocket."""
    access_key: SecretStr
    """The one key for everything, where `keys` has none for a right."""
    secret_key: SecretStr
    """Of `access_key`."""
    keys: RoleKeys = RoleKeys()
    """Separate keys per right, which go before `access_key`."""
    allow_excess_rights: bool | None = None
    """Whether a process may run with a key that may do more than the process needs. Left out: only with the one
    key for everything, and not on a real venue.
    """
    networks: ByCoin
    """Coin -> the venue's own name of the chain that kimp uses for it (`net_type` on Upbit, `network` on Binance)."""
    withdraw_to: ByCoin = Field(default_factory=dict)
    """Coin -> the only address (`address` or `address:tag`) that coins may be sent to *from this venue*.
    A coin without one is never sent. `kimp demo` and `kimp up` fill in the paper exchange's own.
    """

    @property
    def single(self) -> KeyPair:
        """The one key for everything."""
        return KeyPair(access_key=self.access_key, secret_key=self.secret_key)

    def pair(self, right: Right) -> KeyPair:
        """The key of a process that needs this right."""
        own: KeyPair | None = getattr(self.keys, right.value)
        return own or self.single

    def may_exceed(self, right: Right) -> bool:
        """Whether the key for this right may also have others."""
        if self.allow_excess_rights is not None:
            return self.allow_excess_rights
        return getattr(self.keys, right.value) is None and not self.is_live

    @property
    def is_live(self) -> bool:
        """Whether real money is behind it."""
        host = urlsplit(self.rest_url).hostname or ""
        return any(host == domain or host.endswith(f".{domain}") for domain in self.LIVE_DOMAINS)


PAPER_NETWORKS = {coin: coin for coin in ("XRP", "SOL", "DOGE", "TRX", "ADA", "XLM")} | {"USDT": "TRX"}


class UpbitSettings(VenueSettings):
    """The venue whose prices are in won."""

    rest_url: RestUrl = "http://127.0.0.1:9801"
    ws_url: SocketUrl = "ws://127.0.0.1:9801/websocket/v1"
    access_key: SecretStr = SecretStr("paper-upbit")
    secret_key: SecretStr = SecretStr("paper-upbit-secret")
    networks: ByCoin = PAPER_NETWORKS


class BinanceSettings(VenueSettings):
    """The venue whose prices are in USDT."""

    rest_url: RestUrl = "http://127.0.0.1:9802"
    ws_url: SocketUrl = "ws://127.0.0.1:9802"
    access_key: SecretStr = SecretStr("paper-binance")
    secret_key: SecretStr = SecretStr("paper-binance-secret")
    networks: ByCoin = PAPER_NETWORKS
