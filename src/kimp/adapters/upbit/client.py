"""Upbit's ccxt class, made faithful. The only module of this package that imports ccxt, which takes seconds."""

from collections.abc import Callable, Mapping
from typing import Any

import ccxt.async_support as ccxt

from kimp.adapters.upbit.errors import code_of
from kimp.adapters.venue.back_off import back_off_of
from kimp.adapters.venue.client import HTTP_TIMEOUT_MS, StrictClient, repointed
from kimp.adapters.venue.limiter import Limit, Limiter
from kimp.config import KeyPair, VenueSettings
from kimp.domain.venues import Venue

LIMITS = {"market": Limit(10, 1.0), "default": Limit(30, 1.0), "order": Limit(12, 1.0)}
"""docs.upbit.com, rate-limits 2026-10-07. `order` and `default` count per account: processes share them."""
PUBLIC_PATHS = frozenset({"market/all", "orderbook", "orderbook/instruments", "ticker"})


class UpbitClient(StrictClient, ccxt.upbit):  # type: ignore[misc] # overrides untyped methods on purpose
    """See `StrictClient`."""

    venue = Venue.UPBIT

    def code_of(self, content: Any) -> tuple[str, str] | None:
        return code_of(content)

    def charges(self, path: str, method: str, params: Mapping[str, Any]) -> Mapping[str, int]:
        del params
        if path in PUBLIC_PATHS:
            return {"market": 1}
        return {"order": 1} if (method, path) == ("POST", "orders") else {"default": 1}


def make_client(settings: VenueSettings, keys: Callable[[], KeyPair]) -> UpbitClient:
    """Does not connect. Every URL points to `settings.rest_url`."""
    client = UpbitClient(
        {
            "enableRateLimit": True,
            "timeout": HTTP_TIMEOUT_MS,
            "options": {"maxRetriesOnFailure": 0},
        }
    )
    urls: dict[str, Any] = client.urls or {}
    client.urls = urls | {"api": repointed(urls["api"], settings.rest_url)}
    client.configure(Limiter(LIMITS), back_off_of(settings.rest_url), keys)
    return client
