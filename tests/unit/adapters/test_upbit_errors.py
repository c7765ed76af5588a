"""Every row of the venue's error table: what it proves decides whether an order may be sent again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimp.adapters.upbit.errors import MEANINGS, REFUSALS, classify, code_of
from kimp.adapters.venue.answers import HttpAnswer
from kimp.domain.errors import KeyRefused, NotFound, OutcomeUnknown, Rejected, Unavailable, VenueError


def upbit(status: int, name: str, body: str = "") -> HttpAnswer:
    return HttpAnswer(status, body or f'{{"error":{{"name":"{name}","message":"no"}}}}', name, "no")


TABLE: list[tuple[str, HttpAnswer, type[VenueError]]] = [
    ("a 200 that is empty", HttpAnswer(200, ""), OutcomeUnknown),
    ("a 200 that is garbage", HttpAnswer(200, "<html>"), OutcomeUnknown),
    ("a refusal that comes as a success", upbit(200, "insufficient_funds_bid"), OutcomeUnknown),
    ("a refusal that comes as a server's failure", upbit(500, "insufficient_funds_bid"), OutcomeUnknown),
    ("504 text", HttpAnswer(504, "gateway timeout"), OutcomeUnknown),
    ("408 text", HttpAnswer(408, "timeout"), OutcomeUnknown),
    ("403 page of a firewall", HttpAnswer(403, "<html>blocked</html>"), OutcomeUnknown),
    ("400 text", HttpAnswer(400, "bad"), OutcomeUnknown),
    ("429 text", HttpAnswer(429, "Too many API requests."), Unavailable),
    ("429 JSON", upbit(429, "too_many_requests"), Unavailable),
    ("418 text", HttpAnswer(418, "I'm a teapot"), Unavailable),
    ("418 JSON", upbit(418, "banned"), Unavailable),
    ("500 JSON", upbit(500, "server_error"), OutcomeUnknown),
    ("no money to buy", upbit(400, "insufficient_funds_bid"), Rejected),
    ("no coins to sell", upbit(400, "insufficient_funds_ask"), Rejected),
    ("unknown order", upbit(404, "order_not_found"), NotFound),
    ("unknown withdrawal", upbit(404, "withdraw_not_found"), NotFound),
    ("right missing", upbit(403, "out_of_scope"), KeyRefused),
    ("wrong key", upbit(401, "invalid_access_key"), KeyRefused),
    ("wrong secret", upbit(401, "jwt_verification"), KeyRefused),
    ("key expired", upbit(401, "expired_access_key"), KeyRefused),
    ("key locked in the app", upbit(403, "open_api_withdraw_locked"), KeyRefused),
    ("address not registered", upbit(400, "withdraw_address_not_registered"), KeyRefused),
    ("wrong IP", upbit(401, "no_authorization_ip"), KeyRefused),
    ("identifier used before", upbit(400, "duplicated_identifier"), OutcomeUnknown),
    ("too small, buy", upbit(400, "under_min_total_bid"), Rejected),
    ("too small, sell", upbit(400, "under_min_total_ask"), Rejected),
    ("off tick, buy", upbit(400, "invalid_price_bid"), Rejected),
    ("off tick, sell", upbit(400, "invalid_price_ask"), Rejected),
    ("too large", upbit(400, "over_krw_funds_bid"), Rejected),
    ("hash does not match", upbit(401, "invalid_query_payload"), Rejected),
    ("maintenance", upbit(403, "market_offline"), Unavailable),
    ("unclear refusal, buy", upbit(400, "create_bid_error"), OutcomeUnknown),
    ("unclear refusal, sell", upbit(400, "create_ask_error"), OutcomeUnknown),
    ("nonce seen: a copy may have gone through", upbit(401, "nonce_used"), OutcomeUnknown),
    ("a name nobody knows", upbit(400, "something_new"), OutcomeUnknown),
]


@pytest.mark.parametrize(("answer", "kind"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_an_answer_to_an_order_proves_what_the_table_says(answer: HttpAnswer, kind: type[VenueError]) -> None:
    assert type(classify(answer, changes=True)) is kind


@pytest.mark.parametrize("answer", [row[1] for row in TABLE if row[2] is OutcomeUnknown])
def test_a_read_may_be_repeated_whatever_became_of_it(answer: HttpAnswer) -> None:
    assert type(classify(answer, changes=False)) is Unavailable


@given(
    status=st.integers(100, 599),
    code=st.sampled_from(sorted(REFUSALS.rejected | REFUSALS.key | REFUSALS.absent)) | st.text(max_size=30),
    body=st.text(max_size=300),
)
def test_only_a_known_code_with_a_client_status_is_a_definite_no(status: int, code: str, body: str) -> None:
    error = classify(HttpAnswer(status, body, code), changes=True)
    if isinstance(error, Rejected):
        assert 400 <= status < 500
    assert "\n" not in str(error)
    assert len(str(error)) < 400


def test_a_pause_is_the_one_asked_for() -> None:
    asked = classify(HttpAnswer(429, "", headers={"retry-after": "7"}), changes=True)
    banned = classify(HttpAnswer(418, "", headers={"Retry-After": "soon"}), changes=True)
    assert isinstance(asked, Unavailable)
    assert isinstance(banned, Unavailable)
    assert (asked.retry_after, banned.retry_after) == (7, 60)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ({"error": {"name": "x", "message": "y"}}, ("x", "y")),
        ({"error": {"name": "out_of_scope", "message": "no right"}}, ("out_of_scope", "no right")),
        ({"error": {"name": "out_of_scope", "message": ""}}, ("out_of_scope", MEANINGS["out_of_scope"])),
        ({"error": {"name": "out_of_scope", "message": "권한"}}, ("out_of_scope", MEANINGS["out_of_scope"])),
        ({"error": {"name": "new_one", "message": "권한"}}, ("new_one", "권한")),
        ({"error": {"name": 400, "message": "y"}}, ("400", "y")),
        ({"error": "broken"}, ("", "broken")),
        ({"uuid": "1"}, None),
        ([], None),
        (None, None),
    ],
)
def test_an_error_body_is_recognised(content: object, found: tuple[str, str] | None) -> None:
    assert code_of(content) == found
