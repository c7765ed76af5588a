"""What a venue said, and what it proves. Pure: the tables of each venue are applied in its own `errors.py`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kimp.domain.errors import (
    LONGEST_PAUSE_S,
    KeyRefused,
    NotFound,
    OutcomeUnknown,
    Rejected,
    Unavailable,
    VenueError,
)
from kimp.domain.venues import Venue

OK = range(200, 300)
REDIRECTS = range(300, 400)
TOO_MANY, BANNED = 429, 418
BAN_PAUSE_S = 60
LIMIT_PAUSE_S = 1
PAUSE_IN_WORDS = re.compile(r"(\d{1,9}) seconds?\b")
"""Upbit tells the length of a block in the message alone."""
MARKUP = re.compile(r"<(script|style)\b.*?(?:</\1>|\Z)|<[^<>]*>", re.DOTALL | re.IGNORECASE)
"""Neither a page of tags that never end nor one script without an end is read more than once."""
LONGEST_QUOTE, LONGEST_CODE = 200, 60
"""Characters of a venue's text that go into an error: it may be a whole HTML page."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """One HTTP answer that is not plain success."""

    status: int
    body: str
    code: str = ""
    """The venue's own: Upbit's error name, Binance's number as text. Empty if the body carries none."""
    message: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


class NotSuccess(Exception):
    """Leaves ccxt with the whole answer; its own exceptions carry neither status nor headers."""

    def __init__(self, answer: HttpAnswer) -> None:
        super().__init__(f"HTTP {answer.status}")
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Refusals:
    """A venue's codes by what they prove. A code on none of the lists proves nothing."""

    rejected: frozenset[str]
    key: frozenset[str]
    absent: frozenset[str]
    not_executed: Mapping[str, int]
    """Code -> seconds to wait."""


def unproved(message: str, *, venue: Venue, code: str, changes: bool) -> VenueError:
    """Nothing is proved. A read changes nothing, so whatever became of it, it may be repeated."""
    kind = OutcomeUnknown if changes else Unavailable
    return kind(message, venue=venue, code=code)


def judge(venue: Venue, answer: HttpAnswer, refusals: Refusals, *, changes: bool) -> VenueError:
    """The error that an answer amounts to: unproved unless it is on an allow-list.

    `changes`: the call was to change something at the venue (an order, a withdrawal).
    """
    message, code = _message_of(answer), code_of(answer)
    if answer.status in REDIRECTS:
        return unproved(message, venue=venue, code=code, changes=changes)
    if (pause := pause_of(answer)) is not None:
        return Unavailable(message, venue=venue, code=code, retry_after=pause)
    if answer.code in refusals.not_executed:
        return Unavailable(message, venue=venue, code=code, retry_after=refusals.not_executed[answer.code])
    # A refusal that comes as a success or as a server's failure is no refusal.
    if answer.status in range(400, 500):
        for codes, error in (
            (refusals.key, KeyRefused),
            (refusals.absent, NotFound),
            (refusals.rejected, Rejected),
        ):
            if answer.code in codes:
                return error(message, venue=venue, code=code)
    return unproved(message, venue=venue, code=code, changes=changes)


def code_of(answer: HttpAnswer) -> str:
    """The venue's own code, or the status."""
    return one_line(answer.code, LONGEST_CODE) or f"HTTP {answer.status}"


def pause_of(answer: HttpAnswer) -> int | None:
    """Seconds for which nothing must be asked; None where the answer is about no limit."""
    if answer.status not in {TOO_MANY, BANNED}:
        return None
    asked = next((text.strip() for name, text in answer.headers.items() if name.lower() == "retry-after"), "")
    if not (asked.isascii() and asked.isdigit()):
        worded = PAUSE_IN_WORDS.search(answer.message or answer.body)
        asked = worded[1] if worded else ""
    # More than any venue asks for is a mistake, and must not silence it for days; nor may its length cost time.
    if asked and len(asked) <= len(str(LONGEST_PAUSE_S)) and int(asked) <= LONGEST_PAUSE_S:
        return int(asked)
    return BAN_PAUSE_S if answer.status == BANNED else LIMIT_PAUSE_S


def _message_of(answer: HttpAnswer) -> str:
    return one_line(answer.message or MARKUP.sub(" ", answer.body), LONGEST_QUOTE) or "an empty answer"


def one_line(text: str, longest: int) -> str:
    """What a venue wrote, fit for a log: no line breaks, no control characters, not too long."""
    return "".join(c for c in " ".join(text.split()) if c.isprintable())[:longest]


def text_at(content: Mapping[str, Any], name: str) -> str:
    """A field of an error body as text; numbers included, anything else is none."""
    value = content.get(name)
    return str(value) if isinstance(value, str | int) else ""
