"""The paper exchange as a process that is killed, and `kimp paper reset`."""

import asyncio
import fcntl
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

from contract.venues.bench import KEY, SECRET, XRP, adapter
from fakes import intents
from fakes.command import KIMP, kimp
from pydantic import SecretStr

from kimp.adapters.embedded.process import LOOPBACK, free_port
from kimp.config.venues import BinanceSettings
from kimp.domain.venues import Venue
from kimp.ports.exchange import Exchange


@contextmanager
def paper(folder: Path, ports: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("KIMP_", "TEMPORAL_"))}
    child = subprocess.Popen([KIMP, "paper"], cwd=folder, env=clean | ports)
    try:
        yield child
    finally:
        child.kill()
        child.wait()


async def test_what_was_bought_before_kill_9_is_held_after_it(tmp_path: Path) -> None:
    names = [f"KIMP_PAPER__{listener}_PORT" for listener in ("UPBIT", "BINANCE", "ADMIN")]
    ports = {name: str(free_port()) for name in names} | {"KIMP_PAPER__STATE_PATH": str(tmp_path / "paper.db")}
    settings = BinanceSettings(
        rest_url=f"http://{LOOPBACK}:{ports['KIMP_PAPER__BINANCE_PORT']}",
        access_key=SecretStr(KEY[Venue.BINANCE]),
        secret_key=SecretStr(SECRET[Venue.BINANCE]),
    )
    exchange = adapter(settings, Venue.BINANCE)
    with paper(tmp_path, ports) as child:
        await _until_it_answers(exchange)
        ask = (await exchange.tops([XRP]))[XRP].ask
        intent = intents.order(quantity=Decimal(100), limit_price=ask, krw_per_cash=Decimal(1), taker_fee=Decimal(1))
        await exchange.place_order(intent, send_by_ms=intents.NEVER)
        held = await exchange.balances()
        child.kill()
        child.wait()
    with paper(tmp_path, ports):
        await _until_it_answers(exchange)
        assert await exchange.balances() == held
        found = await exchange.find_order(XRP, intent.client_order_id)
    await exchange.close()
    assert found is not None
    assert sum(fill.quantity for fill in found.fills) == 100


async def _until_it_answers(exchange: Exchange) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            await exchange.tops([XRP])
        except Exception:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(0.2)
        else:
            return


async def test_a_reset_takes_state_books_and_cycles_together(tmp_path: Path) -> None:
    data = tmp_path / ".kimp"
    data.mkdir()
    kept = [data / name for name in ("paper.db", "paper.db-wal", "kimp.db", "temporal.db", "temporal.db-shm")]
    for file in (*kept, data / "worker-1.log"):
        file.touch()
    code, out, _ = await kimp(tmp_path, "paper", "reset", "--yes", COLUMNS="1000")
    assert code == 0
    assert all(str(file.relative_to(tmp_path)) in out for file in kept)
    assert [file.name for file in data.iterdir()] == ["worker-1.log"]


async def test_a_reset_removes_nothing_beside_what_it_can_reset(tmp_path: Path) -> None:
    data = tmp_path / ".kimp"
    data.mkdir()
    (data / "kimp.db").touch()
    for variables, words in (
        ({"KIMP_DATABASE_URL": "mysql+asyncmy://k:p@db/kimp"}, "the books are on a server of yours"),
        ({"TEMPORAL_ADDRESS": "temporal:7233"}, "the cycles are on a server of yours"),
        ({"KIMP_MODE": "observe", "KIMP_UPBIT__REST_URL": "https://api.upbit.com"}, "so the venues are real"),
    ):
        code, _, err = await kimp(tmp_path, "paper", "reset", "--yes", COLUMNS="1000", **variables)
        assert code == 2
        assert words in err
    assert (data / "kimp.db").exists()


async def test_a_reset_must_be_meant(tmp_path: Path) -> None:
    (tmp_path / ".kimp").mkdir()
    (tmp_path / ".kimp/kimp.db").touch()
    code, _, err = await kimp(tmp_path, "paper", "reset")
    assert code == 2
    assert "add --yes: it removes all paper money" in err
    assert (tmp_path / ".kimp/kimp.db").exists()


async def test_a_reset_is_refused_while_something_runs_on_the_data(tmp_path: Path) -> None:
    data = tmp_path / ".kimp"
    data.mkdir()
    with (data / "worker-1.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        code, _, err = await kimp(tmp_path, "paper", "reset", "--yes", COLUMNS="1000")
    assert code == 2
    assert "worker-1 still runs" in err
