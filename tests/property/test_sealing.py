"""Any payload at all comes back from the codec as it was, and no two look alike."""

import pytest
from fakes.sealing import codec, new_key
from hypothesis import example, given
from hypothesis import strategies as st
from temporalio.api.common.v1 import Payload

from kimp.adapters.temporal.codec import WORKFLOW_ID
from kimp.adapters.temporal.converter import Unreadable

KEY = new_key()
NAMES = st.text(st.characters(codec="utf-8"), max_size=40)
PLACES = st.tuples(NAMES, NAMES)
Place = tuple[str, str]
"""Namespace, workflow id."""
PAYLOADS = st.builds(
    Payload, metadata=st.dictionaries(NAMES, st.binary(max_size=80), max_size=4), data=st.binary(max_size=4000)
)


@given(st.lists(PAYLOADS, max_size=5), NAMES, NAMES)
async def test_any_payload_of_any_workflow_comes_back(payloads: list[Payload], namespace: str, workflow: str) -> None:
    one = codec({"k1": KEY}, namespace=namespace, workflow_id=workflow)
    sealed = await one.encode(payloads)
    assert await one.decode(sealed) == payloads
    assert len({payload.data for payload in sealed}) == len(payloads)


@given(PAYLOADS, PLACES, PLACES)
@example(Payload(), ("k1", ""), ("", "k1"))
def test_a_payload_opens_only_where_it_belongs(payload: Payload, here: Place, there: Place) -> None:
    """Whatever characters the names hold, no two places count as one, even if the payload says it belongs there."""
    sealed = codec({"k1": KEY}, namespace=here[0], workflow_id=here[1]).seal(payload)
    sealed.metadata[WORKFLOW_ID] = there[1].encode()
    reader = codec({"k1": KEY}, namespace=there[0], workflow_id=there[1])
    if here == there:
        assert reader.open(sealed) == payload
    else:
        with pytest.raises(Unreadable):
            reader.open(sealed)
