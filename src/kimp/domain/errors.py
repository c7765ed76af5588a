"""What can go wrong, by cause:

KimpError
├── BadInput              a person or a peer handed over something unusable: one line, no traceback
│   ├── BadAmount
│   ├── BadConfig
│   └── BadMessage
├── CurrencyMismatch      a programming error: two assets were mixed
├── UnbalancedEntry       a programming error: a ledger entry does not sum to zero
├── StartFailed           Temporal does not serve; the same start may be asked for again
├── TemporalUnavailable   no Temporal server answers; nothing was asked of it
├── BusUnavailable        Redis does not serve; what it carries may be lost, so only newer news is worth sending
├── StoreUnavailable      the database does not serve; a write may or may not have been committed, repeat it by key
├── Unstorable            the database serves, and can't hold what it was given: no repetition helps
├── Superseded            the cycle is another workflow run's: this one sends nothing any more
└── VenueError            an exchange, or the way to it, said no or said nothing
    ├── Rejected          definite: the venue refused and nothing happened
    │   ├── NotFound      definite answer of a query: no such thing *now*
    │   ├── NotPermitted  the account may not trade this market, whatever the order
    │   ├── KeyRefused    the key, its rights or its address list: no retry can help
    │   ├── Postponed     refused for now: the same thing may be asked for later, under a new id
    │   └── NotSent       our own limiter or clock held it back: nothing left this process
    ├── Unavailable       nothing was executed; the same call may be repeated after `retry_after` seconds
    └── OutcomeUnknown    the call may or may not have been executed: look it up, never send again blindly
"""

from kimp.domain.reasons import ReasonKind

LONGEST_PAUSE_S = 3 * 24 * 3600
"""Binance's longest ban (rest-api.md, IP limits)."""


class KimpError(Exception):
    """Base of all errors that kimp raises on purpose."""

    kind: str = ReasonKind.OTHER
    """What a cycle that waits because of it is counted by."""


class BadInput(KimpError):
    """Unusable input; the text says what, where and how to mend it."""


class BadAmount(BadInput):
    """Text that is not a finite decimal number."""


class BadConfig(BadInput):
    """Settings that do not validate, or a part that the settings name and that is not there."""


class BadMessage(BadInput):
    """A message of a peer that does not parse. The text may repeat what the peer wrote, so it is kept short."""

    LONGEST = 500

    def __init__(self, text: str) -> None:
        super().__init__(text if len(text) <= self.LONGEST else f"{text[: self.LONGEST]}...")


class CurrencyMismatch(KimpError):
    """Two different assets in one sum."""


class UnbalancedEntry(KimpError):
    """A ledger entry whose postings do not sum to zero in every asset."""


class StartFailed(KimpError):
    """Temporal did not say whether it started the cycle; asking again for the same id is safe."""


class TemporalUnavailable(KimpError):
    """No Temporal server answers where one was looked for, or what answers is none."""


class BusUnavailable(KimpError):
    """Redis is away. Whatever was to be published or read is asked for again, as it is by then."""

    kind = ReasonKind.REDIS

    def __init__(self, message: str, word: str | None = None) -> None:
        super().__init__(message)
        self.word = word
        """The server's own, e.g. NOPERM, if it answered."""


class StoreUnavailable(KimpError):
    """The database is away or busy. All writes are idempotent by key, so the same one may be repeated."""

    kind = ReasonKind.DATABASE


class Unstorable(KimpError):
    """A value that no column holds, or a row that the tables' own rules forbid."""

    kind = ReasonKind.DATABASE


class Superseded(KimpError):
    """Another workflow run has taken the cycle over: nothing is sent."""


class VenueError(KimpError):
    """A call to an exchange did not answer with success.

    `code` is the venue's own: Upbit's error name, Binance's number as text, or `HTTP <status>`. It is also the `kind`,
    unless that is named, as it is where kimp itself found the cause.
    """

    def __init__(self, message: str, *, venue: str, code: str = "", kind: str | None = None) -> None:
        super().__init__(f"{venue}: {message}" + (f" [{code}]" if code else ""))
        self.venue = venue
        self.code = code
        self.kind = kind or code or type(self).kind


class Rejected(VenueError):
    """The venue refused; nothing was executed. On the allow-list of definite refusals."""


class NotFound(Rejected):
    """The venue does not know the order, withdrawal or deposit that was asked for, at this moment."""


class NotPermitted(Rejected):
    """The account may not trade this market: no other order of the coin would do better."""


class KeyRefused(Rejected):
    """The API key is wrong, expired, locked, lacks a right, or the address is not registered."""


class Postponed(Rejected):
    """Not sent, or refused before execution, for a cause that passes: the kill switch, a rate limit, maintenance."""


class NotSent(Rejected):
    """It would have left too late, so our own limiter or clock held it back; nothing left this process."""

    kind = ReasonKind.LIMITER


class Unavailable(VenueError):
    """Refused before execution (rate limit, ban, maintenance, overload); may be repeated."""

    def __init__(
        self, message: str, *, venue: str, code: str = "", kind: str | None = None, retry_after: int | None = None
    ) -> None:
        super().__init__(message, venue=venue, code=code, kind=kind)
        self.retry_after = None if retry_after is None else min(max(retry_after, 0), LONGEST_PAUSE_S)
        """Seconds the venue asks to wait, if it said so; no more than any venue means."""


class OutcomeUnknown(VenueError):
    """No answer, or one that proves nothing: the call may have been executed."""
