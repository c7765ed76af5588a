"""Records are rebuilt while nobody trades by them."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, cast

import pytest

from kimp.domain.errors import BadInput
from kimp.operations.catch_up import catch_up
from kimp.ports.catching_up import PastRun


class BusyPast:
    """Temporal, while a worker still polls."""

    async def since(self, time: datetime) -> AsyncIterator[PastRun]:
        raise AssertionError("nothing may be read")
        yield

    async def polling(self) -> Sequence[str]:
        return ["17@desk"]


async def test_it_refuses_while_workers_poll_before_it_touches_the_database() -> None:
    with pytest.raises(BadInput, match=r"17@desk still ask Temporal for work.*stop all workers and initiators"):
        await catch_up(cast("Any", None), BusyPast())
