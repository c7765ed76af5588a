"""The checks of `kimp doctor`, each on a part that it opens itself: one that is away keeps no other from being looked
at.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from importlib import import_module

from temporalio.api.workflowservice.v1 import GetSystemInfoRequest

from kimp.adapters.embedded.redis_program import find_program
from kimp.adapters.sql.schema import check_schema
from kimp.bootstrap.parts import CLOCK, open_bus, open_database, open_keys, open_venue, open_venues
from kimp.bootstrap.temporal import connect_prepared
from kimp.config import Settings
from kimp.domain.keys import Right
from kimp.domain.venues import PAIR, Venue
from kimp.operations import doctor
from kimp.operations.doctor import ANSWER_S, Checks, DoctorWarning, Finding


def run_doctor(settings: Settings, within_s: float = ANSWER_S) -> AsyncIterator[Finding]:
    """Every part that the settings name, and every key."""
    parts: Checks = {
        "temporal": lambda: temporal_serves(settings),
        "histories": lambda: doctor.histories(settings),
        "redis": lambda: redis_serves(settings),
        "database": lambda: _database(settings),
        "switch": lambda: _kill_switch(settings),
    }
    venues = [venue_checks(settings, venue) for venue in PAIR]
    # It takes seconds: on the loop, the other checks would run out of time meanwhile.
    both: Checks = {"ledger": lambda: _ledger(settings)}
    return doctor.examine(parts, venues, both, asyncio.to_thread(_load_clients), within_s)


def venue_checks(settings: Settings, venue: Venue) -> Checks:
    return {venue: lambda: _venue(settings, venue), f"{venue} keys": lambda: venue_keys_serve(settings, venue)}


def _load_clients() -> None:
    """They bring ccxt."""
    for venue in PAIR:
        import_module(f"kimp.adapters.{venue}.rest")


async def temporal_serves(settings: Settings) -> str:
    client = await connect_prepared(settings)
    info = await client.workflow_service.get_system_info(GetSystemInfoRequest())
    where = client.service_client.config.target_host
    return f"server {info.server_version}, namespace {client.namespace} with all its search attributes, {where}"


async def redis_serves(settings: Settings) -> str:
    async with open_bus(settings) as bus:
        served = await doctor.bus_serves(bus, settings.trading.assets)
    if settings.redis_url is None and (doubt := find_program().doubt):
        raise DoctorWarning(f"{served}; {doubt}")
    return served


async def _database(settings: Settings) -> str:
    await check_schema(settings.sql_url)
    async with open_database(settings) as database:
        return await doctor.database_serves(database)


async def _kill_switch(settings: Settings) -> str:
    async with open_database(settings) as database:
        return await doctor.kill_switch(database.controls)


async def _ledger(settings: Settings) -> str:
    async with open_database(settings) as database, open_venues(settings) as venues:
        return await doctor.ledger_agrees(database, venues)


async def _venue(settings: Settings, venue: Venue) -> str:
    exchange = open_venue(settings, venue)
    try:
        return await doctor.venue_serves(exchange, settings.trading.assets)
    finally:
        await exchange.close()


async def venue_keys_serve(settings: Settings, venue: Venue, rights: Sequence[Right] = tuple(Right)) -> str:
    """Raises BadConfig for a key that its process would refuse to run with, DoctorWarning where it can't be asked."""
    async with AsyncExitStack() as stack:
        held = open_keys(settings, venue, rights)
        for one in held:
            stack.push_async_callback(one.exchange.close)
        return await doctor.keys_serve(settings, held, CLOCK)
