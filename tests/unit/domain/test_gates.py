"""Gates are counted, shown and looked for under their names."""

import pytest

from kimp.domain.gates import Gate


@pytest.mark.parametrize("gate", Gate)
def test_a_gate_is_told_by_its_own_name(gate: Gate) -> None:
    assert gate.value == gate.name.lower()
