"""The part of a run in which things go wrong, all at once, until enough of them have."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from chaos.harness.blows import Blows
from chaos.harness.charges import Charges
from chaos.harness.forger import Forger
from chaos.harness.ground import CHARGES, Ground
from chaos.harness.market import Market, busy_coins
from chaos.harness.matrix import cells, quick
from chaos.harness.operators import Operators
from chaos.harness.sizes import Size
from chaos.harness.swarm import ALL, NEVER_LEFT_OUT, draw_plan
from temporalio.client import Client

from kimp.contracts.status import CycleStatus
from kimp.domain.errors import KimpError
from kimp.domain.ids import Leg, Step
from kimp.domain.venues import Direction
from kimp.paper.faults.kinds import FaultKind

WriteLine = Callable[[str], None]
LOOK_EVERY_S = 0.5
NUDGE_EVERY_S = 0.7
HURRY_EVERY_S = 3.0
IN_DYING = 1
"""The supervisor may not have seen the latest yet."""
WARM_UP_S = 180.0
HALT_S = 6.0
RESUME_EVERY_S = 2.0
SWEEP_EVERY_S = 10.0
HALT_EVERY = 8
"""Every so many acts of an operator is a pull of the kill switch."""
SCRIPTS: Mapping[str, tuple[float, str, Mapping[str, str]]] = {
    CycleStatus.DEAD_LETTER: (40.0, "deposit_rejected", {"venue": "upbit"}),
    "late-found": (45.0, "beyond_the_fence", {"route": "POST *order"}),
    "late-adopted": (45.0, "beyond_the_fence", {"route": "POST *order"}),
    "breach-found": (20.0, "double_fee", {}),
    "breach-halted": (20.0, "double_fee", {}),
    "give-up-asked": (150.0, "reset", {"route": "POST *withdraw*"}),
    "given-up": (150.0, "reset", {"route": "POST *withdraw*"}),
    "difference-found": (60.0, "deposit_twice", {}),
}
"""Point or step of a missing cell -> a fault that leads there, and how often it is asked for."""
KIND_EVERY_S = 90.0
"""Between two requests for a kind of fault that the draw has not brought."""
JITTER = (0.5, 1.5)


class Mayhem:
    """Everything is drawn from the seed; what it meets is as fast or slow as the machine, so no two runs are alike."""

    def __init__(self, ground: Ground, temporal: Client, size: Size, seed: int, write_line: WriteLine) -> None:
        self._ground = ground
        self.size = size
        self._write_line = write_line
        self._draw = random.Random(f"{seed}/times")
        self._plans = random.Random(f"{seed}/plans")
        self._market_draw = random.Random(f"{seed}/market")
        self.blows = Blows(ground, random.Random(f"{seed}/blows"))
        self.operators = Operators(ground, temporal, random.Random(f"{seed}/operators"))
        self.forger = Forger(ground, random.Random(f"{seed}/forger"))
        self.market = Market(ground, self._market_draw)
        draw = random.Random(f"{seed}/charges")
        passed = cells if size.cells is None else quick
        found = passed(prefunded=size.prefunded)
        wanted = found if size.cells is None else draw.sample(found, size.cells)
        self.charges = Charges(ground.folder / CHARGES, wanted, size.charges, draw)
        self.struck: dict[str, int] = {}
        """Venue faults, by kind."""
        self._enough = asyncio.Event()
        self._scripted_s: dict[str, float] = {}

    async def warm_up(self) -> None:
        """Until a cycle runs: a kimp that never got going proves nothing. Raises AssertionError if none does."""
        begun = time.monotonic()
        while time.monotonic() - begun < WARM_UP_S:
            await self._trade()
            if await busy_coins(self._ground):
                return
            await asyncio.sleep(LOOK_EVERY_S)
        raise AssertionError("no cycle started, with nothing in its way; see the logs of feeder and initiator")

    async def run(self) -> None:
        """Returns when enough has happened, or the time is up; what is missing is told by `missing`."""
        size = self.size
        loops: list[tuple[Callable[[], Awaitable[None]], float]] = [
            (self._charge, LOOK_EVERY_S),
            (self._trade, NUDGE_EVERY_S),
            (self.blows.kill, size.kill_every_s),
            (self.blows.zombie, size.zombie_every_s),
            (self.blows.server, size.server_every_s),
            (self.blows.clock, size.clock_every_s),
            (self.blows.failover, size.failover_every_s),
            (self.forger.forge, size.forge_every_s),
            (self._fail, size.plan_every_s),
            (self._operate, size.stop_every_s),
            (self.operators.decide, size.operator_every_s),
            (self.operators.terminate_one, size.terminate_every_s),
            (self.operators.sweep, SWEEP_EVERY_S),
            (self.operators.resume, RESUME_EVERY_S),
            (self._script, LOOK_EVERY_S),
            (self.operators.hurry, HURRY_EVERY_S),
        ]
        tasks = [asyncio.create_task(self._repeat(act, every_s)) for act, every_s in loops]
        try:
            await self._until_enough(tasks)
            self._enough.set()
            await asyncio.gather(*tasks)  # a blow that has begun ends well: a server that was killed is back
        finally:
            for task in tasks:
                task.cancel()

    async def _until_enough(self, tasks: list[asyncio.Task[None]]) -> None:
        begun, reported = time.monotonic(), 0.0
        least, most = self.size.mayhem_s
        while (passed := time.monotonic() - begun) < most:
            for task in tasks:
                if task.done():
                    task.result()  # a bug of this harness ends the run
            if passed - reported > 10:
                reported = passed
                self.struck = await self._ground.paper.faults()
                self._write_line(self.progress(passed))
                if passed > least and not self.missing(after=False):
                    return
            await asyncio.sleep(LOOK_EVERY_S)
        self.struck = await self._ground.paper.faults()

    def missing(self, *, after: bool = True) -> list[str]:
        """What was asked of this size and has not happened. `after`: of what can happen after the faults alone, too."""
        lacking = [f"crash point {cell}" for cell in self.charges.missing if after or not cell.last]
        gone, dead = self.charges.hits.total(), self._ground.supervisor.crashes.total()
        if gone > dead + IN_DYING:
            lacking.append(f"a process for each charge: {gone} went off, {dead} processes died of one")
        if (died := self._ground.supervisor.died) < self.size.kills:
            lacking.append(f"{self.size.kills - died} more kills")
        if (struck := sum(self.struck.values())) < self.size.faults:
            lacking.append(f"{self.size.faults - struck} more venue faults")
        lacking += [f"venue fault {kind}" for kind in self._lacking_kinds()]
        lacking += [f"forged {kind}" for kind in self.forger.missing]
        return lacking + [f"a {kind}" for kind in self.blows.missing]

    def progress(self, passed: float) -> str:
        hit, missing = len(self.charges.hits), self.charges.missing
        return (
            f"{passed:4.0f} s: {self._ground.supervisor.died} kills, {sum(self.struck.values())} venue faults,"
            f" {hit} crash points hit, {len(missing)} missing ({', '.join(map(str, missing[:6]))})"
        )

    async def _charge(self) -> None:
        for cell in self.charges.look():
            self._write_line(f"       died at {cell}")
        self.charges.lay()

    async def _trade(self) -> None:
        await self.market.set_premium(await busy_coins(self._ground), upwards=self._upwards())

    def _upwards(self) -> float:
        """How likely a coin is made dear on Upbit: by what the missing crash points ask for."""
        missing = {cell.step for cell in self.charges.missing}
        if Direction.TO_BINANCE in missing and Direction.TO_UPBIT not in missing:
            return 0.2
        return 0.7 if f"{Leg.BACK}{Step.BUY}" in missing or Direction.TO_UPBIT in missing else 0.5

    async def _fail(self) -> None:
        await self._ground.paper.fail(draw_plan(self._plans, self.size.routes))

    async def _operate(self) -> None:
        """Undoing is rare by nature, and the more wanted the more of its crash points are missing."""
        if self._draw.randrange(HALT_EVERY) == 0:
            await self.operators.halt_for_a_while(HALT_S)
        await self.operators.stop_one(with_cash_abroad=self._lacks(Leg.BACK, Step.BUY))

    async def _script(self) -> None:
        """What is rare by nature is asked for, now and then, as long as it or its crash points are missing."""
        now = time.monotonic()
        wanted = {name for cell in self.charges.missing for name in (cell.point, cell.step)}
        asked = [SCRIPTS[name] for name in sorted(wanted & SCRIPTS.keys())]
        asked += [(KIND_EVERY_S, kind.value, {}) for kind in self._lacking_kinds()]
        for every_s, kind, target in asked:
            if now - self._scripted_s.get(kind, -every_s) >= every_s:
                self._scripted_s[kind] = now
                await self._ground.paper.script(kind, **target)

    def _lacking_kinds(self) -> list[FaultKind]:
        wanted = NEVER_LEFT_OUT if ALL in self.size.routes else ()
        return [kind for kind in wanted if not self.struck.get(kind.value)]

    def _lacks(self, leg: Leg, step: Step) -> bool:
        return any(cell.step == f"{leg}{step}" for cell in self.charges.missing)

    async def _repeat(self, act: Callable[[], Awaitable[None]], every_s: float) -> None:
        while not self._enough.is_set():
            with suppress(KimpError):  # the database is locked or away: that is what this is about
                await act()
            with suppress(TimeoutError):
                async with asyncio.timeout(every_s * self._draw.uniform(*JITTER)):
                    await self._enough.wait()

    def over(self) -> None:
        """Take away what still lies ready, but for what can be hit after the faults alone."""
        self.charges.clear(but_last=True)
