"""Answers that are no success: status, headers and a body that may be JSON, a page of HTML or anything else."""

from collections.abc import Mapping
from typing import Any

from fuzz.target import Target
from fuzz.worth import unsound

from kimp.adapters.binance import errors as binance
from kimp.adapters.upbit import errors as upbit
from kimp.adapters.venue.answers import LONGEST_CODE, LONGEST_QUOTE, NotSuccess
from kimp.adapters.venue.back_off import BackOff
from kimp.adapters.venue.client import Classify, StrictClient
from kimp.domain.errors import LONGEST_PAUSE_S, BadMessage, VenueError
from kimp.domain.venues import Venue

LONGEST = LONGEST_QUOTE + LONGEST_CODE + 30
"""Of an error's text: what the venue said, its code, and its name."""


class _Client(StrictClient):
    """The part that judges, without ccxt."""

    def __init__(self, venue: Venue) -> None:
        self.venue = venue
        self.back_off = BackOff()

    def code_of(self, content: Any) -> tuple[str, str] | None:
        return upbit.code_of(content) if self.venue is Venue.UPBIT else binance.code_of(content)

    def charges(self, path: str, method: str, params: Mapping[str, Any]) -> Mapping[str, int]:
        raise NotImplementedError


def _judged(venue: Venue, classify: Classify, data: bytes) -> list[VenueError]:
    """An input is `status`, lines of headers, an empty line and the body."""
    head, _, body = data.decode(errors="replace").replace("\r\n", "\n").partition("\n\n")
    status, *lines = head.split("\n")
    headers = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if not (status.isascii() and status.isdigit() and len(status) == 3):
        raise BadMessage("no status of HTTP")
    client = _Client(venue)
    try:
        client.handle_errors(int(status), "", "", "", headers, body, client.on_json_response(body))
    except NotSuccess as refused:
        return [classify(refused.answer, changes=changes) for changes in (True, False)]
    return []


def _fault(errors: list[VenueError]) -> str | None:
    for error in errors:
        text, pause = str(error), getattr(error, "retry_after", None)
        if len(text) > LONGEST or not text.isprintable():
            return f"a message of {len(text)} characters: {text[:200]!r}"
        if pause is not None and not 0 <= pause <= LONGEST_PAUSE_S:
            return f"a pause of {pause} s"
    return unsound(errors)


TARGETS = [
    Target("upbit-refusal", lambda data: _judged(Venue.UPBIT, upbit.classify, data), (BadMessage,), _fault),
    Target("binance-refusal", lambda data: _judged(Venue.BINANCE, binance.classify, data), (BadMessage,), _fault),
]
