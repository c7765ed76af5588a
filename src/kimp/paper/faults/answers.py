"""What a client is told instead of the truth: the venues' own refusals, and those of the edge in front of them."""

from collections.abc import Callable

import msgspec
from aiohttp import web

from kimp.domain.venues import Venue
from kimp.paper.faults.injector import Fault
from kimp.paper.faults.kinds import FaultKind

K = FaultKind
HTML = "<html>\r\n<head><title>{0}</title></head>\r\n<body>\r\n<center><h1>{0}</h1></center>\r\n</body>\r\n</html>\r\n"
REASONS = {
    403: "403 Forbidden",
    500: "500 Internal Server Error",
    502: "502 Bad Gateway",
    503: "503 Service Temporarily Unavailable",
    504: "504 Gateway Time-out",
}
UNKNOWN = "Unknown error, please check your request or try again later."
BUS_ERROR = "An unexpected response was received from the message bus. Execution status unknown."
OVERLOAD = "Server is currently overloaded with other requests. Please try again in a few minutes."
BACKEND_TIMEOUT = "Timeout waiting for response from backend server. Send status unknown; execution status unknown."
TOO_MUCH_WEIGHT = (
    "Too much request weight used; current limit is 6000 request weight per 1 MINUTE."
    " Please use WebSocket Streams for live updates to avoid polling the API."
)
BINANCE = {
    K.INTERNAL_ERROR: (500, -1000, "An unknown error occurred while processing the request."),
    K.DISCONNECTED: (500, -1001, "Internal error; unable to process your request. Please try again."),
    K.CLOCK_SKEW: (400, -1021, "Timestamp for this request is outside of the recvWindow."),
    K.TOO_MANY_ORDERS: (429, -1015, "Too many new orders; current limit is 100 orders per 10 SECOND."),
    K.UNKNOWN_ERROR: (503, -1000, UNKNOWN),
    K.UNKNOWN_ERROR_AFTER: (503, -1000, UNKNOWN),
    K.OVERLOADED: (503, -1008, OVERLOAD),
    K.UNEXPECTED_RESPONSE: (500, -1006, BUS_ERROR),
    K.STATUS_UNKNOWN: (408, -1007, BACKEND_TIMEOUT),
    K.RATE_LIMIT: (429, -1003, TOO_MUCH_WEIGHT),
}
"""Status, code and message: binance-spot-api-docs errors.md and rest-api.md."""
NOWHERE = "http://127.0.0.1:9/challenge"
"""Nobody listens there."""
WITH_RETRY_AFTER = (K.RATE_LIMIT, K.RATE_LIMIT_TEXT, K.TOO_MANY_ORDERS)


def answer_to(fault: Fault, venue: Venue) -> web.Response:
    """For the kinds that answer without looking at the request."""
    headers: dict[str, str] = {}
    if venue is Venue.BINANCE and fault.kind in WITH_RETRY_AFTER:
        headers["Retry-After"] = str(_whole_seconds(fault.ms))
    if (make := EDGE.get(fault.kind)) is not None:
        response = make()
    elif venue is Venue.BINANCE:
        response = _binance(*BINANCE[fault.kind])
    elif fault.kind is K.RATE_LIMIT:
        response = _upbit(429, "too_many_requests", "요청 수 제한을 초과했습니다.")
        headers["Remaining-Req"] = "group=default; min=1800; sec=0"
    elif fault.kind is K.NONCE_USED:
        response = _upbit(401, "nonce_used", "이미 사용된 nonce 입니다.")
    else:
        response = _upbit(500, "internal_server_error", "일시적인 오류가 발생했습니다.")
    response.headers.update(headers)
    return response


def banned(kind: FaultKind, venue: Venue, now_ms: int, until_ms: int) -> web.Response:
    """418, with the time that is left of the ban."""
    seconds = _whole_seconds(until_ms - now_ms)
    if kind is K.BAN_TEXT:
        response = web.Response(text="I'm a teapot", status=418)
    elif venue is Venue.UPBIT:
        response = _upbit(418, "too_many_requests", f"This key or IP is blocked for {seconds} seconds.")
    else:
        response = _binance(
            418,
            -1003,
            f"Way too much request weight used; IP banned until {until_ms}."
            " Please use WebSocket Streams for live updates to avoid bans.",
        )
    if venue is Venue.BINANCE:
        response.headers["Retry-After"] = str(seconds)
    return response


def _away(status: int) -> Callable[[], web.Response]:
    return lambda: web.Response(status=status, headers={"Location": NOWHERE})


def _page(status: int) -> Callable[[], web.Response]:
    return lambda: web.Response(text=HTML.format(REASONS[status]), status=status, content_type="text/html")


EDGE: dict[FaultKind, Callable[[], web.Response]] = {
    K.WAF_403: _page(403),
    K.HTTP_500: _page(500),
    K.HTTP_502: _page(502),
    K.HTTP_503: _page(503),
    K.HTTP_502_AFTER: _page(502),
    K.HTTP_504_AFTER: _page(504),
    K.REDIRECT: _away(307),
    K.REDIRECT_AFTER: _away(302),
    K.RATE_LIMIT_TEXT: lambda: web.Response(text="Too Many Requests", status=429),
}


def _binance(status: int, code: int, message: str) -> web.Response:
    body = msgspec.json.encode({"code": code, "msg": message})
    return web.Response(body=body, status=status, content_type="application/json", charset="UTF-8")


def _upbit(status: int, name: str, message: str) -> web.Response:
    body = msgspec.json.encode({"error": {"name": name, "message": message}})
    return web.Response(body=body, status=status, content_type="application/json", charset="utf-8")


def _whole_seconds(ms: int) -> int:
    return max(-(-ms // 1000), 1)
