"""Files of recorded prices as people and other tools write them: read right, refused by line, or left out and told."""

import gzip
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimp.domain.venues import Venue
from kimp.paper.market.candles import NoLength, at_close
from kimp.paper.market.recorded import Recording, read_recording
from kimp.paper.market.rows import RecordedPrice
from kimp.paper.market.source import BadMarketData

D = Decimal
COINS = frozenset({"XRP", "SOL", "USDT"})
CANDLES = "timestamp_utc,exchange,symbol,open,high,low,close,volume\n"
TICKS = "timestamp_utc,exchange,symbol,price,qty\n"
GOOD = "2025-09-01T00:00:00Z,upbit,KRW-XRP,5,1\n"
MINUTE_MS, HOUR_MS = 60_000, 3_600_000


@pytest.fixture
def saved(tmp_path: Path) -> Callable[..., Path]:
    def save(content: str | bytes, name: str = "p.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return save


def refusal(path: Path) -> str:
    with pytest.raises(BadMarketData) as caught:
        read_recording(path, COINS)
    text = str(caught.value)
    assert text.startswith(f"{path}:")
    assert "\n" not in text
    assert text.isprintable()
    assert len(text) < 1_000
    return text.removeprefix(str(path))


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def candles(*opens: str, market: str = "upbit,KRW-XRP") -> str:
    return "".join(f"{opened},{market},1,1,1,{number + 1},5\n" for number, opened in enumerate(opens))


def known(recording: Recording) -> dict[Decimal, int]:
    return {row.price: row.at_ms for row in recording.rows}


def test_candles_are_known_at_their_close(saved: Callable[..., Path]) -> None:
    text = CANDLES + candles("2025-09-01T00:00:00Z", "2025-09-01T00:01:00Z", "2025-09-01T00:03:00Z")
    recording = read_recording(saved(text), COINS)
    assert [row.at_ms % HOUR_MS // MINUTE_MS for row in recording.rows] == [1, 2, 4]
    assert [row.price for row in recording.rows] == [D(1), D(2), D(3)]
    assert recording.notes() == []


def test_two_candles_close_together_make_no_other_close_known_early(saved: Callable[..., Path]) -> None:
    """After an outage a venue's candles may begin at another second; these are hourly all the same."""
    text = candles(
        "2018-02-08T00:00:00Z",
        "2018-02-08T01:00:00Z",
        "2018-02-08T02:28:14.789Z",
        "2018-02-08T03:28:14.789Z",
        "2018-02-08T04:00:00Z",
        "2018-02-08T05:00:00Z",
    )
    recording = read_recording(saved(CANDLES + text), COINS)
    assert known(recording)[D(2)] == at("2018-02-08T02:00:00")
    assert known(recording)[D(6)] == at("2018-02-08T06:00:00")
    assert "2 candles open at odd times" in recording.notes()[0]


def test_each_market_has_a_length_of_its_own(saved: Callable[..., Path]) -> None:
    fast = candles(*(f"2025-09-01T00:{minute:02}:00Z" for minute in range(10)))
    slow = candles("2025-09-01T00:00:00Z", "2025-09-01T00:05:00Z", market="binance,SOLUSDT")
    single = candles("2025-09-01T00:00:00Z", market="binance,XRPUSDT")
    rows = read_recording(saved(CANDLES + fast + slow + single), COINS).rows
    closes = {(row.venue, row.coin, row.price): row.at_ms for row in rows}
    first = at("2025-09-01T00:00:00")
    assert closes[Venue.UPBIT, "XRP", D(1)] == first + MINUTE_MS
    assert closes[Venue.BINANCE, "SOL", D(1)] == first + 5 * MINUTE_MS
    assert closes[Venue.BINANCE, "XRP", D(1)] == first + 5 * MINUTE_MS  # one candle: never too early


def test_opening_times_without_a_length_are_refused(saved: Callable[..., Path]) -> None:
    odd = candles(*(f"2025-09-01T00:00:{second:02}Z" for second in (0, 7, 18, 31, 48)))
    assert "no common distance" in refusal(saved(CANDLES + odd))
    assert "length is unknown" in refusal(saved(CANDLES + candles("2025-09-01T00:00:00Z")))
    joined = [f"2025-09-01T{hour:02}:00:00Z" for hour in range(24)] + ["2025-09-02T00:00:00Z"]
    joined += [f"2025-09-02T00:{minute:02}:00Z" for minute in range(1, 60)]
    assert "candles of 60 s and of 3600 s; put them into two files" in refusal(saved(CANDLES + candles(*joined)))


@given(
    length=st.sampled_from([MINUTE_MS, 5 * MINUTE_MS, HOUR_MS]),
    steps=st.lists(st.sampled_from([1, 1, 1, 2, 3]), min_size=1, max_size=60),
    shift=st.none() | st.tuples(st.integers(0, 59), st.integers(1, 59_999)),
)
def test_no_close_is_known_before_its_candle_ended(
    length: int, steps: list[int], shift: tuple[int, int] | None
) -> None:
    """With holes, and with one outage after which all opens are shifted: late or refused, but never early."""
    opens = [at("2025-09-01T00:00:00")]
    for step in steps:
        opens.append(opens[-1] + step * length)
    if shift is not None:
        opens = [opened + (shift[1] if place > shift[0] else 0) for place, opened in enumerate(opens)]
    rows = [RecordedPrice(opened, Venue.UPBIT, "XRP", D(1), D(1)) for opened in opens]
    if length not in {later - earlier for earlier, later in pairwise(opens)}:
        return  # nothing in the file tells
    try:
        closes = at_close(rows).rows
    except NoLength:
        return
    assert all(row.at_ms >= opened + length for row, opened in zip(closes, opens, strict=True))


@pytest.mark.parametrize(
    "stamp",
    [
        "2024-04-02T00:00:00Z",
        "2024-04-02t00:00:00z",
        "2024-04-02 00:00",
        "2024-04-02",
        "2024-04-02T00:00:00.000000000Z",
        "2024-04-02T09:00:00+09:00",
        "1712016000",
        "1712016000000",
        "1712016000000000",
        "1712016000000000000",
    ],
)
def test_one_moment_in_every_form_that_is_read(saved: Callable[..., Path], stamp: str) -> None:
    (row,) = read_recording(saved(TICKS + GOOD.replace("2025-09-01T00:00:00Z", stamp)), COINS).rows
    assert row.at_ms == at("2024-04-02T00:00:00")


@pytest.mark.parametrize(
    ("stamp", "what"),
    [
        ("yesterday", "is not an ISO time"),
        ("20240501 000000", "is not an ISO time"),
        ("2024-W18-3T00:00", "is not an ISO time"),
        ("01/05/2024 00:00", "is not an ISO time"),
        ("2024-02-30T00:00:00Z", "is not an ISO time"),
        ("", "is not an ISO time"),
        ("20240501", "neither an ISO time nor a Unix time"),
        ("17120104800", "neither an ISO time nor a Unix time"),
        ("1" * 5_000, "neither an ISO time nor a Unix time"),
        ("1712-01-05T00:00:00Z", "is of the year 1712"),
        ("9999-12-31T23:59:59Z", "is of the year 9999"),
        ("0001-01-01T00:00:00+23:59", "mend or remove the row"),
        ("9999999999999", "is of the year 2286"),
        ("1712016000.5", "is not an ISO time"),
    ],
)
def test_a_time_that_is_none_is_refused(saved: Callable[..., Path], stamp: str, what: str) -> None:
    reported = refusal(saved(TICKS + GOOD + GOOD.replace("2025-09-01T00:00:00Z", stamp)))
    assert reported.startswith(":3: ")
    assert what in reported


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("2025-09-01T00:00:00Z,upbit,KRW-XRP,nan,1", "'nan' is not a finite number"),
        ("2025-09-01T00:00:00Z,upbit,KRW-XRP,inf,1", "'inf' is not a finite number"),
        ("2025-09-01T00:00:00Z,upbit,KRW-XRP,0,1", "a price is above zero"),
        ("2025-09-01T00:00:00Z,upbit,KRW-XRP,-5,1", "a price is above zero"),
        ("2025-09-01T00:00:00Z,upbit,KRW-XRP,abc,1", "'abc' is not a number"),
        ("2025-09-01T00:00:00Z,upbit,KRW-XRP,,1", "price: '' is not a number"),
        ("2025-09-01T00:00:00Z,upbit,KRW-XRP,\uff15,1", "is not a number"),
        ("2025-09-01T00:00:00Z,upbit,KRW-XRP,5,-1", "a quantity is not negative"),
        ("2025-09-01T00:00:00Z,upbit,KRW-XRP,1e999999999,1", "is no"),
        ("2025-09-01T00:00:00Z,upbit,KRW-XRP,5,0e-999999999", "is no"),
        ("2025-09-01T00:00:00Z,upbit,KRW-XRP,5,1e16", "more than any market has"),
        ("2025-09-01T00:00:00Z,upbit,KRW-XRP", "3 fields, where the header names 5 columns"),
        ("2025-09-01T00:00:00Z,upbit,KRW-XRP,188,150,12.5", "6 fields, where the header names 5 columns"),
        ("2025-09-01T00:00:00Z,bithumb,XRP,188,150,12.5", "6 fields, where the header names 5 columns"),
        ('2025-09-01T00:00:00Z,upbit,KRW-XRP,"1,700",1', "'1,700' is not a number"),
        ('2025-09-01T00:00:00Z,upbit,KRW-XRP,"5"5,1', "no row of comma-separated values"),
        ("2025-09-01T00:00:00Z,upbit,KRW-XRP,5\0,1", "zero byte"),
        ("2025-09-01T00:00:00Z,upbit,KRW-XRP,5," + "1" * 20_000, "longer than 16384 characters"),
        ("2025-09-01T00:00:00Z,upbit,KRW-XRP,\x1b[31m5,1", "is not a number"),
    ],
)
def test_a_bad_row_is_one_line_with_file_and_line(saved: Callable[..., Path], row: str, what: str) -> None:
    reported = refusal(saved(TICKS + GOOD + "\n\n" + row + "\n"))
    assert reported.startswith(":5: ")
    assert what in reported


def test_the_same_file_as_other_programs_save_it(saved: Callable[..., Path]) -> None:
    text = TICKS + GOOD + GOOD
    capitals = text.replace("timestamp_utc", "Timestamp_UTC").replace(",price", ", Price")
    for content, name in (
        (b"\xef\xbb\xbf" + text.encode(), "excel.csv"),
        (text.replace("\n", "\r\n").encode(), "windows.csv"),
        (text.replace("\n", "\r").encode(), "mac.csv"),
        (capitals.encode(), "capitals.csv"),
        (gzip.compress(text.encode()), "packed.csv.gz"),
        (gzip.compress(text.encode()), "packed.CSV.GZ"),
        (gzip.compress(text.encode()), "misnamed.csv"),
    ):
        assert [row.price for row in read_recording(saved(content, name), COINS).rows] == [D(5), D(5)], name


def test_what_a_file_really_is_gets_told(saved: Callable[..., Path], tmp_path: Path) -> None:
    text = TICKS + GOOD
    korean = (text + "2025-09-01T00:00:00Z,빗썸,KRW-XRP,5,1\n").encode("cp949")
    for content, name, what in (
        (text.encode("utf-16"), "a.csv", ": is UTF-16; save it as UTF-8"),
        (korean, "b.csv", ":3: is not UTF-8; save it as UTF-8"),
        (text.replace(",", ";").encode(), "c.csv", ":1: its columns are separated by ';'"),
        (text.replace(",", "\t").encode(), "d.csv", r":1: its columns are separated by '\t'"),
        (b"PK\x03\x04" + b"x" * 50, "e.csv.gz", ": is a ZIP archive; unpack it"),
        (gzip.compress(text.encode())[:-12], "f.csv.gz", ": its compressed part is damaged"),
        (text.encode(), "g.csv.gz", ": cannot be read (what it holds is not gzip)"),
        (b"", "h.csv", ":1: unknown columns (none)"),
        (b"a,b\n1,2\n", "i.csv", ":1: unknown columns 'a', 'b'"),
        (text.replace("qty", "qty,price").encode(), "j.csv", ":1: the header names 'price' twice"),
        (b"timestamp_utc,exchange,symbol,side,level,price,qty\n", "k.csv", ":1: unknown columns"),
        (text.encode() + b'"' + b"a,\n" * 100_000, "l.csv", "no row of comma-separated values"),
    ):
        assert what in refusal(saved(content, name))
    assert "cannot be read" in refusal(tmp_path / "absent.csv")
    assert "it is no file" in refusal(tmp_path)


def test_a_line_that_unpacks_for_ever_is_refused_early(saved: Callable[..., Path]) -> None:
    bomb = gzip.compress(TICKS.encode() + b"A" * 50_000_000, 9)
    assert len(bomb) < 100_000
    assert ":2: is longer than" in refusal(saved(bomb, "bomb.csv.gz"))


@pytest.mark.parametrize("market", ["Upbit,KRW-XRP", "UPBIT,krw-xrp", "upbit ,KRW-XRP", "Binance,xrpusdt"])
def test_names_in_other_letters_are_the_same_market(saved: Callable[..., Path], market: str) -> None:
    recording = read_recording(saved(TICKS + GOOD.replace("upbit,KRW-XRP", market)), COINS)
    assert [row.coin for row in recording.rows] == ["XRP"]
    assert recording.notes() == []


def test_rows_that_are_left_out_are_counted_and_told(saved: Callable[..., Path]) -> None:
    markets = (
        "bithumb,XRP_KRW",
        "bithumb,SOL_KRW",
        "upbit,XRP/KRW",
        "binance,XRPUSDC",
        "upbit,BTC-XRP",
        "upbit,KRW-BTC",
    )
    text = TICKS + GOOD + "".join(GOOD.replace("upbit,KRW-XRP", market) for market in markets)
    recording = read_recording(saved(text), COINS)
    assert len(recording.rows) == 1
    venues, symbols, coins = recording.notes()
    assert "rows of venues that are not read (upbit, binance are) are left out (2): 'bithumb' 2" in venues
    assert "left out (3): 'XRP/KRW on upbit' 1, 'XRPUSDC on binance' 1, 'BTC-XRP on upbit' 1" in symbols
    assert "rows of coins that are not set are left out (1): 'BTC' 1" in coins


def test_the_names_of_what_was_left_out_are_bounded(saved: Callable[..., Path]) -> None:
    strangers = "".join(GOOD.replace("upbit", f"\x1b[31mvenue{number}") for number in range(1_500))
    (note,) = read_recording(saved(TICKS + strangers), COINS).notes()
    assert note.isprintable()
    assert "(1500)" in note
    assert len(note) < 500
