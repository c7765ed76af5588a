"""One check per part: does it answer, may we use it, is it the right version."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from typing import Literal, TypeVar

from temporalio.api.workflowservice.v1 import GetSystemInfoRequest

from kimp.adapters.clock import SystemClock
from kimp.adapters.embedded.redis_program import find_program
from kimp.adapters.sql.schema import check_schema
from kimp.bootstrap.keys import Held
from kimp.bootstrap.parts import open_bus, open_database, open_keys, open_venue
from kimp.bootstrap.temporal import connect_prepared
from kimp.config import Settings
from kimp.domain.errors import BadConfig, BusUnavailable, KimpError, Unavailable
from kimp.domain.keys import Right, expiry_warning
from kimp.domain.money import ZERO
from kimp.domain.venues import Venue

ANSWER_S = 10.0
TRIES, LONGEST_PAUSE_S = 4, 2
"""How often a venue is asked that asks for a pause, and the longest pause that is waited out."""

T = TypeVar("T")
Check = Callable[[], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check said."""

    part: str
    state: Literal["ok", "warning", "failed"]
    detail: str


class Doubtful(KimpError):
    """No fault for certain, and worth a look."""


async def examine(settings: Settings, within_s: float = ANSWER_S) -> AsyncIterator[Finding]:
    """Every check, at once but told in order; a failed one keeps none of the others from running.

    `within_s`: for each, no check takes longer.
    """
    checks: dict[str, Check] = {
        "temporal": lambda: temporal_serves(settings),
        "histories": lambda: _histories(settings),
        "redis": lambda: redis_serves(settings),
        "database": lambda: _database(settings),
        "switch": lambda: _kill_switch(settings),
    }
    running = [asyncio.create_task(_finding(part, check, within_s)) for part, check in checks.items()]
    loading = asyncio.create_task(asyncio.to_thread(_load_clients))
    asked = {venue: asyncio.create_task(_of_venue(settings, venue, loading, within_s)) for venue in Venue}
    for finding in running:
        yield await finding
    venues = [await findings for findings in asked.values()]
    for place in range(2):
        for findings in venues:
            yield findings[place]


async def _finding(part: str, check: Check, within_s: float) -> Finding:
    try:
        async with asyncio.timeout(within_s):
            return Finding(part, "ok", await check())
    except Doubtful as error:
        return Finding(part, "warning", str(error))
    except KimpError as error:
        return Finding(part, "failed", str(error))
    except TimeoutError:
        return Finding(part, "failed", f"no answer within {within_s:g} s")


async def _of_venue(
    settings: Settings, venue: Venue, loading: Awaitable[None], within_s: float
) -> tuple[Finding, Finding]:
    """One after the other, as both count against the same limit."""
    await loading
    return (
        await _finding(venue.value, _venue_check(settings, venue), within_s),
        await _finding(f"{venue} keys", _keys_check(settings, venue), within_s),
    )


def _load_clients() -> None:
    """They bring ccxt, which takes seconds: on the loop, the other checks would run out of time meanwhile."""
    for venue in Venue:
        import_module(f"kimp.adapters.{venue}.rest")


async def patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """All processes share an account's limits, so a check that runs into them is no finding: it waits and asks again.

    Raises Unavailable if that does not help.
    """
    for _ in range(TRIES - 1):
        try:
            return await ask()
        except Unavailable as busy:
            if busy.retry_after is None or busy.retry_after > LONGEST_PAUSE_S:
                raise
            await asyncio.sleep(busy.retry_after)
    return await ask()


async def temporal_serves(settings: Settings) -> str:
    client = await connect_prepared(settings)
    info = await client.workflow_service.get_system_info(GetSystemInfoRequest())
    where = client.service_client.config.target_host
    return f"server {info.server_version}, namespace {client.namespace} with all its search attributes, {where}"


async def _histories(settings: Settings) -> str:
    history = settings.history
    if not history.encrypted:
        return "plain: whoever reads Temporal's database reads amounts and ids"
    until = history.accept_plaintext_until
    return f"encrypted with key {history.active}; decrypted with {', '.join(history.keys)}" + (
        f"; plain ones accepted until {until.isoformat()}" if until else ""
    )


async def redis_serves(settings: Settings) -> str:
    """Does what kimp's processes do there, as a server that answers may still refuse that."""
    async with open_bus(settings) as bus:
        tries = {"publish": bus.check_publishing, "listen": bus.check_listening, "read": bus.check_reading}
        refused = {what: told for what, try_it in tries.items() if (told := await _forbidden(try_it))}
        if len(refused) == len(tries):
            raise BusUnavailable(refused["read"])
        if refused:
            raise Doubtful(
                f"answers, and this user may not {' or '.join(refused)} (NOPERM): a feeder must publish, an initiator"
                " listen and read, a worker of the queue cycles read"
            )
        quotes = await bus.latest([*settings.trading.assets])
    served = f"serves; {len(quotes)} fresh quotes" + ("" if quotes else " (is a feeder running?)")
    if settings.redis_url is None and (doubt := find_program().doubt):
        raise Doubtful(f"{served}; {doubt}")
    return served


async def _forbidden(try_it: Callable[[], Awaitable[None]]) -> str | None:
    """What is told where only a right lacks."""
    try:
        await try_it()
    except BusUnavailable as error:
        if error.word == "NOPERM":
            return str(error)
        raise
    return None


async def _database(settings: Settings) -> str:
    await check_schema(settings.sql_url)
    async with open_database(settings) as books:
        await books.ping()
        balances = await books.ledger.balances()
        return f"schema is current, it writes, {len(balances)} ledger balances"


async def _kill_switch(settings: Settings) -> str:
    async with open_database(settings) as books:
        halt = await books.controls.halt_in_force()
    if halt is None:
        return "level 0, run"
    set_at = f"{datetime.fromtimestamp(halt.set_ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"
    return f"level {int(halt.level)}, {halt.level.name.lower()}: {halt.reason} (by {halt.set_by}, {set_at})"


def _venue_check(settings: Settings, venue: Venue) -> Check:
    async def check() -> str:
        exchange = open_venue(settings, venue)
        try:
            balances = await patiently(exchange.balances)
            rules = await patiently(lambda: exchange.rules(settings.trading.assets))
        finally:
            await exchange.close()
        held = [f"{balance.total:,f} {asset}" for asset, balance in balances.items() if balance.total > ZERO]
        closed = [n.coin for n in rules.networks if not (n.withdraw_open and n.deposit_open)]
        shut = f"; wallets closed: {', '.join(closed)}" if closed else ""
        return f"key accepted, {len(rules.instruments)} markets, holds {', '.join(held) or 'nothing'}{shut}"

    return check


def _keys_check(settings: Settings, venue: Venue) -> Check:
    """Every key that is configured, for whichever process: what it may do, and how long it lives."""

    async def check() -> str:
        held = open_keys(settings, venue, list(Right))
        try:
            told = [await _key(settings, one) for one in held]
        except Unavailable as error:
            raise Doubtful(f"could not ask: {error}") from None
        finally:
            for one in held:
                await one.exchange.close()
        return "; ".join(told)

    return check


async def _key(settings: Settings, held: Held) -> str:
    """Raises BadConfig for a key that its process would refuse to run with, or that has expired."""
    facts, now_ms = await patiently(held.exchange.key_facts), SystemClock().now_ms()
    if complaint := held.key.complaint(facts, settings.venue(held.key.venue)):
        raise BadConfig(complaint)
    days, warning = facts.days_left(now_ms), expiry_warning(facts, now_ms)
    if days is not None and days < 0:
        raise BadConfig(f"the {held.key.name} {warning}; make a new one and name it in {held.key.where}")
    life = f"good for {days} days" if days is not None and warning is None else warning
    notes = [", ".join(sorted(facts.rights)), *([life] if life else []), *facts.warnings]
    return f"{'+'.join(held.key.rights)}: {'; '.join(notes)}"
