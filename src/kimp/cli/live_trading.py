"""Arming of real money, for people."""

from kimp.bootstrap.parts import open_database
from kimp.cli import views
from kimp.cli.person import who
from kimp.cli.terminal import ask, report_outcome
from kimp.config import load
from kimp.domain.arming import Armed
from kimp.domain.errors import BadInput
from kimp.operations import live


async def arm(cap_krw: int, lasts: str, note: str, *, as_json: bool) -> None:
    """Asks to type the amount. Raises BadInput, with nothing armed, for any other answer."""
    settings, seconds = load(), live.seconds_of(lasts)
    async with open_database(settings) as database:
        await live.check_arming(database.controls, settings, cap_krw)
        wanted = f"arm {cap_krw}"
        question = f"Cycles may stake {cap_krw:,d} KRW of real money at once, for {lasts}. Type `{wanted}` to allow it"
        if ask(question).strip() != wanted:
            raise BadInput(f"that was not `{wanted}`; nothing is armed")
        await database.arming.arm(cap_krw, seconds, note, by=who())
        armed = await database.arming.armed()
    report_outcome(_reported(armed), _fields(armed), as_json=as_json)


async def disarm(note: str, *, as_json: bool) -> None:
    """Open cycles come home; none starts."""
    async with open_database(load()) as database:
        await database.arming.disarm(note, by=who())
        armed = await database.arming.armed()
    report_outcome("trading is not armed; open cycles come home, and none starts", _fields(armed), as_json=as_json)


async def show(*, as_json: bool) -> None:
    settings = load()
    async with open_database(settings) as database:
        armed = await database.arming.armed()
    reported = (
        _reported(armed) if settings.mode.trades_armed else f"mode is {settings.mode}: no cycle needs to be armed"
    )
    report_outcome(reported, {"mode": settings.mode, **_fields(armed)}, as_json=as_json)


def _reported(armed: Armed | None) -> str:
    if armed is None:
        return "trading is not armed: no cycle starts until `kimp live arm`"
    return (
        f"trading is armed until {views.timestamp(armed.until_ms)} UTC: open cycles may stake {armed.cap_krw:,d} KRW at"
        f" once; {armed.cycles} started so far. By {armed.by}: {armed.note}. Any halt ends it, `kimp live disarm` too"
    )


def _fields(armed: Armed | None) -> dict[str, object]:
    if armed is None:
        return {"armed": False}
    return {
        "armed": True,
        "cap_krw": armed.cap_krw,
        "until_ms": armed.until_ms,
        "by": armed.by,
        "note": armed.note,
        "cycles": armed.cycles,
    }
