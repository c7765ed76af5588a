"""Settings of the two exchanges, and the keys for them."""

from typing import ClassVar, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from kimp.config.section import ApiKeyText, ByCoin, RestUrl, Section, SocketUrl, all_hold
from kimp.config.urls import server_fault
from kimp.domain.keys import Right
from kimp.domain.tags import TAGGED_COINS


class KeyPair(Section):
    """An API key of a venue."""

    access_key: ApiKeyText
    """Its public half, which names it."""
    secret_key: ApiKeyText
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

    DOMAINS: ClassVar[tuple[str, ...]] = ()
    """Of the real venue."""
    LIVE_DOMAINS: ClassVar[tuple[str, ...]] = ("upbit.com", "binance.com", "binance.us")
    LIVE_URLS: ClassVar[tuple[str, str]]
    """Of the real venue: REST, and the public WebSocket."""
    SOCKET_PATH: ClassVar[str] = ""
    """Of the public stream; the adapter adds what follows it."""
    NOT_SPOT: ClassVar = ("fapi", "dapi", "eapi", "papi", "fstream", "dstream", "testnet-futures")
    PAPER_KEYS: ClassVar = frozenset({"paper-upbit", "paper-binance"})

    rest_url: RestUrl
    """Of the venue's REST API; no call goes to any other host."""
    ws_url: SocketUrl
    """Of the venue's public WebSocket."""
    public_rest_url: RestUrl
    """Where the venue tells its markets to anybody, without a key: for `kimp watch`."""
    public_ws_url: SocketUrl
    """The same of its prices."""
    access_key: ApiKeyText
    """The one key for everything, where `keys` has none for a right."""
    secret_key: ApiKeyText
    """Of `access_key`."""
    keys: RoleKeys = RoleKeys()
    """Separate keys per right, which go before `access_key`."""
    allow_excess_rights: bool | None = None
    """Whether a process may run with a key that may do more than the process needs. Left out: only with the one
    key for everything, and not on a real venue.
    """
    levels: int = Field(default=15, ge=1, le=20)
    """How many levels of each side of a book are read; a cycle is no larger than they carry."""
    networks: ByCoin
    """Coin -> the venue's own name of the chain that kimp uses for it (`net_type` on Upbit, `network` on Binance)."""
    withdraw_to: ByCoin = Field(default_factory=dict)
    """Coin -> the only address (`address` or `address:tag`) that coins may be sent to *from this venue*.
    A coin without one is never sent. `kimp demo` and `kimp up` fill in the paper exchange's own.
    """

    @field_validator("rest_url", "ws_url", "public_rest_url", "public_ws_url")
    @classmethod
    def _of_this_venue(cls, url: str) -> str:
        host = urlsplit(url).hostname or ""
        others = [domain for domain in cls.LIVE_DOMAINS if domain not in cls.DOMAINS and _within(host, domain)]
        real = any(_within(host, domain) for domain in cls.DOMAINS)
        all_hold(
            (server_fault(url) is None and "@" not in url, "write scheme and host, without user, options or blanks"),
            (not others, "its host is the other venue's"),
            (not (real and host.split(".")[0] in cls.NOT_SPOT), "its host serves futures; kimp trades on spot markets"),
        )
        return url

    @field_validator("rest_url", "public_rest_url")
    @classmethod
    def _rest_has_no_path(cls, url: str) -> str:
        if urlsplit(url).path not in ("", "/"):
            raise ValueError("it has a path; write scheme and host only, kimp knows the paths")
        return url.rstrip("/")

    @field_validator("ws_url", "public_ws_url")
    @classmethod
    def _socket_path(cls, url: str) -> str:
        if urlsplit(url).path.rstrip("/") != cls.SOCKET_PATH:
            raise ValueError(
                f"after its host comes {cls.SOCKET_PATH}" if cls.SOCKET_PATH else "it has a path; leave it out"
            )
        return url.rstrip("/")

    @field_validator("withdraw_to")
    @classmethod
    def _places(cls, places: dict[str, str]) -> dict[str, str]:
        untagged = [coin for coin, place in places.items() if coin in TAGGED_COINS and not place.partition(":")[2]]
        all_hold(
            (not untagged, f"{', '.join(untagged)}: an exchange receives it by address and tag; write address:tag"),
            *(
                (place.count(":") <= 1 and place.isprintable(), f"{coin}: write address or address:tag")
                for coin, place in places.items()
            ),
        )
        return places

    @property
    def single(self) -> KeyPair:
        """The one key for everything."""
        return KeyPair(access_key=self.access_key, secret_key=self.secret_key)

    @property
    def public(self) -> Self:
        """The same venue where it is asked without a key, by whoever signs nothing."""
        return self.model_copy(update={"rest_url": self.public_rest_url, "ws_url": self.public_ws_url})

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
        return any(_within(host, domain) for domain in self.LIVE_DOMAINS)


def _within(host: str, domain: str) -> bool:
    return host == domain or host.endswith(f".{domain}")


PAPER_NETWORKS = {coin: coin for coin in ("XRP", "SOL", "SUI", "AVAX", "NEAR", "APT")} | {"USDT": "TRX"}


class UpbitSettings(VenueSettings):
    """The venue whose prices are in won."""

    DOMAINS = ("upbit.com",)
    LIVE_URLS = ("https://api.upbit.com", "wss://api.upbit.com/websocket/v1")
    SOCKET_PATH = "/websocket/v1"

    rest_url: RestUrl = "http://127.0.0.1:9801"
    ws_url: SocketUrl = "ws://127.0.0.1:9801/websocket/v1"
    public_rest_url: RestUrl = "https://api.upbit.com"
    public_ws_url: SocketUrl = "wss://api.upbit.com/websocket/v1"
    access_key: ApiKeyText = SecretStr("paper-upbit")
    secret_key: ApiKeyText = SecretStr("paper-upbit-secret")
    networks: ByCoin = PAPER_NETWORKS


class BinanceSettings(VenueSettings):
    """The venue whose prices are in USDT."""

    DOMAINS = ("binance.com", "binance.us", "binance.vision")
    LIVE_URLS = ("https://api.binance.com", "wss://stream.binance.com:9443")

    rest_url: RestUrl = "http://127.0.0.1:9802"
    ws_url: SocketUrl = "ws://127.0.0.1:9802"
    public_rest_url: RestUrl = "https://data-api.binance.vision"
    public_ws_url: SocketUrl = "wss://data-stream.binance.vision"
    access_key: ApiKeyText = SecretStr("paper-binance")
    secret_key: ApiKeyText = SecretStr("paper-binance-secret")
    networks: ByCoin = PAPER_NETWORKS
