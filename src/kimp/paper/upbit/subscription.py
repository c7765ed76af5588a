"""What a client asks Upbit's WebSocket for. docs.upbit.com: websocket-guide."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from kimp.paper.book import DEPTH
from kimp.paper.hub import Topic
from kimp.paper.upbit.frames import FORMATS

TYPES = ("ticker", "trade", "orderbook")
DEPTHS = (1, 5, 15, 30)


class WrongRequest(Exception):
    """Refused; the connection stays open."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(name)
        self.name = name
        self.message = message

    def frame(self) -> bytes:
        return msgspec.json.encode({"error": {"name": self.name, "message": self.message}})


@dataclass(frozen=True, slots=True)
class Subscription:
    """One type of a request; `topics` name each market with its depth and format."""

    kind: str
    codes: tuple[str, ...]
    topics: tuple[Topic, ...]
    snapshot: bool
    realtime: bool


def is_listing(parts: Sequence[dict[str, Any]]) -> bool:
    return any(part.get("method") == "LIST_SUBSCRIPTIONS" for part in parts)


def parts_of(text: str | bytes) -> list[dict[str, Any]]:
    """The request's objects. Raises WrongRequest."""
    try:
        parts = msgspec.json.decode(text)
    except msgspec.DecodeError:
        raise WrongRequest("WRONG_FORMAT", "잘못된 형식입니다.") from None
    if not isinstance(parts, list) or not parts or not all(isinstance(part, dict) for part in parts):
        raise WrongRequest("WRONG_FORMAT", "잘못된 형식입니다.")
    return parts


def read_request(parts: Sequence[dict[str, Any]]) -> list[Subscription]:
    """Raises WrongRequest with Upbit's error name."""
    if not any(part.get("ticket") for part in parts):
        raise WrongRequest("NO_TICKET", "티켓이 존재하지 않습니다.")
    style = next((part["format"] for part in parts if "format" in part), "DEFAULT")
    if style not in FORMATS:
        raise WrongRequest("INVALID_PARAM", f"지원하지 않는 포맷입니다: {style}")
    typed = [part for part in parts if "type" in part]
    if not typed:
        raise WrongRequest("NO_TYPE", "타입이 존재하지 않습니다.")
    return [_subscription(part, style) for part in typed]


def _subscription(part: dict[str, Any], style: str) -> Subscription:
    kind = part["type"]
    if kind not in TYPES:
        raise WrongRequest("NO_TYPE", f"지원하지 않는 타입입니다: {kind}")
    codes = part.get("codes")
    if not isinstance(codes, list) or not codes:
        raise WrongRequest("NO_CODES", "코드가 존재하지 않습니다.")
    named = tuple(str(code) for code in codes)
    only_snapshot, only_realtime = bool(part.get("is_only_snapshot")), bool(part.get("is_only_realtime"))
    return Subscription(
        kind,
        named,
        tuple(_topic(kind, code, style) for code in named),
        snapshot=not only_realtime or only_snapshot,
        realtime=not only_snapshot or only_realtime,
    )


def _topic(kind: str, code: str, style: str) -> Topic:
    symbol, _, suffix = code.partition(".")
    depth = int(suffix) if suffix.isdecimal() and int(suffix) in DEPTHS else DEPTH
    return Topic(kind, symbol, depth if kind == "orderbook" else 0, style)
