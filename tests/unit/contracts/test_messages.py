"""Messages that Temporal keeps say no less than was written, and never silently something else."""

import pytest
from fakes import intents
from pydantic import ValidationError

from kimp.contracts.orders import OrderIntent


def test_a_change_of_a_field_that_is_not_there_is_refused() -> None:
    assert intents.order().model_copy(update={"cycle_id": "XRP-2"}).cycle_id == "XRP-2"
    with pytest.raises(ValueError, match="OrderIntent has no CYCLE_ID, cycle"):
        intents.order().model_copy(update={"cycle": 1, "CYCLE_ID": "XRP-2"})


def test_a_field_that_is_not_known_is_refused() -> None:
    with pytest.raises(ValidationError):
        OrderIntent.model_validate(intents.order().model_dump() | {"CYCLE_ID": "XRP-2"})
