"""From paper to real money, rung by rung, with real processes: the paper exchange stands for the real venues."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from fakes.command import KIMP
from fakes.places import a_place_of_its_own, move_to
from fakes.running import eventually

from kimp.adapters.embedded.process import free_port
from kimp.bootstrap.parts import open_database
from kimp.bootstrap.stack import Stack
from kimp.config import load
from kimp.contracts.status import CycleStatus
from kimp.ports.read_model import CycleRow

PATIENT = {"KIMP_TRADING__MAX_QUOTE_AGE_MS": "10000", "KIMP_TRADING__START_WITHIN_MS": "10000"}


@pytest.fixture
async def stack(
    temporal_binary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, new_database: Callable[[], str]
) -> AsyncIterator[Stack]:
    """Servers, the paper exchange and a feeder; who trades is started by the test, in the mode that it says."""
    place = a_place_of_its_own(temporal_binary, tmp_path / "data") | {"KIMP_LOCAL__REDIS_PORT": str(free_port())}
    move_to(tmp_path, PATIENT | place | {"KIMP_DATABASE_URL": new_database()}, monkeypatch)
    async with Stack(load(), lambda _: None) as stack:
        await stack.start_paper()
        await stack.start("feeder", "feeder")
        yield stack


async def kimp(stack: Stack, *arguments: str, typed: str = "") -> tuple[int | None, str]:
    """Exit code, and all that it said to a person who types this."""
    child = await asyncio.create_subprocess_exec(
        KIMP,
        *arguments,
        env=stack.environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    message, _ = await child.communicate(f"{typed}\n".encode())
    return child.returncode, message.decode()


async def cycles(stack: Stack) -> list[CycleRow]:
    async with open_database(stack.settings) as books:
        rows = list(await books.read_model.cycles(limit=1000))
    assert sum(not row.status.terminal for row in rows) <= 1, "two would be above the cap"
    return rows


async def logged(stack: Stack, name: str, words: str) -> bool:
    return words in (await asyncio.to_thread(stack.children[name].log.read_text))


@pytest.mark.timeout(400)
async def test_each_rung_trades_no_more_than_it_says(stack: Stack) -> None:
    stack.environment["KIMP_MODE"] = "observe"
    code, message = await kimp(stack, "worker")
    assert code
    assert "mode is observe, in which nothing is sent" in message
    code, message = await kimp(stack, "live", "arm", "--for", "1h", "--note", "try", typed="arm 1000000")
    assert (code, "in which nothing has to be armed" in message) == (2, True)
    await stack.start("initiator-observing", "initiator")
    await eventually(lambda: logged(stack, "initiator-observing", "would buy"))
    assert await cycles(stack) == []
    await stack.stop_all("initiator")

    stack.environment["KIMP_MODE"] = "live"
    await stack.start("worker-1", "worker")
    await stack.start("initiator-1", "initiator")
    await eventually(lambda: logged(stack, "initiator-1", " not_armed"))
    assert await cycles(stack) == []
    code, message = await kimp(stack, "live", "arm", "--for", "1h", "--note", "try", typed="yes")
    assert (code, "nothing is armed" in message) == (2, True)
    code, message = await kimp(
        stack, "live", "arm", "--for", "1h", "--cap", "3000000", "--note", "try", typed="arm 3000000"
    )
    assert code == 0, message
    assert "open cycles may stake 3,000,000 KRW at once" in message

    async def one_is_open() -> bool:
        return any(row.status is not CycleStatus.REJECTED for row in await cycles(stack))

    await eventually(one_is_open)
    assert "trading is armed until" in (await kimp(stack, "live", "status"))[1]
    code, message = await kimp(stack, "live", "disarm", "--note", "enough")
    assert code == 0, message
    started = {row.cycle_id for row in await cycles(stack)}

    async def all_came_home() -> bool:
        return all(row.status.terminal for row in await cycles(stack))

    await eventually(all_came_home)
    assert {row.status for row in await cycles(stack)} <= {CycleStatus.COMPLETED, CycleStatus.REJECTED}
    assert {row.cycle_id for row in await cycles(stack) if row.status is CycleStatus.COMPLETED} <= started
