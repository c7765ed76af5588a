"""New inputs out of known ones: changed as bytes, as words of a text, or as parts of a JSON tree."""

import random
import re

from fuzz import trees
from fuzz.values import NUMBERS, TEXTS

LARGEST = 100_000
"""Bytes of an input: larger ones find nothing else, and take the time of many."""
WORD = re.compile(rb"[^\s,;:=\[\]{}\"'<>/?&.]+")
WORDS = tuple(word.encode("utf-8", "surrogatepass") for word in (*NUMBERS, *TEXTS))
BYTES = (
    b"\x00",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\x1f\x8b",
    b"PK\x03\x04",
    b"\r",
    b"\n",
    b'"',
    b",",
    b"=",
    b"{",
    b"[",
)


def mutated(data: bytes, other: bytes, draw: random.Random) -> bytes:
    """`other` is another input of the same target, whose parts may be taken."""
    kind = draw.random()
    if kind < 0.6:
        try:
            return trees.changed(data, other, draw)[:LARGEST]
        except (ValueError, RecursionError):
            pass
    if kind < 0.97:
        for _ in range(draw.choice((1, 1, 2, 4))):
            data = draw.choice((_word, _word, _line, _piece, _bit))(data, other, draw)
        return data[:LARGEST]
    return _blown_up(data, draw)


def _word(data: bytes, _other: bytes, draw: random.Random) -> bytes:
    words = list(WORD.finditer(data))
    if not words:
        return data + draw.choice(WORDS)
    word = draw.choice(words)
    return data[: word.start()] + draw.choice(WORDS) + data[word.end() :]


def _line(data: bytes, other: bytes, draw: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    if not lines:
        return other
    at = draw.randrange(len(lines))
    match draw.randrange(4):
        case 0:
            del lines[at]
        case 1:
            lines.insert(draw.randrange(len(lines) + 1), lines[at])
        case 2:
            lines.insert(at, draw.choice(other.splitlines(keepends=True) or [b"\n"]))
        case _:
            there = draw.randrange(len(lines))
            lines[at], lines[there] = lines[there], lines[at]
    return b"".join(lines)


def _piece(data: bytes, other: bytes, draw: random.Random) -> bytes:
    start = draw.randrange(len(data) + 1)
    end = min(len(data), start + draw.choice((0, 0, 1, 2, 8, 64)))
    begin = draw.randrange(len(other) + 1)
    new = draw.choice((b"", draw.choice(BYTES), draw.choice(WORDS), other[begin : begin + draw.randrange(64)]))
    return data[:start] + new + data[end:]


def _bit(data: bytes, _other: bytes, draw: random.Random) -> bytes:
    if not data:
        return data
    at = draw.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << draw.randrange(8))]) + data[at + 1 :]


def _blown_up(data: bytes, draw: random.Random) -> bytes:
    """One piece over and over: what takes the square of its length, or nests, shows here."""
    start = draw.randrange(len(data) + 1)
    piece = data[start : start + draw.choice((1, 1, 2, 5, 20, 100))] or draw.choice(BYTES)
    times = draw.choice((50, 500, 5_000)) if len(data) < LARGEST else 0
    return (data[:start] + piece * times + data[start:])[:LARGEST]
