"""The API keys that a venue knows: what each may do, until when, and which call needs which right."""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict, SecretStr

YEAR_MS = 365 * 86_400_000
"""docs.upbit.com: a key is good for one year."""


class PaperRight(StrEnum):
    """Upbit has nine and Binance more; these three groups are what can be told apart here."""

    READ = "read"
    TRADE = "trade"
    WITHDRAW = "withdraw"


EVERYTHING = frozenset(PaperRight)


class PaperKey(BaseModel):
    """One key more than the venue's first, which may do everything and is good for a year."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    access: SecretStr
    secret: SecretStr
    rights: frozenset[PaperRight] = EVERYTHING
    expires: AwareDatetime | None = None
    """None: a year after the start."""
    futures: bool = False
    """Binance: may also do what kimp never needs."""
    ip_bound: bool = True


class ApiKeys:
    """The keys of one venue, by their public half."""

    def __init__(self, keys: Iterable[PaperKey], started_ms: int) -> None:
        self._keys = {key.access.get_secret_value(): key for key in keys}
        self._started_ms = started_ms

    def add(self, key: PaperKey) -> None:
        """A new key, or other rights for a known one."""
        self._keys[key.access.get_secret_value()] = key

    def revoke(self, access: str) -> None:
        self._keys.pop(access, None)

    def get(self, access: object) -> PaperKey | None:
        return self._keys.get(access) if isinstance(access, str) else None

    def expires_ms(self, key: PaperKey) -> int:
        return self._started_ms + YEAR_MS if key.expires is None else int(key.expires.timestamp() * 1000)

    def all(self) -> Mapping[str, PaperKey]:
        return dict(self._keys)


UPBIT_RIGHTS: Mapping[tuple[str, str], PaperRight | None] = {
    ("GET", "status/wallet"): None,
    ("GET", "api_keys"): None,
    ("POST", "orders"): PaperRight.TRADE,
    ("POST", "orders/test"): PaperRight.TRADE,
    ("DELETE", "order"): PaperRight.TRADE,
    ("POST", "withdraws/coin"): PaperRight.WITHDRAW,
    ("DELETE", "withdraws/coin"): PaperRight.WITHDRAW,
}
"""docs.upbit.com: auth. None: every key may. All other private calls only look."""


def binance_right(method: str, path: str) -> PaperRight:
    """By the security type that Binance gives each signed call."""
    if path == "/sapi/v1/capital/withdraw/apply":
        return PaperRight.WITHDRAW
    return PaperRight.READ if method == "GET" else PaperRight.TRADE
