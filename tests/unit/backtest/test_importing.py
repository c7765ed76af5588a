"""Files as people and tools write them, into the catalogue: read right, or left out and told by line."""

import gzip
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from kimp.backtest.catalogue import Catalogue
from kimp.backtest.importing import Choices, Imported, import_files
from kimp.backtest.kinds import BadData, DataKind
from kimp.domain.venues import Venue

CANDLES = "timestamp_utc,exchange,symbol,open,high,low,close,volume\n"
MINUTES = [
    "2025-09-01T00:00:00Z,upbit,KRW-XRP,3900,3910,3890,3905,10.5\n",
    "2025-09-01T00:01:00Z,upbit,KRW-XRP,3905,3915,3900,3911,7\n",
]
FIRST_CLOSE = 1_756_684_860_000
Bring = Callable[..., Imported]


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    return Catalogue(tmp_path / "market")


@pytest.fixture
def bring(catalogue: Catalogue, tmp_path: Path) -> Bring:
    def save_and_import(content: str | bytes, choices: Choices = Choices(), name: str = "p.csv") -> Imported:  # noqa: B008
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        (imported,) = import_files(catalogue, [path], choices)
        return imported

    return save_and_import


def closes(catalogue: Catalogue, kind: DataKind = DataKind.CANDLES) -> list[tuple[int, str, Decimal]]:
    column = "close" if kind is DataKind.CANDLES else "price"
    return [row for file in catalogue.files(kind) for row in file.read().select("at_ms", "coin", column).iter_rows()]


def test_a_candle_is_known_at_its_close(bring: Bring, catalogue: Catalogue) -> None:
    imported = bring(CANDLES + "".join(MINUTES))
    assert (imported.rows, imported.taken, imported.written.new) == (2, 2, 2)
    assert closes(catalogue) == [(FIRST_CLOSE, "XRP", Decimal(3905)), (FIRST_CLOSE + 60_000, "XRP", Decimal(3911))]


WRITTEN = {
    "epoch in ms": (
        "open_time,pair,o,h,l,c,v,venue",
        "1756684800000,KRW-XRP,3900,3910,3890,3905,10.5,Upbit",
        "1756684860000,KRW-XRP,3905,3915,3900,3911,7,UPBIT",
    ),
    "epoch in s, semicolons": (
        "t;market;open;high;low;close;vol;exchange",
        "1756684800;XRP/KRW;3900;3910;3890;3905;10.5;upbit",
        "1756684860;XRP/KRW;3905;3915;3900;3911;7;upbit",
    ),
    "epoch in us, exponents": (
        "timestamp,symbol,open,high,low,close,volume,exchange",
        "1756684800000000,KRW_XRP,3900.0,3.91e3,3890,3905,10.5,upbit",
        "1756684860000000,KRW_XRP,3905,3915,3900,3911,7,upbit",
    ),
    "quoted dates": (
        "Date,Exchange,Symbol,Open,High,Low,Close,Volume",
        '"2025-09-01 00:00","upbit","KRW-XRP",3900,3910,3890,3905,10.5',
        '"2025-09-01 00:01",upbit,KRW-XRP,3905,3915,3900,3911,7',
    ),
    "Korean time": (
        "time,exchange,symbol,open,high,low,close,volume",
        "2025-09-01T09:00:00+09:00,upbit,KRW-XRP,3900,3910,3890,3905,10.5",
        "2025-09-01T09:01:00+0900,upbit,KRW-XRP,3905,3915,3900,3911,7",
    ),
    "Upbit's own": (
        "\ufeffmarket,candle_date_time_utc,opening_price,high_price,low_price,trade_price,timestamp,volume,exchange\r",
        "KRW-XRP,2025-09-01T00:00:00,3900,3910,3890,3905,1756684859999,10.5,upbit\r",
        "KRW-XRP,2025-09-01T00:01:00,3905,3915,3900,3911,1756684919999,7,upbit\r",
    ),
}


@pytest.mark.parametrize("form", WRITTEN)
def test_says_the_same_however_it_is_written(bring: Bring, catalogue: Catalogue, form: str) -> None:
    assert bring("\n".join(WRITTEN[form]) + "\n").taken == 2
    assert closes(catalogue) == [(FIRST_CLOSE, "XRP", Decimal(3905)), (FIRST_CLOSE + 60_000, "XRP", Decimal(3911))]


def test_binances_own_files_have_no_header_and_their_market_in_the_name(bring: Bring, catalogue: Catalogue) -> None:
    rows = "1756684800000000,2.8,2.81,2.79,2.805,100,1756684859999999,280,5,50,140,0\n"
    rows += "1756684860000000,2.8,2.81,2.79,2.806,100,1756684919999999,280,5,50,140,0\n"
    bring(rows, Choices(venue=Venue.BINANCE), name="XRPUSDT-1m-2025-09.csv")
    assert closes(catalogue)[0] == (FIRST_CLOSE, "XRP", Decimal("2.805"))


def test_gzip_and_zip_are_unpacked(bring: Bring, catalogue: Catalogue, tmp_path: Path) -> None:
    text = (CANDLES + "".join(MINUTES)).encode()
    bring(gzip.compress(text, mtime=0), name="p.csv.gz")
    with zipfile.ZipFile(tmp_path / "made.zip", "w") as archive:
        archive.writestr("p.csv", text)
    imported = bring((tmp_path / "made.zip").read_bytes(), name="p.zip")
    assert (imported.written.new, imported.written.known) == (0, 2)


def test_columns_may_be_named(bring: Bring, catalogue: Catalogue) -> None:
    written = "when,px,n\n2025-09-01T00:00:00.250Z,3900,2\n"
    names = {"time": "when", "price": "px", "quantity": "n"}
    imported = bring(written, Choices(venue=Venue.UPBIT, symbol="KRW-XRP", names=names))
    assert imported.kind is DataKind.TRADES
    assert closes(catalogue, DataKind.TRADES) == [(1_756_684_800_250, "XRP", Decimal(3900))]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2025-09-01T00:02:00Z,upbit,KRW-XRP,3900,3910,3890,3905", "whose fields are not 8"),
        ("2025-09-01T00:02:00Z,upbit,KRW-XRP,3900,3910,3890,3905,1,2", "whose fields are not 8"),
        ("2025-09-01T00:02:00Z,bithumb,KRW-XRP,3900,3910,3890,3905,1", "of venues that are not read"),
        ("2025-09-01T00:02:00Z,upbit,BTC-XRP,3900,3910,3890,3905,1", "of markets that are not read"),
        ("2025-09-31T00:02:00Z,upbit,KRW-XRP,3900,3910,3890,3905,1", "whose time is neither an ISO nor a Unix time"),
        ("0001-09-01T00:02:00Z,upbit,KRW-XRP,3900,3910,3890,3905,1", "of a year that can't be right"),
        ("2025-09-01T00:02:00Z,upbit,KRW-XRP,3900,3910,3890,nan,1", "whose close is no number of at most 12 decimals"),
        ("2025-09-01T00:02:00Z,upbit,KRW-XRP,3900,3910,3890,,1", "whose close is no number of at most 12 decimals"),
        ("2025-09-01T00:02:00Z,upbit,KRW-XRP,0,3910,0,3905,1", "whose open is not above zero"),
        ("2025-09-01T00:02:00Z,upbit,KRW-XRP,3900,3910,3890,3905,-1", "whose volume is negative"),
        ("2025-09-01T00:02:00Z,upbit,KRW-XRP,3900,3901,3890,3905,1", "whose open or close is not between low and high"),
        ("2025-09-01T00:02:00Z,upbit,KRW-XRP,1e16,1e16,3890,3905,1", "whose open is no number of at most 12 decimals"),
    ],
)
def test_a_row_that_cant_be_right_is_left_out_and_told(
    bring: Bring, catalogue: Catalogue, row: str, reason: str
) -> None:
    imported = bring(f"{CANDLES}{MINUTES[0]}\n{row}\n{MINUTES[1]}")
    assert (imported.rows, imported.taken) == (3, 2)
    assert list(imported.left_out.reasons) == [reason]
    assert imported.left_out.reasons[reason].examples[0].startswith("line 4: ")
    assert len(closes(catalogue)) == 2


def test_each_row_that_is_left_out_is_handed_over(catalogue: Catalogue, tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text(CANDLES + "".join(MINUTES) + "x,upbit,KRW-XRP,1,1,1,1,1\n" * 50)
    lines: list[int] = []
    import_files(catalogue, [path], Choices(), lambda _, bad: lines.extend(bad["line"]))
    assert lines == list(range(4, 54))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty"),
        ("date,usd_krw_fx,upbit_krw_usdt_close\n2025-01-01,1474,1493\n", "one price a day"),
        ("timestamp_utc,exchange,symbol,side,level,price,qty\n", "single levels of books"),
        ("a,b\n1,2\n", "unknown columns a, b"),
        ("time,symbol,price\n2025-09-01T00:00:00Z,KRW-XRP,1\n", "no column names the venue"),
        ("time,exchange,price\n2025-09-01T00:00:00Z,upbit,1\n", "no column names the market"),
        (CANDLES + MINUTES[0], "no market has two candles"),
        (gzip.compress(b"time", mtime=0)[:-4], "damaged"),
        (b"\x00" * 100_000, "no table of text"),
    ],
)
def test_a_file_that_is_no_market_data_is_refused_in_one_line(bring: Bring, content: str | bytes, words: str) -> None:
    with pytest.raises(BadData, match=words) as caught:
        bring(content)
    assert "\n" not in str(caught.value)


def test_candles_of_two_lengths_are_refused(bring: Bring) -> None:
    seconds = (0, 7, 61, 100, 333)
    rows = "".join(f"{1_756_684_800 + second},upbit,KRW-XRP,1,1,1,1,1\n" for second in seconds)
    with pytest.raises(BadData, match="no common distance"):
        bring(CANDLES + rows)


def test_the_same_file_twice_changes_nothing_and_a_corrected_row_replaces(bring: Bring, catalogue: Catalogue) -> None:
    bring(CANDLES + "".join(MINUTES))
    again = bring(CANDLES + "".join(MINUTES)).written
    assert (again.new, again.known, again.replaced) == (0, 2, 0)
    corrected = bring(CANDLES + MINUTES[0] + MINUTES[1].replace("3911", "3912")).written
    assert (corrected.new, corrected.known, corrected.replaced) == (0, 1, 1)
    assert closes(catalogue)[1][2] == Decimal(3912)


def test_two_equal_trades_are_two(bring: Bring, catalogue: Catalogue) -> None:
    trade = "2025-09-01T00:00:00Z,upbit,KRW-XRP,3900,2\n"
    for _ in range(2):
        bring(f"timestamp_utc,exchange,symbol,price,qty\n{trade}{trade}")
    assert len(closes(catalogue, DataKind.TRADES)) == 2


def test_a_last_candle_of_a_day_belongs_to_the_next(bring: Bring, catalogue: Catalogue) -> None:
    rows = "".join(f"2025-09-01T23:5{n}:00Z,upbit,KRW-XRP,1,1,1,1,1\n" for n in range(10))
    bring(CANDLES + rows)
    assert [(f"{file.day}", file.read().height) for file in catalogue.files()] == [("2025-09-01", 9), ("2025-09-02", 1)]
