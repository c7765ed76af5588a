"""Keys, secrets and passwords stay where they were put: real processes, then a search through all that they wrote."""

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from itertools import product
from pathlib import Path

import aiohttp
import pytest
from fakes.canaries import Canaries, canary
from fakes.collector import Collector
from fakes.open_redis import OpenRedis
from fakes.places import a_place_of_its_own, move_to
from fakes.running import World, eventually, free_row
from fakes.telemetry import OF_THE_SDK_WHEN_WELL
from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from temporalio.client import Client

from kimp.adapters.embedded.process import free_port
from kimp.bootstrap.parts import bus_url, open_database
from kimp.bootstrap.stack import Stack
from kimp.bootstrap.temporal import connect_temporal
from kimp.config import load
from kimp.contracts.status import CycleStatus
from kimp.domain.keys import Right
from kimp.domain.venues import PAIR, Venue

CYCLES = 2
KEYS = [(venue, right, kind) for venue in PAIR for right in Right for kind in ("access", "secret")]


@pytest.fixture
def secrets() -> dict[str, str]:
    named = {"_".join(key): canary("".join(part.capitalize() for part in key)) for key in KEYS}
    wrong = {f"wrong_{name}": canary(f"Wrong{name.replace('_', '').capitalize()}") for name in named}
    others = ("upbit_first", "binance_first", "redis", "mysql", "temporal", "history", "codec", "vault")
    return named | wrong | {name: canary(name.replace("_", "").capitalize()) for name in others}


@pytest.fixture
async def guarded_redis(tmp_path: Path, secrets: dict[str, str]) -> AsyncIterator[str]:
    """A Redis with a password, which is in its URL."""
    async with OpenRedis(tmp_path / "elsewhere", password=secrets["redis"]) as server:
        yield server.url


def keys_of(secrets: Mapping[str, str], prefix: str = "") -> dict[str, str]:
    return {
        f"KIMP_{venue.upper()}__KEYS__{right.name}__{kind.upper()}_KEY": secrets[f"{prefix}{venue}_{right}_{kind}"]
        for venue, right, kind in KEYS
    }


def at_the_venue(venue: Venue, secrets: Mapping[str, str]) -> str:
    """The same keys, with no more rights than each needs."""
    known = [
        {"rights": sorted(right.needs), **{kind: secrets[f"{venue}_{right}_{kind}"] for kind in ("access", "secret")}}
        for right in Right
    ]
    return json.dumps(known)


@pytest.fixture
async def world(
    temporal_binary: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    new_database: Callable[[], str],
    guarded_redis: str,
    secrets: dict[str, str],
) -> AsyncIterator[World]:
    folder = tmp_path / "kimp"
    folder.mkdir()
    servers = {"KIMP_DATABASE_URL": new_database(), "KIMP_REDIS_URL": guarded_redis}
    move_to(folder, _environment(temporal_binary, folder, secrets) | servers, monkeypatch)
    message: list[str] = []
    async with Collector().running() as collector:
        for name, value in _reporting(collector).items():
            monkeypatch.setenv(name, value)
        async with Stack(load(), message.append) as stack:
            await stack.start_kimp()
            world = World(stack, Canaries(secrets), folder, collector)
            world.outputs["what starting said"] = "\n".join(message).encode()
            yield world


def _reporting(collector: Collector) -> dict[str, str]:
    """Every way to tell is open."""
    return {
        "KIMP_OBSERVABILITY__OTLP": '["traces", "metrics", "logs"]',
        "KIMP_OBSERVABILITY__OTLP_ENDPOINT": collector.url,
        "KIMP_OBSERVABILITY__HTTP_PORT": str(free_row(3)),
        "OTEL_METRIC_EXPORT_INTERVAL": "10000",
        "OTEL_BSP_SCHEDULE_DELAY": "500",
    }


def _environment(temporal_binary: Path, folder: Path, secrets: Mapping[str, str]) -> dict[str, str]:
    paper = {f"KIMP_PAPER__{venue.upper()}_MORE_KEYS": at_the_venue(venue, secrets) for venue in PAIR}
    # Of the settings, and of nobody else: no process may fall back on it.
    first = {
        f"KIMP_{venue.upper()}__{kind}_KEY": secrets[f"{venue}_first"]
        for venue in PAIR
        for kind in ("ACCESS", "SECRET")
    }
    return (
        keys_of(secrets)
        | paper
        | first
        | a_place_of_its_own(temporal_binary, folder / "data")
        | {
            "KIMP_CAPS__OPEN_CYCLES": "20",
            # A machine that runs all of this on few cores is late with its quotes.
            "KIMP_TRADING__MAX_QUOTE_AGE_MS": "10000",
            "KIMP_TRADING__START_WITHIN_MS": "10000",
        }
    )


@pytest.mark.timeout(600)
async def test_no_secret_leaves(world: World, secrets: dict[str, str]) -> None:
    await _cycles_complete(world)
    await eventually(lambda: _one_trace_reports_it_all(world.collector))
    pages = b"".join((await world.pages()).values())
    assert not [name for name in OF_THE_SDK_WHEN_WELL if name.encode() not in pages]
    # A collector has that label from the resource, and drops a figure that brings another of the name.
    assert not re.findall(rb"^temporal_.*service_name=", pages, re.MULTILINE)
    await _look_around(world)
    await _upbit_locks_its_withdrawals(world)
    await _keys_are_wrong(world, secrets)
    await _bad_settings(world, secrets)
    await world.stack.stop_all("paper")
    await world.kimp("doctor", "--json")
    await asyncio.sleep(2)  # the processes miss the venues too

    assert _lines_that_do_not_report_whose_they_are(world.folder / "data") == []
    sources = await world.written()
    assert world.canaries.found(sources) == []
    assert {place.split()[0] for place in sources} >= {
        *("history", "description", "table", "Redis", "file", "output", "page", "OTLP")
    }
    assert set(world.collector.received) == {"traces", "metrics", "logs"}
    await _a_planted_one_is_found_everywhere(world)


async def _cycles_complete(world: World) -> None:
    async with open_database(world.settings) as books:

        async def enough() -> bool:
            return len(await books.read_model.cycles(limit=CYCLES, status=CycleStatus.COMPLETED)) >= CYCLES

        await eventually(enough)


async def _one_trace_reports_it_all(collector: Collector) -> bool:
    """From the tick over the calls to both venues to the booking, across processes, with nothing missing between."""
    for spans in collector.traces().values():
        names = {span.name for _, span in spans}
        ids = {span.span_id for _, span in spans}
        whole = all(span.parent_span_id in ids for _, span in spans if span.parent_span_id)
        reported = {"StartWorkflow:ArbitrageCycle", "RunWorkflow:ArbitrageCycle", "RunActivity:record", "detection"}
        reported |= {f"{venue} {operation}" for venue in PAIR for operation in ("place order", "withdraw")}
        if whole and names >= reported and any(name.startswith("tick ") for name in names):
            assert {service for service, _ in spans} == {"kimp-initiator", "kimp-worker"}
            assert all(0 < span.start_time_unix_nano <= span.end_time_unix_nano for _, span in spans)
            return True
    return False


def _lines_that_do_not_report_whose_they_are(logs: Path) -> list[dict[str, str]]:
    """Of all lines that name a cycle, in all processes: whatever failed above was told as well."""
    written = [line for file in logs.glob("*.log") for line in file.read_text().splitlines() if line.startswith("{")]
    reported = [line for line in map(json.loads, written) if "cycle_id" in line]
    assert {line["process"] for line in reported} == {"initiator", "worker"}
    return [line for line in reported if not line.keys() >= {"cycle_id", "step", "attempt", "venue", "trace_id"}]


async def _look_around(world: World) -> None:
    """Every command that shows something."""
    cycles = json.loads(await world.kimp("cycles", "list", "--json"))
    await world.kimp("cycles", "list")
    shown = (
        ("cycles", "show", cycles[-1]["cycle_id"]),
        ("why", "XRP"),
        ("cycles", "logs", cycles[-1]["cycle_id"]),
        ("doctor",),
        ("config", "show"),
    )
    await asyncio.gather(*(world.kimp(*arguments, *more) for arguments in shown for more in ((), ("--json",))))
    await _each_source_reports(world, cycles[-1]["cycle_id"])
    message = await world.kimp("replay", "--from-server", "--save", str(world.folder / "saved"))
    assert " 0 histories differ" in message, message


async def _each_source_reports(world: World, cycle_id: str) -> None:
    """The story of a cycle is in what the last command said."""
    story = json.loads(await world.kimp("cycles", "logs", cycle_id, "--json"))
    assert story["missing"] == []
    assert {line["source"] for line in story["lines"]} == {"history", "journal", "ledger", "initiator", "worker"}
    assert bytes.fromhex(story["trace_id"]) in world.collector.traces()


async def _upbit_locks_its_withdrawals(world: World) -> None:
    await world.admin("withdraw_lock", locked=True)
    await world.until_a_history_reports("open_api_withdraw_locked")
    await world.admin("withdraw_lock", locked=False)


async def _keys_are_wrong(world: World, secrets: Mapping[str, str]) -> None:
    """From the start, which no process gets over, and from one moment to the next."""
    wrong = keys_of(secrets, "wrong_")
    assert "key is refused" in await world.kimp("worker", **wrong)
    assert "FAIL" in await world.kimp("doctor", **wrong)
    assert "FAIL" in await world.kimp("doctor", **{name: key for name, key in wrong.items() if "SECRET" in name})
    await _cut_the_keys(world, secrets, lambda _: [])
    await world.until_a_history_reports("out_of_scope", "-2015")
    await _cut_the_keys(world, secrets, lambda right: sorted(right.needs))


async def _cut_the_keys(world: World, secrets: Mapping[str, str], rights: Callable[[Right], list[Right]]) -> None:
    for venue, right in product(PAIR, Right):
        pair = {kind: secrets[f"{venue}_{right}_{kind}"] for kind in ("access", "secret")}
        await world.admin("keys", venue=venue, rights=rights(right), **pair)


async def _bad_settings(world: World, secrets: Mapping[str, str]) -> None:
    """URLs with passwords that lead nowhere or are no URLs; the errors name them."""
    password = secrets["mysql"]
    nowhere = f"127.0.0.1:{free_port()}"
    databases = (f"mysql+asyncmy://kimp:{password}@{nowhere}/kimp", f"mysql+asyncmy//kimp:{password}@x/kimp")
    buses = (f"redis://:{password}@{nowhere}/0", f"redis//:{password}@{nowhere}", password)
    unusable = (json.dumps({"secret_key": [password]}), "{" + password)
    await asyncio.gather(
        *(world.kimp("doctor", KIMP_DATABASE_URL=address) for address in databases),
        *(world.kimp("doctor", KIMP_REDIS_URL=address) for address in buses),
        *(world.kimp("config", "show", KIMP_REDIS_URL=address) for address in buses),
        *(world.kimp("config", "show", KIMP_UPBIT=value) for value in unusable),
        world.kimp("config", "show", KIMP_TRADING__THRESHOLD="much"),
        world.kimp("doctor", TEMPORAL_ADDRESS=nowhere, TEMPORAL_API_KEY=secrets["temporal"]),
    )
    await _other_secrets(world, secrets)


async def _other_secrets(world: World, secrets: Mapping[str, str]) -> None:
    """Those of encrypted histories and of Vault, which the processes here run without: used, wrong, and shown."""
    ring = base64.b64encode(secrets["history"].encode()[-32:]).decode()
    codec = {"KIMP_CODEC_SERVER__TOKEN": secrets["codec"], "KIMP_HISTORY__KEYS__K1": ring}
    vault = {"KIMP_VAULT_ADDR": f"http://127.0.0.1:{free_port()}", "KIMP_VAULT_PATH": "kimp", "KIMP_VAULT_ROLE_ID": "r"}
    await asyncio.gather(
        *(world.kimp(*command, **codec) for command in (("config", "show"), ("doctor",), ("replay", "--from-server"))),
        world.kimp("config", "show", KIMP_HISTORY__KEYS__K1=secrets["history"]),
        world.kimp("config", "show", KIMP_CODEC_SERVER__TOKEN=secrets["codec"][:12]),
        world.kimp("doctor", KIMP_VAULT_SECRET_ID=secrets["vault"], **vault),
    )


async def _a_planted_one_is_found_everywhere(world: World) -> None:
    """Proof that the search sees each of the places."""
    planted = canary("Planted")
    client: Client = await connect_temporal(world.settings)
    handle = await client.start_workflow(
        "Nobody", {"note": planted}, id="planted", task_queue="nobody", memo={"note": planted}
    )
    engine = create_async_engine(world.settings.sql_url)
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE planted (note VARCHAR(100))"))
        await connection.execute(text("INSERT INTO planted VALUES (:note)"), {"note": planted})
    await engine.dispose()
    async with Redis.from_url(bus_url(world.settings)) as there:
        await there.set("planted", planted)
    (world.folder / "data" / "planted.log").write_text(f"error: key {planted}\n")
    async with aiohttp.ClientSession() as session:
        await session.post(f"{world.collector.url}/v1/traces", data=f"\x0a {planted}".encode())
    await world.kimp("cycles", "show", planted)

    async def listed() -> bool:
        return (await client.count_workflows("WorkflowId = 'planted'")).count == 1

    await eventually(listed)
    found = Canaries({"planted": planted, "PLANTED": planted.upper()}).found(await world.written())
    for place in (
        "history of planted",
        "description of planted",
        "table planted",
        "Redis key planted",
        "planted.log",
        "OTLP traces",
    ):
        assert any(place in leak for leak in found), place
    assert any("in output" in leak for leak in found)
    await handle.terminate()
