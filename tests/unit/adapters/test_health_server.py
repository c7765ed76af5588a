"""A page of HTML in the place of an answer: what it says to a person, and no more time than it is worth."""

import pytest

from kimp.adapters.binance.errors import classify
from kimp.adapters.venue.answers import HttpAnswer

PAGE = """<!DOCTYPE html>
<HTML><HEAD><TITLE>ERROR: The request could not be satisfied</TITLE>
<STYLE type="text/css">body { color: #000 }</STYLE><script>if (1 < 2) { go() }</script></HEAD>
<BODY><H1>403 ERROR</H1><p class="a">The distribution is configured to block access from your country.</p></BODY>"""


def test_a_page_is_told_by_its_words() -> None:
    error = classify(HttpAnswer(403, PAGE), changes=False)
    assert str(error) == (
        "binance: ERROR: The request could not be satisfied 403 ERROR The distribution is configured to block access"
        " from your country. [HTTP 403]"
    )


def test_what_is_no_page_is_told_whole() -> None:
    assert "1 < 2 and no page" in str(classify(HttpAnswer(500, "1 < 2 and no page"), changes=False))


@pytest.mark.timeout(20)
@pytest.mark.parametrize("tag", ["<script ", "<", "<style></script>", "<a"])
def test_a_page_without_ends_costs_little(tag: str) -> None:
    """Reading on from each of its tags to the page's end would hold all other calls of the process up for minutes."""
    assert classify(HttpAnswer(403, tag * 200_000), changes=False).code == "HTTP 403"
