"""Rows that many ask for at once are read together."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from kimp.adapters.venue.batch import Batched
from kimp.domain.errors import Unavailable


class Venue:
    """Lists every key but `absent`; a reading takes until `gate` opens, and fails while `failure` is set."""

    def __init__(self) -> None:
        self.updates: list[list[str]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.failure: Exception | None = None

    async def read(self, keys: Sequence[str]) -> Mapping[str, str]:
        self.updates.append(list(keys))
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return {key: f"{key} as of reading {len(self.updates)}" for key in keys if key != "absent"}


async def until_idle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_those_who_ask_at_once_share_readings_of_the_greatest_size() -> None:
    venue = Venue()
    batched = Batched(venue.read, most=3)
    answers = await asyncio.gather(*(batched.get(f"k{n}") for n in range(7)))
    assert [len(keys) for keys in venue.updates] == [3, 3, 1]
    assert [answer and answer.split()[0] for answer in answers] == [f"k{n}" for n in range(7)]


async def test_the_same_key_is_asked_for_once() -> None:
    venue = Venue()
    batched = Batched(venue.read, most=3)
    assert len(set(await asyncio.gather(*(batched.get("k") for _ in range(9))))) == 1
    assert venue.updates == [["k"]]


async def test_an_answer_is_never_older_than_its_question() -> None:
    venue = Venue()
    venue.gate.clear()
    batched = Batched(venue.read, most=3)
    first = asyncio.create_task(batched.get("k"))
    await until_idle()
    second = asyncio.create_task(batched.get("k"))
    await until_idle()
    venue.gate.set()
    assert await first == "k as of reading 1"
    assert await second == "k as of reading 2"


async def test_what_is_not_listed_is_none() -> None:
    assert await Batched(Venue().read, most=3).get("absent") is None


async def test_a_failed_reading_fails_those_who_asked_and_nobody_else() -> None:
    venue = Venue()
    venue.failure = Unavailable("busy", venue="binance")
    batched = Batched(venue.read, most=3)
    answers = await asyncio.gather(batched.get("a"), batched.get("b"), return_exceptions=True)
    assert list(answers) == [venue.failure, venue.failure]
    venue.failure = None
    assert await batched.get("a") == "a as of reading 2"


async def test_who_gives_up_takes_nothing_from_the_others() -> None:
    venue = Venue()
    venue.gate.clear()
    batched = Batched(venue.read, most=3)
    impatient, patient = (asyncio.create_task(batched.get("k")) for _ in range(2))
    await until_idle()
    impatient.cancel()
    await until_idle()
    venue.gate.set()
    assert await patient == "k as of reading 1"
    with pytest.raises(asyncio.CancelledError):
        await impatient
    assert await batched.get("k") == "k as of reading 2"
