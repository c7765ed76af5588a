"""Histories that only kimp can read: a payload is sealed with AES-256-GCM before it leaves the process.

The server stores the key's id, the id of the workflow that the payload belongs to, and `nonce + ciphertext` of the
whole payload. All that is readable beside the ciphertext is authenticated with it, and so is the namespace: a payload
that was altered, or was moved to another workflow or namespace, does not open.
"""

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from google.protobuf.message import DecodeError
from temporalio.api.common.v1 import Payload
from temporalio.converter import (
    ActivitySerializationContext,
    PayloadCodec,
    SerializationContext,
    WithSerializationContext,
    WorkflowSerializationContext,
)

from kimp.adapters.temporal.converter import Unreadable, refusal_payload
from kimp.ports.clock import Clock

ENCODING = b"binary/encrypted"
KEY_ID = "encryption-key-id"
WORKFLOW_ID = "workflow-id"
FORMAT = "kimp-history-1"
NONCE_BYTES = 12
"""Random. NIST allows 2^32 of them per key; a thousand cycles a day use that up in some eighty years."""
SCHEDULED = re.compile(r"-\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
"""What a schedule appends to the workflow id that its action was written with."""
LONGEST_SHOWN = 64


class EncryptionKeys:
    """Keys by id. The active one seals; every one opens."""

    def __init__(self, keys: Mapping[str, bytes], active: str) -> None:
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self.active = active

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(self._ciphers)

    def seal(self, plain: bytes, associated: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._ciphers[self.active].encrypt(nonce, plain, associated)

    def open(self, key_id: str, sealed: bytes, associated: bytes) -> bytes:
        """Raises KeyError for a key that is not on the ring, InvalidTag for what is not as it was sealed."""
        cipher = self._ciphers[key_id]
        if len(sealed) < NONCE_BYTES:
            raise InvalidTag
        return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], associated)


@dataclass(frozen=True)
class HistoryCodec(PayloadCodec, WithSerializationContext):
    """Seals and opens. Without a ring it leaves payloads as they are, and says why it can't open a sealed one."""

    namespace: str
    ring: EncryptionKeys | None
    clock: Clock
    plaintext_until_ms: int = 0
    """Epoch milliseconds; until then what is not sealed is taken as well."""
    workflow_id: str | None = None
    """Whose payloads these are. None: not known here, the payload's own word is authenticated and taken."""

    def with_context(self, context: SerializationContext) -> Self:
        """The SDK says for each payload which workflow it belongs to."""
        if isinstance(context, WorkflowSerializationContext | ActivitySerializationContext):
            return replace(self, workflow_id=context.workflow_id or "")
        return replace(self, workflow_id="")

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [self.seal(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """What can't be read is refused where its value is asked for, see `kimp.adapters.temporal.converter`."""
        return [self._opened_or_refused(payload) for payload in payloads]

    def _opened_or_refused(self, payload: Payload) -> Payload:
        try:
            return self.open(payload)
        except Unreadable as why:
            return refusal_payload(why)

    def seal(self, payload: Payload) -> Payload:
        if self.ring is None:
            return payload
        key_id, workflow_id = self.ring.active, self.workflow_id or ""
        associated = self._associated(key_id, workflow_id)
        return Payload(
            metadata={"encoding": ENCODING, KEY_ID: key_id.encode(), WORKFLOW_ID: workflow_id.encode()},
            data=self.ring.seal(payload.SerializeToString(), associated),
        )

    def open(self, payload: Payload) -> Payload:
        """The payload inside. Raises Unreadable, which says why it can't be had and what mends that."""
        if not is_sealed(payload):
            return self._plain(payload)
        key_id, workflow_id = _metadata(payload, KEY_ID), _metadata(payload, WORKFLOW_ID)
        if self.ring is None:
            raise Unreadable(f"encrypted with key {_shown(key_id)}, and no key is configured here: set history.keys")
        if not self._belongs(workflow_id):
            raise Unreadable(f"written for workflow {_shown(workflow_id)}, found in {_shown(self.workflow_id or '')}")
        try:
            plain = self.ring.open(key_id, payload.data, self._associated(key_id, workflow_id))
            return Payload.FromString(plain)
        except KeyError:
            raise Unreadable(
                f"encrypted with key {_shown(key_id)}, and history.keys has only {', '.join(self.ring.ids)}:"
                " put that key back, nothing else can read this"
            ) from None
        except (InvalidTag, DecodeError):
            raise Unreadable(
                f"not what was encrypted with key {_shown(key_id)} in namespace {self.namespace}: it was altered,"
                " or comes from elsewhere, or another key has this id"
            ) from None

    def _plain(self, payload: Payload) -> Payload:
        if self.ring is None or self.clock.now_ms() < self.plaintext_until_ms:
            return payload
        raise Unreadable(
            "not encrypted: written by a client without history.keys, or before encryption was switched on;"
            " the latter is read only until history.accept_plaintext_until"
        )

    def _belongs(self, workflow_id: str) -> bool:
        if self.workflow_id is None or self.workflow_id == workflow_id:
            return True
        return bool(workflow_id) and bool(SCHEDULED.fullmatch(self.workflow_id.removeprefix(workflow_id)))

    def _associated(self, key_id: str, workflow_id: str) -> bytes:
        return json.dumps([FORMAT, self.namespace, key_id, workflow_id]).encode()


def is_sealed(payload: Payload) -> bool:
    return payload.metadata.get("encoding") == ENCODING


def key_id_of(payload: Payload) -> str | None:
    """By the payload's own word; None where it is not sealed."""
    return _metadata(payload, KEY_ID)[:LONGEST_SHOWN] if is_sealed(payload) else None


def _metadata(payload: Payload, name: str) -> str:
    return payload.metadata.get(name, b"").decode(errors="replace")


def _shown(text: str) -> str:
    """Anybody's text, fit for a log."""
    return json.dumps(text[:LONGEST_SHOWN])
