"""What people ask of a cycle that runs."""

from typing import Protocol

from kimp.contracts.operators import OperatorRequest
from kimp.domain.errors import KimpError


class NoSuchWorkflow(KimpError):
    """Temporal knows no workflow of the cycle: there is no such cycle, or its retention has ended."""


class CycleRequests(Protocol):
    async def send(self, cycle_id: str, request: str, details: OperatorRequest) -> str:
        """The cycle's status after it took the request, which is named as the workflow's update of it.

        Raises BadInput with the cycle's own words if it refuses, NoSuchWorkflow if there is none.
        """
        ...
