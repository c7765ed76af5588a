"""Values to payloads and back: pydantic, the history's codec, and a refusal of what the codec could not read.

A codec that raises fails the whole workflow task, again and again: one update that somebody sent without encryption
would stop a cycle for good. So the codec hands on a *refused* payload, and only who asks for its value is told why: an
update is rejected, a query fails, a workflow or activity does not go on until its input can be read.
"""

from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.contrib.pydantic import PydanticPayloadConverter
from temporalio.converter import (
    CompositePayloadConverter,
    DataConverter,
    DefaultFailureConverter,
    DefaultFailureConverterWithEncodedAttributes,
    EncodingPayloadConverter,
    PayloadCodec,
    PayloadConverter,
)

from kimp.domain.errors import KimpError

REFUSED = "binary/refused"
"""Only inside a process, between codec and converter."""


class Unreadable(KimpError):
    """A payload that can't or must not be read; the text says why and what mends that, nothing of its content."""

    def __str__(self) -> str:
        return f"a payload of the history is {super().__str__()}"


def refusal_payload(why: Unreadable) -> Payload:
    return Payload(metadata={"encoding": REFUSED.encode()}, data=why.args[0].encode())


def _why(payload: Payload) -> Unreadable:
    return Unreadable(payload.data.decode(errors="replace"))


class RefusedConverter(EncodingPayloadConverter):
    """Raises what the codec had to say."""

    @property
    def encoding(self) -> str:
        return REFUSED

    def to_payload(self, value: Any) -> Payload | None:  # noqa: ARG002 - no value is ever written so
        return None

    def from_payload(self, payload: Payload, type_hint: type | None = None) -> Any:  # noqa: ARG002 - nor read
        raise _why(payload)


class HistoryPayloadConverter(PydanticPayloadConverter):
    """Pydantic's, that knows refusals too."""

    def __init__(self) -> None:
        super().__init__()
        CompositePayloadConverter.__init__(self, *self.converters.values(), RefusedConverter())


class PlainFailureConverter(DefaultFailureConverter):
    """A failure whose text can't be read says why instead of nothing."""

    def from_failure(self, failure: Failure, payload_converter: PayloadConverter) -> BaseException:
        if failure.encoded_attributes.metadata.get("encoding") == REFUSED.encode():
            reported = Failure()
            reported.CopyFrom(failure)
            reported.message = str(_why(failure.encoded_attributes))
            reported.ClearField("encoded_attributes")
            failure = reported
        return super().from_failure(failure, payload_converter)


class EncodedFailureConverter(PlainFailureConverter, DefaultFailureConverterWithEncodedAttributes):
    """Puts message and stack trace where the codec sees them."""


def data_converter(codec: PayloadCodec, *, encode_failures: bool) -> DataConverter:
    return DataConverter(
        payload_converter_class=HistoryPayloadConverter,
        failure_converter_class=EncodedFailureConverter if encode_failures else PlainFailureConverter,
        payload_codec=codec,
    )
