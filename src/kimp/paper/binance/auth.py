"""Binance's request signature: HMAC-SHA256 over the raw parameters. binance-spot-api-docs: rest-api.md, SIGNED."""

import hashlib
import hmac
import re
from collections.abc import Mapping

from kimp.paper.binance.errors import BinanceError
from kimp.paper.keys import ApiKeys, PaperKey, PaperRight
from kimp.ports.clock import Clock

DEFAULT_WINDOW_MS = 5_000
MAX_WINDOW_MS = 60_000
AHEAD_MS = 1_000
KEY_FORM = re.compile(r"[A-Za-z0-9_-]{1,128}")
SIGNATURE = re.compile(r"(?:^|&)signature=([^&]*)")


class Authenticator:
    """Checks key, time window, signature and right."""

    def __init__(self, keys: ApiKeys, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock

    def check(
        self, api_key: str, raw: str, params: Mapping[str, str], at_ms: int, right: PaperRight = PaperRight.READ
    ) -> str:
        """The API key. `raw`: query string and body as they were sent, one behind the other; `at_ms`: when it came.

        Raises BinanceError -2014, -2015, -1102, -1131, -1021 or -1022.
        """
        key = self._known(api_key, right)
        self._check_window(params, at_ms)
        found = SIGNATURE.search(raw)
        if found is None or not found[1]:
            raise BinanceError(-1102, "signature")
        payload = (raw[: found.start()] + raw[found.end() :]).removeprefix("&")
        _check_signature(key, payload, found[1])
        return api_key

    def _known(self, api_key: str, right: PaperRight) -> PaperKey:
        """An unknown key and one without the right are refused alike."""
        if not KEY_FORM.fullmatch(api_key):
            raise BinanceError(-2014)
        key = self._keys.get(api_key)
        if key is None or right not in key.rights:
            raise BinanceError(-2015)
        if right is PaperRight.TRADE and self._clock.now_ms() >= self._keys.expires_ms(key):
            raise BinanceError(-2015)
        return key

    @staticmethod
    def _check_window(params: Mapping[str, str], now_ms: int) -> None:
        """Not later than `recvWindow` after the timestamp, nor more than a second before it."""
        if not params.get("timestamp", "").isdecimal():
            raise BinanceError(-1102, "timestamp")
        window = params.get("recvWindow", str(DEFAULT_WINDOW_MS))
        if not window.isdecimal():
            raise BinanceError(-1102, "recvWindow")
        if int(window) > MAX_WINDOW_MS:
            raise BinanceError(-1131)
        timestamp = int(params["timestamp"])
        if timestamp >= now_ms + AHEAD_MS:
            raise BinanceError(
                -1021, message="Timestamp for this request was 1000ms ahead of the server's time."
            )  # fmt: skip
        if now_ms - timestamp > int(window):
            raise BinanceError(-1021)


def _check_signature(key: PaperKey, payload: str, signature: str) -> None:
    secret = key.secret.get_secret_value().encode()
    expected = hmac.new(secret, payload.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(signature.lower().encode(), expected.encode()):
        raise BinanceError(-1022)
