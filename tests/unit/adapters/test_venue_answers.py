"""What an answer of any venue proves, and what is told of it."""

import pytest

from kimp.adapters.venue.answers import HttpAnswer, Refusals, judge, text_at
from kimp.domain.errors import KeyRefused, NotFound, OutcomeUnknown, Rejected, Unavailable, VenueError
from kimp.domain.venues import Venue

NOTHING_KNOWN = Refusals(rejected=frozenset(), key=frozenset(), absent=frozenset(), not_executed={})
PAGE = "<html><head><STYLE>b {}</STYLE><script>let a = '<b>'</script></head><p>Bad\n <b>gate\x07way</b></p></html>"


@pytest.mark.parametrize(
    ("body", "reported"),
    [
        (PAGE, "Bad gateway"),
        ("busy<script>never ends", "busy"),
        ("a < b", "a < b"),
        ("", "an empty answer"),
        ("<p></p>", "an empty answer"),
        ("x" * 900, "x" * 200),
    ],
)
def test_an_answer_that_is_a_page_is_told_by_its_text_in_one_short_line(body: str, reported: str) -> None:
    error = judge(Venue.UPBIT, HttpAnswer(502, body), NOTHING_KNOWN, changes=False)
    assert str(error) == f"upbit: {reported} [HTTP 502]"


def test_the_venues_own_message_and_code_come_before_its_page_and_are_cut() -> None:
    error = judge(Venue.UPBIT, HttpAnswer(400, PAGE, "c" * 90, "no\nsuch coin"), NOTHING_KNOWN, changes=True)
    assert str(error) == f"upbit: no such coin [{'c' * 60}]"


@pytest.mark.parametrize(
    ("name", "text"), [("code", "-1003"), ("number", "7"), ("flag", "True"), ("list", ""), ("absent", "")]
)
def test_a_field_of_an_error_body_is_text(name: str, text: str) -> None:
    assert text_at({"code": "-1003", "number": 7, "flag": True, "list": [1]}, name) == text


ONE_OF_EACH = Refusals(
    rejected=frozenset({"rejected"}), key=frozenset({"key"}), absent=frozenset({"absent"}), not_executed={"later": 9}
)


@pytest.mark.parametrize("status", [200, 299, 300, 307, 399, 400, 499, 500, 599])
@pytest.mark.parametrize(("code", "refusal"), [("rejected", Rejected), ("key", KeyRefused), ("absent", NotFound)])
@pytest.mark.parametrize("changes", [True, False])
def test_a_refusal_is_one_only_under_a_clients_status(
    status: int, code: str, refusal: type[VenueError], *, changes: bool
) -> None:
    unproved = OutcomeUnknown if changes else Unavailable
    error = judge(Venue.UPBIT, HttpAnswer(status, "", code), ONE_OF_EACH, changes=changes)
    assert type(error) is (refusal if 400 <= status < 500 else unproved)


@pytest.mark.parametrize(("status", "proved"), [(302, False), (400, True), (503, True)])
def test_what_was_not_executed_may_go_again_after_its_pause_but_not_behind_a_redirect(
    status: int, *, proved: bool
) -> None:
    error = judge(Venue.UPBIT, HttpAnswer(status, "", "later"), ONE_OF_EACH, changes=True)
    assert type(error) is (Unavailable if proved else OutcomeUnknown)
    assert getattr(error, "retry_after", None) == (9 if proved else None)
