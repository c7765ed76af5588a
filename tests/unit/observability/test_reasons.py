"""Labels of few values, however many reasons there are."""

import pytest

from kimp.observability.reasons import kind_of


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("XRP wallet of binance is closed", "wallet_closed"),
        ("a way home that keeps 0.10%", "no_route"),
        ("upbit: the withdrawal is locked [open_api_withdraw_locked]", "open_api_withdraw_locked"),
        ("binance: Too many requests. [-1003]", "-1003"),
        ("orders are halted at level 2 (only_compensation)", "kill_switch"),
        (
            "moving XRP; withdrawal XRP-1-1W-1: no answer, and binance lists none like it; a person",
            "withdrawal_unknown",
        ),
        ("something new about XRP-17", "other"),
        (None, "other"),
    ],
)
def test_kinds(reason: str | None, kind: str) -> None:
    assert kind_of(reason) == kind
