"""The world that a run lays waste to: real processes on free ports, in a folder of their own, behind proxies."""

import asyncio
import json
import os
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from chaos.harness.mariadb import MariaDb
from chaos.harness.paper import PaperAdmin
from chaos.harness.seams import Seam, replica
from chaos.harness.sizes import Size
from chaos.harness.supervisor import Supervisor
from cluster.programs import ensure_programs
from cluster.temporal import TemporalCluster
from fakes.canaries import Canaries, canary
from fakes.open_redis import GovernedRedis
from fakes.proxy import FaultProxy
from sqlalchemy.engine import make_url

from kimp.adapters.embedded.process import free_port
from kimp.adapters.sql.database import SqlDatabase
from kimp.bootstrap.parts import bus_url, open_database
from kimp.bootstrap.stack import Stack
from kimp.config import Settings, load
from kimp.domain.venues import PAIR
from kimp.paper.coins import DEFAULT_COINS, CoinConfig

CLONES = {
    "XRP": ("STX", "EOS", "ATOM"),
    "SOL": ("DOT", "AXS", "ALGO"),
    "DOGE": ("LINK", "ARB", "OP"),
    "TRX": ("KSM", "SEI", "INJ"),
    "ADA": ("QTUM", "ICP", "FIL"),
    "XLM": ("HBAR", "STEEM", "HIVE"),
}
"""Further coins with the price and the network of a usual one, so that more cycles run at a time. Those in the place of
coins with a tag have one too: kimp knows them by name.
"""
NOTIONAL_KRW = 1_000_000
KRW_PER_USDT, STOCK_CYCLES = 1_400, 10
LINES_CLOSE_S = 0.5
READABLE = 0o755
"""A cluster's PostgreSQL runs as a user of its own."""
JOURNAL = "venue.jsonl"
CHARGES = "charges"


class GovernedStack(Stack):
    """Its Redis has somebody who may make it a replica."""

    own_redis = GovernedRedis


@dataclass
class Ground:
    folder: Path
    stack: Stack
    books: SqlDatabase
    paper: PaperAdmin
    supervisor: Supervisor
    canaries: Canaries
    proxies: Mapping[str, FaultProxy]
    mariadb: MariaDb | None
    cluster: TemporalCluster | None
    seam: Seam
    coins: tuple[str, ...]
    outputs: dict[str, bytes] = field(default_factory=dict)
    """Everything that commands have told on terminals."""

    def redis_is_a_replica(self) -> AbstractAsyncContextManager[None]:
        """For a while."""
        assert isinstance(self.stack.redis, GovernedRedis)
        return replica(self.stack.redis.governors_url)

    @asynccontextmanager
    async def database_is_read_only(self) -> AsyncIterator[None]:
        """For a while. Of a MySQL that only a URL names nobody here may do so."""
        if self.mariadb is not None:
            async with self.mariadb.read_only():
                yield
        else:
            with self.seam.sqlite_is_read_only():
                yield

    @property
    def settings(self) -> Settings:
        return self.stack.settings


def coins_of(size: Size) -> tuple[CoinConfig, ...]:
    usual = [coin for coin in DEFAULT_COINS if coin.name in CLONES]
    clones = [
        _renamed(coin, name)
        for names in zip(*CLONES.values(), strict=True)
        for coin, name in zip(usual, names, strict=True)
    ]
    return (*[*usual, *clones][: size.coins], DEFAULT_COINS[-1])


def _renamed(coin: CoinConfig, name: str) -> CoinConfig:
    networks = tuple(network.model_copy(update={"name": name}) for network in coin.networks)
    return coin.model_copy(update={"name": name, "networks": networks})


@asynccontextmanager
async def open_ground(
    folder: Path, size: Size, seed: int, database: str | None, temporal: str | None
) -> AsyncIterator[Ground]:
    """`database`: None for SQLite, `mariadb` for a server of our own, or a URL of one that is there already.
    `temporal`: None for a dev server, `cluster` for a real one of our own, or an address.
    """
    async with AsyncExitStack() as closing:
        secret = {f"{venue}_{kind}": canary(f"{venue}{kind}") for venue in PAIR for kind in ("access", "secret")}
        mariadb = None
        if database == "mariadb":
            secret["database"] = canary("database")
            mariadb = await closing.enter_async_context(MariaDb(folder / "mariadb", secret["database"]))
            database = mariadb.url
        cluster = None
        if temporal == "cluster":
            folder.chmod(READABLE)
            programs = await ensure_programs(lambda _: None)
            cluster = await closing.enter_async_context(TemporalCluster(programs, folder / "temporal"))
            temporal = cluster.address
        ports = {name: free_port() for name in ("upbit", "binance", "admin")}
        _set_environment(folder, size, seed, secret, ports, database)
        if temporal is not None:
            os.environ["TEMPORAL_ADDRESS"] = temporal
            os.environ["TEMPORAL_NAMESPACE"] = f"kimp-chaos-{secrets.token_hex(4)}"
        stack = await closing.enter_async_context(GovernedStack(load(), lambda _: None))
        proxies = await _proxies(stack, closing)
        seam = Seam(folder / "seam", stack.environment)
        closing.push_async_callback(_kill_all, stack)
        await stack.start_kimp(initiators=size.initiators, workers=size.workers)
        lives = folder / "lives"
        yield Ground(
            folder=folder,
            stack=stack,
            books=await closing.enter_async_context(open_database(stack.settings)),
            paper=PaperAdmin(ports["admin"]),
            supervisor=Supervisor(stack, lives),
            canaries=Canaries(secret),
            proxies=proxies,
            mariadb=mariadb,
            cluster=cluster,
            seam=seam,
            coins=stack.settings.trading.coins,
        )


def _set_environment(
    folder: Path, size: Size, seed: int, secret: Mapping[str, str], ports: Mapping[str, int], database: str | None
) -> None:
    """Of this process, whose children inherit it; nothing of the user's own kimp is left in it."""
    for name in [
        name for name in os.environ if name.startswith(("KIMP_", "TEMPORAL_")) and name != "KIMP_TEMPORAL_CLI"
    ]:
        del os.environ[name]
    # A process that dies every few seconds must not compile everything anew each time.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if database is not None:
        os.environ["KIMP_DATABASE_URL"] = database
    os.environ.update(_venues(secret, ports) | _paper(folder, size, seed, ports) | _trading(folder, size))
    os.chdir(folder)  # no kimp.toml and no .env of anybody


def _venues(secret: Mapping[str, str], ports: Mapping[str, int]) -> dict[str, str]:
    keys = {}
    for venue in PAIR:
        for kind in ("access", "secret"):
            keys[f"KIMP_{venue.upper()}__{kind.upper()}_KEY"] = secret[f"{venue}_{kind}"]
            keys[f"KIMP_PAPER__{venue.upper()}_KEY__{kind.upper()}"] = secret[f"{venue}_{kind}"]
    return keys | {
        "KIMP_UPBIT__REST_URL": f"http://127.0.0.1:{ports['upbit']}",
        "KIMP_UPBIT__WS_URL": f"ws://127.0.0.1:{ports['upbit']}/websocket/v1",
        "KIMP_BINANCE__REST_URL": f"http://127.0.0.1:{ports['binance']}",
        "KIMP_BINANCE__WS_URL": f"ws://127.0.0.1:{ports['binance']}",
    }


def _paper(folder: Path, size: Size, seed: int, ports: Mapping[str, int]) -> dict[str, str]:
    market = {"kind": "synthetic", "seed": seed, "ticks_per_second": 100, "episode_every_s": 0}
    return {
        **{f"KIMP_PAPER__{name.upper()}_PORT": str(port) for name, port in ports.items()},
        "KIMP_PAPER__JOURNAL_PATH": str(folder / JOURNAL),
        "KIMP_PAPER__COINS": json.dumps([coin.model_dump(mode="json") for coin in coins_of(size)]),
        "KIMP_PAPER__MARKET": json.dumps(market),
        # Some fees are taken in BNB.
        "KIMP_PAPER__UPBIT_BALANCES": json.dumps({"KRW": "100000000", **_stock(size)}),
        "KIMP_PAPER__BINANCE_BALANCES": json.dumps({"USDT": "100000", "BNB": "10", **_stock(size)}),
    }


def prefunded_of(size: Size) -> tuple[CoinConfig, ...]:
    """Every other coin; the others are moved first."""
    return tuple(coin for coin in coins_of(size)[::2] if coin.name != "USDT") if size.prefunded else ()


def _stock(size: Size) -> dict[str, str]:
    """For some cycles in one direction after another."""
    return {
        coin.name: f"{NOTIONAL_KRW * STOCK_CYCLES / (coin.price_usdt * KRW_PER_USDT):.2f}"
        for coin in prefunded_of(size)
    }


def _trading(folder: Path, size: Size) -> dict[str, str]:
    coins = coins_of(size)
    networks = json.dumps({coin.name: coin.networks[0].name for coin in coins})
    return {
        "KIMP_LOCAL__DATA_DIR": str(folder / "data"),
        "KIMP_LOCAL__TEMPORAL_PORT": str(free_port()),
        "KIMP_LOCAL__TEMPORAL_UI_PORT": str(free_port()),
        "KIMP_LOCAL__REDIS_PORT": str(free_port()),
        "KIMP_CRASH_POINTS": str(folder / CHARGES),
        "KIMP_UPBIT__NETWORKS": networks,
        "KIMP_BINANCE__NETWORKS": networks,
        "KIMP_TRADING__COINS": json.dumps([coin.name for coin in coins if coin.name != "USDT"]),
        "KIMP_TRADING__PREFUNDED": json.dumps([coin.name for coin in prefunded_of(size)]),
        # Some of them move in coarse steps, and here no coin is left out.
        "KIMP_TRADING__TICK_SHARE": "100",
        "KIMP_TRADING__PREMIUM_BAND": "0.2",
        "KIMP_TRADING__NOTIONAL_KRW": str(NOTIONAL_KRW),
        "KIMP_CAPS__OPEN_CYCLES": str(size.coins),
        # Chaos loses money every minute; what halts by that is tested elsewhere.
        "KIMP_CAPS__CYCLES_PER_MINUTE": "600",
        "KIMP_CAPS__LOSSES_IN_A_ROW": "100",
        "KIMP_CAPS__DAY_LOSS_KRW": "1000000000",
        "KIMP_CAPS__DAY_KRW": "100000000000",
        "KIMP_TRADING__COOLDOWN_S": "1",
        # Few cores run all of this, and late quotes are not what is tested here.
        "KIMP_TRADING__MAX_QUOTE_AGE_MS": "10000",
        "KIMP_TRADING__START_WITHIN_MS": "10000",
        # Some cycles find their way home at once, the others after a short wait, during which they can be aborted.
        "KIMP_TRADING__REBALANCE_FLOOR": "0.01",
        "KIMP_TRADING__REBALANCE_LOSS_LIMIT": "-0.04",
        "KIMP_TRADING__COMPENSATION_LOSS_LIMIT": "-0.2",
        "KIMP_TRADING__REBALANCE_DEADLINE_S": "12",
        "KIMP_TRADING__REBALANCE_POLL_S": "2",
        # Coins that are gone for good are shown to a person after a minute, not after hours.
        "KIMP_TRADING__DEPOSIT_UNSEEN_S": "60",
    }


async def _proxies(stack: Stack, closing: AsyncExitStack) -> dict[str, FaultProxy]:
    """The children reach the servers through these; this process, and so the auditor, goes past them."""
    settings = stack.settings
    temporal = os.environ.get("TEMPORAL_ADDRESS", f"127.0.0.1:{settings.local.temporal_port}")
    host, _, port = temporal.rpartition(":")
    targets = {"redis": ("127.0.0.1", settings.local.redis_port), "temporal": (host, int(port))}
    database = make_url(settings.sql_url)
    if database.port is not None:
        targets["database"] = ("127.0.0.1", database.port)
    proxies = {name: await closing.enter_async_context(FaultProxy(0, *target)) for name, target in targets.items()}
    own_port, port_of_proxy = settings.local.redis_port, proxies["redis"].listen_port
    stack.environment["KIMP_REDIS_URL"] = bus_url(settings).replace(f":{own_port}/", f":{port_of_proxy}/")
    stack.environment["TEMPORAL_ADDRESS"] = f"127.0.0.1:{proxies['temporal'].listen_port}"
    if database.port is not None:
        through = database.set(host="127.0.0.1", port=proxies["database"].listen_port)
        stack.environment["KIMP_DATABASE_URL"] = through.render_as_string(hide_password=False)
    return proxies


async def _kill_all(stack: Stack) -> None:
    """Nothing is left to be done well, and a proxy that is stopped with open connections logs each of them."""
    for child in stack.children.values():
        child.kill()
    await asyncio.sleep(LINES_CLOSE_S)


def new_seed() -> int:
    return secrets.randbelow(10**6)
