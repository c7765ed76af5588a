"""Waiting until kimp's processes can do their work, and the paper exchange's recorded prices, which wait for that."""

import asyncio
from collections.abc import Mapping

from aiohttp import ClientError, ClientSession

from kimp.adapters.embedded.process import LOOPBACK
from kimp.domain.errors import KimpError

WITHIN_S = 60
POLL_S = 0.1


async def all_ready(pages: Mapping[str, int], within_s: float = WITHIN_S) -> None:
    """`pages`: name of each process and the port of its pages. Raises KimpError if one does not get ready."""
    async with ClientSession() as session:
        for name, port in pages.items():
            for _ in range(round(within_s / POLL_S)):
                if await _is_ready(session, f"http://{LOOPBACK}:{port}/readyz"):
                    break
                await asyncio.sleep(POLL_S)
            else:
                raise KimpError(f"{name} is not ready after {within_s:.0f} s; its log says why")


async def begin_recorded(admin_port: int) -> None:
    async with (
        ClientSession() as session,
        session.post(f"http://{LOOPBACK}:{admin_port}/_paper/begin") as answer,
    ):
        answer.raise_for_status()


async def paper_runs_as(admin_port: int, pid: int | None) -> bool:
    """Whether the paper exchange that answers there is this process."""
    try:
        async with ClientSession() as session, session.get(f"http://{LOOPBACK}:{admin_port}/_paper/health") as answer:
            return answer.ok and (await answer.json()).get("pid") == pid
    except (ClientError, ValueError, AttributeError):  # nobody there, or no paper exchange
        return False


async def _is_ready(session: ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as answer:
            return answer.ok
    except ClientError:
        return False
