"""How much of everything a run does."""

from dataclasses import dataclass, replace
from typing import Self

from chaos.harness.swarm import ALL, QUICK


@dataclass(frozen=True, slots=True)
class Size:
    name: str
    coins: int
    workers: int
    initiators: int
    cells: int | None
    """How many cells of the crash-point matrix; None: all."""
    routes: tuple[str, ...]
    """Of requests that may fail."""
    charges: int
    """How many common cells are charged at a time; each costs a process when its step comes."""
    kills: int
    """Processes that must have died by SIGKILL."""
    faults: int
    """Venue faults that must have struck."""
    mayhem_s: tuple[float, float]
    """At least so long, and at most; it ends in between when nothing above is missing."""
    kill_every_s: float
    zombie_every_s: float
    server_every_s: float
    """Between two blows at Redis, Temporal, the database, or the way to them."""
    clock_every_s: float
    """Between two wall clocks that are set wrong."""
    failover_every_s: float
    """Between two failovers of Redis or the database."""
    forge_every_s: float
    """Between two forged messages."""
    plan_every_s: float
    """How long the venues fail in one manner."""
    operator_every_s: float
    """Between two looks at what is parked."""
    stop_every_s: float
    """Between two cycles that are aborted or cancelled."""
    terminate_every_s: float
    """Between two workflows that are terminated in the middle of what they do."""
    settle_s: float
    prefunded: bool = False
    """Every other coin is traded on both sides at once. Not by default, as that is not proved yet."""

    def paced(self, slowness: float) -> Self:
        """The same on a machine that is so much slower: as much of everything, in more time.

        What is killed faster than it starts proves nothing.
        """
        least, most = self.mayhem_s
        return replace(
            self,
            mayhem_s=(least, most * slowness),
            kill_every_s=self.kill_every_s * slowness,
            zombie_every_s=self.zombie_every_s * slowness,
            server_every_s=self.server_every_s * slowness,
            clock_every_s=self.clock_every_s * slowness,
            failover_every_s=self.failover_every_s * slowness,
            forge_every_s=self.forge_every_s * slowness,
            stop_every_s=self.stop_every_s * slowness,
            terminate_every_s=self.terminate_every_s * slowness,
            settle_s=self.settle_s * slowness,
        )


SMALL = Size(
    name="small",
    coins=6,
    workers=2,
    initiators=2,
    cells=4,
    routes=QUICK,
    charges=4,
    kills=5,
    faults=25,
    mayhem_s=(20, 150),
    kill_every_s=9,
    zombie_every_s=25,
    server_every_s=15,
    clock_every_s=20,
    failover_every_s=20,
    forge_every_s=8,
    plan_every_s=10,
    operator_every_s=6,
    stop_every_s=15,
    terminate_every_s=30,
    settle_s=180,
)
DEFAULT = Size(
    name="default",
    coins=18,
    workers=3,
    initiators=2,
    cells=None,
    routes=(ALL,),
    charges=6,
    kills=200,
    faults=5_000,
    mayhem_s=(540, 1_020),
    kill_every_s=8,
    zombie_every_s=45,
    server_every_s=25,
    clock_every_s=30,
    failover_every_s=40,
    forge_every_s=10,
    plan_every_s=30,
    operator_every_s=6,
    stop_every_s=10,
    terminate_every_s=50,
    settle_s=420,
)
SIZES = {size.name: size for size in (SMALL, DEFAULT)}
