"""kimp's versions: which gets new cycles, and which still have old ones."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class DeployedVersion:
    """One version that a worker has asked for tasks with."""

    build_id: str
    status: str
    """inactive: never got a cycle; current, ramping, draining: has open cycles; drained: has none."""
    ramp_percentage: float
    """Of new cycles, while the version is ramping."""
    open_cycles: int
    seen_first: str
    """RFC 3339."""


@dataclass(frozen=True, slots=True)
class DeployStatus:
    """All versions, and what no version holds."""

    versions: tuple[DeployedVersion, ...]
    """Latest first."""
    unversioned_open_cycles: int


class Deployments(Protocol):
    async def status(self) -> DeployStatus:
        """Where open cycles are. Raises BadConfig where the server does not tell."""
        ...

    async def promote(self, build_id: str) -> None:
        """New cycles start on this version from now on; sweeps, and open cycles of no version, move to it.

        Raises BadInput if it is not known, or had no worker yet for one of kimp's queues: its cycles would stand still.
        """
        ...
