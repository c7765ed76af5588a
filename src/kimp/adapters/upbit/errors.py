"""What Upbit's refusals prove (docs.upbit.com, REST API guide). Pure.

Left off the lists on purpose, because they prove nothing: `duplicated_identifier` (the order exists, look it up),
`create_bid_error` / `create_ask_error`, `nonce_used` (a copy of the request may have gone through), every status 500.
"""

from typing import Any

from kimp.adapters.venue.answers import Answer, Refusals, judge, text_at
from kimp.domain.errors import VenueError
from kimp.domain.market import Venue

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


def code_of(content: Any) -> tuple[str, str] | None:
    """Name and message of `{"error": {"name": .., "message": ..}}`."""
    error = content.get("error") if isinstance(content, dict) else None
    if error is None:
        return None
    return (text_at(error, "name"), text_at(error, "message")) if isinstance(error, dict) else ("", str(error))


def classify(answer: Answer, *, changes: bool) -> VenueError:
    return judge(Venue.UPBIT, answer, REFUSALS, changes=changes)
