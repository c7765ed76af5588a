"""Moves prices so that cycles go on starting, with every coin and in both directions."""

import random
from collections.abc import Collection

from chaos.harness.ground import Ground

from kimp.contracts.status import CycleStatus

PREMIUM = (0.014, 0.03)
"""Below the lower end hardly a cycle pays; the band of kimp's own is set far beyond the upper one."""
HOLD_S = (6.0, 15.0)


class Market:
    def __init__(self, ground: Ground, draw: random.Random) -> None:
        self._ground = ground
        self._draw = draw

    async def set_premium(self, busy: Collection[str], *, upwards: float) -> None:
        """Make one coin that has no open cycle dear or cheap on Upbit. `upwards`: how likely it is made dear."""
        idle = [coin for coin in self._ground.coins if coin not in busy]
        if not idle:
            return
        sign = 1 if self._draw.random() < upwards else -1
        premium = f"{sign * self._draw.uniform(*PREMIUM):.4f}"
        await self._ground.paper.set_premium(self._draw.choice(idle), premium, self._draw.uniform(*HOLD_S))

    async def calm(self) -> None:
        """No premium anywhere: nothing pays, and every way home is cheap."""
        for coin in self._ground.coins:
            await self._ground.paper.set_premium(coin, "0", 0.1)


async def busy_coins(ground: Ground) -> set[str]:
    rows = await ground.books.read_model.cycles(limit=2 * len(ground.coins))
    return {row.coin for row in rows if not CycleStatus(row.status).terminal}
