"""Secrets that are easy to find again, and everything that a running kimp writes, as bytes to search.

A canary is found as it is, in hexadecimal, and in base64 at any offset, which is how it would look inside a JWT.
"""

import base64
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from redis.asyncio import Redis
from sqlalchemy import Connection, MetaData, select
from sqlalchemy.ext.asyncio import create_async_engine
from temporalio.client import Client

from kimp.contracts.ticks import CHANNEL


def canary(name: str) -> str:
    """Made anew, so that no earlier run's can be found; in the characters that both venues allow in a key."""
    return f"canary{name}{secrets.token_hex(12)}"


def disguises(text: str) -> dict[str, bytes]:
    raw = text.encode()
    forms = {"plain": raw, "hex": raw.hex().encode(), "HEX": raw.hex().upper().encode()}
    for offset in range(3):
        # The characters at both ends are mixed with their neighbours' bits.
        whole = base64.b64encode(b"\0" * offset + raw)
        forms[f"base64 at {offset}"] = whole[4 if offset else 0 : len(whole) - 4]
        forms[f"base64url at {offset}"] = whole.translate(bytes.maketrans(b"+/", b"-_"))[4 if offset else 0 : -4]
    return forms


@dataclass(frozen=True, slots=True)
class Canaries:
    """What must be nowhere, by name."""

    secrets: Mapping[str, str]
    forms: dict[str, bytes] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        for name, text in self.secrets.items():
            self.forms.update({f"{name} ({form})": raw for form, raw in disguises(text).items()})

    def found(self, sources: Mapping[str, bytes]) -> list[str]:
        """One line for each leak: what is where, never the secret itself."""
        return [f"{name} in {place}" for place, content in sources.items() for name in self.found_in(content)]

    def found_in(self, content: bytes) -> list[str]:
        return [name for name, raw in self.forms.items() if raw in content]


async def histories(client: Client) -> dict[str, bytes]:
    """Every workflow: its history and what the server tells of it (memo, search attributes, last failures).

    As serialized messages: there a payload is the bytes that the worker sent, with no base64 around them.
    """
    written: dict[str, bytes] = {}
    async for found in client.list_workflows(""):
        handle = client.get_workflow_handle(found.id, run_id=found.run_id)
        history = await handle.fetch_history()
        place = f"{found.id} {found.run_id}"
        written[f"history of {place}"] = b"\n".join(event.SerializeToString() for event in history.events)
        written[f"description of {place}"] = (await handle.describe()).raw_description.SerializeToString()
    return written


async def database(url: str) -> dict[str, bytes]:
    """Every row of every table that the database itself names."""
    engine = create_async_engine(url)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(_rows)
    finally:
        await engine.dispose()


def _rows(connection: Connection) -> dict[str, bytes]:
    metadata = MetaData()
    metadata.reflect(connection)
    return {
        f"table {table.name}": "\n".join(str(tuple(row)) for row in connection.execute(select(table))).encode()
        for table in metadata.sorted_tables
    }


async def redis(url: str, published: int = 20) -> dict[str, bytes]:
    """Every key and value, and some of what is published meanwhile."""
    written: dict[str, bytes] = {}
    async with Redis.from_url(url) as client:
        async for key in client.scan_iter():
            match await client.type(key):
                case b"string":
                    value = await client.get(key) or b""
                case b"zset":
                    value = str(await client.zrange(key, 0, -1)).encode()
                case kind:
                    raise AssertionError(f"{key!r} is a {kind!r}: read this kind of value too")
            written[f"Redis key {key.decode()}"] = key + b"\n" + value
        async with client.pubsub() as listener:
            await listener.subscribe(CHANNEL)
            received = [
                await listener.get_message(ignore_subscribe_messages=True, timeout=0.2) for _ in range(published)
            ]
        written["Redis messages"] = b"\n".join(message["data"] for message in received if message)
    return written


def files(folders: Sequence[Path]) -> dict[str, bytes]:
    """Logs, SQLite and Temporal's own database with its journal."""
    return {f"file {path}": path.read_bytes() for path in _all_files(folders)}


def _all_files(folders: Sequence[Path]) -> Iterator[Path]:
    for folder in folders:
        yield from (path for path in sorted(folder.rglob("*")) if path.is_file())
