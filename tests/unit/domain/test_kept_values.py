"""Words that databases, histories and order ids keep: another kimp must read them as what they were."""

from enum import Enum

import pytest

from kimp.domain.admission import HaltLevel
from kimp.domain.ids import Leg, Step
from kimp.domain.keys import Right
from kimp.domain.ledger import Account
from kimp.domain.market import Side
from kimp.domain.reasons import ReasonKind


@pytest.mark.parametrize("kept", [Account, ReasonKind, Right, Side], ids=lambda kept: kept.__name__)
def test_what_is_told_by_a_word_is_told_by_its_own_name(kept: type[Enum]) -> None:
    assert [one.value for one in kept] == [one.name.lower() for one in kept]


def test_letters_of_ids_and_levels_of_the_kill_switch_stay() -> None:
    assert {leg.name: leg.value for leg in Leg} == {"ONE": "1", "HOME": "H", "BACK": "R"}
    assert {step.name: step.value for step in Step} == {"BUY": "B", "SEND": "W", "SELL": "S"}
    assert [level.value for level in HaltLevel] == [0, 1, 2, 3]
    assert [level.name for level in HaltLevel] == ["RUN", "NO_NEW_CYCLES", "ONLY_COMPENSATION", "NOTHING_LEAVES"]
