"""What Upbit's refusals prove (docs.upbit.com, REST API guide). Pure.

Left off the lists on purpose, because they prove nothing: `duplicated_identifier` (the order exists, look it up),
`create_bid_error` / `create_ask_error`, `nonce_used` (a copy of the request may have gone through), every status 500.
"""

from typing import Any

from kimp.adapters.venue.answers import HttpAnswer, Refusals, judge, text_at
from kimp.domain.errors import VenueError
from kimp.domain.venues import Venue

MAINTENANCE_PAUSE_S = 60

REFUSALS = Refusals(
    rejected=frozenset(
        {
            "insufficient_funds_bid",
            "insufficient_funds_ask",
            "under_min_total_bid",
            "under_min_total_ask",
            "over_krw_funds_bid",
            "invalid_price_bid",
            "invalid_price_ask",
            "invalid_query_payload",
            "validation_error",
            "withdraw_insufficient_balance",
        }
    ),
    key=frozenset(
        {
            "out_of_scope",
            "invalid_access_key",
            "expired_access_key",
            "jwt_verification",
            "no_authorization_ip",
            "no_authorization_i_p",
            "open_api_withdraw_locked",
            "withdraw_address_not_registered",
            "withdraw_address_not_registerd",  # spelt so in some of Upbit's own pages
        }
    ),
    absent=frozenset({"order_not_found", "withdraw_not_found"}),
    not_executed={"market_offline": MAINTENANCE_PAUSE_S},
)

MEANINGS = {
    "too_many_requests": "too many requests",
    "market_offline": "the market is closed for maintenance",
    "out_of_scope": "the key lacks the right for this call",
    "invalid_access_key": "the access key is unknown",
    "expired_access_key": "the key has expired",
    "jwt_verification": "the secret key does not fit the access key",
    "nonce_used": "the request's nonce was used before",
    "no_authorization_ip": "the key may not be used from this IP address",
    "no_authorization_i_p": "the key may not be used from this IP address",
    "open_api_withdraw_locked": "withdrawals by key are locked; Upbit's mobile app opens the lock",
    "withdraw_address_not_registered": "the address is not registered for withdrawals at Upbit",
    "withdraw_address_not_registerd": "the address is not registered for withdrawals at Upbit",
    "withdraw_insufficient_balance": "there is less than was to be withdrawn",
    "withdraw_not_found": "there is no such withdrawal",
    "order_not_found": "there is no such order",
    "duplicated_identifier": "there is an order of this identifier already",
    "insufficient_funds_bid": "there is less cash than the order needs",
    "insufficient_funds_ask": "there is less of the coin than the order sells",
    "under_min_total_bid": "the order is below the least value",
    "under_min_total_ask": "the order is below the least value",
    "over_krw_funds_bid": "the order is above the greatest value",
    "invalid_price_bid": "the price is no multiple of the tick",
    "invalid_price_ask": "the price is no multiple of the tick",
}
"""Most of Upbit's own texts are Korean. Codes that are not here keep them: they tell more than the code does."""


def code_of(content: Any) -> tuple[str, str] | None:
    """Name of `{"error": {"name": .., "message": ..}}`, and what it means."""
    error = content.get("error") if isinstance(content, dict) else None
    if error is None:
        return None
    if not isinstance(error, dict):
        return "", str(error)
    name, message = text_at(error, "name"), text_at(error, "message")
    return name, message if message.isascii() and message else MEANINGS.get(name, message)


def classify(answer: HttpAnswer, *, changes: bool) -> VenueError:
    return judge(Venue.UPBIT, answer, REFUSALS, changes=changes)
