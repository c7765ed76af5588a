"""The wire format of ticks: nothing is lost on the way, and nothing that arrives can do more than be refused."""

import json
from contextlib import suppress
from decimal import Decimal

import pytest
from fakes.market import NOW, XRP, d, free_rules, quote
from hypothesis import example, given
from hypothesis import strategies as st

from initiator.scanner import Scanner
from kimp.contracts.ranges import LAST_MS, LEAST, LONGEST_NAME, LONGEST_NUMBER, MOST
from kimp.contracts.ticks import LARGEST_BATCH, LARGEST_QUOTE, VERSION, decode_batch, decode_last_value, encode_batch
from kimp.domain.depth import levels_text
from kimp.domain.errors import BadMessage
from kimp.domain.market import Quote
from kimp.domain.money import USDT, Asset
from kimp.domain.venues import PAIR, Venue

PRICES = st.decimals(LEAST, MOST, allow_nan=False, allow_infinity=False).filter(
    lambda price: len(str(price)) <= LONGEST_NUMBER
)
SIZES = st.one_of(st.just(Decimal(0)), PRICES)
COINS = st.from_regex(rf"[A-Za-z0-9]{{1,{LONGEST_NAME}}}", fullmatch=True).map(Asset)
BEHIND = st.lists(st.tuples(PRICES, SIZES), max_size=3).map(levels_text)
QUOTES = st.builds(
    Quote, st.sampled_from(PAIR), COINS, PRICES, SIZES, PRICES, SIZES, st.integers(0, LAST_MS), BEHIND, BEHIND
)

NUMBERS = st.one_of(
    st.decimals().map(str),
    st.sampled_from(["0", "-0", "-1", "1E+999999", "1E-999999", "9" * 400, "NaN", "sNaN", "Infinity", "1"]),
    st.text(max_size=5),
    st.integers(),
    st.none(),
)
ALMOST_QUOTES = st.tuples(
    st.sampled_from(["upbit", "binance", "kraken", 1]),
    st.sampled_from(["XRP", "USDT"]),
    NUMBERS,
    NUMBERS,
    NUMBERS,
    NUMBERS,
    st.one_of(
        st.just(NOW),
        st.integers(),
        st.just(-(10**400)),
        st.just(10**4000),
        st.floats(allow_nan=False, allow_infinity=False),
    ),
)


@given(st.lists(QUOTES, max_size=20))
def test_a_batch_arrives_as_it_was_sent(quotes: list[Quote]) -> None:
    assert decode_batch(encode_batch(quotes)) == quotes


@given(QUOTES)
def test_a_single_quote_arrives_as_it_was_sent(sent: Quote) -> None:
    arrived = decode_last_value(encode_batch([sent]))
    assert arrived == sent
    assert [str(number) for number in arrived] == [str(number) for number in sent], "digits and all"


@given(st.binary())
@example(b"[2,[]," + b"[" * 100_000)
@example(b'[2,[["upbit","\xff","1","1","2","1",9]]]')
def test_bytes_are_quotes_or_a_bad_message(data: bytes) -> None:
    for decode in (decode_batch, decode_last_value):
        with suppress(BadMessage):
            decode(data)


@given(st.lists(ALMOST_QUOTES, max_size=4))
def test_what_decodes_can_be_calculated_with(rows: list[tuple[object, ...]]) -> None:
    """The reader's loop divides and compares whatever gets through."""
    try:
        quotes = decode_batch(json.dumps([VERSION, rows]).encode())
    except BadMessage:
        return
    scanner = Scanner(PAIR, [XRP], d("0.001"))
    scanner.apply_rules(free_rules([XRP, USDT]))
    for each in quotes:
        scanner.feed(each)


IMPOSSIBLE = ["0", "-1", "1E+999999", "1E-999999", "NaN", "Infinity"]


@pytest.mark.parametrize(
    ("bid", "ask"), [*((price, "2830") for price in IMPOSSIBLE), *(("2828", price) for price in IMPOSSIBLE)]
)
def test_an_impossible_price_is_refused_by_name(bid: str, ask: str) -> None:
    bad = quote(Venue.UPBIT, XRP, bid, ask)
    with pytest.raises(BadMessage, match="XRP on upbit has "):
        decode_batch(encode_batch([bad]))
    with pytest.raises(BadMessage, match="XRP on upbit has "):
        decode_last_value(encode_batch([bad]))


@pytest.mark.parametrize("size", ["-1", "1E+999999", "NaN"])
def test_an_impossible_size_is_refused_by_name(size: str) -> None:
    bad = quote(Venue.UPBIT, XRP, "2828", "2830")._replace(bid_size=d(size))
    with pytest.raises(BadMessage, match="XRP on upbit has "):
        decode_batch(encode_batch([bad]))


@pytest.mark.parametrize("number", [f"1.{'1' * 60}", f"0.{'0' * 60}1", "1" * 19 + f".{'1' * 200_000}"], ids=len)
@pytest.mark.parametrize("place", [2, 3, 4, 5])
def test_a_number_of_endless_digits_is_refused_in_a_short_line(number: str, place: int) -> None:
    row: list[object] = ["upbit", "XRP", "1", "1", "2", "1", NOW]
    row[place] = number
    for decode in (decode_batch, decode_last_value):
        with pytest.raises(BadMessage) as refused:
            decode(json.dumps([VERSION, [row]]).encode())
        assert len(str(refused.value)) < 300


def test_a_message_larger_than_any_feeder_sends_is_refused_unread() -> None:
    coins = [Asset(f"C{number}") for number in range(1_500)]
    behind = levels_text([("2828.12345678", "4898.12345678")] * 19)
    batch = encode_batch(
        [
            quote(venue, coin, "2828.12345678", "2830.12345678")._replace(bids_behind=behind, asks_behind=behind)
            for coin in coins
            for venue in PAIR
        ]
    )
    assert len(decode_batch(batch)) == 2 * len(coins), "every book there is, at once"
    for decode, data in (
        (decode_batch, b"[2,[" + b" " * LARGEST_BATCH),
        (decode_last_value, b"[" + b" " * LARGEST_QUOTE),
    ):
        with pytest.raises(BadMessage, match=r"bytes, where .* are the most; no feeder sends that"):
            decode(data)


@pytest.mark.parametrize(
    "received_ms", ["-1", str(LAST_MS + 1), f"1{'0' * 400}", f"-1{'0' * 400}", f"1{'0' * 6000}"], ids=len
)
def test_a_time_that_never_was_is_refused_in_a_short_line(received_ms: str) -> None:
    row = f'["upbit","XRP","1","1","2","1",{received_ms}]'
    for decode in (decode_batch, decode_last_value):
        with pytest.raises(BadMessage) as refused:
            decode(f"[{VERSION},[{row}]]".encode())
        assert len(str(refused.value)) < 300


@pytest.mark.parametrize("coin", ["", "X" * 21, "XRP\r\nERROR it is all gone", "\x1b[31m", "\uff38\uff32\uff30"])
def test_a_name_that_no_coin_has_is_refused_and_not_told_raw(coin: str) -> None:
    bad = quote(Venue.UPBIT, Asset(coin), "1", "2")
    with pytest.raises(BadMessage, match="is no coin's name") as refused:
        decode_batch(encode_batch([bad]))
    assert str(refused.value).isprintable()


def test_an_empty_side_is_no_error() -> None:
    empty = quote(Venue.UPBIT, XRP, "2828", "2830", size=d(0))
    assert decode_batch(encode_batch([empty])) == [empty]


def test_another_version_says_what_to_do() -> None:
    for decode, where in ((decode_batch, "TICKER_UPDATES"), (decode_last_value, "last value in Redis")):
        for data in (b'[1,[["upbit","XRP","1","1","2","1",1790000000000]]]', b"[1,[]]", b"[3,[]]"):
            with pytest.raises(BadMessage, match=rf"{where}: version \d, this kimp reads 2; update the older process"):
                decode(data)


def test_what_feeders_of_version_one_kept_as_last_values_is_refused() -> None:
    with pytest.raises(BadMessage, match="is an older feeder still running"):
        decode_last_value(b'["upbit","XRP","1","1","2","1",1790000000000]')
