"""The cycle as later versions may have it: with one more look at the market, before everything or before the way home.

Each is what a person would write into `workflows.arbitrage_cycle` itself; here they stand beside it, so that one test
can run both.
"""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.market import MarketActivities
    from kimp.contracts.cycle import ARBITRAGE_CYCLE, CycleInput, CycleResult, QuoteQuery
    from kimp.domain.money import USDT
    from kimp.domain.venues import Venue

from workflows.arbitrage_cycle import ArbitrageCycle
from workflows.policies import MARKET

LOOK = "a look at the dollar first"


async def look(cycle: CycleInput) -> None:
    """The new step."""
    question = QuoteQuery(cycle_id=cycle.cycle_id, venue=Venue.UPBIT, coin=USDT)
    await MARKET.call(MarketActivities.read_market, question, LOOK)


@workflow.defn(name=ARBITRAGE_CYCLE)
class ChangedCycle(ArbitrageCycle):
    """Histories of the version before do not replay on it."""

    @workflow.init
    def __init__(self, cycle: CycleInput) -> None:
        super().__init__(cycle)

    @workflow.run
    async def run(self, cycle: CycleInput) -> CycleResult:
        await look(cycle)
        return await super().run(cycle)


@workflow.defn(name=ARBITRAGE_CYCLE)
class PatchedCycle(ArbitrageCycle):
    """The same change, made so that cycles of the version before go on as they began."""

    @workflow.init
    def __init__(self, cycle: CycleInput) -> None:
        super().__init__(cycle)

    @workflow.run
    async def run(self, cycle: CycleInput) -> CycleResult:
        if workflow.patched("look-at-the-dollar"):
            await look(cycle)
        return await super().run(cycle)
