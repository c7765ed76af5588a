"""What encrypted histories cost: a cycle's payloads there and back, their size, and a whole cycle's time."""

import time
from collections.abc import Sequence
from itertools import count
from typing import Any

from fakes.lab import Lab
from fakes.sealing import new_key, payloads_in, ring
from temporalio.api.common.v1 import Payload
from temporalio.client import Client
from temporalio.converter import DataConverter

from bench.figures import Row, compare
from bench.orders import World
from kimp.bootstrap.temporal import history_converter
from kimp.config import Settings
from kimp.contracts.status import CycleStatus
from kimp.domain.ids import workflow_id

ROUNDS = 12
WARM_UP = 2
CODEC_ROUNDS = 40
FIRST = 5_000


async def measure(world: World) -> list[Row]:
    """Both kinds in turns. Venues and journal answer at once, in memory; Temporal and the read model are real."""
    plain, sealed = _converter({}), _converter(ring(k1=new_key()))
    numbers = count(FIRST)
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(ROUNDS):
        ours.append(await _cycle(world, sealed, next(numbers)))
        theirs.append(await _cycle(world, plain, last := next(numbers)))
    values = await _values(world, plain, last)
    return [
        compare("a cycle with encrypted histories, against plain ones", ours[WARM_UP:], theirs[WARM_UP:], "<= 1.1"),
        await _codec_row(values, plain, sealed),
        await _size_row(values, plain, sealed),
    ]


def _converter(history: dict[str, Any]) -> DataConverter:
    return history_converter(Settings.model_validate({"history": history}))


async def _cycle(world: World, converter: DataConverter, number: int) -> float:
    """From its start to its result, with workers of its own: all on a queue must have the same keys."""
    config = world.client.config()
    config["data_converter"] = converter
    lab = Lab(Client(**config), records=world.books.read_model)  # type: ignore[arg-type]  # the real one
    cycle = await lab.plan(expires_in_ms=600_000, number=number)
    async with lab.workers():
        begun = time.perf_counter()
        result = await (await lab.start(cycle)).result()
        took = time.perf_counter() - begun
    if result.status is not CycleStatus.COMPLETED:
        raise SystemExit(f"bench: a cycle ended {result.status}: {result.reason}")
    return took


async def _values(world: World, plain: DataConverter, number: int) -> list[Any]:
    """All that a cycle wrote into its history."""
    history = await world.client.get_workflow_handle(workflow_id(f"XRP-{number}")).fetch_history()
    payloads = [payload for event in history.events for payload in payloads_in(event)]
    return await plain.decode([p for p in payloads if p.metadata["encoding"] == b"json/plain"])


async def _codec_row(values: Sequence[Any], plain: DataConverter, sealed: DataConverter) -> Row:
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(CODEC_ROUNDS):
        ours.append(await _there_and_back(values, sealed))
        theirs.append(await _there_and_back(values, plain))
    what = f"a cycle's {len(values)} payloads to bytes and back, encrypted, against plain"
    return compare(what, ours, theirs, "-")


async def _there_and_back(values: Sequence[Any], converter: DataConverter) -> float:
    begun = time.perf_counter()
    await converter.decode(await converter.encode(values))
    return time.perf_counter() - begun


async def _size_row(values: Sequence[Any], plain: DataConverter, sealed: DataConverter) -> Row:
    ours, theirs = _size(await sealed.encode(values)), _size(await plain.encode(values))
    return Row(
        "their size as stored", f"{ours / 1024:.1f} KiB", f"{theirs / 1024:.1f} KiB", f"{ours / theirs:.2f}", "-"
    )


def _size(payloads: Sequence[Payload]) -> int:
    return sum(payload.ByteSize() for payload in payloads)
