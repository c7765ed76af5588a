"""Rules out of Redis: what is kept of them can be calculated with, and one coin costs no other."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from fakes.market import NOW, TRX, XRP, d, free_rules, kimchi_quotes
from hypothesis import given
from hypothesis import strategies as st

from kimp.adapters.redis.rules import decode_rules, encode_rules
from kimp.contracts.ranges import LAST_MS
from kimp.domain.errors import BadMessage
from kimp.domain.money import USDT
from kimp.domain.opportunity import Limits, evaluate
from kimp.domain.venues import PAIR
from kimp.domain.view import MarketView

COINS = (XRP, TRX, USDT)
ANYTHING = Limits(d("-1"), d(1_000_000), d("0.002"), d(1), 2_000, least_turnover_krw=d(1))
ODD = st.one_of(
    st.sampled_from(
        ["0", "-1", "NaN", "sNaN", "Infinity", "1E-999999", "1E+999999", "1E-19", "1E+19", "0.5", "9" * 99]
    ),
    st.decimals().map(str),
)
AMOUNTS = ["lot", "min_quantity", "min_notional", "max_notional", "taker_fee", "tick_bands"]
WALLET = ["withdraw_fee", "withdraw_min", "withdraw_step"]
Document = dict[str, Any]


def written() -> list[Document]:
    return [json.loads(encode_rules(rules)) for rules in free_rules(COINS)]


def decided(documents: list[Document]) -> None:
    """What both ends of the bus do with them: a decision, or a gate, and no exception."""
    rules = [decode_rules(json.dumps(document).encode())[0] for document in documents]
    view = MarketView.of(kimchi_quotes(), rules)
    for coin in (XRP, TRX):
        for direction in PAIR.directions:
            evaluate(view, coin, direction, COINS, ANYTHING, NOW)


@given(st.sampled_from(AMOUNTS), ODD, st.integers(0, 1), st.integers(0, 1))
def test_no_number_of_a_market_ends_a_decision(name: str, odd: str, venue: int, which: int) -> None:
    documents = written()
    row = documents[venue]["rules"]["instruments"][which]
    row[name] = [{"from_price": "0", "tick": odd}] if name == "tick_bands" else odd
    decided(documents)


@given(st.sampled_from(WALLET), ODD, st.integers(0, 1), st.integers(0, 2))
def test_no_number_of_a_wallet_ends_a_decision(name: str, odd: str, venue: int, which: int) -> None:
    documents = written()
    documents[venue]["rules"]["networks"][which][name] = odd
    decided(documents)


def spoil_lot(rules: Document) -> None:
    rules["instruments"][0]["lot"] = "0"


def spoil_bands(rules: Document) -> None:
    rules["instruments"][0]["tick_bands"] = []


def spoil_tick(rules: Document) -> None:
    rules["instruments"][0]["tick_bands"][0]["tick"] = "0"


def spoil_fee(rules: Document) -> None:
    rules["instruments"][0]["taker_fee"] = "-0.02"


@pytest.mark.parametrize("spoil", [spoil_lot, spoil_bands, spoil_tick, spoil_fee])
def test_a_coin_whose_rules_can_not_be_true_is_left_out_and_named(spoil: Callable[[Document], None]) -> None:
    document = written()[0]
    whole, none = decode_rules(json.dumps(document).encode())
    assert none == []
    spoil(document["rules"])
    kept, refused = decode_rules(json.dumps(document).encode())
    assert kept.instruments == whole.instruments[1:]
    assert kept.networks == whole.networks
    assert [whole.instruments[0].coin in line for line in refused] == [True]


@given(ODD)
def test_no_turnover_ends_a_decision(odd: str) -> None:
    documents = written()
    documents[0]["rules"]["turnovers"][0]["cash"] = odd
    decided(documents)


def test_rules_of_a_feeder_that_tells_no_turnovers_are_read() -> None:
    document = written()[0]
    del document["rules"]["turnovers"]
    rules, refused = decode_rules(json.dumps(document).encode())
    assert (rules.turnovers, refused) == ((), [])


@pytest.mark.parametrize("read_ms", [-1, LAST_MS + 1, 10**400])
def test_rules_of_no_time_are_refused(read_ms: int) -> None:
    document = written()[0]
    document["rules"]["read_ms"] = read_ms
    with pytest.raises(BadMessage):
        decode_rules(json.dumps(document).encode())
