"""An order that is executed later than any client waits: drawn only by a plan that names it, and never too soon."""

import asyncio
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from pydantic import ValidationError

from activities.orders import FENCE_MS, SEND_WITHIN_MS
from kimp.domain.venues import Venue
from kimp.paper.faults import kinds
from kimp.paper.faults.kinds import FaultKind
from kimp.paper.faults.plan import FaultPlan, FaultRule, ScriptedFault
from kimp.paper.world import World

K = FaultKind


@dataclass
class Clock:
    ms: int = 1_790_000_000_000

    def now_ms(self) -> int:
        return self.ms


@dataclass
class Executed:
    """The venue behind the seam."""

    clock: Clock
    at_ms: list[int] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.at_ms.append(self.clock.ms)
        return web.Response()


async def sent(world: World, venue: Executed, clock: Clock) -> int:
    """How long after its arrival an order was executed, with time passing in steps of 100 ms."""
    started = clock.ms
    hook = world.faults.of_requests(Venue.UPBIT)
    request = make_mocked_request("POST", "/v1/orders")
    serving = asyncio.create_task(hook.serve(request, venue.handle))
    for _ in range(1_000):
        await asyncio.sleep(0)
        if serving.done():
            break
        clock.ms += 100
        world.agenda.run_due()
    await serving
    return venue.at_ms[-1] - started


async def test_it_is_executed_behind_the_fence_and_once(world: World, clock: Clock) -> None:
    venue = Executed(clock)
    world.faults.injector.script((ScriptedFault(kind=K.BEYOND_THE_FENCE, route="POST /v1/orders"),))
    assert await sent(world, venue, clock) > FENCE_MS + SEND_WITHIN_MS
    assert len(venue.at_ms) == 1
    assert world.faults.injector.counts == {K.BEYOND_THE_FENCE: 1}
    assert await sent(world, venue, clock) == 0


async def test_one_that_is_drawn_at_random_is_no_sooner(world: World, clock: Clock) -> None:
    """Other kinds are drawn between a quarter and all of their time."""
    world.faults.injector.set(FaultPlan(rules=(FaultRule(kind=K.BEYOND_THE_FENCE, rate=1, seconds=26),)))
    delays = [await sent(world, Executed(clock), clock) for _ in range(50)]
    assert min(delays) > FENCE_MS + SEND_WITHIN_MS


async def test_a_late_execution_stays_within_the_fence(world: World, clock: Clock) -> None:
    world.faults.injector.set(FaultPlan(rules=(FaultRule(kind=K.LATE_EXECUTION, rate=1, seconds=4),)))
    delays = [await sent(world, Executed(clock), clock) for _ in range(50)]
    assert min(delays) > 500
    assert max(delays) < FENCE_MS / 2


def test_it_belongs_to_no_family() -> None:
    """Whoever draws from the families counts on the fence."""
    families = (kinds.REQUEST, kinds.ORDER, kinds.SENDING, kinds.RECEIVING, kinds.STREAM)
    assert not any(K.BEYOND_THE_FENCE in family for family in families)


@pytest.mark.parametrize("seconds", [1, 20, 24.9])
def test_it_cannot_be_made_short(seconds: float) -> None:
    with pytest.raises(ValidationError, match="at least 25 seconds"):
        ScriptedFault(kind=K.BEYOND_THE_FENCE, seconds=seconds)


def test_every_length_is_of_a_kind_that_takes_time() -> None:
    assert set(kinds.LONGEST) | set(kinds.SHORTEST) <= set(kinds.SECONDS)
    assert all(kinds.SECONDS[kind] <= most for kind, most in kinds.LONGEST.items())
    assert all(kinds.SECONDS[kind] >= least for kind, least in kinds.SHORTEST.items())
