"""The codec refuses, the converter tells: at the one value that can't be read, not for a whole workflow task."""

from decimal import Decimal

import pytest
from fakes.sealing import codec, new_key
from temporalio.api.failure.v1 import Failure
from temporalio.exceptions import ApplicationError

from kimp.adapters.temporal.codec import HistoryCodec, is_sealed
from kimp.adapters.temporal.converter import Unreadable, data_converter
from kimp.contracts.operators import OperatorRequest

KEY = new_key()
ON, OFF = codec({"k1": KEY}), codec(None)
REQUEST = OperatorRequest(by="ann", note="unlocked the wallet")
LIMIT_OF_A_SUMMARY = 400
"""Bytes that the server takes of a workflow's summary, as a whole payload (limit.userMetadataSummarySize)."""


async def test_messages_come_back_as_they_were() -> None:
    converter = data_converter(ON, encode_failures=True)
    payloads = await converter.encode([REQUEST, Decimal("0.10"), None])
    assert all(is_sealed(payload) for payload in payloads)
    assert await converter.decode(payloads, [OperatorRequest, Decimal, type(None)]) == [REQUEST, Decimal("0.10"), None]


async def test_decoding_a_batch_fails_only_for_who_asks_for_the_refused_value() -> None:
    sealed = await data_converter(ON, encode_failures=True).encode(["good", "foreign"])
    sealed[1].data = sealed[1].data[:-1]
    converter = data_converter(ON, encode_failures=True)
    good, bad = await ON.decode(sealed)
    assert converter.payload_converter.from_payloads([good]) == ["good"]
    with pytest.raises(Unreadable, match="it was altered"):
        converter.payload_converter.from_payloads([bad])


async def test_plaintext_raises_when_its_value_is_asked_for() -> None:
    plain = await data_converter(OFF, encode_failures=False).encode([REQUEST])
    with pytest.raises(Unreadable, match="is not encrypted"):
        await data_converter(ON, encode_failures=True).decode(plain, [OperatorRequest])


async def _failure(by: HistoryCodec, *, encode: bool) -> Failure:
    failure = Failure()
    try:
        _fail()
    except ApplicationError as error:
        await data_converter(by, encode_failures=encode).encode_failure(error, failure)
    return failure


def _fail() -> None:
    raise ApplicationError("vault 7731 is locked", {"amount": "311.78"}, type="KeyRefused")


async def test_a_failures_text_trace_and_details_are_sealed_and_come_back() -> None:
    failure = await _failure(ON, encode=True)
    assert failure.application_failure_info.type == "KeyRefused"
    for secret in (b"7731", b"311.78", b"raise ApplicationError"):
        assert secret not in failure.SerializeToString()
    error = await data_converter(ON, encode_failures=True).decode_failure(failure)
    assert isinstance(error, ApplicationError)
    assert (error.message, error.details) == ("vault 7731 is locked", ({"amount": "311.78"},))


async def test_without_encryption_a_failure_is_readable_as_ever() -> None:
    failure = await _failure(OFF, encode=False)
    assert failure.message == "vault 7731 is locked"
    error = await data_converter(OFF, encode_failures=False).decode_failure(failure)
    assert isinstance(error, ApplicationError)
    assert error.message == "vault 7731 is locked"


async def test_a_failure_that_cannot_be_read_says_why_in_the_place_of_its_text() -> None:
    failure = Failure()
    await data_converter(ON, encode_failures=True).encode_failure(ApplicationError("vault 7731 is locked"), failure)
    error = await data_converter(OFF, encode_failures=False).decode_failure(failure)
    assert isinstance(error, ApplicationError)
    assert error.message == (
        'a payload of the history is encrypted with key "k1", and no key is configured here: set history.keys'
    )


async def test_a_long_summary_still_fits_when_it_is_sealed() -> None:
    """With the longest key id and a long cycle id; Temporal's documents allow a summary of 200 bytes."""
    key_id = "k" * 32
    sealed = codec({key_id: KEY}, key_id, workflow_id="cycle-1000SATS-1000000")
    (payload,) = await data_converter(sealed, encode_failures=True).encode(["x" * 200])
    assert payload.ByteSize() <= LIMIT_OF_A_SUMMARY
