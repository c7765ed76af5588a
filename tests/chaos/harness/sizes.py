"""How much of everything a run does."""

from dataclasses import dataclass

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
    stop_every_s: float
    """Between two zombies."""
    server_every_s: float
    """Between two blows at Redis, Temporal, the database, or the way to them."""
    plan_every_s: float
    """How long the venues fail in one manner."""
    operator_every_s: float
    settle_s: float


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
    mayhem_s=(20, 90),
    kill_every_s=8,
    stop_every_s=20,
    server_every_s=12,
    plan_every_s=10,
    operator_every_s=6,
    settle_s=150,
)
DEFAULT = Size(
    name="default",
    coins=18,
    workers=3,
    initiators=2,
    cells=None,
    routes=(ALL,),
    charges=4,
    kills=200,
    faults=5_000,
    mayhem_s=(600, 1_200),
    kill_every_s=10,
    stop_every_s=45,
    server_every_s=25,
    plan_every_s=30,
    operator_every_s=6,
    settle_s=900,
)
SIZES = {size.name: size for size in (SMALL, DEFAULT)}
