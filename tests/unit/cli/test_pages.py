"""What each key of the live view does."""

import pytest

from kimp.cli.pages import BACK, KEYS, MESSAGE_SHOWN_FOR, Navigation, Quit, SetHalt
from kimp.domain.admission import HaltLevel


def pressed(*keys: str) -> tuple[Navigation, object]:
    pages = Navigation()
    pages.show_cycles(["XRP-1", "SOL-2", "TRX-3"])
    done: object = None
    for key in keys:
        done = pages.press(key)
    return pages, done


def test_the_keys_fit_a_narrow_terminal() -> None:
    pages, _ = pressed("h")
    assert pages.question is not None
    resuming, _ = pressed("r")
    assert resuming.question is not None
    assert max(map(len, (KEYS, BACK, pages.question, resuming.question))) <= 80


@pytest.mark.parametrize("level", [1, 2, 3])
def test_a_halt_takes_two_keys(level: int) -> None:
    assert pressed("h")[1] is None
    assert pressed("h", str(level))[1] == SetHalt(HaltLevel(level))


@pytest.mark.parametrize(
    "keys", [("h", "h"), ("h", "0"), ("h", "q"), ("h", "escape"), ("r", "n"), ("r", "enter"), ("1",)]
)
def test_any_other_key_leaves_the_kill_switch_as_it_is(keys: tuple[str, ...]) -> None:
    pages, done = pressed(*keys)
    assert done is None
    assert pages.question is None


def test_resuming_takes_a_yes() -> None:
    assert pressed("r", "y")[1] == SetHalt(HaltLevel.RUN)


@pytest.mark.parametrize("page", ["c", "m", "b", "a"])
def test_q_quits_from_every_page(page: str) -> None:
    assert pressed(page, "q")[1] == Quit()


def test_enter_looks_closer_at_the_selected_cycle_and_escape_leads_back() -> None:
    pages, _ = pressed("enter")
    assert pages.page == "overview", "nothing was selected"
    pages, _ = pressed("down", "down", "enter")
    assert (pages.page, pages.selected) == ("cycle", "SOL-2")
    pages.press("escape")
    assert pages.page == "overview"


def test_the_selection_stays_within_what_is_shown_and_with_its_cycle() -> None:
    pages, _ = pressed(*["down"] * 9)
    assert pages.selected == "TRX-3"
    pages.press("page up")
    assert pages.selected == "XRP-1"
    pages.show_cycles(["ADA-4", "XRP-1"])
    assert pages.selected == "XRP-1"
    pages.show_cycles(["ADA-4"])
    assert pages.selected is None


def test_a_page_scrolls_and_begins_at_its_top_when_it_is_opened() -> None:
    pages, _ = pressed("c", "down", "page down", "up")
    assert pages.scrolled == 10
    pages.press("m")
    assert pages.scrolled == 0
    pages.press("up")
    assert pages.scrolled == 0


def test_what_was_said_gives_way_to_the_keys_after_a_while() -> None:
    pages, _ = pressed("h", "x")
    for _ in range(MESSAGE_SHOWN_FOR - 1):
        pages.looked()
    assert pages.footer == "left as it was"
    pages.looked()
    assert pages.footer == KEYS


def test_what_was_said_stays_until_the_next_key() -> None:
    pages, _ = pressed("h", "x")
    assert pages.footer == "left as it was"
    pages.press("down")
    assert pages.footer == KEYS
