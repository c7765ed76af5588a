"""A person decides what becomes of a cycle."""

from decimal import Decimal

from kimp.bootstrap.parts import open_database
from kimp.bootstrap.use_cases import connect_cycles
from kimp.cli.person import who
from kimp.cli.terminal import report_outcome
from kimp.config import load
from kimp.contracts.operators import OperatorRequest, WriteOff
from kimp.domain.errors import BadInput
from kimp.domain.ledger import holder
from kimp.domain.money import Asset, decimal
from kimp.operations.cycles import send_request


async def retry(cycle_id: str, note: str, *, as_json: bool) -> None:
    """Now."""
    request = OperatorRequest(by=who(), note=note)
    await _ask(cycle_id, "retry", request, "{cycle} tries again: it is {status}", as_json=as_json)


async def compensate(cycle_id: str, note: str, *, as_json: bool) -> None:
    """A parked cycle."""
    request = OperatorRequest(by=who(), note=note)
    reported = "{cycle} will be undone: it is no longer parked, and {status}"
    await _ask(cycle_id, "compensate", request, reported, as_json=as_json)


async def abort(cycle_id: str, note: str, *, as_json: bool) -> None:
    """A running cycle."""
    request = OperatorRequest(by=who(), note=note)
    reported = "{cycle} will be undone: it is {status} and stops at its next safe point"
    await _ask(cycle_id, "abort", request, reported, as_json=as_json)


async def write_off(cycle_id: str, amount: str, asset: str, account: str, note: str, *, as_json: bool) -> None:
    """Raises BadInput for an amount of nothing."""
    loss = _positive(amount)
    request = WriteOff(by=who(), note=note, account=holder(account), asset=Asset(asset), amount=loss)
    text = f"{loss:f} {request.asset} on {account}: written off; the rest of {{cycle}} will be undone: it is {{status}}"
    await _ask(cycle_id, "write_off", request, text, as_json=as_json)


def _positive(text: str) -> Decimal:
    amount = decimal(text)
    if amount <= 0:
        raise BadInput(f"amount {text}: write off more than nothing")
    return amount


async def _ask(cycle_id: str, update: str, request: OperatorRequest, reported: str, *, as_json: bool) -> None:
    """`told`: what is said of the `{cycle}` that accepted it, and of its `{status}`."""
    settings = load()
    cycles = await connect_cycles(settings)
    status = await send_request(cycles, lambda: open_database(settings), cycle_id, update, request)
    report_outcome(
        reported.format(cycle=cycle_id, status=status), {"cycle_id": cycle_id, "status": status}, as_json=as_json
    )
