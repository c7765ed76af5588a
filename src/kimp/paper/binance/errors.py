"""Binance's refusals. Codes and texts: binance-spot-api-docs errors.md, developers.binance.com wallet error codes."""

from typing import Any

UNDER_MAINTENANCE = 1
"""Not a code of the tables, but what is sent: ccxt knows it by its text."""
REPEATED_ID = -4999
"""The real number is not published; this one is on no list, so nobody can have counted on it."""
MESSAGES = {
    UNDER_MAINTENANCE: "System is under maintenance.",
    -1000: "An unknown error occurred while processing the request.",
    -1003: "Too much request weight used; current limit is {} request weight per 1 MINUTE."
    " Please use WebSocket Streams for live updates to avoid polling the API.",
    -1015: "Too many new orders; current limit is {} orders per {}.",
    -1021: "Timestamp for this request is outside of the recvWindow.",
    -1022: "Signature for this request is not valid.",
    -1100: "Illegal characters found in parameter '{}'; legal range is '{}'.",
    -1102: "Mandatory parameter '{}' was not sent, was empty/null, or malformed.",
    -1106: "Parameter '{}' sent when not required.",
    -1111: "Parameter '{}' has too much precision.",
    -1115: "Invalid timeInForce.",
    -1116: "Invalid orderType.",
    -1117: "Invalid side.",
    -1120: "Invalid interval.",
    -1121: "Invalid symbol.",
    -1131: "recvWindow must be less than 60000",
    -2011: "Unknown order sent.",
    -2013: "Order does not exist.",
    -2014: "API-key format invalid.",
    -2015: "Invalid API-key, IP, or permissions for action.",
    -4015: "Withdraw is limited.",
    -4018: "We don't have this asset",
    -4019: "The current currency is not open for withdrawal",
    -4021: "Asset withdrawal must be an {} multiple of {}",
    -4022: "Not less than the minimum pick-up quantity {}",
    -4026: "User has insufficient balance",
    -4104: "Please provide the travel rule information of this withdrawal",
    REPEATED_ID: "withdrawOrderId was used before",
    -4106: "This network does not accept an address tag; addressTag must be absent",
}
STATUS = {UNDER_MAINTENANCE: 503, -1003: 429, -1015: 429, -2014: 401, -2015: 401}
INSUFFICIENT = "Account has insufficient balance for requested action."
DUPLICATE = "Duplicate order sent."
MARKET_CLOSED = "Market is closed."
NOT_PERMITTED = "This symbol is not permitted for this account."
WOULD_TAKE = "Order would immediately match and take."


class BinanceError(Exception):
    """Answered as `{"code": -NNNN, "msg": ".."}`; 400 unless the table says otherwise."""

    def __init__(
        self, code: int, *details: object, message: str | None = None, retry_after_s: int | None = None
    ) -> None:
        super().__init__(code)
        self.code = code
        self.status = STATUS.get(code, 400)
        self.message = message or MESSAGES[code].format(*details)
        self.retry_after_s = retry_after_s

    def body(self) -> dict[str, Any]:
        return {"code": self.code, "msg": self.message}


def order_refused(message: str) -> BinanceError:
    return BinanceError(-2010, message=message)


def filter_failed(name: str) -> BinanceError:
    return BinanceError(-1013, message=f"Filter failure: {name}")
