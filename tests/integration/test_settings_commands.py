"""`kimp settings` as its user runs it, and what it changes for others."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes.command import kimp

from kimp.adapters.sql.database import connect_database
from kimp.adapters.sql.migrating import migrate_schema
from kimp.config.run_time import NAMES
from kimp.contracts.cycle import CycleRecord
from kimp.contracts.status import CycleStatus
from kimp.domain.money import Asset
from kimp.domain.venues import Direction


class User:
    """Runs kimp in a folder of its own, against one database."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder = folder
        self.url = url

    async def kimp(self, *arguments: str) -> tuple[int | None, str, str]:
        """Exit code, stdout and stderr."""
        return await kimp(self._folder, *arguments, KIMP_DATABASE_URL=self.url)

    async def output_of(self, *arguments: str) -> str:
        code, out, err = await self.kimp(*arguments)
        assert code == 0, err
        return out


@pytest.fixture
async def user(tmp_path: Path, new_database: Callable[[], str]) -> User:
    url = new_database()
    await migrate_schema(url)
    (tmp_path / "kimp.toml").write_text('[trading]\nthreshold = "0.005"\n')
    return User(tmp_path, url)


async def test_a_change_is_listed_and_kept(user: User) -> None:
    out = await user.output_of(
        "settings", "set", "trading.threshold=0.006", 'trading.coins=["xrp", "SOL"]', "--note", "calm"
    )
    assert "version 1: trading.threshold as configured -> 0.006, trading.coins as configured -> XRP,SOL" in out
    await user.output_of("settings", "set", "trading.threshold=", "caps.open_cycles=2", "--note", "less at once")

    listed = json.loads(await user.output_of("settings", "list", "--json"))
    assert listed["version"] == 2
    reported = listed["settings"]
    assert reported["trading.threshold"]["value"] == "0.005"
    assert reported["trading.threshold"]["source"] == "kimp.toml"
    assert reported["caps.open_cycles"] == {
        "value": "2",
        "source": "database",
        "configured": "5",
        "bound": "at most 5, the configured ceiling",
    }
    assert reported["caps.order_krw"]["source"] == "default"

    second, first = json.loads(await user.output_of("settings", "history", "--json"))
    assert first["changes"]["trading.coins"] == ["as configured", "XRP,SOL"]
    assert second["changes"] == {
        "trading.threshold": ["0.006", "as configured"],
        "caps.open_cycles": ["as configured", "2"],
    }
    assert (second["note"], "@" in second["set_by"]) == ("less at once", True)
    assert "less at once" in await user.output_of("settings", "history", "--limit", "1")
    assert "caps.open_cycles" in await user.output_of("settings", "list")


async def test_names_and_sources_are_whole_in_a_narrow_terminal(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out = await user.output_of("settings", "list")
    assert all(f" {name} " in out for name in NAMES)
    assert "\u2026" not in out


async def test_what_is_in_force_already_makes_no_version(user: User) -> None:
    change = ("settings", "set", "caps.open_cycles=2", "--note", "x")
    await user.output_of(*change)
    assert "nothing to change" in await user.output_of(*change)
    assert len(json.loads(await user.output_of("settings", "history", "--json"))) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("caps.order_krw=5000001", "caps.order_krw: 5000001 is not allowed; it may be at most 5000000"),
        ("trading.coins=BTC", "it may be any of XRP, SOL"),
        ("trading.threshold=much", "trading.threshold: it is no number like 0.006 or 2000000"),
        ('trading.coins=["XRP"', 'trading.coins: ["XRP" is no list; write XRP,SOL or ["XRP","SOL"]'),
        ("trading.foo=1", "trading.foo: there is no such setting; trading.coins,"),
        ("trading.slippage=0.1", "trading.slippage: can't be changed at run time"),
        ("trading.threshold", "'trading.threshold': write each setting once, as NAME=VALUE"),
    ],
)
async def test_a_refusal_is_one_line_and_changes_nothing(user: User, change: str, words: str) -> None:
    code, out, err = await user.kimp("settings", "set", change, "--note", "why not")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert words in err
    assert json.loads(await user.output_of("settings", "list", "--json"))["version"] is None


async def test_a_cycle_tells_its_version(user: User) -> None:
    books = await connect_database(user.url)
    await books.read_model.record(
        CycleRecord(
            cycle_id="XRP-1",
            workflow_run_id="run-1",
            coin=Asset("XRP"),
            direction=Direction.TO_UPBIT,
            status=CycleStatus.STARTED,
            sequence=1,
            expected_edge="0.004",  # type: ignore[arg-type]  # as JSON has it
            premium="0.01",  # type: ignore[arg-type]
            settings_version=7,
            detected_at_ms=1_000,
            at_ms=1_001,
        )
    )
    await books.close()
    assert "version 7" in await user.output_of("cycles", "show", "XRP-1")
    assert json.loads(await user.output_of("cycles", "show", "XRP-1", "--json"))["settings_version"] == 7
