"""What the use cases in `kimp.operations` need of Temporal, and of several parts at once."""

from collections.abc import Mapping

from kimp.adapters.temporal.deployment import TemporalDeployments
from kimp.adapters.temporal.past import TemporalPastRuns
from kimp.adapters.temporal.requests import TemporalCycleRequests
from kimp.adapters.temporal.story import TemporalStories
from kimp.bootstrap.parts import open_database
from kimp.bootstrap.temporal import connect_temporal, history_reader
from kimp.config import Settings
from kimp.ports.catching_up import PastRuns
from kimp.ports.deployments import Deployments
from kimp.ports.operators import CycleRequests
from kimp.ports.story import StoryPart, StorySource


async def connect_cycles(settings: Settings) -> CycleRequests:
    return TemporalCycleRequests(await connect_temporal(settings))


async def connect_deployments(settings: Settings) -> Deployments:
    return TemporalDeployments(await connect_temporal(settings))


async def connect_past_runs(settings: Settings) -> PastRuns:
    return TemporalPastRuns(await connect_temporal(settings), history_reader(settings, plaintext_too=False))


def story_sources(settings: Settings) -> Mapping[str, StorySource]:
    """Each is opened when it is asked: a story is told from whatever is at hand."""

    async def history(cycle_id: str) -> StoryPart:
        client = await connect_temporal(settings)
        return await TemporalStories(client, history_reader(settings, plaintext_too=True))(cycle_id)

    async def journal_and_ledger(cycle_id: str) -> StoryPart:
        async with open_database(settings) as database:
            return StoryPart(await database.stories.story(cycle_id))

    return {"history": history, "journal and ledger": journal_and_ledger}
