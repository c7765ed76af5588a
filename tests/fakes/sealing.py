"""Codecs for encrypted histories, with keys made anew, and clients that use such keys."""

import asyncio
import base64
import secrets
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

from fakes.lab import Handle, Lab
from fakes.market import ManualClock
from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload, SearchAttributes
from temporalio.client import Client

from kimp.adapters.temporal.codec import EncryptionKeys, HistoryCodec
from kimp.adapters.temporal.decoding import is_patch
from kimp.adapters.temporal.devserver import DevServer
from kimp.adapters.temporal.starter import TemporalCycleStarter
from kimp.bootstrap.temporal import history_converter
from kimp.config import Settings
from kimp.contracts.cycle import CycleInput
from kimp.contracts.status import CycleStatus
from kimp.domain.errors import OutcomeUnknown
from kimp.domain.ids import workflow_id
from workflows.arbitrage_cycle import ArbitrageCycle

NAMESPACE = "kimp"
CYCLE = "cycle-XRP-1"


def new_key() -> bytes:
    return secrets.token_bytes(32)


def written(key: bytes) -> str:
    """As it stands in the settings."""
    return base64.b64encode(key).decode()


def codec(
    keys: Mapping[str, bytes] | None,
    active: str = "k1",
    *,
    namespace: str = NAMESPACE,
    workflow_id: str | None = CYCLE,
    now_ms: int = 0,
    plaintext_until_ms: int = 0,
) -> HistoryCodec:
    """Without keys: one that does not encrypt."""
    ring = None if keys is None else EncryptionKeys(keys, active)
    clock = ManualClock(now_ms)
    return HistoryCodec(namespace, ring, clock, plaintext_until_ms, workflow_id)


def payload(data: bytes = b'"311.78"', encoding: bytes = b"json/plain") -> Payload:
    return Payload(metadata={"encoding": encoding}, data=data)


def ring(active: str = "k1", **keys: bytes) -> dict[str, Any]:
    """The `[history]` settings with these keys."""
    return {"keys": {key_id: written(key) for key_id, key in keys.items()}, "active_key": active}


async def client_of(server: DevServer, history: Mapping[str, Any] | None = None) -> Client:
    """A client as kimp makes it with these `[history]` settings; without: one that does not encrypt."""
    converter = history_converter(Settings.model_validate({"history": history or {}}))
    return await Client.connect(server.address, namespace=server.namespace, data_converter=converter)


async def discreet_cycle(lab: Lab) -> CycleInput:
    """An opportunity under an id of its own, as an initiator with encryption starts it."""
    cycle = await lab.plan()
    policy = cycle.policy.model_copy(update={"discreet": True})
    return cycle.model_copy(update={"cycle_id": f"XRP-E{uuid4().hex[:8].upper()}-1", "policy": policy})


async def parked(lab: Lab, cycle: CycleInput) -> Handle:
    """Started as an initiator does it, and run until it waits for a person; `stuck` and workers before."""
    await TemporalCycleStarter(lab.client).start(cycle)
    handle = handle_of(lab.client, cycle)
    await lab.seen(handle, lambda state: state.status == CycleStatus.DEAD_LETTER)
    while (await handle.describe()).raw_description.pending_activities:  # noqa: ASYNC110 - its record is on the way
        await asyncio.sleep(0.02)
    await handle.query(ArbitrageCycle.state)  # answered when the cycle knows that it was recorded
    return handle


def stuck(lab: Lab) -> Lab:
    """Its next cycle will not know whether its withdrawal was sent."""
    lab.binance.faults["withdraw"] = deque([OutcomeUnknown("vault 7731 does not answer", venue="binance")])
    lab.give_up_at_once = True
    return lab


def handle_of(client: Client, cycle: CycleInput) -> Handle:
    return client.get_workflow_handle_for(ArbitrageCycle.run, workflow_id(cycle.cycle_id))


def payloads_in(message: Message) -> Iterator[Payload]:
    """Every payload that a codec has to do with: neither search attributes nor the markers of patches."""
    if isinstance(message, Payload):
        yield message
    elif not isinstance(message, SearchAttributes) and not is_patch(message):
        for field, value in message.ListFields():
            if field.message_type is not None:
                held = [value] if isinstance(value, Message) else value
                items = held.values() if isinstance(held, Mapping) else held
                for item in items:
                    if isinstance(item, Message):
                        yield from payloads_in(item)
