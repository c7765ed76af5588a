"""Binance's ccxt class, made faithful. The only module of this package that imports ccxt, which takes seconds."""

from collections.abc import Callable, Mapping
from typing import Any

import ccxt.async_support as ccxt

from kimp.adapters.binance.errors import CLOCK_IS_OFF, code_of
from kimp.adapters.venue.back_off import back_off_of
from kimp.adapters.venue.client import HTTP_TIMEOUT_MS, StrictClient, repointed
from kimp.adapters.venue.limiter import Limit, Limiter
from kimp.config import KeyPair, VenueSettings
from kimp.domain.venues import Venue

RECV_WINDOW_MS = 5_000
"""How long after its timestamp Binance may still accept a request; the fence of an unknown order counts on it."""
LIMITS = {
    "weight": Limit(6_000, 60.0),
    "sapi": Limit(12_000, 60.0),
    "sapi_uid": Limit(180_000, 60.0),
    "orders": Limit(100, 10.0),
    "history": Limit(10, 1.0),
}
"""Per IP; `orders` and `sapi_uid` per account; `history` is the withdraw history's own limit, per account too.
binance-spot-api-docs, wallet docs.
"""
COSTS: Mapping[tuple[str, str], Mapping[str, int]] = {
    ("GET", "exchangeInfo"): {"weight": 20},
    ("GET", "depth"): {"weight": 5},
    ("GET", "ticker/24hr"): {"weight": 80},
    ("GET", "time"): {"weight": 1},
    ("GET", "account"): {"weight": 20},
    ("GET", "order"): {"weight": 4},
    ("GET", "myTrades"): {"weight": 5},
    ("POST", "order"): {"weight": 1, "orders": 1},
    ("GET", "account/apiRestrictions"): {"sapi": 1},
    ("GET", "localentity/questionnaire-requirements"): {"sapi": 1},
    ("GET", "asset/tradeFee"): {"sapi": 1},
    ("GET", "capital/config/getall"): {"sapi": 10},
    ("GET", "capital/deposit/address"): {"sapi": 10},
    ("GET", "capital/deposit/hisrec"): {"sapi": 1},
    ("GET", "capital/withdraw/address/list"): {"sapi": 10},
    ("GET", "capital/withdraw/history"): {"history": 1},
    ("POST", "capital/withdraw/apply"): {"sapi_uid": 900},
}


class BinanceClient(StrictClient, ccxt.binance):  # type: ignore[misc] # overrides untyped methods on purpose
    """See `StrictClient`. Sets its clock by Binance's once Binance says that it is off."""

    venue = Venue.BINANCE
    clock_is_off = False

    def code_of(self, content: Any) -> tuple[str, str] | None:
        error = code_of(content)
        if error is not None and error[0] == CLOCK_IS_OFF:
            self.clock_is_off = True
        return error

    def charges(self, path: str, method: str, params: Mapping[str, Any]) -> Mapping[str, int]:
        del params
        return COSTS[method, path]

    async def request(self, *args: Any, **kwargs: Any) -> Any:
        if self.clock_is_off:
            self.clock_is_off = False
            try:
                await self.load_time_difference()
            except BaseException:
                self.clock_is_off = True
                raise
        return await super().request(*args, **kwargs)


def make_client(settings: VenueSettings, keys: Callable[[], KeyPair]) -> BinanceClient:
    """Does not connect. Every URL points to `settings.rest_url`."""
    client = BinanceClient(
        {
            "enableRateLimit": True,
            "timeout": HTTP_TIMEOUT_MS,
            "options": {"maxRetriesOnFailure": 0, "recvWindow": RECV_WINDOW_MS, "defaultType": "spot"},
        }
    )
    client.urls["api"] = repointed(client.urls["api"], settings.rest_url)
    client.configure(Limiter(LIMITS), back_off_of(settings.rest_url), keys)
    return client
