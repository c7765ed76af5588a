"""Whether what a venue lists is what was asked for."""

import pytest
from fakes import intents
from fakes.market import NOW, d

from activities.identity import foreign_withdrawal
from kimp.contracts.transfers import Address, TransferState, WithdrawalReport
from kimp.ports.exchange import ListedWithdrawal

HEX = "0x" + "aB" * 20


@pytest.mark.parametrize(
    ("asked", "listed", "same"),
    [
        (HEX, HEX, True),
        (HEX, "0x" + "Ab" * 20, True),
        (HEX, "0x" + "ab" * 20, True),
        ("0x" + "ab" * 20, HEX, True),
        (HEX, "0x" + "aB" * 19 + "ac", False),
        (HEX, "aB" * 20, False),
        ("rBinance", "rBinance", True),
        ("rBinance", "rbinance", False),
    ],
)
def test_a_hexadecimal_address_is_the_same_in_letters_of_either_case_and_no_other_is(
    asked: str, listed: str, *, same: bool
) -> None:
    intent = intents.withdrawal(address=Address(network="XRP", address=asked))
    report = WithdrawalReport(venue_id="w", state=TransferState.DONE, txid="t", arrives=d(99), fee=d(1))
    found = ListedWithdrawal(report, d(100), network="XRP", address=listed, asked_ms=NOW, named=False)
    differs = foreign_withdrawal(intent, found, NOW)
    assert differs == (None if same else f"address {listed} instead of {asked}")
