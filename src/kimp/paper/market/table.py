"""A file of comma-separated values as rows of text, bounded in every direction.

A line that cannot be what its header says is refused by its number: a field too many or too few shifts all that follow.
"""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TextIO

from kimp.paper.market.source import BadMarketData

MOST_CHARACTERS = 16_384
"""Of a line; the longest that any recorder writes has some hundred."""
MOST_LINES = 20_000_000
SHOWN = 40
"""Characters of a foreign text that a message repeats."""
GZIP, ZIP = b"\x1f\x8b", b"PK\x03\x04"
WIDE = (b"\xff\xfe", b"\xfe\xff")
SAVE = "save it as UTF-8 with commas"


@dataclass(frozen=True, slots=True)
class TableRow:
    """One line of the file, by the names of its columns."""

    line: int
    fields: dict[str, str]


def quoted(text: str) -> str:
    """Foreign text for a message: quoted, without control characters, and short."""
    return repr(text if len(text) <= SHOWN else f"{text[:SHOWN]}...")


class Table:
    """The header, in small letters and without blanks around it, and the rows below it, which are read only once."""

    def __init__(self, path: Path, stream: TextIO) -> None:
        """Raises BadMarketData for a header that is none."""
        self._path = path
        self._reader = csv.reader(_lines(path, stream), strict=True)
        self.columns = tuple(name.strip().lower() for name in next(self._reader, []))
        if twice := sorted({name for name in self.columns if name and self.columns.count(name) > 1}):
            raise BadMarketData(f"{path}:1: the header names {quoted(twice[0])} twice; mend it")
        if len(self.columns) == 1 and (mark := next((mark for mark in ";\t|" if mark in self.columns[0]), None)):
            raise BadMarketData(f"{path}:1: its columns are separated by {mark!r}; {SAVE}")

    def rows(self) -> Iterator[TableRow]:
        """Blank lines are none. Raises BadMarketData."""
        for fields in self._reader:
            if not fields:
                continue
            line = self._reader.line_num
            if len(fields) != len(self.columns):
                hint = " (a number with commas in it needs quotes around it)" if len(fields) > len(self.columns) else ""
                raise BadMarketData(
                    f"{self._path}:{line}: {len(fields)} fields, where the header names {len(self.columns)} columns;"
                    f" mend or remove the row{hint}"
                )
            yield TableRow(line, dict(zip(self.columns, fields, strict=True)))

    @property
    def line(self) -> int:
        return self._reader.line_num


@contextmanager
def open_table(path: Path) -> Iterator[Table]:
    """Raises BadMarketData for all that is wrong with the file, also while its rows are read."""
    table: Table | None = None
    try:
        with _binary(path) as raw:
            table = Table(path, io.TextIOWrapper(raw, "utf-8-sig", errors="surrogateescape", newline=""))
            yield table
    except OSError as error:
        raise BadMarketData(f"{path}: cannot be read ({error.strerror or error}); mend the path or the file") from None
    except (EOFError, zlib.error) as error:
        raise BadMarketData(f"{path}: its compressed part is damaged ({error}); fetch it again") from None
    except csv.Error as error:
        raise BadMarketData(
            f"{path}:{table.line if table else 1}: is no row of comma-separated values ({error}); mend or remove it"
        ) from None


@contextmanager
def _binary(path: Path) -> Iterator[BinaryIO]:
    """Unpacked, whatever its name ends in: what a file is stands in its first bytes."""
    if path.exists() and not path.is_file():
        raise BadMarketData(f"{path}: cannot be read (it is no file); name a file")
    with path.open("rb") as raw:
        head = raw.read(4)
        raw.seek(0)
        if head == ZIP:
            raise BadMarketData(f"{path}: is a ZIP archive; unpack it")
        if head.startswith(WIDE):
            raise BadMarketData(f"{path}: is UTF-16; {SAVE}")
        if head.startswith(GZIP):
            with gzip.open(raw, "rb") as unpacked:
                yield io.BufferedReader(unpacked)
        elif path.suffix.lower() == ".gz":
            raise BadMarketData(f"{path}: cannot be read (what it holds is not gzip); mend its name or fetch it again")
        else:
            yield raw


def _lines(path: Path, stream: TextIO) -> Iterator[str]:
    """Line by line, so that neither a file without an end of line nor one that unpacks for ever fills the memory."""
    for number in range(1, MOST_LINES + 1):
        line = stream.readline(MOST_CHARACTERS + 1)
        if not line:
            return
        if len(line) > MOST_CHARACTERS:
            raise BadMarketData(f"{path}:{number}: is longer than {MOST_CHARACTERS} characters; it is no such file")
        if "\0" in line:
            raise BadMarketData(f"{path}:{number}: has a zero byte in it, as UTF-16 has; {SAVE}")
        if not line.isascii() and not _is_utf8(line):
            raise BadMarketData(f"{path}:{number}: is not UTF-8; {SAVE}")
        yield line
    raise BadMarketData(f"{path}: has more than {MOST_LINES} lines; split it")


def _is_utf8(line: str) -> bool:
    """Bytes that are none were read as lone surrogates."""
    return not any("\udc80" <= character <= "\udcff" for character in line)
