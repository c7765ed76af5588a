"""Every input of the corpus again: those that the parsers must know, and those that once broke one."""

import random
from decimal import Decimal
from pathlib import Path

import pytest
from fuzz.hunt import Hunt
from fuzz.target import CORPUS, Broken, Target, measured
from fuzz.targets.every import TARGETS

from kimp.domain.errors import BadMessage

INPUTS = [(target, path) for target in TARGETS for path in target.corpus()]


@pytest.mark.parametrize(("target", "path"), INPUTS, ids=[f"{target.name}-{path.name}" for target, path in INPUTS])
def test_it_gives_a_value_in_its_ranges_or_its_own_error(target: Target, path: Path) -> None:
    measured(target, path.read_bytes())


def test_every_folder_of_the_corpus_is_a_targets() -> None:
    assert set(CORPUS.iterdir()) == {target.folder for target in TARGETS}


def _price(data: bytes) -> Decimal:
    """Takes what can't be a price, and is not prepared for what is no number."""
    if not data.startswith(b'{"price":'):
        raise BadMessage("no price")
    return Decimal(data.decode().partition(":")[2].strip('"}\n '))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'{"price":"NaN"}', "taken for good: the number NaN"),
        (b'{"price":"-1"}', "taken for good: the number -1"),
        (b'{"price":"1E+999999"}', "taken for good"),
        (b'{"price":"0E+999999"}', "taken for good"),
        (b'{"price":"x"}', "InvalidOperation, which is no refusal of it"),
        (b'{"price":"\xff"}', "UnicodeDecodeError"),
    ],
)
def test_a_parser_that_lets_through_what_it_must_not_is_broken(data: bytes, words: str) -> None:
    with pytest.raises(Broken, match=words):
        measured(Target("price", _price, (BadMessage,)), data)


def _endless(_: bytes) -> None:
    while True:
        pass


def test_so_is_one_that_does_not_end_and_one_that_takes_all_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fuzz.target.CPU_S", 0.05)
    with pytest.raises(Broken, match="of CPU"):
        measured(Target("endless", _endless), b"")
    with pytest.raises(Broken, match="MiB of memory for 0 bytes"):
        measured(Target("greedy", lambda _: bytearray(100 * 2**20) and None), b"")


def test_the_hunt_finds_such_a_parser_and_the_smallest_input_of_it() -> None:
    hunt = Hunt(Target("price", _price, (BadMessage,)), random.Random(1), inputs=[b'{"price":"2.5","other":[1,{}]}'])
    hunt.go_on(10)
    assert hunt.found is not None
    assert len(hunt.found[0]) < 14
