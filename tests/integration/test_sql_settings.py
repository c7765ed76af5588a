"""Versions of the trading settings: none is lost, none is overwritten, the latest holds."""

import asyncio
from decimal import Decimal

import pytest
from sqlalchemy import Insert, insert
from sqlalchemy.ext.asyncio import create_async_engine

from kimp.adapters.sql.database import SqlDatabase
from kimp.adapters.sql.tables import settings_versions
from kimp.config import Settings
from kimp.domain.errors import BadConfig, BadInput, StoreUnavailable
from kimp.operations.settings import SettingsInForce, read_in_force
from kimp.ports.settings import SettingsVersion

CONFIGURED = Settings()
TIGHT = {"trading.threshold": "0.006"}


async def execute(url: str, statement: Insert) -> None:
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.execute(statement)
    await engine.dispose()


async def test_the_configuration_holds_until_somebody_changes_it(books: SqlDatabase) -> None:
    assert await books.settings.latest() is None
    now = await read_in_force(CONFIGURED, books.settings)
    assert (now.settings, now.version) == (CONFIGURED, None)


async def test_each_version_is_kept_with_who_when_and_why(books: SqlDatabase) -> None:
    assert await books.settings.add(TIGHT, "a calm market", 1_000, by="a test", after=0) == 1
    assert (
        await books.settings.add({**TIGHT, "trading.coins": ["XRP", "SOL"]}, "dögè rests", 2_000, by="a test", after=1)
        == 2
    )
    second, first = await books.settings.history(10)
    assert (first.version, first.changes, first.reason, first.set_ms) == (1, TIGHT, "a calm market", 1_000)
    assert (second.version, second.reason) == (2, "dögè rests")
    assert first.set_by == "a test"
    now = await read_in_force(CONFIGURED, books.settings)
    assert now.version == 2
    assert now.settings.trading.threshold == Decimal("0.006")
    assert now.settings.trading.coins == ("XRP", "SOL")


@pytest.mark.parametrize(("left_ms", "band"), [(60_000, "0.25"), (-1, "0.03")])
async def test_a_wider_band_ends_by_the_databases_clock(books: SqlDatabase, left_ms: int, band: str) -> None:
    until_ms = (await books.capital.stakes()).now_ms + left_ms
    change = {"trading.premium_band": {"value": "0.25", "until_ms": until_ms}}
    await books.settings.add(change, "martial law", 1_000, by="a test", after=0)
    assert await SettingsInForce(CONFIGURED, books.settings).premium_band() == Decimal(band)


async def test_of_two_who_change_the_same_version_one_is_told(books: SqlDatabase) -> None:
    both = [books.settings.add({"caps.open_cycles": n}, "at once", 1_000, by="a test", after=0) for n in (1, 2)]
    outcomes = await asyncio.gather(*both, return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, BadInput)]
    assert [outcome for outcome in outcomes if outcome not in refused] == [1]
    assert "somebody else made version 1" in str(refused[0])
    assert len(await books.settings.history(10)) == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ("no json", "version 4 of the trading settings in the database is no JSON table; mend or delete its row"),
        ("[1]", "is no JSON table"),
        ('{"trading.threshold": "much"}', "version 4 .* trading.threshold: .*; mend all of them"),
        ('{"caps.later": 1}', "version 4 .* caps.later: there is no such setting"),
    ],
)
async def test_a_version_that_is_not_valid_is_told(books: SqlDatabase, url: str, changes: str, words: str) -> None:
    row = {"version": 4, "changes": changes, "set_by": "somebody", "set_ms": 1, "reason": "by hand"}
    await execute(url, insert(settings_versions).values(row))
    with pytest.raises(BadConfig, match=words):
        await read_in_force(CONFIGURED, books.settings)


class Flaky:
    """Versions that can be read until the database is away."""

    away = False

    async def latest(self) -> SettingsVersion:
        if self.away:
            raise StoreUnavailable("the database at x does not serve: gone")
        return SettingsVersion(3, {"caps.unexplained_krw": "7000"}, "somebody", 1, "less", 2)

    async def history(self, limit: int) -> list[SettingsVersion]:
        return [await self.latest()][:limit]

    async def add(self, changes: object, reason: str, now_ms: int, *, by: str, after: int) -> int:
        raise NotImplementedError


async def test_what_was_read_last_stays_in_force_while_the_database_is_away() -> None:
    versions = Flaky()
    rules = SettingsInForce(CONFIGURED, versions)
    assert await rules.unexplained_krw() == 7_000
    versions.away = True
    assert await rules.unexplained_krw() == 7_000
    assert (await rules.policy()).settings_version == 3
    with pytest.raises(StoreUnavailable):
        await rules.read()


async def test_without_any_reading_nothing_is_taken_for_granted() -> None:
    """The configuration alone may be looser than what people have set since."""
    versions = Flaky()
    versions.away = True
    with pytest.raises(StoreUnavailable):
        await SettingsInForce(CONFIGURED, versions).policy()
