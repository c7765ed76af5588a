"""One check per part: does it answer, may we use it, is it the right version."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from temporalio.api.workflowservice.v1 import GetSystemInfoRequest

from kimp.adapters.clock import SystemClock
from kimp.adapters.sql.schema import check_schema
from kimp.bootstrap.keys import Held
from kimp.bootstrap.parts import open_bus, open_database, open_keys, open_venue
from kimp.bootstrap.temporal import connect_temporal
from kimp.config import Settings
from kimp.domain.errors import BadConfig, KimpError
from kimp.domain.keys import Right, expiry_warning
from kimp.domain.market import Venue
from kimp.domain.money import ZERO


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check said."""

    part: str
    ok: bool
    detail: str


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Every check, one after the other; a failed one keeps none of the others from running."""
    checks: dict[str, Callable[[], Awaitable[str]]] = {
        "temporal": lambda: _temporal(settings),
        "histories": lambda: _histories(settings),
        "redis": lambda: _redis(settings),
        "database": lambda: _database(settings),
        "switch": lambda: _kill_switch(settings),
        **{venue.value: _venue_check(settings, venue) for venue in Venue},
        **{f"{venue} keys": _keys_check(settings, venue) for venue in Venue},
    }
    for part, check in checks.items():
        try:
            yield Finding(part, ok=True, detail=await check())
        except KimpError as error:
            yield Finding(part, ok=False, detail=str(error))


async def _temporal(settings: Settings) -> str:
    client = await connect_temporal(settings)
    info = await client.workflow_service.get_system_info(GetSystemInfoRequest())
    return f"server {info.server_version}, namespace {client.namespace}, {client.service_client.config.target_host}"


async def _histories(settings: Settings) -> str:
    history = settings.history
    if not history.encrypted:
        return "plain: whoever reads Temporal's database reads amounts and ids"
    until = history.accept_plaintext_until
    return f"encrypted with key {history.active}; decrypted with {', '.join(history.keys)}" + (
        f"; plain ones accepted until {until.isoformat()}" if until else ""
    )


async def _redis(settings: Settings) -> str:
    async with open_bus(settings) as bus:
        await bus.ping()
        quotes = await bus.latest([*settings.trading.assets])
    return f"answers; {len(quotes)} fresh quotes" + ("" if quotes else " (is a feeder running?)")


async def _database(settings: Settings) -> str:
    await check_schema(settings.sql_url)
    async with open_database(settings) as books:
        balances = await books.ledger.balances()
        return f"schema is current, {len(balances)} ledger balances"


async def _kill_switch(settings: Settings) -> str:
    async with open_database(settings) as books:
        halt = await books.controls.halt_in_force()
    if halt is None:
        return "level 0, run"
    set_at = f"{datetime.fromtimestamp(halt.set_ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"
    return f"level {int(halt.level)}, {halt.level.name.lower()}: {halt.reason} (by {halt.set_by}, {set_at})"


def _venue_check(settings: Settings, venue: Venue) -> Callable[[], Awaitable[str]]:
    async def check() -> str:
        exchange = open_venue(settings, venue)
        try:
            balances = await exchange.balances()
            rules = await exchange.rules(settings.trading.assets)
        finally:
            await exchange.close()
        held = [f"{balance.total:,f} {asset}" for asset, balance in balances.items() if balance.total > ZERO]
        closed = [n.coin for n in rules.networks if not (n.withdraw_open and n.deposit_open)]
        shut = f"; wallets closed: {', '.join(closed)}" if closed else ""
        return f"key accepted, {len(rules.instruments)} markets, holds {', '.join(held) or 'nothing'}{shut}"

    return check


def _keys_check(settings: Settings, venue: Venue) -> Callable[[], Awaitable[str]]:
    """Every key that is configured, for whichever process: what it may do, and how long it lives."""

    async def check() -> str:
        held = open_keys(settings, venue, list(Right))
        try:
            told = [await _key(settings, one) for one in held]
        finally:
            for one in held:
                await one.exchange.close()
        return "; ".join(told)

    return check


async def _key(settings: Settings, held: Held) -> str:
    """Raises BadConfig for a key that its process would refuse to run with, or that has expired."""
    facts, now_ms = await held.exchange.key_facts(), SystemClock().now_ms()
    if complaint := held.key.complaint(facts, settings.venue(held.key.venue)):
        raise BadConfig(complaint)
    days, warning = facts.days_left(now_ms), expiry_warning(facts, now_ms)
    if days is not None and days < 0:
        raise BadConfig(f"the {held.key.name} {warning}; make a new one and name it in {held.key.where}")
    life = f"good for {days} days" if days is not None and warning is None else warning
    notes = [", ".join(sorted(facts.rights)), *([life] if life else []), *facts.warnings]
    return f"{'+'.join(held.key.rights)}: {'; '.join(notes)}"
