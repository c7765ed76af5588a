"""What hits processes and servers: kills, zombies, restarts of servers, cuts of the lines to them."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable

from chaos.harness.ground import Ground
from chaos.harness.supervisor import Server

ZOMBIE_S = (12.0, 24.0)
"""Longer than the heartbeats of orders (10 s) and, half of the time, of transfers (20 s)."""
AWAY_S = (0.0, 3.0)
CUT_S = (0.5, 6.0)
HOWS = ("cut", "freeze", "delay", "drop")
Strike = Callable[[], Awaitable[None]]


class Blows:
    def __init__(self, ground: Ground, draw: random.Random) -> None:
        self._ground = ground
        self._draw = draw
        self.struck: Counter[str] = Counter()

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
