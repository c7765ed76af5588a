"""The auditor finds what it is there to find: evidence with each invariant broken once, and clean evidence."""

import ast
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from chaos.auditor.books import Entry
from chaos.auditor.evidence import Caps, Evidence, Unread
from chaos.auditor.keeping import load, save
from chaos.auditor.reconciliation import fees_shared_otherwise
from chaos.auditor.venue_truth import Fill
from chaos.auditor.verdict import Holds, Verdict, count_beyond_fence, judge
from chaos.handmade import ALLOWED, CYCLE, RUN, START_MS, Change, Pages, broken, clean

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
    pages.row("reservations")["released_ms"] = None


def _free_capital_off(pages: Pages) -> None:
    pages.row("capital")["free"] = "998"


def _more_reserved_than_there_is(pages: Pages) -> None:
    other = {**pages.row("reservations"), "cycle_id": "ADA-1", "amount": "900", "made_ms": START_MS + 2_500}
    pages.tables["reservations"].append(other)


def _a_difference_booked_without_a_cause(pages: Pages) -> None:
    """And the balance is as it says: kimp papered over a hole."""
    booked_ms = pages.journal[-1]["ms"] + 60_000
    pages.add_entry("reconciled/1", None, booked_ms, ("binance", "USDT", "5"), ("external", "USDT", "-5"))
    pages.journal.append({**pages.journal[-1], "balance": "1004"})
    pages.row("capital")["free"] = "1004"


def _credited_twice(pages: Pages) -> None:
    again = {**pages.line("deposit", deposit="d-2", step="credited"), "deposit": "d-3"}
    ms = pages.journal[-1]["ms"]
    pages.journal += [{**again, "ms": ms + 2_000}, {**pages.journal[-1], "ms": ms + 2_001, "balance": "1198"}]


def _credited_twice_and_booked(pages: Pages, amount: str = "199", *, after_s: int = 60) -> None:
    _credited_twice(pages)
    booked_ms = pages.journal[-1]["ms"] + after_s * 1_000
    pages.add_entry("reconciled/1", None, booked_ms, ("binance", "USDT", amount), ("external", "USDT", f"-{amount}"))
    pages.row("capital")["free"] = str(999 + int(amount))


def _another_difference_than_the_mistake(pages: Pages) -> None:
    _credited_twice_and_booked(pages, "198")


def _a_difference_booked_before_it_was_there(pages: Pages) -> None:
    _credited_twice_and_booked(pages, after_s=-30)


def _a_short_deposit(pages: Pages) -> None:
    """Of 199 USDT 190 are credited, and the books say so."""
    for line in pages.lines("deposit", deposit="d-2"):
        line["amount"] = "190"
    pages.journal[-1]["balance"] = "990"
    pages.journal.append({**pages.journal[-1], "kind": "lost", "withdrawal": "w-2", "coin": "USDT", "amount": "9"})
    pages.row("capital")["free"] = "990"
    _earned(pages, "-10272.05")
    pages.drop_entry("XRP-1-HW-1/in")
    arrived = (("in_transit", "USDT", "-190"), ("binance", "USDT", "190"))
    gone = (("in_transit", "USDT", "-9"), ("external", "USDT", "9"))
    for name, postings in (("XRP-1-HW-1/in", arrived), ("XRP-1-HW-1/missing", gone)):
        pages.add_entry(name, CYCLE, START_MS, *postings)
    pages.ask("record", 6, entries=[_reported("XRP-1-HW-1/in", arrived), _reported("XRP-1-HW-1/missing", gone)])


def _reported(name: str, postings: Sequence[tuple[str, str, str]]) -> dict[str, Any]:
    """An entry as a history has it."""
    lines = [{"account": a, "asset": c, "amount": n} for a, c, n in postings]
    return {"entry_id": name, "cycle_id": CYCLE, "postings": lines}


def _missing_and_it_was_all_there(pages: Pages) -> None:
    pages.add_entry("XRP-1-HW-1/missing", CYCLE, START_MS, ("in_transit", "USDT", "-9"), ("external", "USDT", "9"))


def _short_and_the_rest_forgotten(pages: Pages) -> None:
    _a_short_deposit(pages)
    pages.drop_entry("XRP-1-HW-1/missing")


def _a_lost_deposit(pages: Pages) -> None:
    """The way home never arrives; a person wrote it off."""
    pages.journal = [line for line in pages.journal if line.get("deposit") != "d-2"]
    pages.journal[-1]["balance"] = "800"
    lost = {"kind": "lost", "ms": pages.journal[-1]["ms"], "withdrawal": "w-2", "coin": "USDT", "amount": "199"}
    pages.journal.append(lost)
    pages.row("capital")["free"] = "800"
    pages.drop_entry("XRP-1-HW-1/in")
    written_off = (("in_transit", "USDT", "-199"), ("external", "USDT", "199"))
    pages.add_entry("XRP-1/write-off/1", CYCLE, START_MS, *written_off)
    pages.ask("record", 6, entries=[_reported("XRP-1/write-off/1", written_off)])
    _earned(pages, "-291197.05")


def _earned(pages: Pages, profit_krw: str) -> None:
    """By the row, and by the record that it comes from."""
    pages.row("cycles")["profit_krw"] = profit_krw
    pages.ask("record", 7, profit_krw=profit_krw)


def _written_off_and_it_was_never_lost(pages: Pages) -> None:
    _a_lost_deposit(pages)
    pages.journal.pop()


def _fees_in_bnb(pages: Pages, booked: str = "0.001") -> None:
    pages.journal.insert(0, {**pages.journal[0], "asset": "BNB", "balance": "1"})
    fee = {"fee": "0.001", "fee_asset": "BNB"}
    fill = pages.line("fill", client_id="XRP-1-1B1-1")
    fill.update(fee)
    pages.line("balance", asset="XRP", balance="99.9")["balance"] = "100"
    pages.journal.append({**pages.journal[0], "ms": pages.journal[-1]["ms"], "balance": str(1 - Decimal("0.001"))})
    pages.row("ledger_postings", entry_id="XRP-1-1B1-1/t1", line=4).update(asset="BNB", amount=f"-{booked}")
    pages.row("ledger_postings", entry_id="XRP-1-1B1-1/t1", line=5).update(asset="BNB", amount=booked)
    pages.add_entry("opening/bnb", None, START_MS, ("external", "BNB", "-1"), ("binance", "BNB", "1"))
    postings = [(p["account"], p["asset"], p["amount"]) for p in pages.tables["ledger_postings"]
                if p["entry_id"] == "XRP-1-1B1-1/t1"]  # fmt: skip
    pages.ask("record", 0, entries=[_reported("XRP-1-1B1-1/t1", postings)])
    # What the fee spared is sold as well.
    pages.drop_entry("XRP-1-1W-1/out")
    out = (("binance", "XRP", "-100"), ("in_transit", "XRP", "99.7"), ("fees", "XRP", "0.3"))
    pages.add_entry("XRP-1-1W-1/out", CYCLE, START_MS, *out)
    for line in pages.lines("withdrawal", withdrawal="w-1"):
        line["fee"] = "0.3"
    pages.row("withdrawal_intents", transfer_id="XRP-1-1W-1")["amount"] = "100"
    pages.ask("record", 1, entries=[_reported("XRP-1-1W-1/out", out)])
    _earned(pages, "1880")


def _fees_in_bnb_that_cost_nothing(pages: Pages) -> None:
    _fees_in_bnb(pages)
    _earned(pages, "2327.95")


def _another_fee_in_bnb(pages: Pages) -> None:
    _fees_in_bnb(pages, "0.002")


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


def _taken_over(pages: Pages, *, decided: int = 1, before: str = "TERMINATED") -> None:
    """The first run ends before the last record, a second one makes that."""
    *calls, last = pages.workflow.calls
    entries = [entry for call in calls for entry in call.asked.get("entries", ())]
    pages.workflow = replace(pages.workflow, status=before, calls=tuple(calls))
    last = replace(last, asked={**last.asked, "workflow_run_id": "1b2a", "status": "COMPENSATED"})
    after = replace(
        pages.workflow, run_id="1b2a", status="COMPLETED", started_ms=START_MS + 40_000, calls=(last,),
        kind="StrandedCycle", brought=tuple(entries),
    )  # fmt: skip
    pages.later.append(after)
    pages.row("cycles").update(workflow_run_id="1b2a", status="COMPENSATED")
    pages.circumstances = replace(pages.circumstances, terminated={CYCLE: decided} if decided else {})


def _terminated_by_nobody(pages: Pages) -> None:
    _taken_over(pages, decided=0)


def _taken_over_though_it_was_well(pages: Pages) -> None:
    _taken_over(pages, decided=0, before="COMPLETED")


def _begun_twice(pages: Pages) -> None:
    _taken_over(pages)
    pages.later = [replace(pages.later[0], kind="ArbitrageCycle")]


def _terminated_and_left_alone(pages: Pages) -> None:
    _taken_over(pages)
    pages.later = []
    pages.row("cycles").update(workflow_run_id=RUN, status="REBALANCING_IN_PROGRESS")


def _the_row_of_the_run_before(pages: Pages) -> None:
    _taken_over(pages)
    pages.row("cycles")["workflow_run_id"] = RUN


def _the_row_reports_what_the_run_before_reported(pages: Pages) -> None:
    _taken_over(pages)
    pages.row("cycles")["sequence"] = 7


def _reserved_by_a_cycle_that_is_nowhere(pages: Pages) -> None:
    pages.tables["reservations"].append({**pages.row("reservations"), "cycle_id": "ADA-4", "released_ms": None})


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


def _opened_by_stale_quotes(pages: Pages, *, age_ms: int = 3_100) -> None:
    opening = {"detected_at_ms": START_MS, "quoted_at_ms": START_MS - age_ms}
    pages.workflow = replace(pages.workflow, opening=opening)


def _opened_by_quotes_of_a_time_to_come(pages: Pages) -> None:
    _opened_by_stale_quotes(pages, age_ms=-3_100)


def _opened_by_quotes_as_old_as_they_may_be(pages: Pages) -> None:
    _opened_by_stale_quotes(pages, age_ms=2_000)


def _opened_and_nobody_knows_by_what_quotes(pages: Pages) -> None:
    pages.workflow = replace(pages.workflow, opening={"detected_at_ms": START_MS, "quoted_at_ms": None})


def _opened_at_a_forged_price(pages: Pages) -> None:
    """It filled at its limit or better, and so did every other figure of it: only the venue's book tells."""
    pages.line("order", client_id="XRP-1-1B1-1").update(bid="1.98", ask="1.9801")


def _opened_below_the_market(pages: Pages) -> None:
    pages.line("order", client_id="XRP-1-1B1-1").update(bid="2.04", ask="2.0401")


def _opened_while_the_market_moved(pages: Pages) -> None:
    _opened_at_a_forged_price(pages)
    pages.circumstances = replace(pages.circumstances, price_step=Decimal("0.01"))


def _a_later_order_far_from_its_book(pages: Pages) -> None:
    """A way home is bounded otherwise: the band is the first order's."""
    pages.line("order", client_id="XRP-1-HB1-1").update(bid="1440", ask="1441")


def _twice_the_fee(pages: Pages, halted: Sequence[dict[str, int]] = ()) -> None:
    """As the venue took it, in all books: 299.1 won for 149.55."""
    fee, more = "299.1", Decimal("149.55")
    pages.line("fill", client_id="XRP-1-1S1-1")["fee"] = fee
    balance = pages.line("balance", asset="KRW", balance="1003802.95")
    balance["balance"] = str(Decimal("1003802.95") - more)
    pages.row("capital", asset="KRW")["free"] = balance["balance"]
    for line, sign in ((4, "-"), (5, "")):
        pages.row("ledger_postings", entry_id="XRP-1-1S1-1/t2", line=line)["amount"] = f"{sign}{fee}"
    postings = [(p["account"], p["asset"], p["amount"]) for p in pages.tables["ledger_postings"]
                if p["entry_id"] == "XRP-1-1S1-1/t2"]  # fmt: skip
    pages.ask("record", 3, entries=[_reported("XRP-1-1S1-1/t2", postings)])
    pages.tables["halts"] = [dict(halt) for halt in halted]


def _twice_the_fee_and_a_halt(pages: Pages) -> None:
    _twice_the_fee(pages, [{"id": 1, "level": 1, "set_ms": pages.line("fill", client_id="XRP-1-1S1-1")["ms"] + 500}])


def _a_fee_booked_twice(pages: Pages, fee: str = "299.1") -> None:
    """The entry sums to zero, and history and ledger agree: only the venue's fill tells."""
    for line, sign in ((4, "-"), (5, "")):
        pages.row("ledger_postings", entry_id="XRP-1-1S1-1/t2", line=line)["amount"] = f"{sign}{fee}"


def _a_fee_not_booked(pages: Pages) -> None:
    _a_fee_booked_twice(pages, "0")


def _still_trading(pages: Pages) -> None:
    pages.journal = [
        line for line in pages.journal if line["kind"] != "order_closed" or line["client_id"] != "XRP-1-HB1-1"
    ]


def _an_order_that_may_yet_surface(pages: Pages, *, asked_ms_ago: int = 30_000) -> None:
    """Its cycle has ended, kimp has called it absent, and the venue has not executed it so far."""
    ends_ms = pages.row("cycles")["updated_ms"]
    intent = {**pages.row("order_intents", client_order_id="XRP-1-HB1-1"), "client_order_id": "XRP-1-HB1-2"}
    asked = {"first_asked_ms": ends_ms - asked_ms_ago, "outcome": "absent"}
    pages.tables["order_intents"].append({**intent, **asked})


def _an_order_that_can_surface_no_more(pages: Pages) -> None:
    _an_order_that_may_yet_surface(pages, asked_ms_ago=61_000)


def _a_withdrawal_under_way(pages: Pages) -> None:
    pages.journal = [
        line for line in pages.journal if line.get("withdrawal") != "w-2" or line.get("step") != "confirmed"
    ]


def _a_deposit_that_is_held(pages: Pages) -> None:
    """Credited, by a line that was written before."""
    line = pages.line("deposit", deposit="d-2", step="seen")
    pages.journal.append({**line, "step": "held"})


def _a_history_replays_otherwise(pages: Pages) -> None:
    pages.differences.append("cycle-XRP-1: activity 3 got another input")


def _a_secret_is_found(pages: Pages) -> None:
    pages.leaks.append("upbit_secret (plain) in file worker-1.log")


def _a_profit_that_no_fill_made(pages: Pages) -> None:
    _earned(pages, "99999999")


def _a_loss_reported_as_a_profit(pages: Pages) -> None:
    _a_lost_deposit(pages)
    _earned(pages, "2327.95")


def _completed_with_no_profit_reported(pages: Pages) -> None:
    pages.row("cycles")["profit_krw"] = None
    pages.ask("record", 7, profit_krw=None)


def _undone_beyond_its_bound(pages: Pages) -> None:
    """It earned less than the bound, which here demands a gain."""
    pages.row("cycles")["status"] = "COMPENSATED"
    records = sum(call.activity == "record" for call in pages.workflow.calls)
    pages.ask("record", records - 1, status="COMPENSATED")
    pages.circumstances = replace(pages.circumstances, compensation_loss_limit=Decimal("0.05"))


def _undone_and_what_a_venue_lost_written_off(pages: Pages) -> None:
    """The most of its stake is gone, by no trade."""
    _a_lost_deposit(pages)
    pages.row("cycles")["status"] = "COMPENSATED"
    pages.ask("record", 7, status="COMPENSATED")
    pages.circumstances = replace(pages.circumstances, compensation_loss_limit=Decimal("-0.2"))


def _taken_up_again_and_open_since(pages: Pages) -> None:
    """Its reservation was given back, and is open again; another cycle was admitted in between."""
    _with_caps(pages)
    again = START_MS + 60_000
    before = {**pages.row("reservations", cycle_id="ADA-1"), "made_ms": START_MS - 40_000}
    end = replace(pages.workflow.calls[-1], asked={**pages.workflow.calls[-1].asked, "at_ms": START_MS - 20_000})
    run = replace(pages.workflow, workflow_id="cycle-ADA-1", run_id="ada", calls=(end,), started_ms=START_MS - 41_000)
    pages.tables["reservations"][-1] = {**before, "released_ms": None, "amount": "0", "result_krw": None}
    pages.later += [run, replace(run, run_id="ada2", kind="StrandedCycle", calls=(), started_ms=again)]


def _taken_up_again_before_the_next_one(pages: Pages) -> None:
    _taken_up_again_and_open_since(pages)
    pages.later[-1] = replace(pages.later[-1], started_ms=START_MS - 10_000)


def _spent_more_than_was_reserved(pages: Pages) -> None:
    pages.row("reservations")["amount"] = "199"


def _parked_with_a_fill_in_no_book(pages: Pages) -> None:
    for name in ("XRP-1-HB1-1/t3", "XRP-1-HW-1/out", "XRP-1-HW-1/in"):
        pages.drop_entry(name)
    pages.workflow = replace(pages.workflow, status="RUNNING")
    pages.row("cycles").update(status="DEAD_LETTER", reason="lost", closed_ms=None)
    pages.row("reservations")["released_ms"] = None


def _a_stake_above_the_cap(pages: Pages) -> None:
    pages.row("reservations")["stake_krw"] = 10**12


def _a_stake_that_hides_most_of_its_cash(pages: Pages) -> None:
    pages.row("reservations")["stake_krw"] = 29_647


def _booked_by_the_sweep(pages: Pages) -> None:
    pages.ask("record", 3, entries=[])
    pages.row("order_intents", client_order_id="XRP-1-1S1-1")["reason"] = "surfaced after its fence"


def _with_caps(pages: Pages, **tighter: Any) -> None:
    """And another cycle that was admitted and released at a loss before this one."""
    row = pages.row("reservations")
    row["stake_krw"] = 296_475
    before = {**row, "cycle_id": "ADA-1", "made_ms": START_MS - 20_000, "released_ms": START_MS - 10_000}
    pages.tables["reservations"].append({**before, "result_krw": -5_000})
    caps = Caps(1, Decimal(600_000), cycles_per_minute=2, losses_in_a_row=2, day_loss_krw=Decimal(5_001))
    pages.circumstances = replace(pages.circumstances, caps=replace(caps, **tighter))


def _more_open_than_allowed(pages: Pages) -> None:
    _with_caps(pages)
    pages.row("reservations", cycle_id="ADA-1")["released_ms"] = START_MS + 20_000


def _more_in_a_day_than_allowed(pages: Pages) -> None:
    _with_caps(pages, day_krw=Decimal(592_949))


def _begun_faster_than_allowed(pages: Pages) -> None:
    _with_caps(pages, cycles_per_minute=1)


def _admitted_after_too_many_losses(pages: Pages) -> None:
    _with_caps(pages, losses_in_a_row=1)


def _admitted_after_too_large_a_loss(pages: Pages) -> None:
    _with_caps(pages, day_loss_krw=Decimal(5_000))


def _a_sale_that_takes_a_fifth_less(pages: Pages) -> None:
    pages.line("order", client_id="XRP-1-1S1-1")["limit"] = "2460"
    pages.row("order_intents", client_order_id="XRP-1-1S1-1")["limit_price"] = "2460"


def _a_breach_and_nobody_halted(pages: Pages) -> None:
    """A hair below its limit, and booked as it was."""
    pages.line("order", client_id="XRP-1-1S1-1")["limit"] = "3000.1"
    pages.row("order_intents", client_order_id="XRP-1-1S1-1")["limit_price"] = "3000.1"


def _a_breach_and_then_a_halt(pages: Pages) -> None:
    _a_breach_and_nobody_halted(pages)
    set_ms = pages.line("fill", client_id="XRP-1-1S1-1")["ms"] + 500
    pages.tables["halts"] = [{"id": 1, "level": 1, "set_ms": set_ms}]


def _halted_before_the_breach_and_resumed(pages: Pages) -> None:
    _a_breach_and_then_a_halt(pages)
    pages.tables["halts"] = [
        {"id": 1, "level": 1, "set_ms": START_MS + 2_000},
        {"id": 2, "level": 0, "set_ms": START_MS + 4_000},
    ]


def _undone_and_sent_twice(pages: Pages) -> None:
    for name, uuid in (("XRP-1-RW-1", "w-8"), ("XRP-1-RW-2", "w-9")):
        for line in pages.lines("withdrawal", withdrawal="w-1"):
            pages.journal.append({**line, "withdrawal": uuid, "client_id": name})
        intent = pages.row("withdrawal_intents", transfer_id="XRP-1-1W-1")
        pages.tables["withdrawal_intents"].append({**intent, "transfer_id": name, "venue_id": uuid})


def _waits_for_a_look_that_has_passed(pages: Pages) -> None:
    pages.workflow = replace(pages.workflow, status="RUNNING")
    waits = {"waiting_reason": "a way home", "waiting_since_ms": START_MS, "next_check_ms": START_MS + 1_000}
    pages.row("cycles").update(waits, status="AWAITING_REBALANCE", closed_ms=None)
    pages.circumstances = replace(pages.circumstances, read_ms=START_MS + 90_000)


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
    ("I1", _more_reserved_than_there_is),
    ("I1", _a_difference_booked_without_a_cause),
    ("I1", _credited_twice),
    ("I1", _another_difference_than_the_mistake),
    ("I1", _a_difference_booked_before_it_was_there),
    ("I1", _missing_and_it_was_all_there),
    ("I1", _short_and_the_rest_forgotten),
    ("I1", _written_off_and_it_was_never_lost),
    ("I1", _another_fee_in_bnb),
    ("I1", _spent_more_than_was_reserved),
    ("I1", _parked_with_a_fill_in_no_book),
    ("I1", _a_fee_booked_twice),
    ("I1", _a_fee_not_booked),
    ("I2", _a_second_order_of_a_step),
    ("I2", _the_same_client_id_twice),
    ("I2", _an_order_of_nobody),
    ("I2", _an_order_other_than_intended),
    ("I2", _filled_more_than_intended),
    ("I2", _late_and_never_taken_in),
    ("I3", _withdrawn_twice),
    ("I3", _another_withdrawal_of_the_leg),
    ("I3", _undone_and_sent_twice),
    ("I3", _a_wrong_tag),
    ("I3", _a_coin_that_is_not_listed),
    ("I3", _a_withdrawal_of_nobody),
    ("I4", _a_row_without_a_workflow),
    ("I4", _a_row_of_another_run),
    ("I4", _terminated_by_nobody),
    ("I4", _taken_over_though_it_was_well),
    ("I4", _begun_twice),
    ("I4", _terminated_and_left_alone),
    ("I4", _the_row_of_the_run_before),
    ("I4", _reserved_by_a_cycle_that_is_nowhere),
    ("I4", _ended_by_a_failure),
    ("I4", _ended_in_the_row_only),
    ("I4", _parked_without_a_reason),
    ("I4", _begun_and_nowhere),
    ("I4", _started_while_halted),
    ("I5", _coins_left_in_an_ended_cycle),
    ("I5", _coins_that_were_not_its_own),
    ("I5", _something_in_transit_for_ever),
    ("I5", _another_fee_in_bnb),
    ("I6", _the_row_reports_what_the_run_before_reported),
    ("I6", _a_row_behind_its_history),
    ("I6", _a_profit_of_another),
    ("I6", _an_entry_that_nobody_recorded),
    ("I6", _a_record_that_is_not_in_the_ledger),
    ("I6", _a_profit_that_no_fill_made),
    ("I6", _a_loss_reported_as_a_profit),
    ("I6", _fees_in_bnb_that_cost_nothing),
    ("I6", _completed_with_no_profit_reported),
    ("I6", _undone_beyond_its_bound),
    ("I7", _a_stake_above_the_cap),
    ("I7", _a_stake_that_hides_most_of_its_cash),
    ("I7", _more_open_than_allowed),
    ("I7", _taken_up_again_before_the_next_one),
    ("I7", _more_in_a_day_than_allowed),
    ("I7", _begun_faster_than_allowed),
    ("I7", _admitted_after_too_many_losses),
    ("I7", _admitted_after_too_large_a_loss),
    ("I7", _a_sale_that_takes_a_fifth_less),
    ("I7", _a_breach_and_nobody_halted),
    ("I7", _halted_before_the_breach_and_resumed),
    ("I7", _an_intent_after_the_order),
    ("I7", _no_intent_at_all),
    ("I7", _after_its_expiry),
    ("I7", _above_the_cap),
    ("I7", _off_the_price_band),
    ("I7", _against_the_kill_switch),
    ("I7", _withdrawn_against_the_kill_switch),
    ("I7", _opened_by_stale_quotes),
    ("I7", _opened_by_quotes_of_a_time_to_come),
    ("I7", _opened_and_nobody_knows_by_what_quotes),
    ("I7", _opened_at_a_forged_price),
    ("I7", _opened_below_the_market),
    ("I7", _twice_the_fee),
    ("I8", _a_history_replays_otherwise),
    ("I9", _a_secret_is_found),
    ("I10", _it_never_came_to_rest),
    ("I10", _waits_for_a_look_that_has_passed),
    ("I10", _running_and_nobody_knows_why),
    ("I10", _still_trading),
    ("I10", _an_order_that_may_yet_surface),
    ("I10", _a_withdrawal_under_way),
    ("I10", _a_deposit_that_is_held),
    ("I10", _a_fill_not_booked),
    ("I10", _parked_again_and_again),
]


@pytest.mark.parametrize(
    ("invariant", "change"), BROKEN, ids=[f"{invariant}{change.__name__}" for invariant, change in BROKEN]
)
def test_a_broken_invariant_is_reported(invariant: str, change: Change) -> None:
    assert invariant in failing(broken(change))


ALLOWED_FOR: list[Change] = [
    _credited_twice_and_booked,
    _a_short_deposit,
    _a_lost_deposit,
    _fees_in_bnb,
    _taken_over,
    _with_caps,
    _undone_and_what_a_venue_lost_written_off,
    _a_breach_and_then_a_halt,
    _booked_by_the_sweep,
    _opened_by_quotes_as_old_as_they_may_be,
    _opened_while_the_market_moved,
    _a_later_order_far_from_its_book,
    _twice_the_fee_and_a_halt,
    _an_order_that_can_surface_no_more,
]


@pytest.mark.parametrize("change", ALLOWED_FOR, ids=[change.__name__ for change in ALLOWED_FOR])
def test_what_may_happen_at_a_venue_or_by_a_person_is_no_violation(change: Change) -> None:
    assert failing(broken(change)) == {}
    assert all(verdict.holds is Holds.YES for verdict in judge(broken(change)))


def test_a_cycle_that_had_ended_was_not_open_until_it_was_taken_up_again() -> None:
    assert "I7" not in failing(broken(_taken_up_again_and_open_since))


def test_an_order_that_the_venue_executed_late_was_sent_in_time() -> None:
    def late(pages: Pages) -> None:
        pages.row("order_intents", client_order_id="XRP-1-1B1-1")["first_asked_ms"] -= 30_000
        pages.ask("execute_order", 0, expires_at_ms=START_MS - 20_000)

    assert failing(broken(late)) == {}


def test_an_order_expires_by_the_word_of_the_run_that_sent_it() -> None:
    """The run before asked for it too, and was gone before its order was journalled."""

    def asked_by_two(pages: Pages) -> None:
        sent = next(call for call in pages.workflow.calls if call.activity == "execute_order")
        asked = {**sent.asked, "run_id": "the run before", "expires_at_ms": START_MS - 20_000}
        pages.workflow = replace(pages.workflow, calls=(*pages.workflow.calls, replace(sent, asked=asked, done=False)))

    assert failing(broken(asked_by_two)) == {}


def test_an_order_that_surfaced_late_is_taken_in_by_another_run() -> None:
    def late(pages: Pages) -> None:
        _taken_over(pages, decided=0, before="COMPLETED")
        pages.row("order_intents", client_order_id="XRP-1-1S1-1")["first_asked_ms"] -= 30_000

    assert failing(broken(late)) == {}


def test_a_late_fill_may_be_booked_as_external_until_it_is_taken_in() -> None:
    """Balances were compared between the two: what was booked then is booked back later."""

    def twice(pages: Pages) -> None:
        pages.row("order_intents", client_order_id="XRP-1-HB1-1")["first_asked_ms"] -= 30_000
        filled_ms = pages.line("fill", client_id="XRP-1-HB1-1")["ms"]
        pages.row("ledger_entries", entry_id="XRP-1-HB1-1/t3")["booked_ms"] = filled_ms + 70_000
        for name, sign, ms in (("reconciled/1", "", 50_000), ("reconciled/2", "-", 110_000)):
            usdt, krw = f"{sign}200", f"{'' if sign else '-'}295147.5"
            back = [("external", "USDT", usdt), ("external", "KRW", krw)]
            there = [("upbit", "USDT", usdt), ("upbit", "KRW", krw)]
            negative = [(account, asset, str(-Decimal(amount))) for account, asset, amount in back]
            pages.add_entry(name, None, filled_ms + ms, *there, *negative)

    assert failing(broken(twice)) == {}


def test_the_facts_are_told() -> None:
    message = failing(broken(_a_second_order_of_a_step))["I2"]
    assert "cycle XRP-1" in message
    assert "XRP-1-1S1-2" in message


def test_every_invariant_is_broken_once() -> None:
    assert {invariant for invariant, _ in BROKEN} == INVARIANTS


def verdicts_without(source: str) -> dict[str, Verdict]:
    missing: dict[str, Any] = {source: Unread("nobody answered")}
    evidence = replace(clean().evidence(), **missing)
    return {verdict.invariant: verdict for verdict in judge(evidence)}


@pytest.mark.parametrize(
    ("source", "unknown"),
    [
        ("journal", {"I1", "I2", "I3", "I4", "I5", "I6", "I7", "I10"}),
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


def _sale(fee: str, quantity: str = "10") -> Fill:
    return Fill(
        1, 1, "upbit", "order", "XRP-1-1S1-1", "XRP", "sell", Decimal(3000), Decimal(quantity), Decimal(fee), "KRW"
    )


def _booked(fill: Fill) -> Entry:
    return Entry("XRP-1-1S1-1/t", "XRP-1", 1, tuple((*key, amount) for key, amount in fill.movement().items()))


@pytest.mark.parametrize(
    ("booked", "same"),
    [
        ([_sale("15"), _sale("15")], True),
        ([_sale("14"), _sale("16")], True),
        ([_sale("14"), _sale("15")], False),
        ([_sale("30", "20")], False),
        ([_sale("15")], False),
    ],
    ids=["as it was", "shared otherwise", "less in all", "other trades", "one is missing"],
)
def test_of_an_upbit_order_the_fees_are_compared_in_all(booked: list[Fill], same: bool) -> None:  # noqa: FBT001 - expectation
    assert fees_shared_otherwise([_sale("15"), _sale("15")], [_booked(fill) for fill in booked]) is same
