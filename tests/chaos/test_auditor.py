"""The auditor finds what it is there to find: evidence with each invariant broken once, and clean evidence."""

import ast
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from chaos.auditor.evidence import Evidence, Unread
from chaos.auditor.keeping import load, save
from chaos.auditor.verdict import Holds, Verdict, count_beyond_fence, judge
from chaos.handmade import ALLOWED, CYCLE, START_MS, Change, Pages, broken, clean

INVARIANTS = {f"I{number}" for number in range(1, 11)}


def test_it_shares_no_code_with_what_it_audits() -> None:
    imported = {
        name.split(".")[0]
        for path in (Path(__file__).parent / "auditor").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        for name in _imported(node)
    }
    assert imported.isdisjoint({"kimp", "workflows", "activities", "feeder", "initiator", "fakes"})


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []


def test_kept_evidence_is_judged_as_it_was(tmp_path: Path) -> None:
    for evidence in (clean().evidence(), broken(_a_second_order_of_a_step), broken(_it_never_came_to_rest)):
        save(evidence, tmp_path)
        assert failing(load(tmp_path)).keys() == failing(evidence).keys()


def test_what_was_unread_stays_unread_when_it_is_kept(tmp_path: Path) -> None:
    save(replace(clean().evidence(), workflows=Unread("nobody answered")), tmp_path)
    assert load(tmp_path).workflows == Unread("nobody answered")


def failing(evidence: Evidence) -> dict[str, str]:
    """The broken invariants, with all that is said of them."""
    return {v.invariant: "; ".join(map(str, v.violations)) for v in judge(evidence) if v.holds is Holds.NO}


def test_clean_evidence_holds_in_every_invariant() -> None:
    verdicts = judge(clean().evidence())
    assert {verdict.invariant: verdict.holds for verdict in verdicts} == dict.fromkeys(INVARIANTS, Holds.YES)


def _an_entry_off(pages: Pages) -> None:
    pages.row("ledger_postings", entry_id="XRP-1-1S1-1/t2", line=5)["amount"] = "149.56"


def _a_fill_not_booked(pages: Pages) -> None:
    for table in ("ledger_entries", "ledger_postings"):
        pages.tables[table] = [row for row in pages.tables[table] if row["entry_id"] != "XRP-1-HB1-1/t3"]


def _a_fill_booked_twice(pages: Pages) -> None:
    for table in ("ledger_entries", "ledger_postings"):
        again = [row for row in pages.tables[table] if row["entry_id"] == "XRP-1-1S1-1/t2"]
        pages.tables[table] += [{**row, "entry_id": "XRP-1-1S1-1/t9"} for row in again]


def _a_deposit_that_never_came(pages: Pages) -> None:
    pages.journal = [line for line in pages.journal if line.get("deposit") != "d-2"]


def _a_balance_off_by_a_hair(pages: Pages) -> None:
    pages.journal[-1]["balance"] = "999.00000001"


def _capital_not_given_back(pages: Pages) -> None:
    pages.tables["reservations"] = [
        {"cycle_id": CYCLE, "venue": "binance", "asset": "USDT", "amount": "200", "released_ms": None}
    ]


def _free_capital_off(pages: Pages) -> None:
    pages.tables["capital"] = [{"venue": "binance", "asset": "USDT", "free": "998"}]


def _a_second_order_of_a_step(pages: Pages) -> None:
    first = pages.line("order", client_id="XRP-1-1S1-1")
    pages.journal.append({**first, "client_id": "XRP-1-1S1-2", "order": "o-again"})
    intent = pages.row("order_intents", client_order_id="XRP-1-1S1-1")
    pages.tables["order_intents"].append({**intent, "client_order_id": "XRP-1-1S1-2"})


def _the_same_client_id_twice(pages: Pages) -> None:
    pages.journal.append({**pages.line("order", client_id="XRP-1-1B1-1"), "order": "o-again"})


def _an_order_of_nobody(pages: Pages) -> None:
    pages.journal.append({**pages.line("order", client_id="XRP-1-1B1-1"), "client_id": "x-A6SIDXVS", "order": "o-x"})


def _an_order_other_than_intended(pages: Pages) -> None:
    pages.line("order", client_id="XRP-1-1B1-1")["limit"] = "2.02"


def _filled_more_than_intended(pages: Pages) -> None:
    pages.line("fill", client_id="XRP-1-1B1-1")["quantity"] = "100.1"


def _late_and_never_taken_in(pages: Pages) -> None:
    line, fill = pages.line("order", client_id="XRP-1-1S1-1"), pages.line("fill", client_id="XRP-1-1S1-1")
    who = {"client_id": "XRP-1-1S2-1", "order": "o-late"}
    pages.journal += [{**line, **who, "ms": line["ms"] + 30_000}, {**fill, **who}]
    intent = pages.row("order_intents", client_order_id="XRP-1-1S1-1")
    pages.tables["order_intents"].append({**intent, "client_order_id": "XRP-1-1S2-1"})


def _withdrawn_twice(pages: Pages) -> None:
    for line in pages.lines("withdrawal", withdrawal="w-1"):
        pages.journal.append({**line, "withdrawal": "w-9", "txid": line["txid"] and "tx-w-9"})


def _another_withdrawal_of_the_leg(pages: Pages) -> None:
    for line in pages.lines("withdrawal", withdrawal="w-1"):
        pages.journal.append({**line, "withdrawal": "w-9", "client_id": "XRP-1-1W-2"})
    intent = pages.row("withdrawal_intents", transfer_id="XRP-1-1W-1")
    pages.tables["withdrawal_intents"].append({**intent, "transfer_id": "XRP-1-1W-2", "venue_id": "w9"})


def _a_wrong_tag(pages: Pages) -> None:
    for line in pages.lines("withdrawal", withdrawal="w-1"):
        line["tag"] = "8"


def _a_coin_that_is_not_listed(pages: Pages) -> None:
    listed = {key: place for key, place in ALLOWED.items() if key != ("upbit", "USDT")}
    pages.circumstances = replace(pages.circumstances, allowed=listed)


def _a_withdrawal_of_nobody(pages: Pages) -> None:
    pages.tables["withdrawal_intents"] = pages.tables["withdrawal_intents"][1:]


def _a_row_without_a_workflow(pages: Pages) -> None:
    pages.workflow = replace(pages.workflow, workflow_id="cycle-XRP-2")


def _a_row_of_another_run(pages: Pages) -> None:
    pages.workflow = replace(pages.workflow, run_id="ffff")


def _ended_by_a_failure(pages: Pages) -> None:
    pages.workflow = replace(pages.workflow, status="FAILED")


def _ended_in_the_row_only(pages: Pages) -> None:
    pages.workflow = replace(pages.workflow, status="RUNNING")


def _parked_without_a_reason(pages: Pages) -> None:
    pages.workflow = replace(pages.workflow, status="RUNNING")
    pages.row("cycles")["status"] = "DEAD_LETTER"


def _begun_and_nowhere(pages: Pages) -> None:
    intent = pages.row("order_intents", client_order_id="XRP-1-1B1-1")
    pages.tables["order_intents"].append({**intent, "client_order_id": "ADA-4-1B1-1", "cycle_id": "ADA-4"})


def _started_while_halted(pages: Pages) -> None:
    pages.tables["halts"] = [{"id": 1, "level": 1, "set_ms": START_MS - 60_000}]


def _coins_left_in_an_ended_cycle(pages: Pages) -> None:
    for row in pages.tables["ledger_postings"]:
        if row["entry_id"] == "XRP-1-1S1-1/t2" and row["asset"] == "XRP":
            row["amount"] = "-90" if row["account"] == "upbit" else "90"


def _coins_that_were_not_its_own(pages: Pages) -> None:
    for row in pages.tables["ledger_postings"]:
        if row["entry_id"] == "XRP-1-1S1-1/t2" and row["asset"] == "XRP":
            row["amount"] = "-120" if row["account"] == "upbit" else "120"


def _something_in_transit_for_ever(pages: Pages) -> None:
    for table in ("ledger_entries", "ledger_postings"):
        pages.tables[table] = [row for row in pages.tables[table] if row["entry_id"] != "XRP-1-HW-1/in"]


def _a_row_behind_its_history(pages: Pages) -> None:
    pages.row("cycles")["sequence"] = 7


def _a_profit_of_another(pages: Pages) -> None:
    pages.row("cycles")["profit_krw"] = "2328"


def _an_entry_that_nobody_recorded(pages: Pages) -> None:
    pages.ask("record", 2, entries=[])


def _a_record_that_is_not_in_the_ledger(pages: Pages) -> None:
    _a_fill_not_booked(pages)


def _an_intent_after_the_order(pages: Pages) -> None:
    pages.row("order_intents", client_order_id="XRP-1-1S1-1")["first_asked_ms"] += 51


def _no_intent_at_all(pages: Pages) -> None:
    pages.tables["order_intents"] = pages.tables["order_intents"][1:]


def _after_its_expiry(pages: Pages) -> None:
    pages.ask("execute_order", 0, expires_at_ms=START_MS - 10_000)


def _above_the_cap(pages: Pages) -> None:
    pages.circumstances = replace(pages.circumstances, order_cap_krw=Decimal(250_000))


def _off_the_price_band(pages: Pages) -> None:
    pages.line("order", client_id="XRP-1-1B1-1")["limit"] = "201"


def _against_the_kill_switch(pages: Pages) -> None:
    pages.tables["halts"] = [{"id": 1, "level": 2, "set_ms": START_MS - 60_000}]


def _withdrawn_against_the_kill_switch(pages: Pages) -> None:
    asked = pages.row("withdrawal_intents", transfer_id="XRP-1-HW-1")["first_asked_ms"]
    pages.tables["halts"] = [
        {"id": 1, "level": 3, "set_ms": asked - 5_500},
        {"id": 2, "level": 0, "set_ms": asked + 5_500},
    ]


def _a_history_replays_otherwise(pages: Pages) -> None:
    pages.differences.append("cycle-XRP-1: activity 3 got another input")


def _a_secret_is_found(pages: Pages) -> None:
    pages.leaks.append("upbit_secret (plain) in file worker-1.log")


def _it_never_came_to_rest(pages: Pages) -> None:
    pages.circumstances = replace(pages.circumstances, settled_s=None)


def _running_and_nobody_knows_why(pages: Pages) -> None:
    pages.workflow = replace(pages.workflow, status="RUNNING")
    pages.row("cycles").update(status="REBALANCING_IN_PROGRESS", closed_ms=None)


def _parked_again_and_again(pages: Pages) -> None:
    pages.workflow = replace(pages.workflow, status="RUNNING")
    pages.row("cycles").update(status="DEAD_LETTER", reason="lost", closed_ms=None)
    pages.circumstances = replace(pages.circumstances, decided={CYCLE: 2})


BROKEN: list[tuple[str, Change]] = [
    ("I1", _an_entry_off),
    ("I1", _a_fill_not_booked),
    ("I1", _a_fill_booked_twice),
    ("I1", _a_deposit_that_never_came),
    ("I1", _a_balance_off_by_a_hair),
    ("I1", _capital_not_given_back),
    ("I1", _free_capital_off),
    ("I2", _a_second_order_of_a_step),
    ("I2", _the_same_client_id_twice),
    ("I2", _an_order_of_nobody),
    ("I2", _an_order_other_than_intended),
    ("I2", _filled_more_than_intended),
    ("I2", _late_and_never_taken_in),
    ("I3", _withdrawn_twice),
    ("I3", _another_withdrawal_of_the_leg),
    ("I3", _a_wrong_tag),
    ("I3", _a_coin_that_is_not_listed),
    ("I3", _a_withdrawal_of_nobody),
    ("I4", _a_row_without_a_workflow),
    ("I4", _a_row_of_another_run),
    ("I4", _ended_by_a_failure),
    ("I4", _ended_in_the_row_only),
    ("I4", _parked_without_a_reason),
    ("I4", _begun_and_nowhere),
    ("I4", _started_while_halted),
    ("I5", _coins_left_in_an_ended_cycle),
    ("I5", _coins_that_were_not_its_own),
    ("I5", _something_in_transit_for_ever),
    ("I6", _a_row_behind_its_history),
    ("I6", _a_profit_of_another),
    ("I6", _an_entry_that_nobody_recorded),
    ("I6", _a_record_that_is_not_in_the_ledger),
    ("I7", _an_intent_after_the_order),
    ("I7", _no_intent_at_all),
    ("I7", _after_its_expiry),
    ("I7", _above_the_cap),
    ("I7", _off_the_price_band),
    ("I7", _against_the_kill_switch),
    ("I7", _withdrawn_against_the_kill_switch),
    ("I8", _a_history_replays_otherwise),
    ("I9", _a_secret_is_found),
    ("I10", _it_never_came_to_rest),
    ("I10", _running_and_nobody_knows_why),
    ("I10", _parked_again_and_again),
]


@pytest.mark.parametrize(
    ("invariant", "change"), BROKEN, ids=[f"{invariant}{change.__name__}" for invariant, change in BROKEN]
)
def test_a_broken_invariant_is_reported(invariant: str, change: Change) -> None:
    assert invariant in failing(broken(change))


def test_the_facts_are_told() -> None:
    said = failing(broken(_a_second_order_of_a_step))["I2"]
    assert "cycle XRP-1" in said
    assert "XRP-1-1S1-2" in said


def test_every_invariant_is_broken_once() -> None:
    assert {invariant for invariant, _ in BROKEN} == INVARIANTS


def verdicts_without(source: str) -> dict[str, Verdict]:
    missing: dict[str, Any] = {source: Unread("nobody answered")}
    evidence = replace(clean().evidence(), **missing)
    return {verdict.invariant: verdict for verdict in judge(evidence)}


@pytest.mark.parametrize(
    ("source", "unknown"),
    [
        ("journal", {"I1", "I2", "I3", "I4", "I5", "I7"}),
        ("tables", INVARIANTS - {"I8", "I9"}),
        ("workflows", {"I4", "I6", "I7", "I10"}),
        ("differences", {"I8"}),
        ("leaks", {"I9"}),
    ],
)
def test_what_could_not_be_read_is_unknown_and_not_well(source: str, unknown: set[str]) -> None:
    found = verdicts_without(source)
    assert {name for name, verdict in found.items() if verdict.holds is Holds.UNKNOWN} == unknown
    assert all("nobody answered" in found[name].unknown for name in unknown)


def test_a_journal_with_a_gap_or_without_a_line_is_unknown() -> None:
    evidence = clean().evidence()
    assert not isinstance(evidence.journal, Unread)
    for journal in (evidence.journal[1:], []):
        holds = {verdict.invariant: verdict.holds for verdict in judge(replace(evidence, journal=journal))}
        assert holds["I1"] is Holds.UNKNOWN


def test_an_order_beyond_the_fence_that_was_taken_in_is_no_violation_and_is_counted() -> None:
    def late(pages: Pages) -> None:
        pages.row("order_intents", client_order_id="XRP-1-1S1-1")["first_asked_ms"] -= 30_000

    assert failing(broken(late)) == {}
    assert count_beyond_fence(broken(late)) == 1
    assert count_beyond_fence(clean().evidence()) == 0


def test_what_an_open_cycle_moved_and_has_not_booked_yet_is_allowed_for() -> None:
    def open_and_waiting(pages: Pages) -> None:
        _a_fill_not_booked(pages)
        for name in ("XRP-1-HW-1/out", "XRP-1-HW-1/in"):
            for table in ("ledger_entries", "ledger_postings"):
                pages.tables[table] = [row for row in pages.tables[table] if row["entry_id"] != name]
        waits = {"waiting_reason": "a ban", "waiting_since_ms": START_MS, "next_check_ms": START_MS + 60_000}
        pages.row("cycles").update(waits, status="REBALANCING_IN_PROGRESS", sequence=4, closed_ms=None)
        row = pages.row("cycles")
        row.update(updated_ms=START_MS + 4_000, returned=None, route=None, profit_krw=None)
        pages.ask("record", 3, **waits, status="REBALANCING_IN_PROGRESS")
        calls = [call for call in pages.workflow.calls if call.asked.get("sequence", 0) <= 4]
        pages.workflow = replace(pages.workflow, status="RUNNING", calls=tuple(calls))

    assert failing(broken(open_and_waiting)) == {}
