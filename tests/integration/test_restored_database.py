"""The database is restored from a backup that is older than what was traded since."""

import os
import re
import sqlite3
import subprocess
from collections import deque
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from architecture.project import ROOT
from fakes.command import KIMP
from fakes.funded import all_clear, at_rest, complete, connected, equal, fund, funded_books, numbers, two_under_way
from fakes.lab import TRX, XRP, Handle, Lab
from fakes.sealing import new_key, ring, written
from sqlalchemy import text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import create_async_engine

from kimp.adapters.embedded.process import free_port
from kimp.adapters.sql.database import connect_database
from kimp.adapters.temporal.devserver import DevServer
from kimp.adapters.temporal.pollers import polling
from kimp.adapters.temporal.starter import TemporalCycleStarter
from kimp.contracts.status import CycleStatus
from kimp.contracts.sweep import SweepReport
from kimp.domain.admission import HaltLevel
from kimp.domain.errors import OutcomeUnknown
from kimp.ports.starter import StartOutcome
from workflows.arbitrage_cycle import ArbitrageCycle

OPERATIONS = ROOT / "docs/operations.md"


@pytest.fixture
def url(new_database: Callable[[], str]) -> str:
    return new_database()


@pytest.fixture
async def server(temporal_binary: Path, tmp_path: Path) -> AsyncIterator[DevServer]:
    """Its own: all cycles on it are this test's."""
    async with DevServer(temporal_binary, tmp_path, port=free_port(), ui_port=free_port()) as server:
        yield server


def back_up(url: URL, file: Path) -> None:
    """As docs/operations.md says."""
    if url.drivername.startswith("sqlite"):
        with sqlite3.connect(str(url.database)) as live:
            live.execute("VACUUM INTO ?", (str(file),))
        return
    with file.open("wb") as dump:
        subprocess.run([*_client("mysqldump", url), "--single-transaction", str(url.database)], stdout=dump, check=True)


def restore(url: URL, file: Path) -> None:
    if url.drivername.startswith("sqlite"):
        database = Path(str(url.database))
        for left in database.parent.glob(f"{database.name}-*"):
            left.unlink()
        database.write_bytes(file.read_bytes())
        return
    anew = f"DROP DATABASE {url.database}; CREATE DATABASE {url.database}"
    subprocess.run([*_client("mysql", url), "-e", anew], check=True)
    with file.open("rb") as dump:
        subprocess.run([*_client("mysql", url), str(url.database)], stdin=dump, check=True)


def _client(program: str, url: URL) -> list[str]:
    return [program, f"-h{url.host}", f"-P{url.port}", f"-u{url.username}", f"-p{url.password}", "--protocol=tcp"]


def caught_up(url: str, server: DevServer, folder: Path, **variables: str) -> str:
    """What `kimp catch-up` says."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("KIMP_", "TEMPORAL_"))}
    environment |= {"KIMP_DATABASE_URL": url, "TEMPORAL_ADDRESS": server.address, **variables}
    ran = subprocess.run(
        [KIMP, "catch-up"], env=environment, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def orders_sent(lab: Lab) -> int:
    return sum(len(venue.sent) for venue in lab.venues.values())


async def claimed_deposits(url: str) -> set[tuple[str, ...]]:
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        rows = await connection.execute(text("SELECT transfer_id, txid, deposit_id FROM deposit_claims"))
        claims = {tuple(row) for row in rows}
    await engine.dispose()
    return claims


async def test_a_restored_database_catches_up_and_nothing_is_sent_twice(
    server: DevServer, url: str, tmp_path: Path
) -> None:
    """With encrypted histories, as in production."""
    backup = tmp_path / "backup"
    key = new_key()
    keys = {"KIMP_HISTORY__KEYS__K1": written(key)}
    async with funded_books(url) as books:
        lab = fund(Lab(await connected(server, **ring(k1=key)), books=books))
        async with lab.workers():
            await complete(lab, coin=XRP, number=1)
            back_up(make_url(url), backup)
            kept = orders_sent(lab)
            await complete(lab, coin=XRP, number=2)
            await two_under_way(lab, xrp=3)
    missing = orders_sent(lab) - kept
    claimed = await claimed_deposits(url)
    restore(make_url(url), backup)
    all_clear(lab)
    sent = len(lab.names)

    lab.books = books = await connect_database(url)
    assert await numbers(books) == {XRP: (1, False)}, "it knows nothing of the others"
    assert f"read 4 cycles; {missing} orders were missing" in caught_up(url, server, tmp_path, **keys)
    assert await books.controls.halt_level() is HaltLevel.NO_NEW_CYCLES
    assert await numbers(books) == {XRP: (3, True), TRX: (1, True)}
    assert await claimed_deposits(url) == claimed
    assert " 0 orders were missing" in caught_up(url, server, tmp_path, **keys), "it may be repeated"
    async with lab.workers():
        for cycle_id in ("XRP-3", "TRX-1"):
            handle: Handle = lab.client.get_workflow_handle_for(ArbitrageCycle.run, f"cycle-{cycle_id}")
            assert (await handle.result()).status is CycleStatus.COMPLETED
        await at_rest(books, "XRP-1", "XRP-2", "XRP-3", "TRX-1")
        assert await lab.sweep() == SweepReport(adopted=(), taken_over=()), "every movement is in the books"
    await equal(lab, books)
    assert len(lab.names) > sent
    assert len(lab.names) == len(set(lab.names)), "a name was given twice"
    await books.close()


async def test_a_late_order_and_its_undoing_are_caught_up_too(server: DevServer, url: str, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    async with funded_books(url) as books:
        lab = fund(Lab(await connected(server), books=books))
        back_up(make_url(url), backup)
        lab.binance.hides_orders = True
        lab.binance.after["place_order"] = deque([OutcomeUnknown("timeout", venue="binance")])
        async with lab.workers():
            assert (await (await lab.start(await lab.plan())).result()).status is CycleStatus.REJECTED
            lab.binance.hides_orders = False
            assert (await lab.sweep()).taken_over == ("XRP-1",)
            await lab.client.get_workflow_handle("cycle-XRP-1").result()
            assert await polling(lab.client) == [lab.client.identity], "they would be refused to catch up"
    assert await polling(lab.client) == []
    restore(make_url(url), backup)

    lab.books = books = await connect_database(url)
    assert "read 2 cycles; 2 orders were missing" in caught_up(url, server, tmp_path)
    assert await numbers(books) == {XRP: (1, False)}
    await at_rest(books, "XRP-1")
    await equal(lab, books)
    assert " 0 orders were missing" in caught_up(url, server, tmp_path), "it may be repeated"
    await at_rest(books, "XRP-1")
    await equal(lab, books)
    await books.close()


async def test_without_catching_up_the_books_follow_the_venues_and_no_number_is_given_twice(
    server: DevServer, url: str, tmp_path: Path
) -> None:
    """What Temporal's histories do not tell any more, or nobody asked them for."""
    backup = tmp_path / "backup"
    async with funded_books(url) as books:
        lab = fund(Lab(await connected(server), books=books))
        async with lab.workers():
            await complete(lab, coin=XRP, number=1)
            back_up(make_url(url), backup)
            await complete(lab, coin=XRP, number=2)
    restore(make_url(url), backup)

    lab.books = books = await connect_database(url)
    async with lab.workers():
        assert (await lab.sweep()).unexplained
        await equal(lab, books)
        await at_rest(books)
        assert await lab.sweep() == SweepReport(adopted=(), taken_over=())
        again = await lab.plan(number=2)
        assert await TemporalCycleStarter(lab.client).start(again) is StartOutcome.ALREADY_CLOSED
    assert len(lab.names) == len(set(lab.names))
    await books.close()


async def test_a_number_that_was_used_can_be_used_up_by_hand(url: str) -> None:
    """The statement in docs/operations.md, for when Temporal's store is lost as well."""
    (statement,) = re.findall(r"INSERT INTO cycles.*?;", OPERATIONS.read_text(), re.DOTALL)
    async with funded_books(url) as books:
        engine = create_async_engine(url)
        async with engine.begin() as connection:
            await connection.execute(text(statement))
        await engine.dispose()
        assert await numbers(books) == {XRP: (412, False)}
        assert [row.cycle_id for row in await books.read_model.cycles(limit=5)] == ["XRP-412"]
