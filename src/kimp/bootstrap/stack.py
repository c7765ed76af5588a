"""All of kimp on one machine: the servers that no URL names, and kimp's own processes, started in order, ended in
reverse.
"""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self
from urllib.parse import urlsplit

from kimp.adapters.embedded.folder_lock import folder_lock, who_runs
from kimp.adapters.embedded.neighbours import ServerPort, require_free_ports, unused_servers
from kimp.adapters.embedded.process import LOOPBACK, ServerProcess, free_port
from kimp.adapters.embedded.redis import EmbeddedRedis
from kimp.adapters.sql.engine import place_of
from kimp.adapters.sql.migrating import migrate_schema
from kimp.adapters.temporal.client_config import load_client_config
from kimp.adapters.temporal.devserver import DevServer
from kimp.adapters.temporal.devserver_binary import ensure_binary
from kimp.bootstrap.paper import state_path
from kimp.bootstrap.parts import open_database, open_venue
from kimp.bootstrap.ready import all_ready, begin_recorded, paper_runs_as
from kimp.bootstrap.reviving import keep_alive
from kimp.bootstrap.temporal import claim_namespace, connect_temporal, prepare_temporal
from kimp.bootstrap.workers import GRACE_S
from kimp.config import Settings
from kimp.domain.venues import PAIR, Venue

START_S = 60
STOP_S = 5
"""Beyond the workers' own grace, for closing connections."""


SECRETS_OF_OTHERS = {
    "paper": (
        *(f"KIMP_{venue.upper()}__" for venue in PAIR),
        "KIMP_DATABASE_",
        "KIMP_REDIS_",
        "KIMP_HISTORY__",
        "TEMPORAL_",
    ),
    "feeder": ("KIMP_DATABASE_", "KIMP_HISTORY__", "TEMPORAL_"),
    "initiator": (),
    "worker": (),
}
"""Command -> beginnings of variables that hold secrets of other processes."""
KEYS_OF_OTHERS = {"feeder": ("trade", "withdraw"), "initiator": ("read", "withdraw"), "worker": ("read",)}
FOR_NO_CHILD = ("KIMP_CODEC_SERVER__",)


def needed_by(command: str, environment: Mapping[str, str]) -> dict[str, str]:
    """What a child of ours may see: who gets at it gets no more than it works with."""
    keys = tuple(
        f"KIMP_{venue.upper()}__KEYS__{right.upper()}" for venue in PAIR for right in KEYS_OF_OTHERS.get(command, ())
    )
    hidden = (*FOR_NO_CHILD, *SECRETS_OF_OTHERS.get(command, ()), *keys)
    return {name: value for name, value in environment.items() if not name.upper().startswith(hidden)}


class Stack:
    """Started parts. `settings` is what this process needs to find them, `environment` what a child needs."""

    own_redis: ClassVar[type[EmbeddedRedis]] = EmbeddedRedis

    def __init__(
        self,
        settings: Settings,
        write_line: Callable[[str], None],
        more: Mapping[str, str] | None = None,
        *,
        waits: bool = False,
    ) -> None:
        """`more`: environment variables for kimp's processes beside those of this one. `waits`: the paper exchange's
        prices stand still until `begin`.
        """
        data_dir = settings.local.data_dir.absolute()
        local = settings.local.model_copy(update={"data_dir": data_dir})
        self.settings = settings.model_copy(update={"local": local})
        self.ui_url: str | None = None
        self.redis: EmbeddedRedis | None = None
        """Ours; None where a URL names another."""
        self.temporal: DevServer | None = None
        self.environment: dict[str, str] = {**os.environ, **(more or {}), "KIMP_LOCAL__DATA_DIR": str(data_dir)}
        self.write_line = write_line
        """Whom the parts tell how they are: may be another once they are started."""
        self._exit = AsyncExitStack()
        self.children: dict[str, ServerProcess] = {}
        """kimp's own processes, by name."""
        self.pages: dict[str, int] = {}
        """Ports of /metrics, /healthz and /readyz, by name of the process."""
        self._waits = waits

    async def __aenter__(self) -> Self:
        self._exit.enter_context(folder_lock(self.settings.local.data_dir))
        try:
            require_free_ports(self._ports(), who_runs(self.settings.local.data_dir.parent))
            await self._start_redis()
            await self._start_temporal()
            await self._prepare_database()
        except BaseException:
            await self._exit.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exit.aclose()

    def _ports(self) -> list[ServerPort]:
        """All that are listened on here, so that whoever has one of them already is told before anything starts."""
        local, paper = self.settings.local, self.settings.paper
        ports = [ServerPort(getattr(paper, name), f"paper.{name}") for name in type(paper).model_fields]
        if self.settings.redis_url is None:
            ports.append(ServerPort(local.redis_port, "local.redis_port"))
        if load_client_config().get("target_host") is None:
            ports.append(ServerPort(local.temporal_port, "local.temporal_port"))
            ports.append(ServerPort(local.temporal_ui_port, "local.temporal_ui_port"))
        return ports

    async def _start_redis(self) -> None:
        if self.settings.redis_url is not None:
            self.write_line(
                f"Redis: yours, at {urlsplit(self.settings.redis_url.get_secret_value()).netloc.rpartition('@')[2]}"
            )
            return
        local = self.settings.local
        self.redis = await self._exit.enter_async_context(self.own_redis(local.data_dir, port=local.redis_port))
        self.write_line(f"Redis: our own on port {self.redis.port} ({self.redis.program.description})")

    async def _start_temporal(self) -> None:
        named = load_client_config().get("target_host")
        if named is not None:
            await prepare_temporal(await connect_temporal(self.settings))
            self.write_line(f"Temporal: yours, at {named}")
            return
        local = self.settings.local
        binary = await ensure_binary(self.write_line)
        self.temporal = server = await self._exit.enter_async_context(
            DevServer(binary.path, local.data_dir, port=local.temporal_port, ui_port=local.temporal_ui_port)
        )
        self.ui_url = server.ui_url
        await prepare_temporal(await connect_temporal(self.settings))
        self.write_line(f"Temporal: our own dev server on port {server.port} ({binary.source}), Web UI {server.ui_url}")

    async def _prepare_database(self) -> None:
        url = self.settings.sql_url
        await migrate_schema(url)
        async with open_database(self.settings) as books:
            await claim_namespace(await connect_temporal(self.settings), books)
        self.write_line(f"database: {'our own' if self.settings.database_url is None else 'yours'}, {place_of(url)}")
        reported = {
            "Redis": self.redis is None,
            "Temporal": self.temporal is None,
            "MySQL": bool(self.settings.database_url),
        }
        own = {server.port for server in (self.redis, self.temporal) if server is not None}
        for line in await asyncio.to_thread(
            unused_servers, but={name for name, use in reported.items() if use}, own=own
        ):
            self.write_line(line)

    async def start_kimp(self, *, initiators: int = 1, workers: int = 1) -> None:
        """The paper exchange first, then what feeds on it, and last what trades."""
        await self.start_paper()
        await self.start("feeder", "feeder")
        for number in range(1, workers + 1):
            await self.start(f"worker-{number}", "worker")
        for number in range(1, initiators + 1):
            await self.start(f"initiator-{number}", "initiator")

    async def start_paper(self) -> None:
        """Its deposit addresses become the allow-list; on a real venue that list is a person's, written by hand."""
        self.environment["KIMP_PAPER__STATE_PATH"] = str(state_path(self.settings))
        await self.start("paper", "paper", ready=self._paper_serves)
        for venue in PAIR:
            listed = json.dumps(await _addresses(self.settings, PAIR.other(venue)))
            update = {"withdraw_to": json.loads(listed)}
            changed = self.settings.venue(venue).model_copy(update=update)
            self._set(f"KIMP_{venue.upper()}__WITHDRAW_TO", listed, **{venue: changed})

    async def start(self, name: str, *command: str, ready: Callable[[], Awaitable[bool]] | None = None) -> None:
        """Start `kimp COMMAND` as a child that is called `name`; its log is in the data directory."""
        kimp = str(Path(sys.executable).with_name("kimp"))
        environment = needed_by(command[0], {**self.environment, **self._pages(name)})
        process = ServerProcess(
            name, [kimp, *command], self.settings.local.data_dir, environment, grace_s=GRACE_S + STOP_S
        )
        self.children[name] = process
        try:
            await process.start(ready or _at_once, START_S)
        except BaseException:
            del self.children[name]
            raise
        self._exit.push_async_callback(process.stop)
        self.write_line(f"{name}: log {process.log}")

    async def _paper_serves(self) -> bool:
        """This one's own, and no other that listens on the same ports."""
        return await paper_runs_as(self.settings.paper.admin_port, self.children["paper"].pid)

    def _pages(self, name: str) -> Mapping[str, str]:
        """Each child serves its pages on a port of its own, from the one that is set on."""
        first = self.settings.observability.http_port
        if (first or self._waits) and name != "paper":
            self.pages.setdefault(name, first + len(self.pages) if first else free_port())
        if first and name != "paper":
            self.write_line(f"{name}: http://{LOOPBACK}:{self.pages[name]}/metrics, /healthz and /readyz")
        return {"KIMP_OBSERVABILITY__HTTP_PORT": str(self.pages.get(name, 0))}

    async def begin(self) -> None:
        """Let the paper exchange's prices move, once all that listens to them is ready. Raises KimpError."""
        await all_ready(self.pages)
        await begin_recorded(self.settings.paper.admin_port)

    async def revive(self, name: str) -> None:
        """Start a child again that was killed or ended by itself."""
        await self.children[name].start(_at_once, START_S)

    async def stop_all(self, command: str) -> None:
        """Stop every child that runs this command."""
        for name in [name for name in self.children if name.startswith(command)]:
            await self.children.pop(name).stop()

    async def watch(self) -> None:
        """Start again what ends by itself, servers of ours and children. Raises the failure of one that can't start."""
        parts: list[Awaitable[None]] = [
            keep_alive(name, server, server.start, self.write_line)
            for name, server in (("redis", self.redis), ("temporal", self.temporal))
            if server is not None
        ]
        parts += [
            keep_alive(name, child, partial(self.revive, name), self.write_line)
            for name, child in self.children.items()
        ]
        tasks = [asyncio.ensure_future(part) for part in parts]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()

    def _set(self, variable: str, value: str, **setting: object) -> None:
        self.environment[variable] = value
        self.settings = self.settings.model_copy(update=setting)


async def _addresses(settings: Settings, venue: Venue) -> dict[str, str]:
    """Coin -> `address` or `address:tag`, as the venue itself says."""
    exchange = open_venue(settings, venue)
    try:
        places = {coin: await exchange.deposit_address(coin) for coin in settings.trading.assets}
    finally:
        await exchange.close()
    return {coin: f"{to.address}:{to.tag}" if to.tag else to.address for coin, to in places.items()}


async def _at_once() -> bool:
    return True
