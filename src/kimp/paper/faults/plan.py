"""Which faults are asked for: at random by rate, or exactly, for the next requests that match."""

from fnmatch import fnmatchcase
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from kimp.domain.venues import Venue
from kimp.paper.faults.kinds import LONGEST, ONLY_ON, SECONDS, SHORTEST, FaultKind

HOUR_S = 3_600.0


class _Target(BaseModel):
    """Where a fault may strike. A route is one of

        POST /v1/orders     a request of a client: its method and path
        ORDER KRW-XRP       an order about to be accepted
        WITHDRAW XRP        a withdrawal about to be accepted (venue: the sender)
        DEPOSIT XRP         a deposit that has just been seen (venue: the receiver)
        STREAM /ws          a frame of a WebSocket connection: the path of its handshake

    and `route` is a pattern of it with `*` and `?`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: FaultKind
    venue: Venue | None = None
    """None: both."""
    route: str = "*"
    seconds: Annotated[float, Field(gt=0, le=HOUR_S)] | None = None
    """None: as long as the kind usually lasts."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        only = ONLY_ON.get(self.kind, self.venue)
        if self.venue not in (None, only):
            raise ValueError(f"{self.kind} exists on {only} only")
        if self.seconds is not None and self.kind not in SECONDS:
            raise ValueError(f"{self.kind} takes no seconds")
        if (self.seconds or 0) > (longest := LONGEST.get(self.kind, HOUR_S)):
            raise ValueError(f"{self.kind} lasts at most {longest:g} seconds")
        if self.seconds is not None and self.seconds < (shortest := SHORTEST.get(self.kind, 0)):
            raise ValueError(f"{self.kind} lasts at least {shortest:g} seconds")
        return self

    def matches(self, venue: Venue, route: str) -> bool:
        return (
            self.venue in (None, venue)
            and ONLY_ON.get(self.kind, venue) is venue
            and fnmatchcase(route, self.route)
        )  # fmt: skip

    @property
    def duration_s(self) -> float:
        return self.seconds if self.seconds is not None else SECONDS.get(self.kind, 0.0)


class FaultRule(_Target):
    """Strikes at random. Where several rules match, their rates add up."""

    rate: Annotated[float, Field(ge=0, le=1)]
    """Probability per request, order, transfer side or frame."""


class ScriptedFault(_Target):
    """Strikes the next `times` matching ones, before any rule is asked."""

    times: Annotated[int, Field(ge=1, le=100_000)] = 1


class FaultPlan(BaseModel):
    """Nothing goes wrong by default. The same plan decides the same on the same sequence of each route."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = 0
    rules: tuple[FaultRule, ...] = ()
    scripted: tuple[ScriptedFault, ...] = ()
