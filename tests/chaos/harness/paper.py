"""The paper exchange's side door."""

from collections.abc import Collection
from typing import Any

import aiohttp
from chaos.auditor.books import plain_id
from chaos.auditor.evidence import Place


class PaperAdmin:
    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/_paper"

    async def _call(self, method: str, name: str, body: object = None) -> Any:
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, f"{self._url}/{name}", json=body) as answer,
        ):
            if answer.status != 200:
                raise AssertionError(f"{method} {name}: {await answer.text()}")
            return await answer.json()

    async def set_premium(self, coin: str, premium: str, seconds: float) -> None:
        await self._call("POST", "premium", {"coin": coin, "premium": premium, "seconds": seconds})

    async def fail(self, plan: dict[str, Any]) -> None:
        """From now on in this manner."""
        await self._call("PUT", "faults", plan)

    async def script(self, kind: str, **target: object) -> None:
        """For the next that matches."""
        await self._call("POST", "faults/script", {"faults": [{"kind": kind, **target}]})

    async def heal(self) -> None:
        await self._call("DELETE", "faults")

    async def faults(self) -> dict[str, int]:
        """How often each kind has struck."""
        counts: dict[str, int] = (await self._call("GET", "faults"))["counts"]
        return counts

    async def withdrawals(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self._call("GET", "transfers"))["withdrawals"]
        return found

    async def lost(self, sent: Collection[str]) -> set[str]:
        """Coins of these withdrawals that left for good: done for the sender, and never credited by the receiver."""
        found = await self._call("GET", "transfers")
        coming = {row["withdrawal"] for row in found["deposits"] if row["step"] != "rejected"}
        return {
            row["coin"]
            for row in found["withdrawals"]
            if plain_id(row["uuid"]) in sent and row["step"] == "confirmed" and row["uuid"] not in coming
        }

    async def places(self) -> dict[str, list[tuple[str, Place]]]:
        """The deposit addresses of each venue, by coin."""
        found = await self._call("GET", "addresses")
        return {
            venue: [(row["coin"], Place(row["network"], row["address"], row["tag"])) for row in rows]
            for venue, rows in found.items()
        }
