"""One parser of foreign bytes, what it promises, and whether it keeps that for some bytes."""

import re
import signal
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from fuzz.worth import shape, unsound

CORPUS = Path(__file__).parent / "corpus"
LONGEST_TEXT = 2_000
"""Characters of a refusal: a log's line, whatever was refused."""
CPU_S = 2.0
"""For one input. The largest that are tried have some 100 KB and take milliseconds."""
MEMORY = 64 * 2**20
"""Bytes for one input, beyond what is there already."""
VARIABLE = re.compile(r"'[^']*'|\"[^\"]*\"|\d+")


class Broken(Exception):
    """The promise was not kept; the text says how."""


class TooLong(BaseException):
    """Passes every `except Exception` of the parser."""


@dataclass(frozen=True, slots=True)
class Target:
    """`read` gives a value without fault, or raises one of `refusals`: nothing else, in bounded time and memory."""

    name: str
    read: Callable[[bytes], Any]
    refusals: tuple[type[Exception], ...] = ()
    fault: Callable[[Any], str | None] = unsound
    """What can't be of a value that was read, in words."""
    shared_corpus: str = ""
    """Of which other target the inputs are, if not its own."""
    longest_text: int = LONGEST_TEXT

    @property
    def folder(self) -> Path:
        return CORPUS / (self.shared_corpus or self.name)

    def corpus(self) -> list[Path]:
        return sorted(self.folder.iterdir())


def trial(target: Target, data: bytes) -> str:
    """A sign of what became of the input: equal for inputs that took the same way. Raises Broken."""
    try:
        with _cpu_limit():
            value = target.read(data)
    except target.refusals as refusal:
        if len(text := str(refusal)) > target.longest_text:
            raise Broken(f"a refusal of {len(text)} characters: {text[:200]}") from None
        return f"{type(refusal).__name__}: {VARIABLE.sub('_', text)[:LONGEST_TEXT]}"
    except TooLong:
        raise Broken(f"more than {CPU_S} s of CPU") from None
    except Exception as other:
        raise Broken(f"{type(other).__name__}, which is no refusal of it: {str(other)[:200]}") from other
    if (fault := target.fault(value)) is not None:
        raise Broken(f"taken for good: {fault}")
    return shape(value)


def measured(target: Target, data: bytes) -> str:
    """`trial` that looks at the memory too, which takes several times as long."""
    tracemalloc.start()
    try:
        sign = trial(target, data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    if peak > MEMORY:
        raise Broken(f"{peak >> 20} MiB of memory for {len(data)} bytes")
    return sign


@contextmanager
def _cpu_limit() -> Iterator[None]:
    """By this process' own time, so that a loaded machine breaks nothing."""

    def over(_signal: int, _frame: FrameType | None) -> None:
        raise TooLong

    before = signal.signal(signal.SIGVTALRM, over)
    signal.setitimer(signal.ITIMER_VIRTUAL, CPU_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
