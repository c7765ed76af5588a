"""What Binance's refusals prove (binance-spot-api-docs errors.md, wallet error codes). Pure.

Left off the lists on purpose, because they prove nothing: -1000, -1001, -1006 and -1007 (execution status unknown),
every 5xx status, and a -2010 that says the order was sent before.
"""

from typing import Any

from kimp.adapters.venue.answers import LONGEST_QUOTE, HttpAnswer, Refusals, judge, one_line, text_at, unproved
from kimp.domain.errors import KeyRefused, NotPermitted, Unavailable, VenueError
from kimp.domain.venues import Venue

CLOCK_IS_OFF = "-1021"
NO_SUCH_SYMBOL = "-1121"
ORDER_REFUSED = "-2010"
DUPLICATE_WORDS = "duplicate"
FILTER_FAILED = "-1013"
ARCHIVED = "-2026"
"""Of a look-up: an order that ended long ago without a fill."""
HALT_PAUSE_S = 30
MAINTENANCE_PAUSE_S = 60
WORDED = frozenset({"-1010", FILTER_FAILED, ORDER_REFUSED, "-2011"})
"""Codes under which the matching engine tells one and the same thing: its words count (errors.md)."""
PASSING = {"market is closed": HALT_PAUSE_S, "rest api trading is not enabled": MAINTENANCE_PAUSE_S}
"""Words -> seconds to wait."""
TRAVEL_RULE_PAUSE_S = 300
TRAVEL_RULE = {
    "-4060": "Binance checks the account's risk; that passes by itself",
    "-4104": "Binance asks who receives it (travel rule): answer for this address on Binance's web page, under"
    " Withdraw, or withdraw there by hand and write it off",
}
"""Refusals of a withdrawal for a cause that passes, or that a person mends on Binance's page: never one that undoes."""
ACCOUNT_CLOSED = (
    "this action is disabled on this account",
    "this action disabled is on this account",  # as Binance spells it
    "this account may not place or cancel orders",
)
"""Nothing that waiting mends: a person must open the account."""
MARKET_CLOSED_TO_ACCOUNT = (
    "this symbol is not permitted for this account",
    "this symbol is restricted for this account",
    "symbol not whitelisted for api key",
)
"""Other markets are open."""

REFUSALS = Refusals(
    rejected=frozenset(
        {
            FILTER_FAILED,  # filters: LOT_SIZE, PRICE_FILTER, NOTIONAL, PERCENT_PRICE_BY_SIDE
            "-1014",
            "-1020",
            # 11xx: the request's own form was refused
            *(str(code) for code in range(-1109, -1099)),
            "-1111",
            "-1112",
            *(str(code) for code in range(-1131, -1113)),
            ORDER_REFUSED,
            ARCHIVED,
            # withdrawals: wallet closed, amount, address or tag refused
            "-4003",
            "-4005",
            "-4007",
            "-4008",
            "-4015",
            "-4016",
            "-4018",
            "-4019",
            "-4021",
            "-4022",
            "-4026",
            "-4106",
        }
    ),
    key=frozenset({"-1002", "-1022", "-2014", "-2015"}),
    absent=frozenset({"-2011", "-2013"}),
    not_executed={"-1003": 10, "-1015": 10, "-1004": 2, "-1008": 5, CLOCK_IS_OFF: 1},
)


def code_of(content: Any) -> tuple[str, str] | None:
    """Code and message of `{"code": -NNNN, "msg": ".."}`, or of the wallet's `{"success": false, "msg": ".."}`."""
    if not isinstance(content, dict):
        return None
    code = text_at(content, "code")
    if code.startswith("-") or content.get("success") is False:
        return code, text_at(content, "msg")
    return None


def classify(answer: HttpAnswer, *, changes: bool) -> VenueError:
    if answer.code == ORDER_REFUSED and DUPLICATE_WORDS in answer.message.lower():
        return unproved(one_line(answer.message, LONGEST_QUOTE), venue=Venue.BINANCE, code=answer.code, changes=changes)
    if answer.code in TRAVEL_RULE and answer.status in range(400, 500):
        reason = f"{one_line(answer.message, LONGEST_QUOTE)}; {TRAVEL_RULE[answer.code]}"
        return Unavailable(reason, venue=Venue.BINANCE, code=answer.code, retry_after=TRAVEL_RULE_PAUSE_S)
    if answer.code in WORDED and answer.status in range(400, 500):
        message, words = one_line(answer.message, LONGEST_QUOTE), answer.message.lower()
        if pause := next((seconds for part, seconds in PASSING.items() if part in words), None):
            return Unavailable(message, venue=Venue.BINANCE, code=answer.code, retry_after=pause)
        if any(part in words for part in ACCOUNT_CLOSED):
            return KeyRefused(message, venue=Venue.BINANCE, code=answer.code)
        if any(part in words for part in MARKET_CLOSED_TO_ACCOUNT):
            return NotPermitted(message, venue=Venue.BINANCE, code=answer.code)
    return judge(Venue.BINANCE, answer, REFUSALS, changes=changes)
