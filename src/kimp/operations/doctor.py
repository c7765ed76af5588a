"""One check per part: does it answer, may we use it, is it the right version."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, Protocol, TypeVar

from kimp.config import Settings
from kimp.domain.admission import HaltLevel
from kimp.domain.errors import BadConfig, BusUnavailable, KimpError, Unavailable
from kimp.domain.keys import expiry_warning
from kimp.domain.ledger import Account
from kimp.domain.money import ZERO, Asset
from kimp.domain.venues import Venue
from kimp.domain.wording import exactly
from kimp.operations.audit import compare
from kimp.operations.keys import VenueKey
from kimp.ports.clock import Clock
from kimp.ports.controls import KillSwitch
from kimp.ports.database import Database
from kimp.ports.exchange import MarketData
from kimp.ports.ticks import TickBus

ANSWER_S = 10.0
MANY = 1_000
TRIES, LONGEST_PAUSE_S = 4, 2
"""How often a venue is asked that asks for a pause, and the longest pause that is waited out."""

T = TypeVar("T")
Check = Callable[[], Awaitable[str]]
"""What is found, in words. Raises DoctorWarning, or another KimpError where the part can't be used."""
Checks = Mapping[str, Check]
"""By the part's name."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check said."""

    part: str
    state: Literal["ok", "warning", "failed"]
    detail: str


class DoctorWarning(KimpError):
    """No fault for certain, and worth a look."""


class CheckedBus(TickBus, Protocol):
    """A bus that can try out what this user may do there. Each raises BusUnavailable."""

    async def check_publishing(self) -> None: ...

    async def check_listening(self) -> None: ...

    async def check_reading(self) -> None: ...


async def examine(
    parts: Checks, venues: Sequence[Checks], both: Checks, loading: Awaitable[None], within_s: float = ANSWER_S
) -> AsyncIterator[Finding]:
    """Every check, at once but told in order; a failed one keeps none of the others from running.

    `venues`: of each venue, whose checks run one after the other, as all count against the same limit, once `loading`
    is done; `both`: what is asked of all of them, once it is done too. `within_s`: for each, no check takes longer.
    """
    running = [asyncio.create_task(_finding(part, check, within_s)) for part, check in parts.items()]
    loaded = asyncio.ensure_future(loading)
    asked = [asyncio.create_task(_in_turn(checks, loaded, within_s)) for checks in (*venues, both)]
    for task in running:
        yield await task
    *of_venues, of_both = [await findings for findings in asked]
    for same in zip(*of_venues, strict=True):
        for finding in same:
            yield finding
    for last in of_both:
        yield last


async def _in_turn(checks: Checks, loaded: Awaitable[None], within_s: float) -> list[Finding]:
    await loaded
    return [await _finding(part, check, within_s) for part, check in checks.items()]


async def _finding(part: str, check: Check, within_s: float) -> Finding:
    try:
        async with asyncio.timeout(within_s):
            return Finding(part, "ok", await check())
    except DoctorWarning as error:
        return Finding(part, "warning", str(error))
    except KimpError as error:
        return Finding(part, "failed", str(error))
    except TimeoutError:
        return Finding(part, "failed", f"no answer within {within_s:g} s")


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


async def histories(settings: Settings) -> str:
    """Whether what Temporal stores is encrypted."""
    history = settings.history
    if not history.encrypted:
        return "plain, as configured: whoever reads Temporal's database reads amounts and ids (history.keys encrypts)"
    until = history.accept_plaintext_until
    return f"encrypted with key {history.active}; decrypted with {', '.join(history.keys)}" + (
        f"; plain ones accepted until {until.isoformat()}" if until else ""
    )


async def bus_serves(bus: CheckedBus, coins: Sequence[Asset]) -> str:
    """Does what kimp's processes do there, as a server that answers may still refuse that."""
    tries = {"publish": bus.check_publishing, "listen": bus.check_listening, "read": bus.check_reading}
    refused = {what: reported for what, try_it in tries.items() if (reported := await _forbidden(try_it))}
    if len(refused) == len(tries):
        raise BusUnavailable(refused["read"])
    if refused:
        raise DoctorWarning(
            f"answers, and this user may not {' or '.join(refused)} (NOPERM): a feeder must publish, an initiator"
            " listen and read, a worker of the queue cycles read"
        )
    quotes = await bus.latest(coins)
    return f"serves; {len(quotes)} fresh quotes" + ("" if quotes else " (is a feeder running?)")


async def _forbidden(try_it: Callable[[], Awaitable[None]]) -> str | None:
    """What is told where only a right lacks."""
    try:
        await try_it()
    except BusUnavailable as error:
        if error.word == "NOPERM":
            return str(error)
        raise
    return None


async def database_serves(database: Database) -> str:
    await database.ping()
    balances = await database.ledger.balances()
    return f"schema is current, it writes, {len(balances)} ledger balances"


async def ledger_agrees(database: Database, venues: Mapping[Venue, MarketData]) -> str:
    """Whether the books say what the venues say.

    Raises DoctorWarning while cycles move money, KimpError for what nobody explains.
    """
    if missing := [venue for venue in venues if venue not in await database.ledger.opened()]:
        return f"nothing is booked on {' and '.join(missing)} yet: the first start books what is held there"
    try:
        pairs = await compare(database.ledger, venues)
    except Unavailable as error:
        raise DoctorWarning(f"could not ask: {error}") from None
    unfinished = len(await database.read_model.cycles(limit=MANY, unfinished=True))
    differing = [
        f"{where} {asset}: ledger {exactly(ours)}, venue {'unreadable' if theirs is None else exactly(theirs)}"
        for (where, asset), (ours, theirs) in sorted(pairs.items())
        if ours != theirs and not (unfinished and where is Account.IN_TRANSIT)
    ]
    under_way = f"{unfinished} cycle{'' if unfinished == 1 else 's'} under way"
    if not differing:
        return f"the ledger equals the venues, {len(pairs)} balances; {under_way}"
    difference = f"the ledger and the venues differ: {'; '.join(differing)}"
    if unfinished:
        raise DoctorWarning(
            f"{difference}; {under_way}, of which something may not be booked yet: look again in a minute"
        )
    raise KimpError(
        f"{difference}; no cycle is under way that could explain it. The sweep books it within a minute or two if kimp"
        " runs, and halts trading if it is much: did somebody else trade on these accounts?"
    )


async def kill_switch(switch: KillSwitch) -> str:
    """Raises DoctorWarning while trading is halted."""
    halt = await switch.halt_in_force()
    if halt is None:
        return "level 0, run"
    set_at = f"{datetime.fromtimestamp(halt.set_ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"
    text = f"level {int(halt.level)}, {halt.level.name.lower()}: {halt.reason} (by {halt.set_by}, {set_at})"
    if halt.level is not HaltLevel.RUN:
        raise DoctorWarning(f"{text}; trading is halted until `kimp resume`")
    return text


async def venue_serves(exchange: MarketData, coins: Sequence[Asset]) -> str:
    balances = await patiently(exchange.balances)
    rules = await patiently(lambda: exchange.rules(coins))
    held = [f"{balance.total:,f} {asset}" for asset, balance in balances.items() if balance.total > ZERO]
    closed = [n.coin for n in rules.networks if not (n.withdraw_open and n.deposit_open)]
    shut = f"; wallets closed: {', '.join(closed)}" if closed else ""
    return f"key accepted, {len(rules.instruments)} markets, holds {', '.join(held) or 'nothing'}{shut}"


async def keys_serve(settings: Settings, held: Sequence[VenueKey], clock: Clock) -> str:
    """Every key that is configured, for whichever process: what it may do, and how long it lives."""
    try:
        return "; ".join([await _key(settings, one, clock) for one in held])
    except Unavailable as error:
        raise DoctorWarning(f"could not ask: {error}") from None


async def _key(settings: Settings, held: VenueKey, clock: Clock) -> str:
    """Raises BadConfig for a key that its process would refuse to run with, or that has expired."""
    facts, now_ms = await patiently(held.exchange.key_facts), clock.now_ms()
    if complaint := held.key.complaint(facts, settings.venue(held.key.venue)):
        raise BadConfig(complaint)
    days, warning = facts.days_left(now_ms), expiry_warning(facts, now_ms)
    if days is not None and days < 0:
        raise BadConfig(f"the {held.key.name} {warning}; make a new one and name it in {held.key.where}")
    life = f"good for {days} days" if days is not None and warning is None else warning
    notes = [", ".join(sorted(facts.rights)), *([life] if life else []), *facts.warnings]
    return f"{'+'.join(held.key.rights)}: {'; '.join(notes)}"
