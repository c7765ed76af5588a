"""An order of before, of which nothing is booked."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.orders import OrderActivities
    from kimp.contracts.orders import OrderIntent, OrderOutcome
    from kimp.domain.ids import step_of

from workflows.policies import ORDER
from workflows.steps import proves_nothing, until_answered
from workflows.timeline import traded
from workflows.tracker import CycleTracker


async def book_late_order(tracker: CycleTracker, order: OrderIntent) -> None:
    """What became of an order of before: its journal entry exists, so it is looked up and never sent."""
    report = await until_answered(
        tracker,
        ORDER,
        OrderActivities.execute_order,
        order,
        summary=f"what became of {step_of(order.client_order_id)}: {order.client_order_id}",
        refusal=proves_nothing,
    )
    if report.outcome is OrderOutcome.FILLED:
        await tracker.book(traded(order.side, order.venue, order.coin, report), order.entries(report.fills))
    elif report.outcome is OrderOutcome.FOREIGN:
        tracker.report(report.reason)
