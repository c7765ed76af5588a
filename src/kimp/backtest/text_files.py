"""Files of text that people bring: plain, gzip or zip, read in blocks, so that none fills the memory."""

import csv
import gzip
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from kimp.backtest.kinds import BadData

BLOCK = 16 * 1024 * 1024
LONGEST_LINE = 65_536
SEPARATORS = ",;\t|"
GZIP, ZIP = b"\x1f\x8b", b"PK\x03\x04"
BETWEEN = "\x1f"
"""Separates the fields of a line once it is read: no field holds it."""


@dataclass(frozen=True, slots=True)
class Lines:
    """Some lines after one another; fields are separated by `BETWEEN`."""

    first: int
    """Number of the first one, from 1."""
    texts: list[str]


@contextmanager
def open_lines(path: Path) -> Iterator[Iterator[Lines]]:
    """The lines of the file, the header among them. Raises BadData, also while it is read."""
    try:
        with _binary(path) as raw:
            yield _lines(path, raw)
    except OSError as error:
        raise BadData(f"{path}: cannot be read ({error.strerror or error}); mend the path or the file") from None
    except (EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise BadData(f"{path}: its compressed part is damaged ({error}); fetch it again") from None


@contextmanager
def _binary(path: Path) -> Iterator[IO[bytes]]:
    """What a file is stands in its first bytes, whatever its name ends in."""
    with path.open("rb") as raw:
        head = raw.read(4)
        raw.seek(0)
        if head.startswith(GZIP):
            with gzip.open(raw, "rb") as unpacked:
                yield cast("IO[bytes]", unpacked)
        elif head == ZIP:
            with zipfile.ZipFile(raw) as archive:
                names = archive.namelist()
                if len(names) != 1:
                    raise BadData(f"{path}: holds {len(names)} files, where one is read; unpack it")
                with archive.open(names[0]) as unpacked_file:
                    yield unpacked_file
        else:
            yield raw


def _lines(path: Path, raw: IO[bytes]) -> Iterator[Lines]:
    separator, number, rest = None, 1, b""
    while True:
        block = raw.read(BLOCK)
        whole, end, rest = (rest + block).rpartition(b"\n") if block else (rest, b"", b"")
        if len(rest) > LONGEST_LINE:
            raise BadData(f"{path}:{number}: is longer than {LONGEST_LINE} characters; it is no table of text")
        if whole or end:
            texts = whole.decode("utf-8-sig" if number == 1 else "utf-8", "replace").replace("\r", "").split("\n")
            if separator is None:
                separator = _separator(texts[0])
            yield Lines(number, _fields(texts, separator))
            number += len(texts)
        if not block:
            return


def _separator(line: str) -> str:
    return max(SEPARATORS, key=line.count)


def _fields(texts: Sequence[str], separator: str) -> list[str]:
    return [_unquoted(text, separator) if '"' in text else text.replace(separator, BETWEEN) for text in texts]


def _unquoted(text: str, separator: str) -> str:
    try:
        return BETWEEN.join(next(csv.reader([text], delimiter=separator, strict=True), []))
    except csv.Error:
        return text  # one field: told as a row that lacks the others
