"""Names that kimp gave and reads back: from its database, from histories, from a venue's list."""

from typing import Any

from fuzz.target import Target
from fuzz.worth import unsound

from kimp.adapters.venue.shape import same_txid
from kimp.domain import ids
from kimp.domain.errors import BadInput


def _read_back(data: bytes) -> Any:
    """One on each line."""
    names = data.decode(errors="replace").splitlines()
    numbers = ids.used_numbers(names)
    return numbers, [ids.step_of(name) for name in names], ids.installation_of(names)


def _workflows(data: bytes) -> Any:
    name = data.decode(errors="replace")
    return ids.cycle_of_workflow(name), same_txid(name[::-1], name), same_txid(name, name)


def _found_again(read: Any) -> str | None:
    cycle, _, itself = read
    return "it is not itself" if not itself else unsound(cycle)


TARGETS = [
    Target("order-names", _read_back, (BadInput,)),
    Target("workflow-names", _workflows, (), _found_again),
]
