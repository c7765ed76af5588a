"""What can go wrong on request.

A name ending in `_after` looks to the client like the one without it, but the request was executed.
"""

from enum import StrEnum

from kimp.domain.market import Venue


class FaultKind(StrEnum):
    # The request is never executed.
    RESET = "reset"
    HANG = "hang"
    """No answer for some seconds, then the connection ends."""
    HTTP_500 = "http_500"
    HTTP_502 = "http_502"
    HTTP_503 = "http_503"
    RATE_LIMIT = "rate_limit"
    """429 in the venue's own JSON."""
    RATE_LIMIT_TEXT = "rate_limit_text"
    """429 in plain text, as the edge in front of the venue answers."""
    BAN = "ban"
    """418, and again for every request until the time told in it is over."""
    INTERNAL_ERROR = "internal_error"
    """Binance -1000, Upbit a JSON 500."""
    DISCONNECTED = "disconnected"
    """Binance -1001."""
    CLOCK_SKEW = "clock_skew"
    """Binance -1021."""
    TOO_MANY_ORDERS = "too_many_orders"
    """Binance -1015."""
    UNKNOWN_ERROR = "unknown_error"
    """Binance's 503 that leaves open whether the request was executed; here it was not."""
    # The request is executed; its answer is lost or worthless.
    LOST_ANSWER = "lost_answer"
    HANG_AFTER = "hang_after"
    HTTP_502_AFTER = "http_502_after"
    HTTP_504_AFTER = "http_504_after"
    UNKNOWN_ERROR_AFTER = "unknown_error_after"
    STATUS_UNKNOWN = "status_unknown"
    """Binance -1007: execution status unknown."""
    TRUNCATED_ANSWER = "truncated_answer"
    EMPTY_ANSWER = "empty_answer"
    """200 or 201 without a body."""
    LATE_EXECUTION = "late_execution"
    """No answer; executed some seconds later, then the connection ends."""
    # Orders.
    INSUFFICIENT_BALANCE = "insufficient_balance"
    """Refused for want of funds that are there."""
    PARTIAL_FILL = "partial_fill"
    """A part is filled at once, the venue cancels the rest."""
    NOT_YET_VISIBLE = "not_yet_visible"
    """Accepted and executed, but no look-up finds the order for a while."""
    # The sending side of a transfer.
    WALLET_SUSPENDED = "wallet_suspended"
    """The coin's wallet is paused for a while: the sender's before it leaves, or the receiver's when it is seen."""
    WITHDRAWAL_STUCK = "withdrawal_stuck"
    """PROCESSING for a while; the receiver sees nothing."""
    WITHDRAWAL_FAILED = "withdrawal_failed"
    WITHDRAWAL_REJECTED = "withdrawal_rejected"
    WITHDRAWAL_CANCELLED = "withdrawal_cancelled"
    """These three: after acceptance, instead of leaving; the coins are given back."""
    FEE_SURPRISE = "fee_surprise"
    """The network fee is twice the listed one: on top on Upbit, out of the amount on Binance."""
    # The receiving side of a transfer.
    DEPOSIT_HELD = "deposit_held"
    """Held for the travel rule for a while, then credited."""
    DEPOSIT_DELAYED = "deposit_delayed"
    """Seen, but not credited for a while."""
    DEPOSIT_REJECTED = "deposit_rejected"
    """Upbit never credits it; the coins stay with the chain."""
    # Streams.
    STREAM_DISCONNECT = "stream_disconnect"
    """The connection ends without a closing frame."""
    STREAM_SILENCE = "stream_silence"
    """The connection stays open and answers pings, but brings no data for a while."""
    DUPLICATE_FRAME = "duplicate_frame"
    OUT_OF_ORDER_FRAME = "out_of_order_frame"
    """A frame comes behind its successor."""
    ABSURD_PRICE = "absurd_price"
    """Every price of a public frame is a hundred times too high."""
    GARBAGE_FRAME = "garbage_frame"
    """Bytes that are no JSON in the place of a frame."""


K = FaultKind
BEFORE = frozenset({
    K.RESET, K.HANG, K.HTTP_500, K.HTTP_502, K.HTTP_503, K.RATE_LIMIT, K.RATE_LIMIT_TEXT, K.BAN, K.INTERNAL_ERROR,
    K.DISCONNECTED, K.CLOCK_SKEW, K.TOO_MANY_ORDERS, K.UNKNOWN_ERROR,
})  # fmt: skip
AFTER = frozenset({
    K.LOST_ANSWER, K.HANG_AFTER, K.HTTP_502_AFTER, K.HTTP_504_AFTER, K.UNKNOWN_ERROR_AFTER, K.STATUS_UNKNOWN,
    K.TRUNCATED_ANSWER, K.EMPTY_ANSWER, K.LATE_EXECUTION,
})  # fmt: skip
REQUEST = BEFORE | AFTER
ORDER = frozenset({K.INSUFFICIENT_BALANCE, K.PARTIAL_FILL, K.NOT_YET_VISIBLE})
SENDING = frozenset({
    K.WALLET_SUSPENDED, K.WITHDRAWAL_STUCK, K.WITHDRAWAL_FAILED, K.WITHDRAWAL_REJECTED, K.WITHDRAWAL_CANCELLED,
    K.FEE_SURPRISE,
})  # fmt: skip
RECEIVING = frozenset({K.WALLET_SUSPENDED, K.DEPOSIT_HELD, K.DEPOSIT_DELAYED, K.DEPOSIT_REJECTED})
STREAM = frozenset({
    K.STREAM_DISCONNECT, K.STREAM_SILENCE, K.DUPLICATE_FRAME, K.OUT_OF_ORDER_FRAME, K.ABSURD_PRICE, K.GARBAGE_FRAME,
})  # fmt: skip

ONLY_ON = {
    K.DISCONNECTED: Venue.BINANCE,
    K.CLOCK_SKEW: Venue.BINANCE,
    K.TOO_MANY_ORDERS: Venue.BINANCE,
    K.UNKNOWN_ERROR: Venue.BINANCE,
    K.UNKNOWN_ERROR_AFTER: Venue.BINANCE,
    K.STATUS_UNKNOWN: Venue.BINANCE,
    K.DEPOSIT_REJECTED: Venue.UPBIT,
}
"""Kinds that one venue alone knows."""

SECONDS = {
    K.HANG: 15.0,
    K.HANG_AFTER: 15.0,
    K.RATE_LIMIT: 1.0,
    K.RATE_LIMIT_TEXT: 1.0,
    K.TOO_MANY_ORDERS: 1.0,
    K.BAN: 10.0,
    K.LATE_EXECUTION: 2.0,
    K.NOT_YET_VISIBLE: 1.0,
    K.WALLET_SUSPENDED: 10.0,
    K.WITHDRAWAL_STUCK: 10.0,
    K.DEPOSIT_HELD: 10.0,
    K.DEPOSIT_DELAYED: 10.0,
    K.STREAM_SILENCE: 5.0,
}
"""How long a kind lasts, unless told otherwise; a kind that is not here takes no time."""
LONGEST = {K.LATE_EXECUTION: 4.0, K.NOT_YET_VISIBLE: 2.0}
"""Beyond these no client could know when a look-up that finds nothing may be believed."""
