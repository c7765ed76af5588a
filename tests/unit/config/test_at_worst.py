"""docs/security.md says what can be lost at worst, in won: each figure is what follows from the defaults."""

import re
from decimal import Decimal

import pytest
from architecture.project import ROOT

from kimp.config.trading import CapSettings, TradingSettings
from kimp.domain.caps import ORDER_CEILING_KRW

CAPS, TRADING = CapSettings(), TradingSettings()
SECTION = (ROOT / "docs/security.md").read_text().partition("## At worst, in won\n")[2].partition("\n## ")[0]
INTRODUCTION = " ".join(SECTION.partition("| who holds")[0].split())
ROWS = {line.split(" | ")[0].removeprefix("| "): line for line in SECTION.splitlines() if line.startswith("| ")}

HOME, UNDONE = -TRADING.rebalance_loss_limit, -TRADING.compensation_loss_limit
A_CYCLE, AN_UNDONE_CYCLE = CAPS.cycle_krw * HOME, CAPS.cycle_krw * UNDONE
ALL_OPEN_UNDONE = CAPS.open_cycles * AN_UNDONE_CYCLE
WORDS = dict(enumerate(("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")))
RATES = f"within {TRADING.least_krw_per_usdt:,} and {TRADING.most_krw_per_usdt:,} won"


def won(amount: Decimal) -> str:
    return f"{amount:,.0f}"


def percent(ratio: Decimal) -> str:
    return f"{(ratio * 100).normalize():f} %"


def test_the_limits_that_the_table_starts_from() -> None:
    assert CAPS.order_krw == CAPS.cycle_krw, "the text gives one figure for both"
    assert (
        f"an order and a cycle {won(CAPS.cycle_krw)} won, {WORDS[CAPS.open_cycles]} cycles open, a day's loss "
        f"{won(CAPS.day_loss_krw)}, a way home at most {percent(HOME)} below what was spent, undone at most "
        f"{percent(UNDONE)}"
    ) in INTRODUCTION


@pytest.mark.parametrize(
    ("who", "words"),
    [
        (
            "the feeder's user of Redis",
            (
                f"{won(A_CYCLE)} a cycle; {won(AN_UNDONE_CYCLE)} if it is undone. "
                f"In a day {won(CAPS.day_loss_krw)}, where the latch closes, "
                f"and {CAPS.open_cycles} x {won(AN_UNDONE_CYCLE)} of cycles that are open then: "
                f"{won(CAPS.day_loss_krw + ALL_OPEN_UNDONE)}"
            ),
        ),
        ("the feeder's user of Redis", f"stake of an opening within {percent(TRADING.price_band)} of the venues'"),
        ("the feeder's user of Redis", RATES),
        ("the database's user", f"{won(AN_UNDONE_CYCLE)} a cycle"),
        ("the database's user", f"one more order of at most {won(CAPS.order_krw)}"),
        ("the database's user", f"({won(ORDER_CEILING_KRW)} an order)"),
        ("a Temporal client, histories not encrypted", f"orders of at most {won(ORDER_CEILING_KRW)} each"),
        ("the same, histories encrypted", f"the cycles that it cancels: {won(AN_UNDONE_CYCLE)} each"),
        ("a venue that answers badly", f"{CAPS.open_cycles} x {won(CAPS.cycle_krw)} at once"),
    ],
)
def test_a_row_says_what_follows_from_them(who: str, words: str) -> None:
    assert words in ROWS[who]


def test_no_other_sum_stands_there() -> None:
    """One that is added must be recomputed here too."""
    amounts = (
        *(CAPS.cycle_krw, CAPS.day_loss_krw, ORDER_CEILING_KRW, TRADING.most_krw_per_usdt),
        *(A_CYCLE, AN_UNDONE_CYCLE, CAPS.day_loss_krw + ALL_OPEN_UNDONE),
    )
    assert set(re.findall(r"\d+(?:,\d{3})+", SECTION)) == {won(amount) for amount in amounts}
