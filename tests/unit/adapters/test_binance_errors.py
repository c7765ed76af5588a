"""Every row of the venue's error table: what it proves decides whether an order may be sent again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimp.adapters.binance.errors import REFUSALS, classify, code_of
from kimp.adapters.binance.keys import key_facts
from kimp.adapters.venue.answers import HttpAnswer
from kimp.domain.errors import (
    BadMessage,
    KeyRefused,
    NotFound,
    NotPermitted,
    OutcomeUnknown,
    Rejected,
    Unavailable,
    VenueError,
)


def binance(code: int, message: str = "no", status: int = 400) -> HttpAnswer:
    return HttpAnswer(status, f'{{"code":{code},"msg":"{message}"}}', str(code), message)


TABLE: list[tuple[str, HttpAnswer, type[VenueError]]] = [
    ("a 200 that is empty", HttpAnswer(200, ""), OutcomeUnknown),
    ("a 200 that is garbage", HttpAnswer(200, "<html>"), OutcomeUnknown),
    ("5xx text", HttpAnswer(502, "bad gateway"), OutcomeUnknown),
    ("504 text", HttpAnswer(504, "gateway timeout"), OutcomeUnknown),
    ("403 page of a firewall", HttpAnswer(403, "<html>blocked</html>"), OutcomeUnknown),
    ("429 text", HttpAnswer(429, "slow down"), Unavailable),
    ("418 text", HttpAnswer(418, "banned"), Unavailable),
    ("no balance", binance(-2010, "Account has insufficient balance for requested action."), Rejected),
    ("sent before", binance(-2010, "Duplicate order sent."), OutcomeUnknown),
    ("not for this account", binance(-2010, "This symbol is not permitted for this account."), NotPermitted),
    ("not for this key", binance(-2010, "Symbol not whitelisted for API key."), NotPermitted),
    ("restricted for this account", binance(-2010, "This symbol is restricted for this account."), NotPermitted),
    (
        "not for this account, as a failure",
        binance(-2010, "This symbol is not permitted for this account.", status=500),
        OutcomeUnknown,
    ),
    ("account disabled", binance(-2010, "This action is disabled on this account."), KeyRefused),
    ("account disabled, as it is spelt", binance(-2010, "This action disabled is on this account."), KeyRefused),
    ("account may not trade", binance(-2010, "This account may not place or cancel orders."), KeyRefused),
    ("REST is closed", binance(-2010, "Rest API trading is not enabled."), Unavailable),
    ("market halted", binance(-1013, "Market is closed."), Unavailable),
    ("market halted, by another code", binance(-2010, "Market is closed."), Unavailable),
    ("market halted, by a third one", binance(-1010, "Market is closed."), Unavailable),
    ("market halted, as a server's failure", binance(-2010, "Market is closed.", status=500), OutcomeUnknown),
    ("lot", binance(-1013, "Filter failure: LOT_SIZE"), Rejected),
    ("tick", binance(-1013, "Filter failure: PRICE_FILTER"), Rejected),
    ("price band", binance(-1013, "Filter failure: PERCENT_PRICE_BY_SIDE"), Rejected),
    ("notional", binance(-1013, "Filter failure: NOTIONAL"), Rejected),
    ("a refusal that comes as a server's failure", binance(-1013, status=500), OutcomeUnknown),
    ("parameter missing", binance(-1102), Rejected),
    ("precision", binance(-1111), Rejected),
    ("symbol", binance(-1121), Rejected),
    ("cancel refused", binance(-2011), NotFound),
    ("unknown order", binance(-2013), NotFound),
    ("clock", binance(-1021), Unavailable),
    ("signature", binance(-1022), KeyRefused),
    ("key format", binance(-2014), KeyRefused),
    ("key, IP or right", binance(-2015, status=401), KeyRefused),
    ("not authorised", binance(-1002, status=401), KeyRefused),
    ("too much weight", binance(-1003), Unavailable),
    ("too many orders", binance(-1015), Unavailable),
    ("unknown error", binance(-1000), OutcomeUnknown),
    ("disconnected inside", binance(-1001), OutcomeUnknown),
    ("unexpected response inside", binance(-1006), OutcomeUnknown),
    ("timed out inside", binance(-1007, status=408), OutcomeUnknown),
    ("server busy", binance(-1004, status=503), Unavailable),
    ("overloaded", binance(-1008, status=503), Unavailable),
    ("withdrawal limit", binance(-4005), Rejected),
    ("withdrawal closed", binance(-4007), Rejected),
    ("withdrawal closed, deposit", binance(-4008), Rejected),
    ("withdrawal, address", binance(-4015), Rejected),
    ("withdrawal, account", binance(-4016), Rejected),
    ("withdrawal, asset", binance(-4019), Rejected),
    ("withdrawal, balance", binance(-4026), Rejected),
    ("withdrawal, risk control", binance(-4060), Unavailable),
    ("withdrawal, travel rule", binance(-4104), Unavailable),
    ("withdrawal, tag not taken", binance(-4106), Rejected),
    ("a code nobody knows", binance(-9999), OutcomeUnknown),
]


@pytest.mark.parametrize(("answer", "kind"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_an_answer_to_an_order_proves_what_the_table_says(answer: HttpAnswer, kind: type[VenueError]) -> None:
    assert type(classify(answer, changes=True)) is kind


@pytest.mark.parametrize("code", [*range(-1109, -1099), -1111, -1112, *range(-1131, -1113)])
def test_a_request_of_a_wrong_form_is_refused_for_certain(code: int) -> None:
    assert type(classify(binance(code), changes=True)) is Rejected


@pytest.mark.parametrize("code", [-1099, -1110, -1113, -1132])
def test_codes_beside_those_of_forms_prove_nothing(code: int) -> None:
    assert type(classify(binance(code), changes=True)) is OutcomeUnknown


@pytest.mark.parametrize(
    ("code", "words", "pause_s"),
    [
        (-1003, "Too many requests.", 10),
        (-1015, "Too many new orders.", 10),
        (-1004, "Server is busy, please wait and try again", 2),
        (-1008, "Request throttled by system-level protection.", 5),
        (-1021, "Timestamp for this request is outside of the recvWindow.", 1),
        (-1013, "Market is closed.", 30),
        (-1013, "REST API trading is not enabled.", 60),
    ],
)
def test_where_binance_names_no_pause_it_is_asked_again_after_one_of_its_kind(
    code: int, words: str, pause_s: int
) -> None:
    reported = classify(HttpAnswer(400, "", str(code), words), changes=True)
    assert isinstance(reported, Unavailable)
    assert reported.retry_after == pause_s
    assert str(code) in str(reported)


@pytest.mark.parametrize(
    "code",
    [-4003, -4005, -4007, -4008, -4015, -4016, -4018, -4019, -4021, -4022, -4026, -4106],
)
def test_a_refused_withdrawal_is_a_definite_no(code: int) -> None:
    """By the wallet's own codes: wallet closed, amount, address or tag refused, travel rule."""
    assert type(classify(binance(code), changes=True)) is Rejected


@pytest.mark.parametrize("content", [None, [], {}, {"enableReading": True, "enableWithdrawals": "yes"}])
def test_rights_of_another_form_are_none(content: object) -> None:
    with pytest.raises(BadMessage):
        key_facts(content)


@pytest.mark.parametrize("answer", [row[1] for row in TABLE if row[2] is OutcomeUnknown])
def test_a_read_may_be_repeated_whatever_became_of_it(answer: HttpAnswer) -> None:
    assert type(classify(answer, changes=False)) is Unavailable


@given(
    status=st.integers(100, 599),
    code=st.sampled_from(sorted(REFUSALS.rejected | REFUSALS.key | REFUSALS.absent))
    | st.integers(-9999, 9999).map(str),
    body=st.text(max_size=300),
)
def test_only_a_known_code_with_a_client_status_is_a_definite_no(status: int, code: str, body: str) -> None:
    if isinstance(classify(HttpAnswer(status, body, code), changes=True), Rejected):
        assert 400 <= status < 500


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ({"code": -1013, "msg": "y"}, ("-1013", "y")),
        ({"success": False, "msg": "y"}, ("", "y")),
        ({"code": 200, "msg": "success"}, None),
        ({"orderId": 1}, None),
        ([{"code": -1}], None),
        (None, None),
    ],
)
def test_an_error_body_is_recognised(content: object, found: tuple[str, str] | None) -> None:
    assert code_of(content) == found
