"""Real faults make the alerts fire that are meant for them: kimp's processes, the paper exchange, a real Prometheus."""

import json
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import aiohttp
import pytest
from architecture.project import ROOT
from fakes import intents
from fakes.canaries import Canaries
from fakes.places import a_place_of_its_own, move_to
from fakes.running import World, eventually, free_row

from kimp.adapters.clock import SystemClock
from kimp.adapters.embedded.process import ServerProcess, free_port
from kimp.bootstrap.parts import open_venue
from kimp.bootstrap.stack import Stack
from kimp.config import load
from kimp.domain.money import Asset
from kimp.domain.venues import Venue

RULES = ROOT / "deploy" / "observability" / "alerts.yml"
PROMETHEUS = shutil.which("prometheus")
pytestmark = [
    pytest.mark.skipif(PROMETHEUS is None, reason="no Prometheus server is installed (Debian: prometheus)"),
    pytest.mark.timeout(600),
]


@dataclass
class Watched:
    """A kimp, and the Prometheus that watches it by the rules of `deploy/observability`."""

    world: World
    url: str

    async def ask(self, path: str) -> dict[str, object]:
        async with aiohttp.ClientSession() as session, session.get(f"{self.url}{path}") as response:
            reported: dict[str, object] = (await response.json())["data"]
            return reported

    async def firing(self) -> set[str]:
        alerts = (await self.ask("/api/v1/alerts"))["alerts"]
        assert isinstance(alerts, list)
        return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}

    async def until_firing(self, *names: str) -> None:
        async def fires() -> bool:
            return set(names) <= await self.firing()

        await eventually(fires)

    async def until_scraped(self) -> None:
        async def scraped() -> bool:
            targets = (await self.ask("/api/v1/targets"))["activeTargets"]
            assert isinstance(targets, list)
            return len(targets) == len(self.world.stack.pages) and all(one["health"] == "up" for one in targets)

        await eventually(scraped)


@pytest.fixture
async def watched(
    temporal_binary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, new_database: Callable[[], str]
) -> AsyncIterator[Watched]:
    variables = a_place_of_its_own(temporal_binary, tmp_path / "data") | {
        "KIMP_DATABASE_URL": new_database(),
        "KIMP_LOCAL__REDIS_PORT": str(free_port()),
        "KIMP_OBSERVABILITY__HTTP_PORT": str(free_row(3)),
        # Nothing is traded: what the ledger can't explain is looked for while no cycle is open.
        "KIMP_TRADING__THRESHOLD": "0.2",
    }
    move_to(tmp_path, variables, monkeypatch)
    async with AsyncExitStack() as exits:
        stack = await exits.enter_async_context(Stack(load(), lambda _line: None))
        await stack.start_kimp()
        server = _prometheus(tmp_path, list(stack.pages.values()), port := free_port())
        watched = Watched(World(stack, Canaries({}), tmp_path), f"http://127.0.0.1:{port}")
        await server.start(lambda: _answers(watched.url), 60)
        exits.push_async_callback(server.stop)
        yield watched


def _prometheus(folder: Path, pages: list[int], port: int) -> ServerProcess:
    """With the shipped rules; the targets are this test's."""
    config = {
        "global": {"scrape_interval": "5s", "evaluation_interval": "5s"},
        "rule_files": [str(RULES)],
        "scrape_configs": [
            {"job_name": "kimp", "static_configs": [{"targets": [f"127.0.0.1:{page}" for page in pages]}]}
        ],
    }
    (folder / "prometheus.yml").write_text(json.dumps(config))  # YAML is a superset
    options = [f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'tsdb'}"]
    return ServerProcess(
        "prometheus", [str(PROMETHEUS), *options, f"--web.listen-address=127.0.0.1:{port}"], folder / "logs"
    )


async def _answers(url: str) -> bool:
    try:
        async with aiohttp.ClientSession() as session, session.get(f"{url}/-/ready") as response:
            return response.status == 200
    except aiohttp.ClientError:
        return False


async def test_faults_make_their_alerts_fire(watched: Watched) -> None:
    await _ready(watched.world)
    await watched.until_scraped()
    assert not {"KimpLedgerDifference", "KimpHalted", "KimpKeyRefused"} & await watched.firing()

    await _a_person_trades_by_hand(watched.world)
    await watched.world.script(kind="key_expired", venue="upbit", route="GET *", seconds=40)
    await watched.until_firing("KimpLedgerDifference", "KimpHalted", "KimpKeyRefused")

    watched.world.stack.children["feeder"].kill()
    await watched.until_firing("KimpProcessDown", "KimpQuotesStale")


async def _ready(world: World) -> None:
    async def ready() -> bool:
        pages = [json.loads(page) for name, page in (await world.pages()).items() if "readyz" in name]
        return len(pages) == len(world.stack.pages) and all(page["ready"] for page in pages)

    await eventually(ready)


async def _a_person_trades_by_hand(world: World) -> None:
    """What the account then holds is in no journal and no ledger."""
    venue = open_venue(world.settings, Venue.BINANCE)
    try:
        quote = (await venue.market(Asset("XRP"))).quote
        intent = intents.order(
            cycle_id="by-hand",
            run_id="by-hand",
            client_order_id="by-hand-1",
            limit_price=quote.ask + Decimal("0.05"),
        )
        await venue.place_order(intent, send_by_ms=SystemClock().steady_ms() + 5_000)
    finally:
        await venue.close()
