"""What hits processes and servers: kills, zombies, wrong clocks, restarts of servers, failovers, cuts of the lines."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress

from chaos.harness.ground import Ground
from chaos.harness.supervisor import Server
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

ZOMBIE_S = (12.0, 24.0)
"""Longer than the heartbeats of orders (10 s) and, half of the time, of transfers (20 s)."""
AWAY_S = (0.0, 3.0)
CUT_S = (0.5, 6.0)
READ_ONLY_S = (2.0, 8.0)
"""How long nobody can write after a failover."""
WRONG_S = (4.0, 20.0)
STEPS_S = (-600, 600)
"""By how much a wall clock is set wrong."""
HOWS = ("cut", "freeze", "delay", "drop")
Strike = Callable[[], Awaitable[None]]


class Blows:
    def __init__(self, ground: Ground, draw: random.Random) -> None:
        self._ground = ground
        self._draw = draw
        self.struck: Counter[str] = Counter()

    @property
    def missing(self) -> list[str]:
        """Of what every run must have seen."""
        return [kind for kind in ("clock", "failover") if not any(what.startswith(kind) for what in self.struck)]

    async def kill(self) -> None:
        """Any process of kimp's; the feeder seldom, as no cycle starts until it has read all rules again."""
        victims = self._ground.supervisor.killable
        if victims:
            weights = [1 if name == "feeder" else 6 for name in victims]
            self._ground.supervisor.kill(self._draw.choices(victims, weights)[0])

    async def zombie(self) -> None:
        victims = [name for name in self._ground.supervisor.killable if name != "feeder"]
        if victims:
            await self._ground.supervisor.zombie(self._draw.choice(victims), self._draw.uniform(*ZOMBIE_S))

    async def clock(self) -> None:
        """A wall clock steps by ten minutes, and back; its process comes back with a right one if it dies meanwhile."""
        victims = self._ground.supervisor.killable
        if not victims:
            return
        name, step_s = self._draw.choice(victims), self._draw.choice(STEPS_S)
        pid = self._ground.stack.children[name].pid
        with self._ground.seam.clock(pid or 0, step_s):
            await asyncio.sleep(self._draw.uniform(*WRONG_S))
        self.struck[f"clock of {name.rstrip('-0123456789')} {step_s:+d} s"] += 1

    async def failover(self) -> None:
        """Redis or the database answers, reads, and writes nothing, as one that has become a replica."""
        what = self._draw.choice(("redis", "database"))
        strike = self._ground.redis_is_a_replica if what == "redis" else self._ground.database_is_read_only
        with suppress(RedisError, SQLAlchemyError):  # it is just away: another time
            async with strike():
                await asyncio.sleep(self._draw.uniform(*READ_ONLY_S))
            self.struck[f"failover of the {what}"] += 1

    async def server(self) -> None:
        """One blow at a server, or at the line to it."""
        stack = self._ground.stack
        servers: dict[str, Server | None] = {
            "redis": stack.redis,
            "temporal": stack.temporal,
            "mariadb": self._ground.mariadb,
        }
        if self._ground.cluster is not None:
            servers |= {f"temporal {role}": server for role, server in self._ground.cluster.servers.items()}
        choices = [(f"kill of {name}", self._kill(name, server)) for name, server in servers.items() if server]
        choices += [
            (f"{how} of the line to {name}", self._line(name, how)) for name in self._ground.proxies for how in HOWS
        ]
        what, strike = self._draw.choice(choices)
        await strike()
        self.struck[what] += 1

    def _kill(self, name: str, server: Server) -> Strike:
        async def strike() -> None:
            await self._ground.supervisor.kill_server(server, name, self._draw.uniform(*AWAY_S))

        return strike

    def _line(self, name: str, how: str) -> Strike:
        async def strike() -> None:
            proxy = self._ground.proxies[name]
            if how == "cut":
                await proxy.cut()
            elif how == "freeze":
                proxy.freeze()
            elif how == "delay":
                proxy.delay_s = 0.2
            else:
                proxy.drop_next(5)
            await asyncio.sleep(self._draw.uniform(*CUT_S))
            await proxy.heal()

        return strike
