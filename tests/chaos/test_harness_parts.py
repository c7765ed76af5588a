"""The harness misses no crash point, lays charges as it says, and draws plans that the paper exchange takes."""

import ast
import asyncio
import os
import random
import signal
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from chaos.auditor.verdict import Holds, Verdict
from chaos.harness.charges import Charges
from chaos.harness.forger import Forger
from chaos.harness.ground import Ground, coins_of
from chaos.harness.matrix import STEPS, Cell, cells, named_points, quick
from chaos.harness.mayhem import Mayhem
from chaos.harness.report import Report
from chaos.harness.seams import Seam, replica
from chaos.harness.sizes import DEFAULT, SMALL, Size
from chaos.harness.supervisor import Supervisor
from chaos.harness.swarm import NEVER_LEFT_OUT, PER_FRAME, QUICK, TOTAL, draw_plan
from fakes.market import XRP, free_rules, kimchi_quotes
from fakes.open_redis import OpenRedis
from pydantic import SecretStr
from redis.asyncio import Redis
from redis.exceptions import ReadOnlyError
from temporalio.client import Client

from kimp.adapters.redis.bus import RedisTickBus
from kimp.bootstrap.stack import Stack
from kimp.domain.money import USDT
from kimp.domain.tags import TAGGED_COINS
from kimp.domain.venues import PAIR, Venue
from kimp.observability.crash_points import crash_point
from kimp.paper.faults import kinds
from kimp.paper.faults.kinds import FaultKind
from kimp.paper.faults.plan import FaultPlan

ROOT = Path(__file__).parents[2]


def points_in_the_code() -> set[str]:
    """The first argument of every call of `crash_point`."""
    return {
        str(ast.literal_eval(node.args[0]))
        for folder in ("activities", "initiator", "workflows", "src/kimp")
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == crash_point.__name__
    }


def test_every_crash_point_of_the_code_is_named_and_has_its_steps() -> None:
    assert points_in_the_code() == named_points() == STEPS.keys()


def test_no_cell_is_there_twice_and_the_quick_ones_are_among_them() -> None:
    assert len(set(cells())) == len(cells())
    assert set(quick()) < set(cells())
    assert SMALL.cells is not None
    assert len(quick()) >= SMALL.cells


class _Dead:
    """A process that has ended."""

    def __init__(self, log: Path, outputs: str, code: int) -> None:
        self.log, self.exit_code, self.pid, self.running = log, code, None, False
        log.write_text(outputs)


class _Stack:
    def __init__(self, **children: _Dead) -> None:
        self.children = children
        self.revived: list[str] = []

    async def revive(self, name: str) -> None:
        self.revived.append(name)
        self.children[name].running = True


async def test_a_process_may_end_by_itself_only_with_a_reason_for_a_person(tmp_path: Path) -> None:
    stack = _Stack(
        reported=_Dead(tmp_path / "told.log", "kimp: no Temporal server answers\n", 1),
        broke=_Dead(tmp_path / "broke.log", "Traceback\nKeyError: 1\n", 1),
        silent=_Dead(tmp_path / "silent.log", "", 0),
        crashed=_Dead(tmp_path / "crashed.log", "busy\n", -signal.SIGKILL),
    )
    supervisor = Supervisor(cast("Stack", stack), tmp_path / "lives")
    with suppress(TimeoutError):
        await asyncio.wait_for(supervisor.run(), 0.05)
    assert stack.revived == ["reported", "broke", "silent", "crashed"]
    assert supervisor.ended == ["reported ended with code 1: kimp: no Temporal server answers"]
    assert supervisor.broke == [
        "broke ended with code 1: KeyError: 1",
        "silent ended with code 0: it said nothing",
    ]
    assert supervisor.crashes == {"crashed": 1}


def test_a_process_that_broke_fails_the_run() -> None:
    holds = [Verdict("I1", "", Holds.YES)]
    assert Report(1, "small", "sqlite", verdicts=holds, ended=["told"]).held
    assert not Report(1, "small", "sqlite", verdicts=holds, broke=["worker-1"]).held


@pytest.fixture
def charges(tmp_path: Path) -> Charges:
    return Charges(tmp_path / "charges", cells(), 3, random.Random(1))


def explode(charges: Charges) -> list[Cell]:
    """All that lie ready go off."""
    for file in charges.folder.iterdir():
        file.unlink()
    return charges.look()


def test_slow_cells_are_charged_at_once_and_the_others_a_few_at_a_time(charges: Charges) -> None:
    charges.lay()
    slow = {str(cell) for cell in cells() if cell.slow}
    lying = {file.name for file in charges.folder.iterdir()}
    assert slow < lying
    assert len(lying - slow) == 3


def test_every_cell_is_hit_once_before_any_is_charged_again(charges: Charges) -> None:
    gone = Counter[Cell]()
    while charges.missing:
        charges.lay()
        gone.update(explode(charges))
    assert gone == Counter(cells())
    charges.lay()
    assert len(list(charges.folder.iterdir())) == 1


def test_what_is_taken_away_was_not_hit(charges: Charges) -> None:
    charges.lay()
    charges.clear()
    assert not list(charges.folder.iterdir())
    assert charges.missing == sorted(cells())


@pytest.mark.parametrize("seed", range(20))
def test_a_drawn_plan_is_valid_and_fails_as_often_as_it_should(seed: int) -> None:
    plan = FaultPlan.model_validate(draw_plan(random.Random(seed)))
    FaultPlan.model_validate(draw_plan(random.Random(seed), QUICK))
    for family, most in ((kinds.REQUEST, TOTAL[1]), (kinds.STREAM, PER_FRAME)):
        assert sum(rule.rate for rule in plan.rules if rule.kind in family) <= most + 1e-9


def test_all_kinds_are_drawn_sooner_or_later() -> None:
    draw = random.Random(0)
    drawn = {rule["kind"] for _ in range(50) for rule in draw_plan(draw)["rules"]}
    assert drawn == {kind.value for kind in FaultKind}


def test_coins_with_a_tag_are_those_that_kimp_takes_for_such() -> None:
    for coin in coins_of(DEFAULT):
        assert coin.networks[0].tag_required is (coin.name in TAGGED_COINS), coin.name


SEEN_THROUGH_THE_SEAM = """
import sys, time, sqlite3
database = sqlite3.connect("books")
steady = time.monotonic()
print("ready", flush=True)
for line in sys.stdin:
    try:
        database.cursor().execute("INSERT INTO t VALUES (1)")
        outcome = "written"
    except sqlite3.OperationalError as refusal:
        outcome = str(refusal)
    print(round(time.time()), round(time.time_ns() / 1e9), round(time.monotonic() - steady), outcome, flush=True)
"""


async def test_a_process_with_the_seam_has_the_clock_and_the_database_that_the_harness_wants(tmp_path: Path) -> None:
    """And nothing else of it changes; a steady clock goes on as it did."""
    sqlite3.connect(tmp_path / "books").executescript("CREATE TABLE t (a)")
    environment = dict(os.environ)
    seam = Seam(tmp_path / "seam", environment)
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SEEN_THROUGH_THE_SEAM, cwd=tmp_path, env=environment,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert child.stdin is not None
    assert child.stdout is not None
    message, ask = child.stdout, child.stdin
    assert await message.readline() == b"ready\n"

    async def look() -> tuple[int, str]:
        """How far its wall clock is off, and what became of a write."""
        await asyncio.sleep(0.06)
        ask.write(b"\n")
        reported, reported_ns, steady, outcome = (await message.readline()).decode().split(maxsplit=3)
        assert reported == reported_ns
        assert int(steady) < 60
        return round((int(reported) - time.time()) / 60), outcome.strip()

    assert await look() == (0, "written")
    with seam.clock(child.pid, -600), seam.sqlite_is_read_only():
        assert await look() == (-10, "attempt to write a readonly database")
    assert await look() == (0, "written")
    ask.close()
    await child.wait()


@pytest.fixture
async def own_redis(tmp_path: Path) -> AsyncIterator[str]:
    """Other tests' would meet what is done to it."""
    async with OpenRedis(tmp_path) as server:
        yield server.url


async def test_a_replica_reads_and_refuses_until_it_is_over(own_redis: str) -> None:
    async with Redis.from_url(own_redis) as redis:
        await redis.set("kimp:test", "1")
        async with replica(own_redis):
            assert await redis.mget(["kimp:test"]) == [b"1"]
            with pytest.raises(ReadOnlyError):
                await redis.set("kimp:test", "2")
        await redis.set("kimp:test", "3")


class _Forgeable:
    """What the forger needs of a run's ground."""

    def __init__(self, url: str) -> None:
        self.coins = ("XRP",)
        self.settings = SimpleNamespace(redis_url=SecretStr(url))


async def test_what_is_forged_is_far_off_and_no_message_stops_a_reader(own_redis: str) -> None:
    """Each kind is forged; believed are only prices, which no single message shows to be wrong."""
    bus = RedisTickBus(own_redis)
    real = {(quote.venue, quote.coin): quote for quote in kimchi_quotes()}
    await bus.publish([*real.values()])
    for rules in free_rules((XRP, USDT)):
        await bus.publish_rules(rules)
    forger = Forger(cast("Ground", _Forgeable(own_redis)), random.Random(1))
    while forger.missing:
        await forger.forge()
    assert {kind: forger.forged[kind] for kind in forger.forged} == dict.fromkeys(forger.forged, 1)
    reported = {(quote.venue, quote.coin): quote for quote in await bus.latest([XRP, USDT])}
    rate = reported[Venue.UPBIT, USDT].ask / real[Venue.UPBIT, USDT].ask
    assert abs(rate - 1) > Decimal("0.3")
    assert len(await bus.latest_rules()) == len(PAIR)
    assert bus.counts["bad_rule"] == 1
    await bus.close()


class _Asked:
    """The paper exchange's side door, and what it was asked for."""

    def __init__(self) -> None:
        self.kinds: list[str] = []

    async def script(self, kind: str, **_: object) -> None:
        self.kinds.append(kind)


@pytest.mark.parametrize(("size", "kinds"), [(DEFAULT, NEVER_LEFT_OUT), (SMALL, ())])
async def test_a_whole_run_leaves_none_of_the_grave_kinds_to_chance(
    tmp_path: Path, size: Size, kinds: Sequence[FaultKind]
) -> None:
    asked = _Asked()
    ground = SimpleNamespace(folder=tmp_path, paper=asked, supervisor=SimpleNamespace(died=0, crashes=Counter()))
    mayhem = Mayhem(cast("Ground", ground), cast("Client", None), size, 1, print)
    mayhem.charges.clear()
    await mayhem._script()
    await mayhem._script()
    assert [kind for kind in NEVER_LEFT_OUT if asked.kinds.count(kind.value) == 1] == list(kinds)
    mayhem.struck = {kind.value: 1 for kind in kinds[1:]}
    lacking = [what for what in mayhem.missing() if what.startswith("venue fault")]
    assert lacking == [f"venue fault {kind}" for kind in kinds[:1]]
