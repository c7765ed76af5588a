"""The auditor knows pairs: no leg is open in the end, and coins that were set aside are free again."""

from dataclasses import replace

import pytest
from chaos.auditor.books import Books
from chaos.auditor.evidence import Call
from chaos.auditor.verdict import judge
from chaos.handmade import CYCLE, RUN, START_MS, Pages, clean


def paired(pages: Pages) -> None:
    """One call journalled both orders of leg one."""
    for name in ("XRP-1-1B1-1", "XRP-1-1S1-1"):
        pages.row("order_intents", client_order_id=name)["asked_by"] = "one-call"


def owing(pages: Pages, coins: str) -> None:
    """Of what was sold of the stock so much never came back."""
    pages.add_entry(
        "XRP-1-1W-1/gone", CYCLE, START_MS + 20_000, ("upbit", "XRP", f"-{coins}"), ("market", "XRP", coins)
    )


def reported(pages: Pages) -> list[str]:
    return [str(violation) for verdict in judge(pages.evidence()) for violation in verdict.violations]


def test_orders_of_one_call_are_a_pair() -> None:
    pages = clean()
    assert Books.of(pages.tables).paired == set()
    paired(pages)
    assert Books.of(pages.tables).paired == {CYCLE}


@pytest.mark.parametrize(("coins", "open_leg"), [("1", False), ("10", True)])
def test_a_cycle_that_ended_owes_the_stock_no_more_than_dust(coins: str, *, open_leg: bool) -> None:
    pages = clean()
    paired(pages)
    owing(pages, coins)
    assert any("gave away what it never had" in one for one in reported(pages)) is open_leg


def test_a_cycle_that_moved_its_coins_first_owes_nothing_at_all() -> None:
    pages = clean()
    owing(pages, "1")
    assert any("gave away what it never had" in one for one in reported(pages))


def test_free_stock_is_what_the_ledger_holds() -> None:
    pages = clean()
    pages.tables["stock"] = [{"venue": "upbit", "coin": "XRP", "free": "5"}]
    assert any("free stock is not the balance" in one for one in reported(pages))
    pages.tables["stock"] = [{"venue": "upbit", "coin": "ADA", "free": "0"}]
    assert not any("stock" in one for one in reported(pages))


def test_coins_are_set_aside_no_longer_than_cash() -> None:
    pages = clean()
    pages.tables["stock_reservations"] = [{"cycle_id": CYCLE, "venue": "upbit", "coin": "XRP", "amount": "5"}]
    assert any("coins are set aside for a cycle that is over" in one for one in reported(pages))


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_either_order_of_a_pair_is_sent_in_time(side: str) -> None:
    pages = clean()
    orders = {"buy": "XRP-1-1B1-1", "sell": "XRP-1-1S1-1"}
    asked = {
        which: {
            "client_order_id": name,
            "run_id": RUN,
            "expires_at_ms": START_MS - 10_000 if which == side else START_MS + 3_600_000,
        }
        for which, name in orders.items()
    }
    calls = [call for call in pages.workflow.calls if call.asked.get("client_order_id") not in orders.values()]
    pages.workflow = replace(pages.workflow, calls=(Call("execute_pair", asked, done=True), *calls))
    late = [one for one in reported(pages) if "XRP-1-1" in one]
    assert len(late) == 1
    assert orders[side] in late[0]
