"""An order of before, of which nothing is booked."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.orders import OrderActivities
    from kimp.contracts.orders import OrderIntent, OrderOutcome
    from kimp.domain.ids import step_of

from workflows.policies import ORDER
from workflows.steps import proves_nothing, until_answered
from workflows.story import CycleStory
from workflows.timeline import traded


async def book_late_order(story: CycleStory, order: OrderIntent) -> None:
    """What became of an order of before: its journal entry exists, so it is looked up and never sent."""
    report = await until_answered(
        story,
        ORDER,
        OrderActivities.execute_order,
        order,
        summary=f"what became of {step_of(order.client_order_id)}: {order.client_order_id}",
        refusal=proves_nothing,
    )
    if report.outcome is OrderOutcome.FILLED:
        await story.book(traded(order.side, order.venue, order.coin, report), order.entries(report.fills))
    elif report.outcome is OrderOutcome.FOREIGN:
        story.report(report.reason)
