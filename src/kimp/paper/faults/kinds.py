"""What can go wrong on request.

A name ending in `_after` looks to the client like the one without it, but the request was executed.
"""

from enum import StrEnum

from kimp.domain.venues import Venue


class FaultKind(StrEnum):
    # The request is never executed.
    RESET = "reset"
    HANG = "hang"
    """No answer for some seconds, then the connection ends."""
    HTTP_500 = "http_500"
    HTTP_502 = "http_502"
    HTTP_503 = "http_503"
    WAF_403 = "waf_403"
    """The firewall in front of the venue answers 403 with a page of HTML."""
    RATE_LIMIT = "rate_limit"
    """429 in the venue's own JSON."""
    RATE_LIMIT_TEXT = "rate_limit_text"
    """429 in plain text, as the edge in front of the venue answers."""
    BAN = "ban"
    """418, and again for every request until the time told in it is over."""
    BAN_TEXT = "ban_text"
    """The same in plain text."""
    INTERNAL_ERROR = "internal_error"
    """Binance -1000, Upbit a JSON 500."""
    DISCONNECTED = "disconnected"
    """Binance -1001."""
    OVERLOADED = "overloaded"
    """Binance -1008: a 503 that says for certain that nothing was executed."""
    CLOCK_SKEW = "clock_skew"
    """Binance -1021."""
    TOO_MANY_ORDERS = "too_many_orders"
    """Binance -1015."""
    REDIRECT = "redirect"
    """307 to a host that can't be reached, as an edge that wants a browser to prove itself answers."""
    UNKNOWN_ERROR = "unknown_error"
    """Binance's 503 that leaves open whether the request was executed; here it was not."""
    # The request is executed; its answer is lost or worthless.
    LOST_ANSWER = "lost_answer"
    HANG_AFTER = "hang_after"
    HTTP_502_AFTER = "http_502_after"
    HTTP_504_AFTER = "http_504_after"
    REDIRECT_AFTER = "redirect_after"
    """302; a client that follows it finds nobody there, and may think that nothing was executed."""
    UNKNOWN_ERROR_AFTER = "unknown_error_after"
    STATUS_UNKNOWN = "status_unknown"
    """Binance -1007: execution status unknown."""
    UNEXPECTED_RESPONSE = "unexpected_response"
    """Binance -1006: execution status unknown."""
    NONCE_USED = "nonce_used"
    """Upbit: a copy of the request came first and was executed; this one is refused."""
    TRUNCATED_ANSWER = "truncated_answer"
    GARBLED_ANSWER = "garbled_answer"
    """200 or 201, of full length, and no JSON."""
    EMPTY_ANSWER = "empty_answer"
    """200 or 201 without a body."""
    LATE_EXECUTION = "late_execution"
    """No answer; executed some seconds later, then the connection ends."""
    BEYOND_THE_FENCE = "beyond_the_fence"
    """The same, but later than any client can wait before it calls an order absent. Of no family: only for plans that
    name it, because what comes of it is counted apart."""
    # A truthful answer, but for one letter or figure of an address, or for a row.
    FOREIGN_ADDRESS = "foreign_address"
    FOREIGN_TAG = "foreign_tag"
    NULL_ROW = "null_row"
    """A truthful answer to a read, but that one row of it is null, its name aside."""
    # The request is executed, but in a venue that has just changed for a while.
    MAINTENANCE = "maintenance"
    """No call is served: Upbit 403 market_offline, Binance 503 and a system status of 1."""
    KEY_EXPIRED = "key_expired"
    """Signed calls are refused: Upbit expired_access_key, Binance -2015."""
    KEY_LOCKED = "key_locked"
    """Upbit: withdrawals are refused, open_api_withdraw_locked."""
    # Orders.
    INSUFFICIENT_BALANCE = "insufficient_balance"
    """Refused for want of funds that are there."""
    ORDER_REFUSED = "order_refused"
    """Refused for good by a filter of the market."""
    MARKET_HALTED = "market_halted"
    """Refused, as is every order of that market for a while; Binance lists it as BREAK."""
    NOT_PERMITTED = "not_permitted"
    """Refused, as is every order of that market for a while: the account may not trade it."""
    FOREIGN_ORDER = "foreign_order"
    """Refused as a duplicate: another program of the account has used its name, for half as much, and got nothing."""
    ORDER_EXPIRED = "order_expired"
    """Accepted, and ended by the venue before anything is filled."""
    PARTIAL_FILL = "partial_fill"
    """A part is filled at once, the venue cancels the rest."""
    MANY_FILLS = "many_fills"
    """What trades at once trades in 600 fills or more, which is more than a page of Binance's list."""
    WORSE_PRICE = "worse_price"
    """Filled at the order's limit, though the book showed better prices."""
    DOUBLE_FEE = "double_fee"
    """The fee is twice the published one."""
    FEE_IN_BNB = "fee_in_bnb"
    """Binance: the fee is taken in BNB, a quarter off, if the account holds enough of it."""
    NOT_YET_VISIBLE = "not_yet_visible"
    """Accepted and executed, but no look-up finds the order for a while."""
    STALE_ORDER = "stale_order"
    """For a while look-ups show the order open and unfilled, as it was when it was accepted."""
    TRADES_LAG = "trades_lag"
    """For a while look-ups show what was executed, but not the last trade."""
    # The sending side of a transfer.
    WALLET_SUSPENDED = "wallet_suspended"
    """The coin's wallet is paused for a while: the sender's before it leaves, or the receiver's when it is seen."""
    WITHDRAWAL_UNAPPROVED = "withdrawal_unapproved"
    """Accepted, and waiting for a person's approval for a while: it has not left."""
    WITHDRAWAL_STUCK = "withdrawal_stuck"
    """PROCESSING for a while; the receiver sees nothing."""
    WITHDRAWAL_FAILED = "withdrawal_failed"
    WITHDRAWAL_REJECTED = "withdrawal_rejected"
    WITHDRAWAL_CANCELLED = "withdrawal_cancelled"
    """These three: after acceptance, instead of leaving; the coins are given back."""
    FOREIGN_WITHDRAWAL = "foreign_withdrawal"
    """Upbit, which knows no client id of it: a person has just asked for the same amount on the same network, and
    cancelled it."""
    FEE_SURPRISE = "fee_surprise"
    """The network fee is twice the listed one: on top on Upbit, out of the amount on Binance."""
    TAG_LOST = "tag_lost"
    """It leaves without its tag: the chain brings it to the receiver, who knows no account for it."""
    SHARED_TXID = "shared_txid"
    """It waits for the coin's next withdrawal, and both leave in one transaction; alone if none comes for a while."""
    # The receiving side of a transfer.
    DEPOSIT_HELD = "deposit_held"
    """Held for the travel rule for a while, then credited."""
    DEPOSIT_DELAYED = "deposit_delayed"
    """Seen, but not credited for a while."""
    DEPOSIT_REJECTED = "deposit_rejected"
    """Never credited; the coins stay with the chain."""
    DEPOSIT_LOST = "deposit_lost"
    """Never even seen, though the sender says that it is done."""
    DEPOSIT_SHORT = "deposit_short"
    """Less is credited than was sent; the rest stays with the chain."""
    DEPOSIT_TWICE = "deposit_twice"
    """Credited, and a while later once more under the same txid."""
    DEPOSIT_REORG = "deposit_reorg"
    """Seen, gone from every list for a while, seen again and credited."""
    CREDIT_LOCKED = "credit_locked"
    """Binance: credited for trading (status 6), but for a while not free to be withdrawn."""
    # Streams.
    STREAM_DISCONNECT = "stream_disconnect"
    """The connection ends without a closing frame."""
    SERVER_SHUTDOWN = "server_shutdown"
    """Binance: serverShutdown, then the close."""
    STREAM_SILENCE = "stream_silence"
    """The connection stays open and answers pings, but brings no data for a while."""
    HALF_OPEN = "half_open"
    """The same, and no ping is answered."""
    STREAM_STALL = "stream_stall"
    """For a while no data comes, then all of it at once."""
    SYMBOL_FROZEN = "symbol_frozen"
    """One market brings no data for a while, the others do."""
    LOST_FRAME = "lost_frame"
    DUPLICATE_FRAME = "duplicate_frame"
    OUT_OF_ORDER_FRAME = "out_of_order_frame"
    """A frame comes behind its successor."""
    ABSURD_PRICE = "absurd_price"
    """Every price of a public frame is a hundred times too high."""
    ZERO_PRICE = "zero_price"
    NEGATIVE_PRICE = "negative_price"
    CROSSED_BOOK = "crossed_book"
    """Bid and ask prices of a book are exchanged."""
    GARBAGE_FRAME = "garbage_frame"
    """Bytes that are no JSON in the place of a frame."""


K = FaultKind
BEFORE = frozenset({
    K.RESET, K.HANG, K.HTTP_500, K.HTTP_502, K.HTTP_503, K.WAF_403, K.RATE_LIMIT, K.RATE_LIMIT_TEXT, K.BAN, K.BAN_TEXT,
    K.INTERNAL_ERROR, K.DISCONNECTED, K.OVERLOADED, K.CLOCK_SKEW, K.TOO_MANY_ORDERS, K.UNKNOWN_ERROR, K.REDIRECT,
})  # fmt: skip
AFTER = frozenset({
    K.LOST_ANSWER, K.HANG_AFTER, K.HTTP_502_AFTER, K.HTTP_504_AFTER, K.UNKNOWN_ERROR_AFTER, K.STATUS_UNKNOWN,
    K.UNEXPECTED_RESPONSE, K.NONCE_USED, K.TRUNCATED_ANSWER, K.GARBLED_ANSWER, K.EMPTY_ANSWER, K.LATE_EXECUTION,
    K.REDIRECT_AFTER,
})  # fmt: skip
POISON = frozenset({K.FOREIGN_ADDRESS, K.FOREIGN_TAG, K.NULL_ROW})
CHANGES = frozenset({K.MAINTENANCE, K.KEY_EXPIRED, K.KEY_LOCKED})
REQUEST = BEFORE | AFTER | POISON | CHANGES
ORDER = frozenset({
    K.INSUFFICIENT_BALANCE, K.ORDER_REFUSED, K.MARKET_HALTED, K.NOT_PERMITTED, K.FOREIGN_ORDER, K.ORDER_EXPIRED,
    K.PARTIAL_FILL, K.MANY_FILLS, K.WORSE_PRICE, K.DOUBLE_FEE, K.FEE_IN_BNB, K.NOT_YET_VISIBLE, K.STALE_ORDER,
    K.TRADES_LAG,
})  # fmt: skip
SENDING = frozenset({
    K.WALLET_SUSPENDED, K.WITHDRAWAL_UNAPPROVED, K.WITHDRAWAL_STUCK, K.WITHDRAWAL_FAILED, K.WITHDRAWAL_REJECTED,
    K.WITHDRAWAL_CANCELLED, K.FOREIGN_WITHDRAWAL, K.FEE_SURPRISE, K.TAG_LOST, K.SHARED_TXID,
})  # fmt: skip
RECEIVING = frozenset({
    K.WALLET_SUSPENDED, K.DEPOSIT_HELD, K.DEPOSIT_DELAYED, K.DEPOSIT_REJECTED, K.DEPOSIT_LOST, K.DEPOSIT_SHORT,
    K.DEPOSIT_TWICE, K.DEPOSIT_REORG, K.CREDIT_LOCKED,
})  # fmt: skip
PRICED = frozenset({K.ABSURD_PRICE, K.ZERO_PRICE, K.NEGATIVE_PRICE})
STREAM = PRICED | frozenset({
    K.STREAM_DISCONNECT, K.SERVER_SHUTDOWN, K.STREAM_SILENCE, K.HALF_OPEN, K.STREAM_STALL, K.SYMBOL_FROZEN,
    K.LOST_FRAME, K.DUPLICATE_FRAME, K.OUT_OF_ORDER_FRAME, K.CROSSED_BOOK, K.GARBAGE_FRAME,
})  # fmt: skip

ONLY_ON: dict[FaultKind, Venue] = dict.fromkeys(
    (K.NONCE_USED, K.KEY_LOCKED, K.FOREIGN_WITHDRAWAL), Venue.UPBIT
) | dict.fromkeys(
    (
        K.DISCONNECTED, K.OVERLOADED, K.CLOCK_SKEW, K.TOO_MANY_ORDERS, K.UNKNOWN_ERROR, K.UNKNOWN_ERROR_AFTER,
        K.STATUS_UNKNOWN, K.UNEXPECTED_RESPONSE, K.FEE_IN_BNB, K.CREDIT_LOCKED, K.SERVER_SHUTDOWN,
    ),
    Venue.BINANCE,
)  # fmt: skip
"""Kinds that one venue alone knows."""

SECONDS = {
    K.HANG: 15.0,
    K.HANG_AFTER: 15.0,
    K.RATE_LIMIT: 1.0,
    K.RATE_LIMIT_TEXT: 1.0,
    K.TOO_MANY_ORDERS: 1.0,
    K.BAN: 10.0,
    K.BAN_TEXT: 10.0,
    K.LATE_EXECUTION: 2.0,
    K.BEYOND_THE_FENCE: 30.0,
    K.MAINTENANCE: 10.0,
    K.KEY_EXPIRED: 10.0,
    K.KEY_LOCKED: 10.0,
    K.MARKET_HALTED: 10.0,
    K.NOT_PERMITTED: 10.0,
    K.NOT_YET_VISIBLE: 1.0,
    K.STALE_ORDER: 3.0,
    K.TRADES_LAG: 3.0,
    K.WALLET_SUSPENDED: 10.0,
    K.WITHDRAWAL_UNAPPROVED: 10.0,
    K.WITHDRAWAL_STUCK: 10.0,
    K.SHARED_TXID: 10.0,
    K.DEPOSIT_HELD: 10.0,
    K.DEPOSIT_DELAYED: 10.0,
    K.DEPOSIT_TWICE: 2.0,
    K.DEPOSIT_REORG: 5.0,
    K.CREDIT_LOCKED: 30.0,
    K.STREAM_SILENCE: 5.0,
    K.HALF_OPEN: 30.0,
    K.STREAM_STALL: 2.0,
    K.SYMBOL_FROZEN: 5.0,
}
"""How long a kind lasts, unless told otherwise; a kind that is not here takes no time."""
LONGEST = {K.LATE_EXECUTION: 4.0, K.NOT_YET_VISIBLE: 2.0}
"""Beyond these no client could know when a look-up that finds nothing may be believed."""
SHORTEST = {K.BEYOND_THE_FENCE: 25.0}
"""Short of these a kind would be another: the client's fence stands 20 s behind its intent, and it sends within 2 s."""
